"""Records that an index names: each selected row is a row of the ledger, fetched in few requests or with a reason."""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.crawl.archive import filter_archive
from corpus.crawl.config import FilterConfig
from corpus.crawl.index import work
from corpus.crawl.index.columns import bound, conjuncts, read_batches, read_schema
from corpus.crawl.index.stage import check_where, select
from corpus.crawl.index.work import FOLDER, Index, find_index, pieces_of, save, saved
from corpus.crawl.inputs.fetch import ArchiveError
from corpus.crawl.inputs.given import find_given
from corpus.crawl.inputs.ranges import (
    ROWS,
    Row,
    Selection,
    Span,
    coalesce,
    place_of,
    read_selection,
    record_of,
)
from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.stage import identities_of, make_work, plan, run
from corpus.crawl.warc.records import Record
from corpus.engine import claim
from corpus.engine.attempts import Access
from corpus.engine.config import build
from corpus.engine.errors import UserError
from tests.crawl.archives import html, write
from tests.crawl.server import Store, serve

AT_ONCE = Access(pauses=(0.0, 0.0), timeout=10)
PAGES = 12  # of each archive
NAMES = [f"crawl-data/CC-MAIN-2024-22/segments/1/warc/{n}.warc.gz" for n in range(3)]


def entry(name: str, number: int, place: tuple[int, int], url: str) -> dict:
    """A row of an index with the columns of Common Crawl's."""
    host = url.split("/")[2]
    return {
        "url_surtkey": ",".join(reversed(host.split("."))) + ")/",
        "url": url,
        "url_host_name": host,
        "url_host_registered_domain": ".".join(host.split(".")[-2:]),
        "url_path": url.split(host)[1],
        "fetch_status": 200 if number % 4 else 404,
        "content_digest": f"D{number % 8}",
        "content_mime_detected": "text/html",
        "content_languages": "eng" if number % 3 else None,
        "warc_filename": name,
        "warc_record_offset": place[0],
        "warc_record_length": place[1] - place[0],
    }


def table_of(rows: list[dict]) -> pa.Table:
    """With the narrow and dictionary types that real index files have."""
    table = pa.Table.from_pylist(rows)
    for name, kind in (("fetch_status", pa.int16()), ("warc_record_length", pa.int32())):
        table = table.set_column(table.schema.get_field_index(name), name, table.column(name).cast(kind))
    at = table.schema.get_field_index("warc_filename")
    return table.set_column(at, "warc_filename", table.column(at).dictionary_encode())


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """Three archives and, beside them, the index of their pages in four files."""
    rows = []
    for n, name in enumerate(NAMES):
        file = tmp_path / "crawl" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        hosts = ["docs.example.org/api", "www.example.net/news", "docs.other.com/reference"]
        pages = [
            (
                f"http://{hosts[k % 3]}/{n}-{k}",
                html(80 + k, f"api{n}x{k}call" if k % 3 != 1 else f"news{k}day"),
            )
            for k in range(PAGES)
        ]
        places = write(file, pages)
        rows += [entry(name, k, place, url) for k, (place, (url, _)) in enumerate(zip(places, pages))]
    folder = tmp_path / "index" / "crawl=CC-MAIN-2024-22" / "subset=warc"
    folder.mkdir(parents=True)
    rows.sort(key=lambda row: row["url_surtkey"])
    for part in range(4):
        pq.write_table(
            table_of(rows[9 * part : 9 * part + 9]), folder / f"part-{part}.parquet", row_group_size=6
        )
    other = tmp_path / "index" / "crawl=CC-MAIN-2024-22" / "subset=robotstxt"
    other.mkdir()
    robots = entry("robots.warc.gz", 1, (0, 10), "http://docs.example.org/robots.txt")
    pq.write_table(table_of([robots]), other / "part-0.parquet")
    return tmp_path


def entries(crawl: Path) -> list[dict]:
    """What the index of the fixture holds, read by pyarrow alone."""
    found = pq.ParquetDataset(crawl / "index" / "crawl=CC-MAIN-2024-22" / "subset=warc").read().to_pylist()
    return sorted(found, key=lambda row: (row["warc_filename"], row["warc_record_offset"]))


def index_of(crawl: Path, **more: object) -> Index:
    settings = {"base": str(crawl / "crawl"), "access": AT_ONCE, **more}
    return find_index([str(crawl / "index")], **settings)  # type: ignore[arg-type]


