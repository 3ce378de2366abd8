from __future__ import annotations

import pyarrow as pa
import pytest

from corpus.crawl.charset import clean, decode

GERMAN = "<html><p>Größe, Änderung und Straße: süße Übung für jeden Tag im Büro.</p></html>"
RUSSIAN = "<html><p>Быстрая коричневая лиса прыгает через ленивую собаку каждый день.</p></html>"
JAPANESE = "<html><p>この関数は二つの引数を取り、結果を返します。例外も投げます。</p></html>"


def meta(text: str, label: str) -> str:
    return text.replace("<p>", f'<meta http-equiv="Content-Type" content="text/html; charset={label}"><p>')


@pytest.mark.parametrize(
    ("payload", "declared", "text", "charset"),
    [
        (GERMAN.encode(), "", GERMAN, "utf-8"),
        (GERMAN.encode(), "iso-8859-1", GERMAN, "utf-8"),  # the header is wrong, the bytes are not
        (b"\xef\xbb\xbf" + GERMAN.encode(), "", GERMAN, "utf-8"),
        (b"\xff\xfe" + GERMAN.encode("utf-16-le"), "", GERMAN, "utf-16-le"),
        (b"\xfe\xff" + GERMAN.encode("utf-16-be"), "", GERMAN, "utf-16-be"),
        (GERMAN.encode("utf-16-le"), "utf-16le", GERMAN, "utf-16-le"),
        (GERMAN.encode("latin-1"), "latin-1", GERMAN, "cp1252"),
        (GERMAN.encode("latin-1"), "", GERMAN, "cp1252"),
        (meta(RUSSIAN, "koi8-r").encode("koi8-r"), "", meta(RUSSIAN, "koi8-r"), "koi8-r"),
        (RUSSIAN.encode("cp1251"), "windows-1251", RUSSIAN, "cp1251"),
        (RUSSIAN.encode("cp1251"), "no-such-charset", RUSSIAN, "cp1251"),
        (meta(JAPANESE, "Shift_JIS").encode("shift_jis"), "", meta(JAPANESE, "Shift_JIS"), "shift_jis"),
        (JAPANESE.encode("euc-jp"), "euc-jp", JAPANESE, "euc_jp"),
    ],
)
def test_pages_are_read_in_their_own_encoding(payload: bytes, declared: str, text: str, charset: str) -> None:
    assert decode(payload, declared) == (text, charset)


@pytest.mark.parametrize("label", ["punycode", "unicode_escape", "idna", "hex", "zlib", "undefined", "rot13"])
def test_a_page_cannot_choose_a_codec_that_is_no_encoding(label: str) -> None:
    text, _ = decode(GERMAN.encode("latin-1"), label)
    assert text == GERMAN


def test_what_arrow_refuses_is_cleaned() -> None:
    text = clean("a\0b\ud800c")
    assert text == "a\ufffdb\ufffdc"
    pa.array([text], pa.string())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UnicodeError):
        decode(bytes(range(256)) * 40 + b"\0" * 5000)
