"""What the keys decide: survivors, containment, boilerplate, who solves the graph, and what big inputs may cost."""

import random
import resource

import pytest
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.dedup.batches import EDGES
from corpus.dedup.config import DedupConfig
from corpus.dedup.exact.stage import PAGES, numbered, sketch
from corpus.dedup.graph.stage import Scratch, solve
from corpus.engine.config import build
from corpus.engine.errors import UserError
from tests.dedup.planting import dedup, edit, page, save, table, text_of

pytestmark = pytest.mark.spark


def kept(folder) -> set[str]:
    return {row["id"] for row in table(folder, "pages")}


def test_the_survivor_is_the_first_in_the_order_that_the_config_names(spark, tmp_path):
    rng = random.Random(2)
    base = text_of(rng)
    rows = [
        page("a", base, score=0.1, day=2),
        page("b", edit(rng, base, 3), score=0.9, day=1),
        page("c", base + " and more words at its very end", score=0.5, day=0),
    ]
    records = spark.read.parquet(save(rows, tmp_path / "in"))
    orders = {"score,length,date,id": "bca", "date,id": "cba", "-date,id": "abc", "length,-score,id": "cba"}
    for order, best_first in orders.items():
        config = build(DedupConfig, {"input": "in", "output": "out", "survivor": order})
        pages = sketch(records, config).withColumn("index", F.lit("")).select(*PAGES)
        found = numbered(pages, config).orderBy("node").collect()
        assert "".join(row["id"] for row in found) == best_first, order
    with pytest.raises(UserError, match="no total order"):
        dedup(str(tmp_path / "in"), tmp_path / "refused", survivor="score,length")
    assert not (tmp_path / "refused").exists()


def test_containment_removes_what_the_survivor_holds_and_never_the_larger_page(spark, tmp_path):
    rng = random.Random(3)
    whole, other = text_of(rng), text_of(rng)
    rows = [
        page("whole", whole, score=0.9),
        page("part", " ".join(whole.split()[:150]), score=0.1),
        page("better-part", " ".join(other.split()[:150]), score=0.9),
        page("other-whole", other, score=0.1),
    ]
    source = save(rows, tmp_path / "in")
    dedup(source, tmp_path / "on", containment=0.98)
    assert kept(tmp_path / "on") == {"whole", "better-part", "other-whole"}
    (row,) = table(tmp_path / "on", "duplicates")
    assert (row["containment"], round(row["jaccard"], 2)) == (1.0, 0.73)


def test_graphframes_without_its_jar_is_one_sentence(spark):
    values = {"input": "in", "output": "out", "components": "graphframes", "local_edges": 0}
    edges = spark.createDataFrame([(1, 2, 0.9, 0.9)], from_arrow_schema(EDGES))
    with pytest.raises(UserError, match=r"components=graphframes needs .* leave components=dataframes"):
        solve(edges, build(DedupConfig, values), Scratch(lambda df, _: df), 1)


COOKIES = "We use cookies to give you the best experience on our site."


def host_pages(count: int, host: str = "h.example") -> list[dict[str, object]]:
    """Pages of one host with a menu, a notice, a heading that each has, and code that each has."""
    rng = random.Random(host)
    rows = []
    for number in range(count):
        body = "\n".join(text_of(rng, 12) for _ in range(6))
        code = "```\nimport client\nclient.connect(host)\n```"
        text = f"Home\nDocs\nLog in\n{body}\nParameters\n{code}\n{body[:60]}\n{COOKIES}"
        rows.append(page(f"{host}-{number:02}", text, url=f"https://{host}/{number}"))
    return rows


HOSTS = [*host_pages(25), *host_pages(12, "small.example")]


@pytest.fixture(scope="module")
def usual(spark, tmp_path_factory):
    """One run under the defaults: pages of two hosts, and one page under several addresses."""
    base = tmp_path_factory.mktemp("usual")
    text = text_of(random.Random(6))
    again = [
        page("a", text, score=0.9, url="https://www.a.example/x?utm_source=y"),
        page("b", text.upper(), score=0.5, url="http://a.example/x/#top"),
        page("c", text, score=0.4, url="http://a.example/other"),
    ]
    return base / "out", dedup(save([*HOSTS, *again], base / "in"), base / "out")