def records_of(pieces: list) -> list[Record]:
    return [item for piece in pieces for item in read_archive(piece) if isinstance(item, Record)]


# --- which rows -----------------------------------------------------------------------------------------------


FILTERS: list[tuple[str, Callable[[dict], bool]]] = [
    ("", lambda row: True),
    ("url_host_name = 'docs.example.org'", lambda row: row["url_host_name"] == "docs.example.org"),
    (
        "fetch_status = 200 AND (url_path LIKE '/api/%' OR url_path LIKE '/reference/%')",
        lambda row: row["fetch_status"] == 200 and row["url_path"].startswith(("/api/", "/reference/")),
    ),
    (
        "url_host_registered_domain IN ('example.net', 'other.com') AND warc_record_length > 200",
        lambda row: row["url_host_registered_domain"] != "example.org" and row["warc_record_length"] > 200,
    ),
    ("crawl = 'CC-MAIN-2024-22' AND NOT fetch_status = 200", lambda row: row["fetch_status"] != 200),
]


@pytest.mark.spark
@pytest.mark.parametrize(("where", "wanted"), FILTERS)
def test_sql_selects_rows_and_each_is_one_record(
    spark, crawl: Path, where: str, wanted: Callable[[dict], bool]
) -> None:
    pieces = select(spark, index_of(crawl, where=where), str(crawl / "out"))
    expected = [
        (row["warc_filename"].rpartition("/")[2], row["warc_record_offset"], row["url"])
        for row in entries(crawl)
        if wanted(row)
    ]
    found = records_of(pieces)
    assert expected
    assert sorted((record.archive, record.offset, record.url) for record in found) == sorted(expected)
    assert all(record.problem is None and b"<html>" in record.payload for record in found)
    assert sum(piece.selection.rows for piece in pieces) == len(expected)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("fetch_status == = 200", "PARSE_SYNTAX_ERROR"),
        ("url_hostname = 'x'", "url_hostname"),
        ("url_path", "url_path"),
        ("count(*) > 1", "INVALID_WHERE_CONDITION"),
    ],
)
def test_a_bad_filter_is_one_sentence_with_the_columns(
    spark, crawl: Path, where: str, complaint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="the key 'where' is no filter") as caught:
        check_where(spark, index_of(crawl, where=where))
    said = str(caught.value)
    assert complaint in said and "url_host_name" in said and "subset" in said and "\n" not in said
    assert "SQLQueryContextLogger" not in capfd.readouterr().err  # the sentence stands alone


@pytest.mark.spark
def test_a_filter_must_choose_the_same_rows_each_time(spark, crawl: Path) -> None:
    with pytest.raises(UserError, match="the same rows each time"):
        check_where(spark, index_of(crawl, where="rand() < 0.5"))


@pytest.mark.spark
def test_a_filter_that_fails_on_a_row_or_passes_none_is_one_sentence(spark, crawl: Path) -> None:
    with pytest.raises(UserError, match=r"the key 'where' cannot be evaluated: .*CAST_INVALID_INPUT"):
        select(spark, index_of(crawl, where="cast(url_path AS int) = 3"), str(crawl / "out"))
    with pytest.raises(UserError, match=r"no row of the index .* passes where=fetch_status = 999"):
        select(spark, index_of(crawl, where="fetch_status = 999"), str(crawl / "out"))


@pytest.mark.spark
def test_records_of_one_digest_are_fetched_once_and_the_others_accounted_for(spark, crawl: Path) -> None:
    pieces = select(spark, index_of(crawl, repeats=False), str(crawl / "out"))
    found = records_of(pieces)
    assert len(found) == len(NAMES) * PAGES
    fetched = [record for record in found if not record.problem]
    digests = {
        (row["warc_filename"][-9:], row["warc_record_offset"]): row["content_digest"]
        for row in entries(crawl)
    }
    assert sorted(digests[r.archive, r.offset] for r in fetched) == sorted(set(digests.values()))
    assert {record.problem for record in found} == {None, "repeated_digest"}
    assert {record.archive for record in fetched} == {"0.warc.gz"}  # the first by place


