"""Half an archive is never taken for a whole one, and what breaks is taken up where it broke."""

from __future__ import annotations

import email.utils
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from corpus.crawl.inputs.fetch import ArchiveError, open_archive, open_ranges, open_seekable
from corpus.engine import attempts as waits
from corpus.engine.attempts import Access, Attempts, seconds_of
from tests.crawl.server import Store, serve

DATA = bytes(n * n // 7 % 251 for n in range(1_024_000))
AT_ONCE = Access(pauses=(0.0, 0.0, 0.0), timeout=10)
NAME = "/a.warc.gz"


def fetched(store: Store, name: str = NAME, *, access: Access = AT_ONCE, size: int = -1) -> bytes:
    with open_archive(store.address + name, access=access, size=size) as stream:
        data = b"".join(iter(lambda: stream.read(100_000), b""))
        stream.seek(10)
        assert stream.read(5) == data[10:15] and stream.tell() == 15
        stream.seek(-4, 2)
        assert stream.read() == data[-4:]
        return data


def test_a_cut_connection_goes_on_where_it_ended() -> None:
    with serve(Store({NAME: DATA}, cut_after=[300_000, 400_000])) as store:
        assert fetched(store) == DATA
        assert store.asked == [None, "bytes=300000-", "bytes=700000-"]


@pytest.mark.parametrize("how", [{"ranges": False}, {"weak": True}])
def test_a_server_that_cannot_promise_the_rest_is_asked_for_all_of_it_again(how: dict[str, bool]) -> None:
    with serve(Store({NAME: DATA}, cut_after=[300_000], **how)) as store:  # type: ignore[arg-type]
        assert fetched(store) == DATA


def test_a_file_that_only_changed_its_etag_is_taken() -> None:
    with serve(Store({NAME: DATA}, cut_after=[300_000], etags=['"one"', '"two"'])) as store:
        assert fetched(store) == DATA
        assert store.asked == [None, "bytes=300000-"]


def test_a_file_that_changed_between_two_attempts_is_not_pieced_together() -> None:
    other = {NAME: DATA[::-1]}
    with (
        serve(Store({NAME: DATA}, cut_after=[300_000], etags=['"one"', '"two"'], later=other)) as store,
        pytest.raises(ArchiveError, match="has changed while it was read"),
    ):
        fetched(store)


def test_a_file_of_another_size_than_was_listed_is_one_sentence() -> None:
    with serve(Store({NAME: DATA})) as store:
        assert fetched(store, size=len(DATA)) == DATA
        with pytest.raises(ArchiveError, match="it has 1,024,000 bytes where 1,024,001 were listed"):
            fetched(store, size=len(DATA) + 1)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_asked_again(status: int) -> None:
    with serve(Store({NAME: DATA}, statuses=[status, status])) as store:
        assert fetched(store) == DATA
        assert len(store.asked) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451])
def test_what_is_final_is_not_asked_again(status: int) -> None:
    with serve(Store({NAME: DATA}, statuses=[status])) as store:
        with pytest.raises(ArchiveError, match=rf"cannot read http://127.*/a.warc.gz: {status} ") as caught:
            fetched(store)
        assert len(store.asked) == 1
        assert caught.value.missing == (status in (404, 410))
        assert ("Common Crawl" in str(caught.value)) == (status == 403)