def test_the_same_page_fetched_again_goes_under_its_own_relation(usual):
    relations = {row["id"]: row["relation"] for row in table(usual[0], "duplicates")}
    assert relations == {"b": "url", "c": "text"}


def test_boilerplate_is_counted_per_host_removed_and_reported(usual):
    folder, made = usual
    texts = {row["id"]: row["text"] for row in table(folder, "pages")}
    for row in HOSTS:
        gone = () if "small" in row["id"] else ("Home", "Docs", "Log in", COOKIES)
        assert texts[row["id"]].split("\n") == [line for line in row["text"].split("\n") if line not in gone]
    report = {
        row["line"]: (row["host"], row["pages"], row["removed_from"]) for row in table(folder, "boilerplate")
    }
    there = dict.fromkeys(("Home", "Docs", "Log in", COOKIES), ("h.example", 25, 25))
    assert report == {**there, "Parameters": ("h.example", 25, 0)}
    assert made.facts["boilerplate"] == {
        "removed": True, "hosts": 1, "lines": 5, "pages_with_boilerplate": 25, "line_occurrences": 100,
    }  # fmt: skip


@pytest.mark.slow
def test_with_the_switch_off_texts_stay_and_the_report_is_the_same(spark, tmp_path):
    rows = host_pages(25)
    source = save(rows, tmp_path / "in")
    on, off = (dedup(source, tmp_path / name, boilerplate=name == "on") for name in ("on", "off"))
    assert {row["id"]: row["text"] for row in table(tmp_path / "off", "pages")} == {
        r["id"]: r["text"] for r in rows
    }
    assert table(tmp_path / "off", "boilerplate") == table(tmp_path / "on", "boilerplate")
    assert [file.sha256 for file in off.tables["index"]] == [file.sha256 for file in on.tables["index"]]


@pytest.mark.slow
def test_a_page_that_was_crawled_often_is_no_boilerplate(spark, tmp_path):
    rng = random.Random(9)
    text = "\n".join(text_of(rng, 12) for _ in range(8))
    rows = [page(f"copy-{n:02}", text, url=f"https://h.example/{n}") for n in range(40)]
    dedup(save(rows, tmp_path / "in"), tmp_path / "out")
    assert [row["text"] for row in table(tmp_path / "out", "pages")] == [text]
    assert table(tmp_path / "out", "boilerplate") == []


def test_no_pair_in_a_hot_bucket_is_lost_and_none_of_its_other_pages(spark, tmp_path):
    """Pages of one template, .72 to each other; thirty have a duplicate, which few hubs would not meet."""
    rng = random.Random(13)
    template = text_of(rng, 250)
    own = [f"{template} {text_of(rng, 45)}" for _ in range(300)]
    rows = [page(f"own-{n:03}", text, score=0.9) for n, text in enumerate(own)]
    rows += [page(f"dup-{n:03}", edit(rng, own[n * 9], 20), score=0.1) for n in range(30)]
    made = dedup(save(rows, tmp_path / "in"), tmp_path / "out", hubs=4)
    removed = {row["id"]: row["kept_id"] for row in table(tmp_path / "out", "duplicates")}
    assert removed == {f"dup-{n:03}": f"own-{n * 9:03}" for n in range(30)}
    assert made.facts["pages_left_uncompared"] == 0
    assert made.facts["pairs_compared"] < 300 * 299 / 8


@pytest.mark.slow
def test_a_million_words_and_a_bucket_of_three_thousand_stay_within_the_memory_of_a_worker(spark, tmp_path):
    rng = random.Random(8)
    long, template = text_of(rng, 1_000_000), text_of(rng, 250)
    rows = [page("long", long, score=0.9), page("long-edit", edit(rng, long, 2000), score=0.1)]
    rows += [page(f"hot-{n:04}", f"{template} {text_of(rng, 45)}", score=0.5) for n in range(3000)]
    made = dedup(save(rows, tmp_path / "in"), tmp_path / "out")
    assert {row["id"] for row in table(tmp_path / "out", "duplicates")} == {"long-edit"}
    assert made.facts["pages_left_uncompared"] == 0
    workers = spark.sparkContext.parallelize([0, 1], 2).map(
        lambda _: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    assert max(workers.collect()) < 1 << 20, "KiB: no worker may need a GiB"