@pytest.mark.spark
def test_a_selection_that_was_made_is_found_again_but_for_another_filter(spark, crawl: Path) -> None:
    index = index_of(crawl, where="fetch_status = 200", base="http://me:secret@127.0.0.1/")
    pieces = select(spark, index, str(crawl / "out"))
    assert saved(index, str(crawl / "out")) == pieces
    assert saved(dataclasses.replace(index, where="fetch_status > 0"), str(crawl / "out")) == []
    assert saved(index, str(crawl / "none")) == []
    text = (crawl / "out" / work.FOLDER / work.DONE).read_text()
    assert "secret" not in text
    (crawl / "out" / work.FOLDER / work.DONE).write_text(text[:50])
    assert saved(index, str(crawl / "out")) == []


def test_only_the_archives_subset_is_read_unless_the_filter_asks_for_another(crawl: Path) -> None:
    assert len(index_of(crawl).files) == 4
    assert len(index_of(crawl, where="subset = 'robotstxt'").files) == 5


def test_the_index_of_a_snapshot_is_found_by_its_short_form(crawl: Path) -> None:
    folder = crawl / "index" / "crawl=CC-MAIN-2024-22"
    table = {f"/cc-index/{file.relative_to(folder)}": file for file in folder.rglob("*.parquet")}
    files = {name: file.read_bytes() for name, file in table.items()}
    names = "".join(f"{name[1:]}\n" for name in sorted(files))
    files["/crawl-data/CC-MAIN-2024-22/cc-index-table.paths.gz"] = gzip.compress(names.encode())
    with serve(Store(files)) as store:
        index = find_index(["cc:CC-MAIN-2024-22"], base=store.address)
        assert [file.path for file in index.files] == [
            f"{store.address}{name}" for name in sorted(files) if "/subset=warc/" in name
        ]
        assert all(file.bytes > 0 for file in index.files)
        assert "url_host_name" in index.schema.names and index.base == store.address
        with pytest.raises(UserError, match="the snapshot CC-MAIN-2024-23 is not to be had"):
            find_index(["cc:CC-MAIN-2024-23"], base=store.address)


def test_columns_of_other_names_are_mapped_or_missed(crawl: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    pq.write_table(table_of(entries(crawl)).rename_columns({"url": "address"}), other)
    with pytest.raises(UserError, match=r"has no column 'url': .*index_columns\.url=NAME"):
        find_index([str(other)])
    index = find_index([str(other)], columns={"url": "address"})
    (batch, *_) = read_batches(str(other), index.schema, index.columns, "")
    assert batch.column("url").to_pylist()[0].startswith("http://")
    with pytest.raises(UserError, match="maps an unknown column 'uri'"):
        find_index([str(other)], columns={"uri": "address"})


def test_what_is_no_index_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(UserError, match=r"cannot read the index .*a\.parquet: "):
        find_index([str(tmp_path / "a.parquet")])
    (tmp_path / "a.parquet").rename(tmp_path / "a.csv")
    with pytest.raises(UserError, match=r"matches no file ending in \.parquet"):
        find_index([str(tmp_path)])


def test_an_index_on_the_web_is_read_by_columns_and_row_groups(crawl: Path) -> None:
    file = crawl / "index" / "crawl=CC-MAIN-2024-22" / "subset=warc" / "part-0.parquet"
    big = table_of([{**row, "filler": f"{n}" * 60_000} for n, row in enumerate(entries(crawl))])
    pq.write_table(big, file, row_group_size=6, compression="none", use_dictionary=False)
    with serve(Store({"/part.parquet": file.read_bytes()})) as store:
        path = f"{store.address}/part.parquet"
        schema = read_schema(path, {})
        wanted = pa.schema([schema.field(name) for name in ("url", "url_host_name", "warc_filename")])
        rows = [
            row
            for batch in read_batches(path, wanted, {}, "url_host_name = 'docs.other.com'", AT_ONCE)
            for row in batch.to_pylist()
        ]
        assert rows and all(row["url_host_name"] == "docs.other.com" for row in rows)
        asked = [tuple(map(int, each.removeprefix("bytes=").split("-"))) for each in store.asked if each]
        assert sum(end - start for start, end in asked) < file.stat().st_size / 10
        with pytest.raises(UserError, match=r"cannot reach the input http://127.*none\.parquet: 404"):
            find_index([f"{store.address}/none.parquet"])


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("a = 1 AND b = 'x AND y'", ["a = 1", "b = 'x AND y'"]),
        ("a = 1 and (b = 2 or c = 3)", ["a = 1", "(b = 2 or c = 3)"]),
        ("a = 1 OR b = 2", []),
        ("NOT a = 1 AND b = 2", []),
        ("a BETWEEN 1 AND 2", []),
        ("a = 1 -- AND b = 2", []),
        ("a = 'it\\'s' AND b = 1", []),
        ("(a = 1 AND b = 2", []),
        ("a = 1) AND (b = 2", []),
    ],
)
def test_a_filter_is_parted_only_where_its_parts_must_all_hold(where: str, parts: list[str]) -> None:
    assert conjuncts(where) == parts


