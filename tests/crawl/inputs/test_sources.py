"""Each form that `input=` may take, against real files and servers on this machine."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.crawl.inputs import snapshot
from corpus.crawl.inputs.fetch import ArchiveError
from corpus.crawl.inputs.snapshot import choose, snapshot_files
from corpus.crawl.inputs.sources import describe, find_archives, read_archive, require_unchanged
from corpus.crawl.warc.records import Record
from corpus.engine import inputs
from corpus.engine.attempts import Access
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile
from tests.crawl.archives import html, write
from tests.crawl.server import Store, serve

ID = "CC-MAIN-2024-22"
AT_ONCE = Access(pauses=(0.0, 0.0), timeout=10)


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    for n in range(6):
        file = tmp_path / f"crawl-data/{ID}/segments/{n}/warc/{n}.warc.gz"
        file.parent.mkdir(parents=True)
        write(file, [(f"http://h/{n}-{k}", html(20)) for k in range(n + 1)])
    return tmp_path


@pytest.fixture
def site(crawl: Path) -> Iterator[Store]:
    files = {f"/{file.relative_to(crawl)}": file.read_bytes() for file in crawl.rglob("*.warc.gz")}
    names = "".join(f"{name[1:]}\n" for name in sorted(files))
    files[f"/crawl-data/{ID}/warc.paths.gz"] = gzip.compress(names.encode())
    with serve(Store(files)) as store:
        yield store


def urls(patterns: list[str], base: str = "") -> list[str]:
    found = find_archives(patterns, base, AT_ONCE)
    return sorted(r.url for archive in found for r in read_archive(archive) if isinstance(r, Record))


def names(patterns: list[str], base: str = "") -> list[str]:
    return [archive.name for archive in find_archives(patterns, base, AT_ONCE)]


def test_every_form_gives_the_same_records(
    crawl: Path, site: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lists = tmp_path_factory.mktemp("lists")
    paths = gzip.decompress(site.files[f"/crawl-data/{ID}/warc.paths.gz"]).decode()
    (lists / "plain.paths").write_text(paths)
    (lists / "warc.paths.gz").write_bytes(gzip.compress(paths.encode()))
    whole = urls([str(crawl)])
    assert len(whole) == 21
    assert urls([f"{crawl}/crawl-data/*/segments/*/warc/*.warc.gz"]) == whole
    assert urls([str(file) for file in crawl.rglob("*.warc.gz")]) == whole
    assert urls([f"file://{crawl}/crawl-data"]) == whole
    for place in (str(crawl), site.address, f"{site.address}/"):
        assert urls([str(lists / "plain.paths")], place) == whole
        assert urls([str(lists / "warc.paths.gz")], place) == whole
    assert urls([f"{site.address}/crawl-data/{ID}/warc.paths.gz"], site.address) == whole
    assert urls([f"{site.address}/{path}" for path in paths.split()]) == whole
    assert urls([f"cc:{ID}"], site.address) == whole
    assert (
        urls([f"cc:{ID}[2:]", *[f"{site.address}/{path}" for path in paths.split()[:3]]], site.address)
        == whole
    )


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("[0:2]", [0, 1]),
        ("[4:]", [4, 5]),
        ("[-2:]", [4, 5]),
        ("[::4]", [0, 4]),
        ("[1:6:2]", [1, 3, 5]),
        ("[3]", [3]),
        ("[-1]", [5]),
        ("[5:100]", [5]),
    ],
)
def test_a_slice_of_a_snapshot_is_that_of_its_list(site: Store, choice: str, wanted: list[int]) -> None:
    assert names([f"cc:{ID}{choice}"], site.address) == [f"{n}.warc.gz" for n in wanted]
    heads = [path for path in site.paths if path.endswith(".warc.gz")]
    assert len(heads) == len(wanted)  # what is not wanted is not asked for


def test_a_sample_of_a_snapshot_follows_from_its_seed() -> None:
    paths = [f"crawl-data/{n}" for n in range(1000)]
    one, again, other = (choose(paths, choice) for choice in ("sample=50", "sample=50@0", "sample=50@1"))
    assert one == again == sorted(one) and len(set(one)) == 50 and one != other
    assert set(one) < set(choose(paths, "sample=60"))  # a larger one holds the smaller one
    assert 15 <= sum(int(path.split("/")[1]) < 500 for path in one) <= 35


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("cc:2024-22", "is no short form of a snapshot"),
        ("cc:CC-MAIN-2024-22/../x", "is no short form of a snapshot"),
        ("cc:CC-MAIN-2024-22[a:b]", r"'\[a:b\]' in cc:CC-MAIN-2024-22\[a:b\] is no slice"),
        ("cc:CC-MAIN-2024-22[::0]", "is no slice"),
        ("cc:CC-MAIN-2024-22[]", "is no slice"),
        ("cc:CC-MAIN-2024-22[10:20]", "names none of the 6 files"),
        ("cc:CC-MAIN-2024-22[6]", "names none of the 6 files"),
        ("cc:CC-MAIN-2024-99", r"the snapshot CC-MAIN-2024-99 is not to be had: .* 404 Not Found"),
    ],
)
def test_a_bad_snapshot_or_slice_is_one_sentence(site: Store, pattern: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        find_archives([pattern], site.address)
    assert "\n" not in str(caught.value)


def test_a_snapshot_that_is_refused_with_403_says_what_that_means(site: Store) -> None:
    site.statuses = [403]
    with pytest.raises(UserError, match=r"403 Forbidden .some hosts, Common Crawl's among them"):
        find_archives([f"cc:{ID}"], site.address)


def test_a_whole_snapshot_is_listed_with_few_questions(site: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MOST_ASKED", 3)
    found = snapshot_files(f"cc:{ID}", site.address)
    assert [file.bytes >= 0 for file in found] == [True, False] * 3
    assert describe(found) == "6 files, about 0 GB (from the sizes of 3 of them)"
    assert len(urls([f"cc:{ID}"], site.address)) == 21


def test_a_list_is_not_unpacked_without_bounds(site: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_LIST_BYTES", 1 << 20)
    site.files["/bomb.paths.gz"] = gzip.compress(bytes(30 << 20))
    with pytest.raises(
        UserError, match=r"cannot read the list of inputs http.*bomb\.paths\.gz: it is too long"
    ):
        find_archives([f"{site.address}/bomb.paths.gz"], site.address)


def test_a_list_that_a_server_cuts_is_read_to_its_end(site: Store) -> None:
    site.cut_after = [10]
    assert len(names([f"{site.address}/crawl-data/{ID}/warc.paths.gz"], site.address)) == 6


def test_listing_asks_again_where_the_server_is_busy(site: Store) -> None:
    site.head_statuses = [503, 429]
    assert len(names([f"{site.address}/crawl-data/{ID}/warc.paths.gz"], site.address)) == 6


def test_an_entry_of_a_list_that_is_gone_costs_no_other_but_a_list_of_nothing_is_an_error(
    site: Store,
) -> None:
    site.files.pop(f"/crawl-data/{ID}/segments/3/warc/3.warc.gz")
    for pattern in (f"{site.address}/crawl-data/{ID}/warc.paths.gz", f"cc:{ID}"):
        found = find_archives([pattern], site.address, AT_ONCE)
        assert [archive.file.bytes == -1 for archive in found] == [n == 3 for n in range(6)]
        with pytest.raises(UserError, match=r"cannot read http://127.*/3\.warc\.gz: 404 Not Found"):
            list(read_archive(found[3]))
    with pytest.raises(UserError, match=r"cannot reach the input http://127.*/3\.warc\.gz: 404 Not Found"):
        find_archives([f"cc:{ID}[3]"], site.address)
    with pytest.raises(UserError, match=r"cannot reach the input http://127.*: 404 Not Found"):
        find_archives([f"{site.address}/crawl-data/{ID}/warc.paths.gz"], f"{site.address}/elsewhere")


def test_a_server_that_knows_no_head_is_asked_otherwise(site: Store) -> None:
    site.head_statuses = [405, 501]
    path = f"{site.address}/crawl-data/{ID}/segments/0/warc/0.warc.gz"
    for _ in range(2):
        (found,) = find_archives([path])
        assert found.file.bytes == len(site.files[path.removeprefix(site.address)])


def test_a_size_that_was_listed_wrongly_is_an_error_and_no_shorter_archive(site: Store) -> None:
    site.length_off = 7
    with pytest.raises(
        UserError, match=r"cannot read http.*0\.warc\.gz: it has .* bytes where .* were listed"
    ):
        urls([f"{site.address}/crawl-data/{ID}/segments/0/warc/0.warc.gz"])


def test_two_versions_of_one_address_cannot_be_told_apart(site: Store) -> None:
    path = f"{site.address}/crawl-data/{ID}/segments/0/warc/0.warc.gz"
    with pytest.raises(UserError, match="given 2 times with other credentials or queries"):
        site.files[path.removeprefix(site.address) + "?token=1"] = b""
        find_archives([path, f"{path}?token=1"])


def test_sizes_are_told_as_far_as_they_are_known() -> None:
    def files(*sizes: int) -> list[InputFile]:
        return [InputFile(str(n), size, "") for n, size in enumerate(sizes)]

    assert describe(files(10**9)) == "1 file, 1.000 GB"
    assert describe(files(-1, -1)) == "2 files of unknown size"
    assert describe(files(10**9, -1, 3 * 10**9, -1)) == "4 files, about 8 GB (from the sizes of 2 of them)"


def test_an_archive_that_changes_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"as it was")
    (archive,) = find_archives([str(path)])
    require_unchanged(archive)
    path.write_bytes(b"as it")
    with pytest.raises(ArchiveError, match=r"a\.warc\.gz has changed since the run began"):
        require_unchanged(archive)
    path.unlink()
    with pytest.raises(ArchiveError, match="does not exist"):
        require_unchanged(archive)
