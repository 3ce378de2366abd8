from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.browse import choose
from corpus.browse.choose import possible, reservoir
from corpus.browse.lookup import Address, by_id
from corpus.browse.rows import draw, take
from corpus.browse.where import parse
from corpus.engine.errors import UserError


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two files of 1,000 rows in ten row groups each, sorted by id; every id is its number."""
    paths = []
    for number in range(2):
        ids = [f"{n:06d}" for n in range(number, 2000, 2)]
        urls = [f"https://www.h{n % 7}.example/p/{n}/" for n in range(1000)]
        table = pa.table({"id": ids, "url": urls, "n": range(1000), "wide": ["w" * 100] * 1000})
        path = tmp_path / f"part-{number}.parquet"
        pq.write_table(table, path, row_group_size=100)
        paths.append(str(path))
    return paths


def test_rows_are_drawn_by_their_seed_and_come_in_order(files: list[str]) -> None:
    one, again, other = ([row.values["id"] for row in draw(files, 20, seed)] for seed in (1, 1, 2))
    assert one == again != other
    places = [(row.path, row.number) for row in draw(files, 20, 1)]
    assert places == sorted(set(places)) and len(places) == 20
    assert [row.values["id"] for row in take(files, places, ["id"])] == one


def test_every_row_is_as_likely_as_any_other(files: list[str]) -> None:
    seen = Counter(row.number // 100 for seed in range(100) for row in draw(files, 10, seed, ["n"]))
    assert len(seen) == 10 and all(60 < count < 145 for count in seen.values())


def test_more_rows_than_there_are_gives_all_of_them(files: list[str]) -> None:
    assert len(list(draw(files, 5000, 0, ["id"]))) == 2000


def test_a_sample_of_few_row_groups_comes_from_so_many(files: list[str]) -> None:
    rows = list(draw(files, 150, 0, ["id"], most_groups=3))
    assert len(rows) == 150 and len({(row.path, row.number // 100) for row in rows}) == 3


def test_a_condition_is_true_of_every_chosen_row(files: list[str]) -> None:
    schema = pq.read_schema(files[0])
    condition = parse("n >= 950 AND url LIKE '%h3%'", schema)
    rows = list(choose.choose(files, 5, 0, condition, ["n", "url"]))
    assert len(rows) == 5 and all(row.values["n"] >= 950 and "h3" in row.values["url"] for row in rows)
    everything = list(choose.choose(files, 5000, 0, condition))
    assert len(everything) == sum("h3" in f"h{n % 7}" for n in range(950, 1000)) * 2


def test_without_a_seed_the_first_rows_come(files: list[str]) -> None:
    assert [row.values["n"] for row in choose.choose(files, 3, None)] == [0, 1, 2]
    condition = parse("n > 400", pq.read_schema(files[0]))
    assert [row.values["n"] for row in choose.choose(files, 2, None, condition)] == [401, 402]


def test_row_groups_that_cannot_hold_a_row_are_not_read(files: list[str]) -> None:
    schema = pq.read_schema(files[0])
    assert [group.number for group in possible(files[0], parse("n = 250", schema).expression)] == [2]
    assert len(possible(files[0], parse("LENGTH(url) > 3", schema).expression)) == 10


def test_reservoirs_are_uniform_over_streams_of_unknown_length() -> None:
    seen: Counter[int] = Counter()
    for seed in range(2000):
        chosen = reservoir((("f", n) for n in range(40)), 4, seed)
        assert len(set(chosen)) == 4
        seen.update(number for _, number in chosen)
    assert len(seen) == 40 and all(140 < count < 260 for count in seen.values())
    assert reservoir(iter([("f", 1)]), 4, 0) == [("f", 1)]


def test_rows_are_found_by_id_in_the_groups_that_can_hold_them(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = by_id(files, ["000300", "001999", "nowhere"], ["id", "n"])
    assert [(row.values["id"], row.values["n"]) for row in rows] == [("000300", 150), ("001999", 999)]
    assert by_id(files, [], ["id"]) == [] and by_id(files, ["x"], key="no_such_column") == []


def test_addresses_are_found_under_every_form_that_means_the_same_page(files: list[str]) -> None:
    wanted = [(path, 10) for path in files]
    for form in (
        "https://www.h3.example/p/10/",
        "http://h3.example/p/10",
        "h3.example/p/10/?utm_source=x#part",
        "HTTPS://H3.example:443/p/10/index.html",
    ):
        assert Address(form).rows(files) == wanted, form
    missing = Address("https://h3.example/p/11")
    assert missing.rows(files) == [] and "https://www.h3.example/p/10/" in missing.near
    assert Address("https://elsewhere.example/").rows(files) == []


def test_what_is_no_parquet_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(UserError, match="as Parquet"):
        list(draw([str(tmp_path / "x.parquet")], 1, 0))
