"""All real archives of other projects' test collections, with what is in each.

The counts were compared with warcio and FastWARC, and the test repeats that for all files but those in
`NEITHER`, which neither of the two reads to the end.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator as FastWarcIterator
from warcio.archiveiterator import ArchiveIterator

from tests.crawl.archives import read, uncovered

# file: (records by type, problems, damaged ranges)
EXPECTED: dict[str, tuple[str, str, list[tuple[int, int, str]]]] = {
    "archivesunleashed-aut/badexample.arc.gz": (
        "response 5 warcinfo 1",
        "bad_length 2 truncated 1",
        [(0, 1221, "truncated")],
    ),
    "archivesunleashed-aut/example.arc.gz": ("response 299 warcinfo 1", "", []),
    "archivesunleashed-aut/example.docs.warc.gz": ("request 9 response 9 warcinfo 3", "", []),
    "archivesunleashed-aut/example.pdf.warc.gz": ("request 37 response 35 revisit 2 warcinfo 2", "", []),
    "archivesunleashed-aut/example.txt.warc.gz": ("request 2 response 2 warcinfo 2", "", []),
    "archivesunleashed-aut/example.warc.gz": ("metadata 261 request 261 response 299 warcinfo 1", "", []),
    "archivesunleashed-aut/issue-493.warc": ("request 15 response 10 revisit 5 warcinfo 2", "", []),
    "archivesunleashed-aut/issue-514.warc": ("metadata 1 request 2 resource 2 response 2 warcinfo 1", "", []),
    "chatnoir-resiliparse/block-sized-records.warc": ("unknown 3", "", []),
    "chatnoir-resiliparse/block-sized-records.warc.gz": ("unknown 3", "", []),
    "chatnoir-resiliparse/block-sized-records.warc.lz4": ("unknown 3", "", []),
    "chatnoir-resiliparse/clipped.warc.gz": ("response 1", "truncated 1", [(0, 18184, "truncated")]),
    "chatnoir-resiliparse/clueweb-quirk.warc.gz": ("response 29 warcinfo 1", "", []),
    "chatnoir-resiliparse/warcfile.warc": ("metadata 16 request 17 response 16 warcinfo 1", "", []),
    "chatnoir-resiliparse/warcfile.warc.gz": ("metadata 16 request 17 response 16 warcinfo 1", "", []),
    "chatnoir-resiliparse/warcfile.warc.lz4": ("metadata 16 request 17 response 16 warcinfo 1", "", []),
    "commoncrawl-whirlwind-python/CC-MAIN-2024-22.warc.paths.gz": ("", "", [(0, 817, "garbage")]),
    "commoncrawl-whirlwind-python/whirlwind.warc": ("metadata 1 request 1 response 1 warcinfo 1", "", []),
    "commoncrawl-whirlwind-python/whirlwind.warc.gz": ("metadata 1 request 1 response 1 warcinfo 1", "", []),
    "commoncrawl-whirlwind-python/whirlwind.warc.wat": ("metadata 1 warcinfo 1", "", []),
    "commoncrawl-whirlwind-python/whirlwind.warc.wat.gz": ("metadata 1 warcinfo 1", "", []),
    "commoncrawl-whirlwind-python/whirlwind.warc.wet": ("conversion 1 warcinfo 1", "", []),
    "commoncrawl-whirlwind-python/whirlwind.warc.wet.gz": ("conversion 1 warcinfo 1", "", []),
    "facebookresearch-cc_net/sample.warc.txt": (
        "conversion 3 warcinfo 1",
        "bad_length 4",
        [(1307, 1310, "garbage"), (1755, 1959, "garbage"), (2650, 2948, "garbage")],
    ),
    "iipc-jwarc/cc.warc.gz": ("response 1", "", []),
    "iipc-jwarc/gzip_extra_sl.warc.gz": ("warcinfo 1", "", []),
    "iipc-webarchive-commons/IAH-20080430204825-00000-blackbook-truncated.arc": (
        "response 8 warcinfo 1",
        "",
        [],
    ),
    "iipc-webarchive-commons/IAH-urls-wget.warc": ("request 16 resource 3 response 16 warcinfo 1", "", []),
    "iipc-webarchive-commons/IAH-urls-wget.warc.gz": ("request 16 resource 3 response 16 warcinfo 1", "", []),
    "iipc-webarchive-commons/abcd.gz": ("", "", [(0, 24, "garbage")]),
    "iipc-webarchive-commons/double-single-inflate-error.gz": ("", "", [(0, 849, "bad_gzip")]),
    "iipc-webarchive-commons/empty.gz": ("", "", []),
    "iipc-webarchive-commons/hi-2.gz": ("", "", [(0, 23, "garbage"), (23, 46, "garbage")]),
    "iipc-webarchive-commons/hi.gz": ("", "", [(0, 23, "garbage")]),
    "iipc-webarchive-commons/link-extraction-test.warc": ("response 7 warcinfo 1", "", []),
    "iipc-webarchive-commons/mutliple-headers.warc": ("response 1", "", []),
    "internetarchive-warc/alexa_short_header.arc.gz": ("response 1 warcinfo 1", "bad_http 1", []),
    "internetarchive-warc/crlf_at_1k_boundary.warc.gz": ("response 1", "", []),
    "warcio/bad.arc": ("response 3 warcinfo 1", "bad_http 1 bad_length 3", []),
    "warcio/example-bad-non-chunked.warc.gz": ("request 2 response 1 revisit 1 warcinfo 2", "", []),
    "warcio/example-bad.warc.gz.bad": ("request 2 response 2 revisit 1 warcinfo 1", "", []),
    "warcio/example-digest.warc": ("request 4", "", []),
    "warcio/example-iana.org-chunked.warc": ("request 1 response 1 warcinfo 1", "", []),
    "warcio/example-resource.warc.gz": ("resource 1 warcinfo 2", "", []),
    "warcio/example-space-in-target-uri.warc.gz": ("resource 1 warcinfo 1", "", []),
    "warcio/example-space-in-url.arc": ("response 1 warcinfo 1", "truncated 1", [(151, 1873, "truncated")]),
    "warcio/example-trunc.warc": (
        "request 1 response 1 warcinfo 2",
        "bad_length 1",
        [(2560, 2566, "garbage")],
    ),
    "warcio/example-wget-bad-target-uri.warc.gz": (
        "metadata 1 request 1 resource 2 response 1 warcinfo 1",
        "",
        [],
    ),
    "warcio/example-wrong-chunks.warc.gz": ("request 1 response 1", "", []),
    "warcio/example.arc": ("response 1 warcinfo 1", "", []),
    "warcio/example.arc.gz": ("response 1 warcinfo 1", "", []),
    "warcio/example.warc": ("request 2 response 1 revisit 1 warcinfo 2", "", []),
    "warcio/example.warc.gz": ("request 2 response 1 revisit 1 warcinfo 2", "", []),
    "warcio/post-test.warc.gz": ("request 3 response 3", "", []),
    "webrecorder-pywb/bad.arc": ("response 3 warcinfo 1", "bad_http 1 bad_length 3", []),
    "webrecorder-pywb/dupes.warc.gz": ("request 12 response 3 revisit 9 warcinfo 1", "", []),
    "webrecorder-pywb/example-bad.warc.gz.bad": ("request 2 response 2 revisit 1 warcinfo 1", "", []),
    "webrecorder-pywb/example-extra.warc": ("request 2 response 2 revisit 2", "bad_http 1", []),
    "webrecorder-pywb/example-url-agnostic-orig.warc.gz": ("response 1 warcinfo 1", "", []),
    "webrecorder-pywb/example-url-agnostic-revisit.warc.gz": ("revisit 1 warcinfo 1", "", []),
    "webrecorder-pywb/example-wget-1-14.warc.gz": ("request 1 resource 3 response 1 warcinfo 1", "", []),
    "webrecorder-pywb/example-wpull.warc.gz": ("request 1 resource 1 response 1 warcinfo 1", "", []),
    "webrecorder-pywb/example.arc": ("response 1 warcinfo 1", "", []),
    "webrecorder-pywb/example.arc.gz": ("response 1 warcinfo 1", "", []),
    "webrecorder-pywb/example.warc": (
        "request 2 response 2 revisit 1 warcinfo 1",
        "bad_length 1",
        [(4764, 4771, "garbage")],
    ),
    "webrecorder-pywb/example.warc.gz": ("request 2 response 2 revisit 1 warcinfo 1", "", []),
    "webrecorder-pywb/example2.warc.gz": ("request 1 response 1 warcinfo 1", "", []),
    "webrecorder-pywb/httpbin-resource.warc.gz": ("resource 1", "", []),
    "webrecorder-pywb/iana.warc.gz": ("request 171 response 48 revisit 123 warcinfo 1", "", []),
    "webrecorder-pywb/missing-status-text.warc": ("response 1", "", []),
    "webrecorder-pywb/post-test.warc.gz": ("request 3 response 3", "", []),
    "webrecorder-warcio.js/example-bad-length.warc": (
        "request 2 response 1 revisit 1 warcinfo 2",
        "bad_length 1",
        [(2561, 2566, "garbage")],
    ),
    "webrecorder-warcio.js/example-iana.org-chunked.warc": ("request 1 response 1 warcinfo 1", "", []),
    "webrecorder-warcio.js/example-resource.warc.gz": ("resource 1", "", []),
    "webrecorder-warcio.js/example-url-agnostic-revisit.warc.gz": ("revisit 1 warcinfo 1", "", []),
    "webrecorder-warcio.js/example-wget-bad-target-uri.warc.gz": (
        "metadata 1 request 1 resource 2 response 1 warcinfo 1",
        "",
        [],
    ),
    "webrecorder-warcio.js/example.warc": ("metadata 1 request 2 response 1 revisit 1 warcinfo 2", "", []),
    "webrecorder-warcio.js/example.warc.gz": ("request 2 response 1 revisit 1 warcinfo 2", "", []),
    "webrecorder-warcio.js/post-test-more.warc": ("request 3 response 3", "", []),
    "webrecorder-warcio.js/post-test.warc.gz": ("request 3 response 3", "", []),
    "webrecorder-warcio.js/redirect.warc": ("request 1 response 1", "", []),
}
# what the two cannot read, and why our counts are right
NEITHER = {
    # a gzip member that holds all records; its second-last line has the date `null`, the last record is cut
    "archivesunleashed-aut/badexample.arc.gz",
    # no archives: a list of paths, texts, and a gzip file made to fail
    "commoncrawl-whirlwind-python/CC-MAIN-2024-22.warc.paths.gz",
    "iipc-webarchive-commons/abcd.gz",
    "iipc-webarchive-commons/double-single-inflate-error.gz",
    "iipc-webarchive-commons/hi-2.gz",
    "iipc-webarchive-commons/hi.gz",
    # line ends and text were changed by hand: four records, none as long as it says
    "facebookresearch-cc_net/sample.warc.txt",
    # an ARC file cut behind a whole record: nine lines open a record, and each ends where its length says
    "iipc-webarchive-commons/IAH-20080430204825-00000-blackbook-truncated.arc",
}


@pytest.fixture(scope="module")
def samples(shared_data: Path) -> Path:
    return shared_data / "warc_samples"


def test_the_table_names_all_files(samples: Path) -> None:
    assert sorted(EXPECTED) == sorted(str(path.relative_to(samples)) for path in samples.glob("*/*"))


@pytest.mark.parametrize("name", EXPECTED)
def test_each_sample_gives_what_is_in_it(samples: Path, name: str) -> None:
    path = samples / name
    records, damage = read(path)
    types, problems, ranges = EXPECTED[name]
    assert counted(Counter(record.type for record in records)) == types
    assert counted(Counter(record.problem for record in records if record.problem)) == problems
    assert [(d.start, d.end, d.reason) for d in damage] == ranges
    if path.name != "empty.gz":  # one member without content
        assert not uncovered(records, damage, path.stat().st_size)


def test_the_counts_are_those_of_the_reference_readers(samples: Path) -> None:
    for name, (types, _, _) in EXPECTED.items():
        path = samples / name
        theirs = [counts_of(path, by_warcio), counts_of(path, by_fastwarc)]
        assert (types in theirs) == (name not in NEITHER), (name, types, theirs)


def counted(counts: Counter[str]) -> str:
    return " ".join(f"{name} {number}" for name, number in sorted(counts.items()))


def by_warcio(path: Path) -> Counter[str]:
    logging.disable()
    try:
        with open(path, "rb") as stream:
            return Counter(record.rec_type for record in ArchiveIterator(stream, arc2warc=True))
    finally:
        logging.disable(logging.NOTSET)


def by_fastwarc(path: Path) -> Counter[str]:
    with open(path, "rb") as stream:
        return Counter(
            str(record.record_type).rpartition(".")[2]
            for record in FastWarcIterator(stream, parse_http=False)
        )


def counts_of(path: Path, reader: Callable[[Path], Counter[str]]) -> str | None:
    try:
        return counted(reader(path))
    except Exception:  # its errors are of several kinds, and files it cannot read are what is asked about
        return None
