"""Every number of the page against a recount of its own, made here from the workspace's Parquet and logs alone.

The tables of the page are read back from its CSV files, which tests/report/exports shows to hold the numbers of
the page and no others. A table that nobody recounts fails the last test.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from corpus.engine.config import build
from corpus.report.config import ReportConfig
from corpus.report.markup import visible
from corpus.report.run import run
from tests.report import synthetic

Row = tuple[Any, ...]
ROAD = {"filter": "pages", "deduplication": "unique", "hygiene": "clean", "matching": "matched"}
STAGES = {"seeds": "seeds", "classifier": "classifier", **ROAD, "shards": "shards"}
SETS = {"stage I": "stage1", "stage II": "stage2", "the held-out slice": "heldout"}
RUNS = {"stage I": "stage1", "stage II": "stage2"}
# Held by other tests, or no numbers of this workspace: words of the schemas, of a paper, of manifests; samples.
NOT_RECOUNTED = {"glossary", "published", "provenance", "facts", "examples"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = synthetic.make_workspace(tmp_path_factory.mktemp("recount") / "demo")
    run(build(ReportConfig, {"input": str(root), "top": 200}))
    return root


# What the page says


def shown(space: Path, table: str, *columns: str) -> list[Row]:
    with open(space / "report" / "tables" / f"{table}.csv", newline="", encoding="utf-8") as stream:
        return [tuple(_plain(row[column]) for column in columns) for row in csv.DictReader(stream)]


def _plain(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return value or None


# What the tables say


def read(space: Path, table: str, *columns: str) -> pa.Table:
    return ds.dataset(space / table, format="parquet").to_table(columns=list(columns) or None)


def manifest(space: Path, stage: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((space / stage / "manifest.json").read_bytes())
    return found


def count(values: Iterable[Any], null: str | None = None) -> dict[Any, int]:
    return Counter(null if value in (None, "") and null else value for value in values)


def column(space: Path, table: str, name: str) -> list[Any]:
    values: list[Any] = read(space, table, name)[name].to_pylist()
    return values


def log(space: Path, name: str, event: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (space / "training" / name / "metrics.jsonl").open()]
    return [row for row in rows if row["event"] == event]


def same(found: Iterable[Row], expected: Iterable[Row]) -> None:
    """Equal rows in any order, numbers to 12 digits; text as the page writes control characters."""

    def key(row: Row) -> Row:
        return tuple(_key(value) for value in row)

    assert sorted(map(key, found)) == sorted(map(key, expected))


def _key(value: Any) -> tuple[int, str]:
    if value is None:
        return (0, "")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (1, f"{float(value):.11e}")
    text = visible(value)
    return (2, f"'{text}" if text.startswith(("=", "+", "-", "@")) else text)


def with_shares(counts: dict[Any, float]) -> Iterator[Row]:
    whole = sum(counts.values())
    return ((name, number, number / whole) for name, number in counts.items())


def binned(values: list[float], edges: list[tuple[float, float]], last_closed: bool) -> list[Row]:
    kept = [value for value in values if value is not None]
    ends = [
        (low, math.inf if last_closed and at == len(edges) - 1 else high)
        for at, (low, high) in enumerate(edges)
    ]
    return [(*edge, sum(low <= value < high for value in kept)) for edge, (low, high) in zip(edges, ends)]


def edges_of(space: Path, table: str) -> list[tuple[float, float]]:
    return [(row[0], row[1]) for row in shown(space, table, "from", "below")]


# Recounts, one for each table of the page


def funnel(space: Path) -> None:
    expected = []
    for title, stage in STAGES.items():
        counts = manifest(space, stage)["counts"]
        expected += [
            (title, row["outcome"], row["reason"] or None, row["rows"], row["rows"] / counts["records_in"])
            for row in counts["by_reason"]
        ]
    same(shown(space, "funnel", "stage", "outcome", "reason", "records", "share"), expected)


def stages(space: Path) -> None:
    keys = ("records_in", "kept", "dropped", "failed")
    expected = [
        (title, *(manifest(space, stage)["counts"][key] for key in keys)) for title, stage in ROAD.items()
    ]
    same(shown(space, "stages", "stage", *keys), expected)


def reasons(space: Path) -> None:
    expected = [
        (title, row["outcome"], row["reason"], row["rows"])
        for title, stage in ROAD.items()
        for row in manifest(space, stage)["counts"]["by_reason"]
        if row["outcome"] != "kept"
    ]
    same(shown(space, "reasons", "stage", "outcome", "reason", "records"), expected)


def timing(space: Path) -> None:
    expected = []
    for title, stage in STAGES.items():
        found = manifest(space, stage)
        records, seconds = found["counts"]["records_in"], found["seconds"]
        out = sum(file["bytes"] for files in found["tables"].values() for file in files)
        into = sum(item["bytes"] for item in found["inputs"])
        expected.append((title, records, seconds, records / seconds, into, out))
    same(shown(space, "timing", "stage", "records_in", "seconds", "records_per_second", "bytes_in", "bytes_out"), expected)  # fmt: skip
    same(
        shown(space, "timing", "stage", "million_hours"), ((row[0], 1e6 / row[3] / 3600) for row in expected)
    )


def time(space: Path) -> None:
    same(
        shown(space, "time", "stage", "seconds"),
        ((t, manifest(space, s)["seconds"]) for t, s in STAGES.items()),
    )


def filter_steps(space: Path) -> None:
    steps = {row["step"]: row for row in manifest(space, "pages")["facts"]["steps"]}
    for name, came, left, seconds in shown(space, "filter_steps", "step", "pages_in", "pages_out", "seconds"):
        assert (came, left, seconds) == tuple(
            steps[name][key] for key in ("pages_in", "pages_out", "seconds")
        )


def seeds(space: Path) -> None:
    rows = read(space, "seeds/seeds", "source", "kind").to_pylist()
    counts = Counter((row["source"], row["kind"]) for row in rows)
    same(shown(space, "seeds", "source", "kind", "items"), ((*key, number) for key, number in counts.items()))


def sources(space: Path) -> None:
    rows = read(space, "seeds/seeds", "source", "kind", "apis").to_pylist()
    apis: dict[Row, set[str]] = {}
    for row in rows:
        apis.setdefault((row["source"], row["kind"]), set()).update(row["apis"])
    counts = Counter((row["source"], row["kind"]) for row in rows)
    expected = ((*key, number, len(apis[key])) for key, number in counts.items())
    same(shown(space, "sources", "source", "kind", "items", "apis"), expected)


def shard_rows(space: Path) -> list[dict[str, Any]]:
    names = ("source", "kind", "licence", "num_tokens")
    return [
        {**row, "set": name, "part": part.name}
        for name in SETS.values()
        for part in sorted((space / "shards" / name).iterdir())
        for row in read(part, "", *names).to_pylist()
    ]


def composition(space: Path) -> None:
    rows, expected = shard_rows(space), []
    for title, name in SETS.items():
        whole = sum(row["num_tokens"] for row in rows if row["set"] == name)
        for part in {row["part"] for row in rows if row["set"] == name}:
            tokens = [row["num_tokens"] for row in rows if (row["set"], row["part"]) == (name, part)]
            expected.append((title, part, len(tokens), sum(tokens), sum(tokens) / whole))
    same(shown(space, "composition", "set", "source", "documents", "tokens", "share"), expected)


def sets(space: Path) -> None:
    groups: dict[Row, list[int]] = {}
    for row in shard_rows(space):
        groups.setdefault((row["source"], row["set"], row["part"], row["kind"]), []).append(row["num_tokens"])
    expected = ((*key, len(tokens), sum(tokens)) for key, tokens in groups.items())
    same(shown(space, "sets", "data_set", "set", "source", "kind", "documents", "tokens"), expected)


def kinds(space: Path) -> None:
    tokens: Counter[str] = Counter()
    for row in shard_rows(space):
        tokens[row["kind"]] += row["num_tokens"] if row["set"] == "stage1" else 0
    same(shown(space, "kinds", "kind", "tokens", "share"), with_shares(+tokens))


def lengths(space: Path) -> None:
    rows = [row for row in shard_rows(space) if row["set"] == "stage1"]
    for part in ("agent", "code", "text"):
        tokens = [row["num_tokens"] for row in rows if row["part"] == part]
        same(
            shown(space, "lengths", "from", "below", part), binned(tokens, edges_of(space, "lengths"), False)
        )
    assert sum(sum(row) for row in shown(space, "lengths", "agent", "code", "text")) == len(rows)


def by_value(table: str, name: str, key: str, null: str) -> Callable[[Path], None]:
    """Pages of the last stage by one of their columns."""

    def recount(space: Path) -> None:
        counts = count(column(space, "matched/pages", key), null)
        same(shown(space, table, name, "pages", "share"), with_shares(counts))

    return recount


def years(space: Path) -> None:
    counts = count(str(value.year) for value in column(space, "matched/pages", "fetched_at"))
    same(
        shown(space, "years", "year", "pages", "share"), ((float(y), n, s) for y, n, s in with_shares(counts))
    )


def hosts(space: Path) -> None:
    counts = count(column(space, "matched/pages", "host"))
    same(shown(space, "hosts", "host", "pages", "share"), with_shares(counts))


def hosts_by_words(space: Path) -> None:
    words: Counter[str] = Counter()
    for row in read(space, "matched/pages", "host", "num_words").to_pylist():
        words[row["host"]] += row["num_words"]
    same(shown(space, "hosts_by_words", "host", "words", "share"), with_shares(words))


def concentration(space: Path) -> None:
    sizes = sorted(count(column(space, "matched/pages", "host")).values(), reverse=True)
    for most, share in shown(space, "concentration", "hosts", "share"):
        assert share == pytest.approx(sum(sizes[: int(most)]) / sum(sizes))


def dropped_hosts(space: Path) -> None:
    rows = read(space, "pages/ledger", "url", "outcome").to_pylist()
    lost = Counter((urlsplit(row["url"]).hostname or "").lower() for row in rows if row["outcome"] != "kept")
    for _, pages, share, _ in shown(space, "dropped_hosts", "host", "pages", "share", "kept"):
        assert pages in lost.values() and share == pytest.approx(pages / sum(lost.values()))


def code(space: Path) -> None:
    edges = edges_of(space, "code")
    values = [round(value, 7) for value in column(space, "matched/pages", "code_share")]
    same(shown(space, "code", "from", "below", "pages"), binned(values, edges, True))


def extractors(space: Path) -> None:
    table = read(space, "matched/pages", "extractor", "num_words").group_by("extractor")
    rows = table.aggregate([("num_words", "mean"), ([], "count_all")]).to_pylist()
    whole = sum(row["count_all"] for row in rows)
    expected = ((r["extractor"], r["count_all"], r["count_all"] / whole, r["num_words_mean"]) for r in rows)
    same(shown(space, "extractors", "extractor", "pages", "share", "words"), expected)


def fidelity(space: Path) -> None:
    values = column(space, "matched/pages", "fidelity")
    same(
        shown(space, "fidelity", "from", "below", "pages"), binned(values, edges_of(space, "fidelity"), True)
    )


def archives(space: Path) -> None:
    rows = read(space, "pages/files").to_pylist()
    found = dict(shown(space, "archives", "what", "number"))
    keys = ("records", "responses", "other_records", "kept", "dropped", "failed")
    expected = {key.replace("_", " "): sum(row[key] for row in rows) for key in keys}
    parts = [part for row in rows for part in row["damaged"]]
    expected |= {
        "archives": len(rows),
        "damaged ranges": len(parts),
        "size (bytes)": sum(r["bytes"] for r in rows),
    }
    expected["unreadable (bytes)"] = sum(part["end"] - part["start"] for part in parts)
    assert found == expected


def damage(space: Path) -> None:
    rows = [row for row in read(space, "pages/files").to_pylist() if row["damaged"]]
    lost = [sum(part["end"] - part["start"] for part in row["damaged"]) for row in rows]
    expected = ((len(row["damaged"]), size, row["bytes"]) for row, size in zip(rows, lost))
    same(shown(space, "damage", "ranges", "bytes", "of"), expected)


def damage_reasons(space: Path) -> None:
    parts = [part for row in read(space, "pages/files").to_pylist() for part in row["damaged"]]
    expected = [
        (
            why,
            sum(p["reason"] == why for p in parts),
            sum(p["end"] - p["start"] for p in parts if p["reason"] == why),
        )
        for why in {part["reason"] for part in parts}
    ]
    same(shown(space, "damage_reasons", "reason", "ranges", "bytes"), expected)


def classifier(space: Path) -> None:
    metrics = json.loads((space / "classifier" / "metrics.json").read_bytes())["held_out"]
    keys = ("accuracy", "precision", "recall", "f1", "false_positive_rate", "macro_recall", "auc")
    same(shown(space, "classifier", *keys), [tuple(metrics[key] for key in keys)])


def recall_at_fpr(space: Path) -> None:
    metrics = json.loads((space / "classifier" / "metrics.json").read_bytes())["held_out"]
    expected = ((float(rate), recall) for rate, recall in metrics["recall_at_fpr"].items())
    same(shown(space, "recall_at_fpr", "fpr", "recall"), expected)


def worst_sites(space: Path) -> None:
    metrics = json.loads((space / "classifier" / "metrics.json").read_bytes())["held_out"]
    keys = ("site", "label", "pages", "right")
    expected = (tuple(row[key] for key in keys) for row in metrics["worst_sites"])
    same(shown(space, "worst_sites", *keys), expected)


def score(space: Path) -> None:
    rows = read(space, "classifier/scores", "label", "agent_score").to_pylist()
    for label in ("agent", "general"):
        values = [row["agent_score"] for row in rows if row["label"] == label]
        same(shown(space, "score", "from", "below", label), binned(values, edges_of(space, "score"), True))


def duplicates(space: Path) -> None:
    counts = count(column(space, "unique/duplicates", "relation"))
    same(shown(space, "duplicates", "relation", "pages", "share"), with_shares(counts))


def jaccard(space: Path) -> None:
    rows = read(space, "unique/duplicates", "relation", "jaccard").to_pylist()
    values = [row["jaccard"] for row in rows if row["relation"] == "near"]
    same(shown(space, "jaccard", "from", "below", "pages"), binned(values, edges_of(space, "jaccard"), True))


def cluster_sizes(space: Path) -> None:
    values = column(space, "unique/duplicates", "cluster_size")
    edges = edges_of(space, "cluster_sizes")
    same(shown(space, "cluster_sizes", "from", "below", "documents"), binned(values, edges, False))


def clusters(space: Path) -> None:
    rows = read(space, "unique/duplicates", "cluster_id", "cluster_size", "url").to_pylist()
    removed = Counter((row["cluster_id"], row["cluster_size"]) for row in rows)
    first = {key: min(row["url"] for row in rows if row["cluster_id"] == key[0]) for key in removed}
    expected = ((first[key], key[1], number, key[0]) for key, number in removed.items())
    same(shown(space, "clusters", "example", "size", "removed", "cluster"), expected)


def collision(space: Path) -> None:
    curve = manifest(space, "unique")["facts"]["collision_curve"]
    rows = [
        row[1:]
        for row in shown(space, "collision", "series", "similarity", "probability")
        if row[0] == "in theory"
    ]
    same(rows, ((float(x), y) for x, y in curve.items()))


def retrieved(space: Path) -> None:
    counts = count(column(space, "matched/pages", "match_source"))
    same(shown(space, "retrieved", "source", "pages", "share"), with_shares(counts))


def seed_hits(space: Path) -> None:
    rows = read(space, "matched/seed_hits", "source", "pages", "best_score").to_pylist()
    whole, expected = sum(row["pages"] for row in rows), []
    for name in {row["source"] for row in rows}:
        mine = [row for row in rows if row["source"] == name]
        pages = sum(row["pages"] for row in mine)
        expected.append((name, len(mine), pages, pages / whole, max(row["best_score"] for row in mine)))
    same(shown(space, "seed_hits", "source", "seeds", "pages", "share", "best_score"), expected)


def top_seeds(space: Path) -> None:
    keys = ("title", "source", "kind", "pages", "best_score")
    expected = (
        tuple(row[key] for key in keys) for row in read(space, "matched/seed_hits", *keys).to_pylist()
    )
    same(shown(space, "top_seeds", *keys), expected)


def match_scores(space: Path) -> None:
    edges = edges_of(space, "match-scores")
    values = column(space, "matched/pages", "match_score")
    same(shown(space, "match-scores", "from", "below", "kept"), binned(values, edges, True))


def map_groups(space: Path) -> None:
    table = read(space, "matched/map", "group", "nearest_seed_similarity")
    table = table.set_column(1, "value", pc.cast(table["nearest_seed_similarity"], pa.float64())).group_by(
        "group"
    )
    rows = table.aggregate([("value", "mean"), ([], "count_all")]).to_pylist()
    expected = ((row["group"], row["count_all"], row["value_mean"]) for row in rows)
    same(shown(space, "map_groups", "group", "points", "mean_similarity"), expected)


def contamination(space: Path) -> None:
    rows = read(space, "clean/contamination", "id", "benchmark", "item").to_pylist()
    indexed = manifest(space, "clean")["facts"]["benchmarks"]["indexed_by_benchmark"]
    expected = [
        (
            name,
            len({row["id"] for row in rows if row["benchmark"] == name}),
            len({row["item"] for row in rows if row["benchmark"] == name}),
            number,
        )
        for name, number in indexed.items()
    ]
    same(shown(space, "contamination", "benchmark", "texts", "items", "indexed"), expected)


def redacted(space: Path) -> None:
    found = manifest(space, "clean")["facts"]["redacted"]
    expected = ((name.replace("_", " "), one["replaced"], one["texts"]) for name, one in found.items())
    same(shown(space, "redacted", "what", "replaced", "texts"), expected)


def training(space: Path) -> None:
    expected = []
    for title, name in RUNS.items():
        steps = log(space, name, "step")
        rates = sorted(row["tokens_per_second"] for row in steps)
        middle = (rates[(len(rates) - 1) // 2] + rates[len(rates) // 2]) / 2
        expected.append((title, len(steps), steps[-1]["tokens"], steps[0]["loss"], steps[-1]["loss"], middle))
    same(
        shown(space, "training", "run", "steps", "tokens", "first_loss", "last_loss", "tokens_per_second"),
        expected,
    )


def loss(space: Path) -> None:
    """Each point covers the steps behind the one before it, up to its own tokens."""
    for title, name in RUNS.items():
        steps, before = log(space, name, "step"), 0.0
        for run_name, tokens, mean, lowest, highest in shown(
            space, "loss", "run", "tokens", "loss", "lowest", "highest"
        ):
            if run_name != title:
                continue
            losses = [row["loss"] for row in steps if before < row["tokens"] <= tokens]
            assert (mean, lowest, highest) == (
                pytest.approx(sum(losses) / len(losses)),
                min(losses),
                max(losses),
            )
            before = tokens
        assert before == steps[-1]["tokens"]


def learning_rate(space: Path) -> None:
    for title, name in RUNS.items():
        steps, before = log(space, name, "step"), 0.0
        for run_name, tokens, rate in shown(space, "learning_rate", "run", "tokens", "lr"):
            if run_name == title:
                rates = [row["lr"] for row in steps if before < row["tokens"] <= tokens]
                assert rate == pytest.approx(sum(rates) / len(rates))
                before = tokens


def heldout(table: str, name: str) -> Callable[[Path], None]:
    def recount(space: Path) -> None:
        tokens = {row["step"]: row["tokens"] for row in log(space, name, "step")}
        rows = log(space, name, "eval")
        expected = ((row["source"], tokens[row["step"]], row["loss"], row["bits_per_byte"]) for row in rows)
        same(shown(space, table, "source", "tokens", "loss", "bits_per_byte"), expected)

    return recount


def training_sources(space: Path) -> None:
    expected = [
        (title, *row)
        for title, name in RUNS.items()
        for row in with_shares(log(space, name, "step")[-1]["source_tokens"])
    ]
    same(shown(space, "training_sources", "run", "source", "tokens", "share"), expected)


RECOUNTS: dict[str, Callable[[Path], None]] = {
    **{one.__name__: one for one in (funnel, stages, reasons, timing, time, filter_steps, seeds, sources, sets, kinds)},
    **{one.__name__: one for one in (composition, lengths, years, hosts, hosts_by_words, concentration, dropped_hosts)},
    **{one.__name__: one for one in (code, extractors, fidelity, archives, damage, damage_reasons, classifier)},
    **{one.__name__: one for one in (recall_at_fpr, worst_sites, score, duplicates, jaccard, cluster_sizes, clusters)},
    **{one.__name__: one for one in (collision, retrieved, seed_hits, top_seeds, map_groups, contamination, redacted)},
    **{one.__name__: one for one in (training, loss, learning_rate, training_sources)},
    "match-scores": match_scores,
    "languages": by_value("languages", "language", "language", "unknown"),
    "licences": by_value("licences", "licence", "licence", "none stated"),
    "opt_outs": by_value("opt_outs", "directive", "opt_out", "none"),
    "media_types": by_value("media_types", "media_type", "mime", "unknown"),
    "heldout_stage1": heldout("heldout_stage1", "stage1"),
    "heldout_stage2": heldout("heldout_stage2", "stage2"),
}  # fmt: skip


def test_the_paragraph_at_the_head_says_what_a_recount_says(workspace: Path) -> None:
    page = (workspace / "report" / "index.html").read_text(encoding="utf-8")
    lead = re.search(r'<p class="lead">(.*?)</p>', page, re.DOTALL)
    assert lead is not None
    files, seeds, rows = (
        read(workspace, "pages/files"),
        read(workspace, "seeds/seeds", "source", "apis"),
        shard_rows(workspace),
    )
    known = [
        files.num_rows,
        pc.sum(files["responses"]).as_py(),
        manifest(workspace, "pages")["counts"]["kept"],
    ]
    known += [
        read(workspace, "matched/pages", "id").num_rows,
        len(set(column(workspace, "matched/pages", "host"))),
    ]
    known += [
        seeds.num_rows,
        len(set(seeds["source"].to_pylist())),
        len({api for row in seeds["apis"].to_pylist() for api in row}),
    ]
    for name in SETS.values():
        tokens = [row["num_tokens"] for row in rows if row["set"] == name]
        known += [len(tokens), sum(tokens)]
    said = ["4096", "4,096", *(f"{number:,}" for number in known)]  # first the tokenizer's name and its size
    for name in RUNS.values():
        steps = log(workspace, name, "step")
        said += [str(len(steps)), *(f"{steps[at]['loss']:.3f}" for at in (0, -1))]
    shown = re.findall(r"\d[\d\u202f.,]*\d|\d", lead[1].replace("\u202f", ","))
    assert sorted(shown) == sorted(said)


def tables_of(space: Path) -> set[str]:
    return {path.stem for path in (space / "report" / "tables").glob("*.csv")}


@pytest.mark.parametrize("table", sorted(RECOUNTS))
def test_the_page_says_what_a_recount_says(workspace: Path, table: str) -> None:
    if table not in tables_of(workspace):
        pytest.skip(f"this workspace has no numbers for the table {table}")
    RECOUNTS[table](workspace)


def test_every_table_of_the_page_is_recounted(workspace: Path) -> None:
    assert tables_of(workspace) - NOT_RECOUNTED - set(RECOUNTS) == set()
