"""Half an archive is never taken for a whole one."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.crawl.fetch import ArchiveError, open_archive
from tests.crawl.server import Store, serve

DATA = bytes(range(256)) * 4000
AT_ONCE = (0.0, 0.0, 0.0)


def fetched(store: Store, name: str = "/a.warc.gz") -> bytes:
    with open_archive(store.address + name, pauses=AT_ONCE) as stream:
        data = stream.read()
        stream.seek(10)
        assert stream.read(5) == data[10:15] and stream.tell() == 15
        return data


def test_a_cut_connection_goes_on_where_it_ended() -> None:
    with serve(Store({"/a.warc.gz": DATA}, cut_after=[300_000, 400_000])) as store:
        assert fetched(store) == DATA
        assert store.asked == [None, "bytes=300000-", "bytes=700000-"]


def test_a_server_without_ranges_is_asked_for_all_of_it_again() -> None:
    with serve(Store({"/a.warc.gz": DATA}, cut_after=[300_000], ranges=False)) as store:
        assert fetched(store) == DATA


def test_a_file_that_changed_between_two_attempts_is_not_pieced_together() -> None:
    with serve(Store({"/a.warc.gz": DATA}, cut_after=[300_000], etags=['"one"', '"two"'])) as store:
        assert fetched(store) == DATA
        assert store.asked == [None, "bytes=300000-"]


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not() -> None:
    with serve(Store({"/a.warc.gz": DATA}, statuses=[503, 429])) as store:
        assert fetched(store) == DATA
        store.asked.clear()
        with pytest.raises(ArchiveError, match=r"cannot read http://127.*/none.warc.gz: 404 "):
            fetched(store, "/none.warc.gz")
        assert len(store.asked) == 1


def test_a_connection_that_is_always_cut_is_one_sentence() -> None:
    with serve(Store({"/a.warc.gz": DATA}, cut_after=[0] * 9)) as store:
        with pytest.raises(ArchiveError, match="the connection ended after 0 of 1,024,000 bytes"):
            fetched(store)
        assert len(store.asked) == len(AT_ONCE) + 1


def test_a_missing_local_archive_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ArchiveError, match=r"cannot read .*none\.warc"),
        open_archive(str(tmp_path / "none.warc")),
    ):
        pass