@pytest.mark.parametrize(
    ("where", "tested"),
    [
        ("host = 'x'", True),
        ("`HOST` IN ('x', 'y') AND status = 200", True),
        ("host = 'x' OR status = 200", False),
        ("host = 'a''b'", False),
        ("status = '200'", False),
        ("status = 200.5", False),
        ("host = 1", False),
        ("host LIKE 'x%'", False),
        ("host = lower('X')", False),
        ("status = 200 + 1", False),
    ],
)
def test_arrow_tests_only_what_it_understands_as_sql_does(where: str, tested: bool) -> None:
    schema = pa.schema({"host": pa.string(), "status": pa.int16()})
    assert (bound(where, {"host": "host", "status": "status"}, schema) is not None) == tested


# --- how they are fetched -------------------------------------------------------------------------------------


def row(offset: int, length: int, reason: str = "", warc: str = "a") -> Row:
    return Row(warc, offset, length, f"http://h/{offset}", reason)


def test_neighbours_are_fetched_together_within_the_bounds() -> None:
    rows = [row(0, 10), row(10, 10), row(25, 10), row(100, 50), row(140, 400), row(600, 1)]
    near, far, long, alone = rows[:3], rows[3:4], rows[4:5], rows[5:]
    spans = coalesce(rows, gap=5, most=100)
    assert spans == [
        Span(r[0].offset, r[-1].offset + r[-1].length, tuple(r)) for r in (near, far, long, alone)
    ]
    assert [len(span.rows) for span in coalesce(rows, gap=0, most=1000)] == [2, 1, 2, 1]
    assert coalesce([], gap=5, most=100) == []


@pytest.fixture
def site(crawl: Path) -> Iterator[Store]:
    files = {f"/{name}": (crawl / "crawl" / name).read_bytes() for name in NAMES}
    with serve(Store(files)) as store:
        yield store


def selection_of(crawl: Path, rows: list[Row], base: str, gap: int = 0, most: int = 1 << 20) -> Selection:
    part = str(crawl / "part.parquet")
    ordered = sorted(rows, key=lambda r: (r.warc, r.offset))
    pq.write_table(pa.Table.from_pylist([dataclasses.asdict(r) for r in ordered], schema=ROWS), part)
    return Selection(part, ordered[0].warc, ordered[-1].warc, len(rows), base, gap, most)


def rows_of(crawl: Path) -> list[Row]:
    return [
        Row(e["warc_filename"], e["warc_record_offset"], e["warc_record_length"], e["url"], "")
        for e in entries(crawl)
    ]


def test_one_archive_is_one_request_where_its_records_are_neighbours(crawl: Path, site: Store) -> None:
    selection = selection_of(crawl, rows_of(crawl), site.address)
    found = list(read_selection(selection, 1 << 20, AT_ONCE))
    assert [record.url for record in found] == [r.url for r in rows_of(crawl)]
    assert len(site.asked) == len(NAMES) and all(asked and asked.startswith("bytes=") for asked in site.asked)


def test_ranges_survive_a_bad_server(crawl: Path, site: Store) -> None:
    site.statuses, site.cut_after = [503, 429, 200, 500], [700, 10, 0]
    selection = selection_of(crawl, rows_of(crawl)[::2], site.address, most=3000)
    found = list(read_selection(selection, 1 << 20, Access(pauses=(0.0,) * 9, timeout=10)))
    assert [record.url for record in found] == [r.url for r in rows_of(crawl)[::2]]
    assert not any(record.problem for record in found)


