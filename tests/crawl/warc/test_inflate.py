from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.crawl.warc.inflate import Body, BodyError, decode_body, unchunk

PAGE = b"<html><p>" + b" ".join(b"word%d" % n for n in range(3000)) + b"</p></html>"
CAP = 1 << 20
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "deflate": lambda data: zlib.compress(data, 1),
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstandard.compress,
}


def decode(body: bytes, encoding: str = "", transfer: str = "", cap: int = CAP) -> Body:
    return decode_body(body, encoding=encoding, transfer=transfer, cap=cap)


def reason(body: bytes, encoding: str = "", transfer: str = "", cap: int = CAP) -> str:
    with pytest.raises(BodyError) as caught:
        decode(body, encoding, transfer, cap)
    return caught.value.reason


def chunks(body: bytes, size: int = 1000, end: bytes = b"0\r\n\r\n") -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%X\r\n%s\r\n" % (len(part), part) for part in parts) + end


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("label", ["{}", "{} ", " {}", "x-{}", "identity, {}", "{}, utf-8"])
def test_each_encoding_is_undone_under_all_its_names(name: str, label: str) -> None:
    for written in (label.format(name), label.format(name).upper()):
        assert decode(PACKERS[name](PAGE), written) == Body(PAGE)


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", PACKERS)
def test_encodings_on_top_of_each_other_are_undone_from_the_last(outer: str, inner: str) -> None:
    body = PACKERS[outer](PACKERS[inner](PAGE))
    assert decode(body, f"{inner}, {outer}") == Body(PAGE)
    assert decode(chunks(body), f"{inner}, {outer}", "chunked") == Body(PAGE)


def test_more_encodings_than_servers_use_are_refused() -> None:
    body = PAGE
    for _ in range(5):
        body = gzip.compress(body)
    assert decode(gzip.decompress(body), "gzip,gzip,gzip,gzip") == Body(PAGE)
    assert reason(body, "gzip,gzip,gzip,gzip,gzip") == "bad_encoding"


@pytest.mark.parametrize("name", PACKERS)
def test_a_body_that_ends_early_gives_what_is_there_and_says_so(name: str) -> None:
    body = PACKERS[name](PAGE)
    for cut in range(400, len(body), 97):
        found = decode(body[:cut], name)
        assert PAGE.startswith(found.data) and not found.complete


def test_deflate_is_taken_with_and_without_its_header_and_for_gzip() -> None:
    for wbits in (15, -15, 31):
        packer = zlib.compressobj(wbits=wbits)
        assert decode(packer.compress(PAGE) + packer.flush(), "deflate") == Body(PAGE)


@pytest.mark.parametrize("name", PACKERS)
def test_a_body_that_the_crawler_decoded_already_is_taken_as_it_is(name: str) -> None:
    assert decode(PAGE, name) == Body(PAGE)
    assert decode(PAGE, name, "chunked") == Body(PAGE)


@pytest.mark.parametrize("name", ["deflate", "br", "zstd", "compress"])
def test_bytes_that_are_neither_encoded_nor_markup_are_an_error(name: str) -> None:
    assert reason(b"\x1f\x9d\x90" + bytes(range(200, 256)) * 9, name) == "bad_encoding"


@pytest.mark.parametrize("name", PACKERS)
def test_damage_within_a_body_is_an_error_or_other_text_but_nothing_else(name: str) -> None:
    body = PACKERS[name](PAGE)
    for at in range(0, len(body), 53):
        try:
            decode(body[:at] + bytes([body[at] ^ 0x55]) + body[at + 1 :], name)
        except BodyError as error:
            assert error.reason in ("bad_encoding", "too_large")


@given(
    st.binary(max_size=200),
    st.sampled_from(["", *(pack(PAGE)[:60].hex() for pack in PACKERS.values())]),
    st.lists(st.sampled_from([*PACKERS, "compress", "identity", "x-gzip", "?", ""]), max_size=6),
    st.sampled_from(["", "chunked", "gzip, chunked"]),
)
@example(b"1\r\n", "", ["br"], "chunked")
@settings(max_examples=400, deadline=None, derandomize=True)
def test_any_bytes_under_any_headers_end_in_a_body_or_a_reason(
    data: bytes, head: str, names: list[str], transfer: str
) -> None:
    try:
        assert len(decode(bytes.fromhex(head) + data, ",".join(names), transfer).data) <= CAP
    except BodyError as error:
        assert error.reason in ("bad_encoding", "too_large")


def test_chunks_are_joined_whatever_their_lines_look_like() -> None:
    assert unchunk(b"5;a=b\r\nhello\r\n 3 \n, w\n5\r\norld!0\r\nTrailer: x\r\n\r\n") == Body(b"hello, world!")
    assert unchunk(chunks(PAGE)) == Body(PAGE)
    assert unchunk(b"0\r\n\r\n") == Body(b"")


@pytest.mark.parametrize("end", [b"", b"zz\r\nnext", b"7", b"<p>more"])
def test_chunks_that_break_off_give_what_came_before(end: bytes) -> None:
    assert unchunk(chunks(PAGE, end=end)) == Body(PAGE, False)
    assert unchunk(chunks(PAGE)[:500]) == Body(PAGE[: 500 - 5], False)


@pytest.mark.parametrize(
    "body", [PAGE, b"", b"-5\r\nhello", b"+5\r\nhello", b"1_0\r\nx", "٣\r\nabc".encode()]
)
def test_what_does_not_begin_with_a_chunk_is_not_chunked(body: bytes) -> None:
    assert unchunk(body) == Body(body)


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_stopped_at_the_cap_without_the_memory(name: str) -> None:
    """400 MB behind each encoding, and behind two: under a limit of address space that it would break."""
    code = (
        "import resource, sys\n"
        "from corpus.crawl.warc.inflate import BodyError, decode_body\n"
        "from tests.crawl.warc.test_inflate import PACKERS\n"
        f"bomb = PACKERS[{name!r}](bytes(400 << 20))\n"
        "bombs = [(bomb, sys.argv[1]), (PACKERS[sys.argv[1]](bomb), f'{sys.argv[1]},{sys.argv[1]}')]\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used() + (200 << 20), -1))\n"
        "for body, encoding in bombs:\n"
        "    try:\n"
        "        decode_body(body, encoding=encoding, transfer='', cap=20 << 20)\n"
        "    except BodyError as error:\n"
        "        print(error.reason)\n"
    )
    used = "def used():\n    with open('/proc/self/statm') as f:\n        return int(f.read().split()[0]) * 4096\n"
    done = subprocess.run(
        [sys.executable, "-c", used + code, name], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["too_large", "too_large"], done.stderr