def test_retry_after_is_honoured_as_seconds_and_as_a_date_and_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    soon = datetime.now(timezone.utc) + timedelta(seconds=100)
    assert 90 < seconds_of(email.utils.format_datetime(soon, usegmt=True)) <= 100
    assert seconds_of("120") == 120
    assert [seconds_of(text) for text in ("", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT")] == [0, 0, 0, 0]
    waited: list[float] = []
    attempts = Attempts(Access(pauses=(1.0, 1.0, 1.0)), waited.append)
    for asked in (7.0, 10.0**9, 0.0):
        error = waits.WebError("busy")
        error.retry_after = asked
        attempts.wait(error)
    assert waited[:2] == [7.0, waits.RETRY_AFTER_MOST] and 0.5 <= waited[2] <= 1.5
    with pytest.raises(waits.WebError, match="busy"):
        attempts.wait(waits.WebError("busy"))


def test_a_server_that_asks_for_a_second_gets_it() -> None:
    with serve(Store({NAME: DATA}, statuses=[429], retry_after="1")) as store:
        started = time.monotonic()
        assert fetched(store) == DATA
        assert time.monotonic() - started >= 1


def test_waits_are_spread_so_that_tasks_do_not_come_back_together() -> None:
    waited: list[float] = []
    for _ in range(50):
        Attempts(Access(pauses=(8.0,)), waited.append).wait(waits.WebError("busy"))
    assert all(4 <= pause <= 12 for pause in waited) and len({round(pause, 3) for pause in waited}) > 25


def test_progress_earns_new_attempts() -> None:
    data = DATA * 6
    with serve(Store({NAME: data}, cut_after=[1_100_000] * 5)) as store:
        assert fetched(store, access=Access(pauses=(0.0, 0.0))) == data


def test_a_connection_that_is_always_cut_is_one_sentence() -> None:
    with serve(Store({NAME: DATA}, cut_after=[0] * 9)) as store:
        with pytest.raises(
            ArchiveError, match=r"cannot read http.*: the connection ended 1,024,000 bytes early"
        ):
            fetched(store)
        assert len(store.asked) == len(AT_ONCE.pauses) + 1


def test_a_server_that_falls_silent_is_left_and_taken_up_again() -> None:
    with serve(Store({NAME: DATA}, stall=[3.0])) as store:
        assert fetched(store, access=Access(pauses=(0.0,), timeout=0.5)) == DATA
        assert store.asked == [None, "bytes=1000-"]


def test_a_server_that_hardly_brings_a_byte_is_taken_for_dead() -> None:
    access = Access(pauses=(0.0,), timeout=0.3)
    with (
        serve(Store({NAME: DATA}, pause=0.05, piece=10)) as store,
        pytest.raises(ArchiveError, match=r"cannot read http.*: only \d+ bytes came in \d+ seconds"),
    ):
        fetched(store, access=access)
    assert len(store.asked) == 2 and (store.asked[1] or "").startswith("bytes=")


def test_an_archive_is_read_while_it_comes() -> None:
    with (
        serve(Store({NAME: DATA}, stall=[20.0])) as store,
        open_archive(store.address + NAME, access=AT_ONCE) as stream,
    ):
        assert stream.read(500) == DATA[:500]
        assert store.open == 1


def test_few_connections_at_once_from_all_threads() -> None:
    with serve(Store({NAME: DATA}, pause=0.005)) as store:
        threads = [threading.Thread(target=fetched, args=(store,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.asked) == 8 and 1 <= store.most_open <= AT_ONCE.connections


def test_ranges_are_read_and_taken_up_where_they_broke() -> None:
    with (
        serve(Store({NAME: DATA}, cut_after=[100_000], statuses=[503])) as store,
        open_ranges(store.address + NAME, access=AT_ONCE) as read,
    ):
        assert read(1000, 300_000) == DATA[1000:300_000]
        assert store.asked == ["bytes=1000-299999", "bytes=1000-299999", "bytes=101000-299999"]
        assert read(len(DATA) - 5, len(DATA) + 100) == DATA[-5:]
        assert read(len(DATA) + 5, len(DATA) + 100) == b""


def test_a_range_of_a_file_that_changed_is_of_one_version() -> None:
    with (
        serve(Store({NAME: DATA}, cut_after=[100_000], etags=['"one"', '"two"'])) as store,
        open_ranges(store.address + NAME, access=AT_ONCE) as read,
    ):
        assert read(1000, 300_000) == DATA[1000:300_000]
        assert store.asked == ["bytes=1000-299999", "bytes=101000-299999", "bytes=1000-299999"]


def test_a_server_without_ranges_is_not_asked_for_whole_archives() -> None:
    with (
        serve(Store({NAME: DATA}, ranges=False)) as store,
        open_ranges(store.address + NAME, access=AT_ONCE) as read,
        pytest.raises(ArchiveError, match="its server does not serve ranges, which index= needs"),
    ):
        read(1000, 300_000)


def test_a_file_is_read_here_and_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    with serve(Store({NAME: DATA})) as store:
        for path in (store.address + NAME, str(tmp_path / "a")):
            with open_seekable(path, access=AT_ONCE) as file:
                file.seek(-8, 2)
                assert file.read() == DATA[-8:] and file.read() == b""
                file.seek(700)
                assert file.read(70) == DATA[700:770]
        assert store.asked == [f"bytes={len(DATA) - 8}-{len(DATA) - 1}", "bytes=700-769"]


def test_a_missing_local_archive_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ArchiveError, match=r"cannot read .*none\.warc") as caught,
        open_archive(str(tmp_path / "none.warc")),
    ):
        pass
    assert caught.value.missing


def test_errors_do_not_tell_passwords() -> None:
    with serve(Store({NAME: DATA})) as store:
        address = store.address.replace("http://", "http://me:secret@") + "/none.warc.gz?token=secret"
        with pytest.raises(ArchiveError) as caught, open_archive(address, access=AT_ONCE) as stream:
            stream.read()
        assert "secret" not in str(caught.value) and "/none.warc.gz" in str(caught.value)