def test_rows_that_the_archives_do_not_answer_to_carry_a_reason(crawl: Path, site: Store) -> None:
    good = rows_of(crawl)
    size = len(site.files[f"/{NAMES[2]}"])
    broken = bytearray(site.files[f"/{NAMES[1]}"])
    broken[good[PAGES].offset + 30 : good[PAGES].offset + 60] = bytes(30)
    site.files[f"/{NAMES[1]}"] = bytes(broken)
    bad = {
        dataclasses.replace(good[0], url="http://other/"): "index_mismatch",
        dataclasses.replace(good[1], offset=good[1].offset + 3): "damaged",
        dataclasses.replace(good[2], length=40): "truncated",
        good[2]: "repeated_row",
        dataclasses.replace(good[3], reason="repeated_digest"): "repeated_digest",
        dataclasses.replace(good[4], length=1 << 40): "too_large",
        good[PAGES]: "damaged",
        Row(NAMES[2], size + 5, 100, "http://behind/", ""): "not_in_archive",
        Row("crawl-data/none.warc.gz", 0, 100, "http://gone/", ""): "not_in_archive",
        Row("../../secret", 0, 100, "http://outside/", ""): "bad_index_row",
        Row("", -1, 0, "", "bad_index_row"): "bad_index_row",
    }
    fine = good[-1]
    found = list(read_selection(selection_of(crawl, [*bad, fine], site.address), 1 << 20, AT_ONCE))
    assert len(found) == len(bad) + 1 and all(record.type == "response" for record in found)
    said = {(r.archive, r.offset, r.length, r.url): r.problem for r in found}
    wanted = {(r.warc.rpartition("/")[2], r.offset, r.length, r.url): reason for r, reason in bad.items()}
    assert said == {**wanted, (fine.warc[-9:], fine.offset, fine.length, fine.url): None}


def test_a_row_that_names_a_request_is_told(crawl: Path, shared_data: Path) -> None:
    from corpus.crawl.warc.records import read_records

    path = shared_data / "warc_samples" / "commoncrawl-whirlwind-python" / "whirlwind.warc.gz"
    data = path.read_bytes()
    with open(path, "rb") as stream:
        there = [r for r in read_records(stream, path.name, len(data)) if isinstance(r, Record)]
    said = {}
    for record in there:
        own = Row(path.name, record.offset, record.length, record.url, "")
        again = record_of(own, path.name, data[record.offset : record.offset + record.length], 1 << 20)
        said[record.type] = (again.problem, again.url == record.url, len(again.payload) > 1000)
    assert said["response"] == (None, True, True)
    assert said["request"] == ("not_a_response", True, False)


def test_real_pages_come_by_their_places_as_they_come_in_order(crawl: Path, shared_data: Path) -> None:
    path = shared_data / "web" / "mini.warc.gz"
    (archive,) = find_archives([str(path)])
    whole = [r for r in read_archive(archive) if isinstance(r, Record) and r.type == "response"]
    some = whole[::3]
    rows = [Row(path.name, record.offset, record.length, record.url, "") for record in some]
    with serve(Store({f"/{path.name}": path.read_bytes()})) as store:
        for base in (store.address, str(path.parent)):
            found = list(read_selection(selection_of(crawl, rows, base, gap=1 << 14), 20 << 20, AT_ONCE))
            assert found == some
        assert 1 < len(store.asked) < len(some)


def test_a_store_that_fails_for_now_costs_no_row(crawl: Path, site: Store) -> None:
    site.statuses = [503] * 50
    with pytest.raises(ArchiveError, match=r"cannot read http://127.*\.warc\.gz: 503 "):
        list(read_selection(selection_of(crawl, rows_of(crawl), site.address), 1 << 20, AT_ONCE))


def test_names_of_archives_do_not_lead_out_of_the_base() -> None:
    assert place_of("s3://commoncrawl/", "crawl-data/a.warc.gz") == "s3://commoncrawl/crawl-data/a.warc.gz"
    assert place_of("", "/data/a.warc.gz") == "/data/a.warc.gz"
    for name in ("/etc/passwd", "../a", "a/../../b", "file:///etc/passwd", "http://elsewhere/a"):
        assert place_of("/crawl", name) == ""


def test_pieces_hold_whole_archives_up_to_a_size(crawl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of(crawl)
    part = selection_of(crawl, rows_of(crawl), index.base).part
    assert [piece.selection.rows for piece in pieces_of(part, index)] == [3 * PAGES]
    monkeypatch.setattr(work, "PIECE_ROWS", 2 * PAGES)
    pieces = pieces_of(part, index)
    assert [piece.selection.rows for piece in pieces] == [2 * PAGES, PAGES]
    assert [piece.name.split(": ")[1] for piece in pieces] == ["0.warc.gz and 1 more", "2.warc.gz"]
    assert len(records_of(pieces)) == 3 * PAGES
    save(pieces, index, str(crawl))


# --- the stage ------------------------------------------------------------------------------------------------


@pytest.fixture
def config(crawl: Path, site: Store, classifier: str) -> Callable[..., FilterConfig]:
    def make(output: str = "out", **more: object) -> FilterConfig:
        settings = {
            "index": [str(crawl / "index")],
            "base": site.address,
            "classifier": classifier,
            "output": str(crawl / output),
            "threshold": 0.5,
            "prefilter_threshold": 0,
            "light_threshold": 0,
        }
        return build(FilterConfig, {**settings, **more})

    return make


def table(folder: str | Path, name: str) -> list[dict]:
    return pq.read_table(Path(folder) / name).to_pylist()


@pytest.mark.spark
def test_selected_rows_of_the_index_are_the_records_of_the_ledger(
    spark, crawl: Path, site: Store, config
) -> None:
    base = site.address.replace("http://", "http://me:secret@")
    result = run(config(where="fetch_status = 200", base=base))
    wanted = {
        (e["warc_filename"][-9:], e["warc_record_offset"], e["url"])
        for e in entries(crawl)
        if e["fetch_status"] == 200
    }
    ledger = table(result.folder, "ledger")
    assert {(row["warc"], row["offset"], row["url"]) for row in ledger} == wanted
    assert result.counts["records_in"] == len(ledger) == len(wanted)
    pages = table(result.folder, "pages")
    assert pages and {(p["warc"], p["offset"]) for p in pages} <= {(w, o) for w, o, _ in wanted}
    assert not (Path(result.folder) / FOLDER).exists()
    assert b"secret" not in b"".join(f.read_bytes() for f in Path(result.folder).rglob("*") if f.is_file())


@pytest.mark.spark
def test_an_index_gives_the_pages_that_the_whole_archives_give(spark, crawl: Path, config) -> None:
    by_index = run(config())
    whole = run(config("whole", index=[], base="", input=[str(crawl / "crawl")]))
    for name in ("pages", "ledger"):
        key = lambda row: (row["warc"], row["offset"])  # noqa: E731
        assert sorted(table(by_index.folder, name), key=key) == sorted(table(whole.folder, name), key=key)


@pytest.mark.spark
def test_a_run_by_index_goes_on_behind_the_pieces_that_are_done(
    spark, crawl: Path, site: Store, config
) -> None:
    whole = run(config("whole"))
    settings = config()
    claim.take(settings.output)  # what a run leaves that is killed behind its first piece
    pieces = select(spark, find_given(settings).index, settings.output)
    work = make_work(settings, identities_of(settings), settings.output)
    filter_archive(pieces[0], work)
    done = {row.warc for row in pieces[0].selection.read()}
    assert len(pieces) > 1
    site.paths.clear()
    run(settings)
    assert {path.lstrip("/") for path in site.paths} == set(NAMES) - done
    for name in ("pages", "ledger", "files"):
        assert table(settings.output, name) == table(whole.folder, name)
    assert not (Path(settings.output) / FOLDER).exists()


@pytest.mark.spark
def test_dry_run_tells_index_and_filter_without_asking_for_archives(
    spark, crawl: Path, site: Store, config
) -> None:
    said = plan(config(where="fetch_status = 200"))
    assert "index   4 files, 0.000 GB" in said and "where   fetch_status = 200" in said
    assert "url_host_name" in said and site.address in said
    assert site.paths == []
    with pytest.raises(UserError, match="the key 'where' is no filter"):
        plan(config(where="status = 200"))


def test_input_and_index_exclude_each_other(crawl: Path, config) -> None:
    given = find_given(config(index=[], base="", input=[str(crawl / "crawl")], connections=5))
    assert given.plan() == ["read    3 files, 0.000 GB"]
    assert {archive.access.connections for archive in given.archives} == {5}
    with pytest.raises(UserError, match="exclude each other"):
        find_given(config(input=["a.warc.gz"]))
    with pytest.raises(UserError, match="the key 'where' filters the rows of an index"):
        find_given(config(index=[], input=["a.warc.gz"], where="true"))
