"""The report: numbers that equal a recount, text that stays text, one file that loads nothing."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from statistics import median_low
from typing import Any

import pyarrow.dataset as ds
import pytest

from corpus.engine.cli import run_job
from corpus.engine.config import build, load_yaml
from corpus.engine.errors import UserError
from corpus.report.config import ReportConfig
from corpus.report.run import plan, run
from tests.report import synthetic

VOID = {"meta", "link", "br", "img", "hr", "input"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.make_workspace(tmp_path_factory.mktemp("reports") / "demo")


@pytest.fixture(scope="module")
def report(workspace: Path) -> Path:
    run(config(workspace))
    return workspace / "report"


@pytest.fixture(scope="module")
def stats(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((report / "stats.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def page(report: Path) -> str:
    return (report / "index.html").read_text(encoding="utf-8")


def config(workspace: Path, **values: Any) -> ReportConfig:
    return build(ReportConfig, {"input": str(workspace), **values})


def column(workspace: Path, table: str, *names: str) -> list[Any]:
    rows = ds.dataset(workspace / table, format="parquet").to_table(columns=list(names)).to_pylist()
    return [row[names[0]] if len(names) == 1 else tuple(row[name] for name in names) for row in rows]


def counts(rows: list[dict[str, Any]], key: str, value: str = "pages") -> dict[str, int]:
    return {row[key]: row[value] for row in rows}


def ascending(rows: list[dict[str, Any]], key: str) -> list[int]:
    return [row[key] for row in rows]


class Page(HTMLParser):
    """Collects elements and fails where tags are not nested."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing that is open"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)


def parse(page: str) -> Page:
    parser = Page()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


# Numbers


def test_funnel_equals_the_manifests(workspace: Path, stats: dict[str, Any]) -> None:
    for stage in ("seeds", "classifier", "pages", "unique", "matched", "shards"):
        written = json.loads((workspace / stage / "manifest.json").read_bytes())["counts"]["by_reason"]
        shown = [(r["outcome"], r["reason"], r["records"]) for r in stats["funnel"] if r["stage"] == stage]
        assert sorted(shown) == sorted((r["outcome"], r["reason"], r["rows"]) for r in written)
        assert sum(r["share"] for r in stats["funnel"] if r["stage"] == stage) == pytest.approx(1)


def test_page_numbers_equal_a_recount_of_the_last_page_stage(workspace: Path, stats: dict[str, Any]) -> None:
    pages, table = stats["pages"], "matched/pages"
    hosts = Counter(column(workspace, table, "host"))
    assert (pages["stage"], pages["pages"]) == ("matched", sum(hosts.values()))
    assert pages["hosts"]["distinct"] == len(hosts) and pages["hosts"]["count_error"] == 0
    assert counts(pages["hosts"]["top"], "host") == dict(
        sorted(hosts.items(), key=lambda h: (-h[1], h[0]))[:20]
    )
    assert pages["top_ten_hosts_share"] == sum(n for _, n in hosts.most_common(10)) / pages["pages"]
    for key, stat, null in (("language", "languages", "unknown"), ("licence", "licences", "none stated")):
        assert counts(pages[stat], key) == Counter(value or null for value in column(workspace, table, key))
    assert pages["unlicensed"] == column(workspace, table, "licence").count(None)
    assert pages["opted_out"] == sum(bool(value) for value in column(workspace, table, "opt_out"))
    years = Counter(str(value.year) for value in column(workspace, table, "fetched_at"))
    assert counts(pages["years"], "year") == years


def test_hosts_are_weighed_by_words_and_their_concentration_adds_up(
    workspace: Path, stats: dict[str, Any]
) -> None:
    rows = column(workspace, "matched/pages", "host", "num_words")
    words: Counter[str] = Counter()
    for host, number in rows:
        words[host] += number
    hosts = stats["pages"]["hosts"]
    assert counts(hosts["top_by_words"], "host", "words") == dict(words.most_common(20))
    first = hosts["top"][0]
    assert first["word_share"] == pytest.approx(words[first["host"]] / sum(words.values()))
    sizes = sorted(Counter(host for host, _ in rows).values(), reverse=True)
    for row in hosts["concentration"]:
        assert row["share"] == pytest.approx(sum(sizes[: row["hosts"]]) / len(rows))
    assert hosts["concentration"][-1] == {"hosts": len(sizes), "share": 1}
    assert 1 < hosts["effective"] < len(sizes)


def test_lost_hosts_equal_a_recount_of_the_ledger(workspace: Path, stats: dict[str, Any]) -> None:
    rows = column(workspace, "pages/ledger", "url", "outcome")
    lost = Counter(url.split("/")[2].split("<")[0] for url, outcome in rows if outcome != "kept")
    shown = {row["host"].split("<")[0]: row["pages"] for row in stats["dropped_hosts"]}
    assert shown == lost and all(row["kept"] == 0 for row in stats["dropped_hosts"])


def test_hygiene_equals_the_manifest_and_a_recount_of_its_finds(stats: dict[str, Any]) -> None:
    found = stats["hygiene"]["clean"]
    assert (found["contaminated"], found["replaced"], found["items_searched"]) == (10, 398, 60)
    rows = {row["benchmark"]: row for row in found["contamination"]}
    assert (rows[synthetic.SCRIPT]["texts"], rows[synthetic.SCRIPT]["items"]) == (10, 4)
    assert (rows["untouched"]["texts"], rows["untouched"]["indexed"]) == (0, 20)


def test_every_reason_has_examples_and_the_command_for_their_story(
    workspace: Path, stats: dict[str, Any]
) -> None:
    reasons = {(r["stage"], r["outcome"], r["reason"]) for r in stats["funnel"] if r["outcome"] != "kept"}
    shown = Counter((r["stage"], r["outcome"], r["reason"]) for r in stats["reason_examples"])
    with_ledger = {key for key in reasons if key[0] == "pages"}
    assert set(shown) == with_ledger and set(shown.values()) == {3}
    ledger = {row[0]: row[1:] for row in column(workspace, "pages/ledger", "id", "reason", "url")}
    for row in stats["reason_examples"]:
        assert ledger[row["id"]] == (row["reason"], row["url"])
        assert row["inspect"] == f"python jobs/inspect.py input={workspace} id={row['id']}"


def test_this_corpus_stands_beside_published_ones_with_its_own_numbers(stats: dict[str, Any]) -> None:
    ours, paper = stats["published"][:2]
    assert ours["tokens"] == stats["mixture"]["sets"]["stage1"]["tokens"]
    assert (ours["apis"], ours["trajectories"], ours["code"]) == (stats["seeds"]["apis"], "no", "no")
    assert (paper["tokens"], paper["apis"]) == (103_000_000_000, 76_537)


def test_lengths_equal_a_recount(workspace: Path, stats: dict[str, Any]) -> None:
    words = column(workspace, "matched/pages", "num_words")
    summary = stats["pages"]["words"]
    assert (summary["documents"], summary["total"], summary["max"]) == (len(words), sum(words), max(words))
    assert summary["p50"] == median_low(words)
    for entry in stats["pages"]["word_histogram"]:
        assert entry["documents"] == sum(entry["from"] <= n < entry["below"] for n in words)
    shares = column(workspace, "matched/pages", "code_share")
    assert stats["pages"]["pages_with_code"] == sum(value >= 0.05 for value in shares)


def test_seed_numbers_equal_a_recount(workspace: Path, stats: dict[str, Any]) -> None:
    rows = column(workspace, "seeds/seeds", "source", "kind", "apis", "text", "licence")
    seeds = stats["seeds"]
    assert (seeds["items"], seeds["characters"]) == (len(rows), sum(len(row[3]) for row in rows))
    assert seeds["apis"] == len({api for row in rows for api in row[2]})
    assert seeds["unlicensed"] == sum(row[4] is None for row in rows)
    for shown in seeds["by_source"]:
        mine = [row for row in rows if row[:2] == (shown["source"], shown["kind"])]
        assert shown["items"] == len(mine) and shown["characters"] == sum(len(row[3]) for row in mine)
        assert shown["apis"] == len({api for row in mine for api in row[2]})


def test_mixture_equals_the_rows_of_the_shards(workspace: Path, stats: dict[str, Any]) -> None:
    assert stats["mixture"]["tokenizer"]["name"] == "bpe:4096"
    assert list(stats["mixture"]["sets"]) == ["heldout", "stage1", "stage2"]  # sorted keys of the file
    for name, content in stats["mixture"]["sets"].items():
        assert sum(row["share"] for row in content["sources"]) == pytest.approx(1)
        for source in content["sources"]:
            rows = column(workspace, f"shards/{name}/{source['source']}", "source", "num_tokens", "licence")
            assert (source["documents"], source["tokens"]) == (len(rows), sum(row[1] for row in rows))
            by_set: Counter[str] = Counter()
            for data_set, tokens, _ in rows:
                by_set[data_set] += tokens
            assert counts(source["made_of"], "data_set", "tokens") == by_set
            assert source["unlicensed"] == sum(row[2] is None for row in rows)
            assert source["lengths"]["p50"] == median_low(row[1] for row in rows)


def test_duplicates_and_matches_equal_a_recount(workspace: Path, stats: dict[str, Any]) -> None:
    found = stats["duplicates"]
    rows = column(workspace, "unique/duplicates", "relation", "cluster_size", "cluster_id", "url")
    assert counts(found["by_relation"], "relation") == Counter(row[0] for row in rows)
    for entry in found["removed_by_cluster_size"]:
        assert entry["documents"] == sum(entry["from"] <= row[1] < entry["below"] for row in rows)
    largest = found["largest_clusters"][0]
    mine = [row for row in rows if row[2] == largest["cluster"]]
    assert largest["size"] == max(row[1] for row in rows) == mine[0][1]
    assert (largest["removed"], largest["example"]) == (len(mine), min(row[3] for row in mine))
    matches = stats["matches"]
    assert counts(matches["by_source"], "source") == Counter(
        column(workspace, "matched/pages", "match_source")
    )
    scores = column(workspace, "matched/pages", "match_score")
    assert sum(row["kept"] for row in matches["scores"]) == len(scores)
    assert matches["scores"][30]["kept"] == sum(0.6 <= score < 0.62 for score in scores)
    points = column(workspace, "matched/map", "group", "nearest_seed_similarity")
    assert counts(matches["map"]["groups"], "group", "points") == Counter(group for group, _ in points)
    near, far = ([value for group, value in points if group == name] for name in ("kept", "dropped"))
    above = sum((one > other) + (one == other) / 2 for one in near for other in far)
    assert matches["map"]["auc"] == pytest.approx(above / (len(near) * len(far)), abs=1e-3)


def test_classifier_scores_equal_a_recount(workspace: Path, stats: dict[str, Any]) -> None:
    rows = column(workspace, "classifier/scores", "label", "agent_score", "site")
    found = stats["classifier"]
    assert found["metrics"] == json.loads((workspace / "classifier" / "metrics.json").read_bytes())
    assert found["sites"] == len({row[2] for row in rows})
    for label in ("agent", "general"):
        values = [row[1] for row in rows if row[0] == label]
        assert sum(ascending(found["scores"], label)) == len(values)
        assert found["scores"][39][label] == sum(value >= 0.975 for value in values)


def test_training_numbers_equal_the_log(workspace: Path, stats: dict[str, Any]) -> None:
    lines = (workspace / "training" / "stage1" / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    steps = [row for row in rows if row["event"] == "step"]
    found = stats["training"]["stage1"]
    assert (found["steps"], found["tokens"]) == (len(steps), steps[-1]["tokens"])
    assert (found["first_loss"], found["last_loss"]) == (steps[0]["loss"], steps[-1]["loss"])
    assert min(row["lowest"] for row in found["curve"]) == min(row["loss"] for row in steps)
    assert max(row["highest"] for row in found["curve"]) == max(row["loss"] for row in steps)
    agent = next(row for row in found["heldout"] if row["source"] == "agent")
    assert (
        agent["last_loss"] == [r["loss"] for r in rows if r["event"] == "eval" and r["source"] == "agent"][-1]
    )


def test_damaged_ranges_are_added_up(stats: dict[str, Any]) -> None:
    archives = stats["archives"]
    assert (archives["archives"], archives["damaged_ranges"], archives["damaged_bytes"]) == (2, 2, 4096 + 500)


# The page


def test_page_is_well_formed_and_has_one_of_each_landmark(page: str) -> None:
    tags = Counter(tag for tag, _ in parse(page).elements)
    assert {tag: tags[tag] for tag in ("h1", "main", "header", "nav", "footer")} == dict.fromkeys(
        ("h1", "main", "header", "nav", "footer"), 1
    )
    names = [attributes["id"] for _, attributes in parse(page).elements if "id" in attributes]
    assert len(names) == len(set(names))
    assert tags["figure"] == tags["svg"] + tags["pre"] and tags["svg"] >= 20 and tags["pre"] >= 2


def test_every_chart_has_a_label_and_a_table_and_every_link_a_target(
    page: str, report: Path, stats: dict[str, Any]
) -> None:
    elements = parse(page).elements
    names = {attributes.get("id") for _, attributes in elements}
    for tag, attributes in elements:
        if tag == "svg":
            assert attributes["role"] == "img" and len(attributes["aria-label"] or "") > 20
        if tag == "a":
            link = attributes["href"] or ""
            assert link[1:] in names if link.startswith("#") else (report / link).is_file()
    figures = [attributes for tag, attributes in elements if tag == "figure" and "data-kind" in attributes]
    details = Counter(tag for tag, _ in elements)["details"]
    reasons = len({(row["stage"], row["reason"]) for row in stats["reason_examples"]})
    assert details >= len(figures) + reasons


def test_crawl_text_is_shown_as_text_and_never_run(page: str) -> None:
    parsed = parse(page)
    tags = Counter(tag for tag, _ in parsed.elements)
    assert tags["script"] == 1 and tags["style"] == 1 and tags["img"] == 0
    assert not any(name.startswith("on") or name == "style" for _, found in parsed.elements for name in found)
    shown = "".join(parsed.text)
    assert synthetic.SCRIPT in shown
    assert "\u202e" not in page and "safe\\u202egnp.exe" in shown


def test_policy_allows_nothing_but_the_pages_own_style_and_script(page: str) -> None:
    policy = next(a["content"] for t, a in parse(page).elements if t == "meta" and a.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    for tag in ("style", "script"):
        source = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert source is not None
        digest = base64.b64encode(hashlib.sha256(source[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_page_loads_nothing_from_elsewhere_and_is_small(page: str) -> None:
    for _, attributes in parse(page).elements:
        for name in ("src", "href", "srcset", "action", "data"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or "")
    assert "url(" not in page and "@import" not in page
    assert len(page.encode()) < 5_000_000


def test_notices_say_what_is_wrong_in_words(stats: dict[str, Any], page: str) -> None:
    said = " ".join(notice["text"] for notice in stats["notices"])
    for words in (
        "failed in pages",
        "byte ranges",
        "noisy labels",
        "docs.python.example",
        "no licence",
        "left out",
    ):
        assert words in said
    shown = "".join(parse(page).text)
    assert all(notice["text"] in shown for notice in stats["notices"])


def test_csv_files_hold_the_tables_and_no_formula(report: Path, stats: dict[str, Any]) -> None:
    with open(report / "tables" / "funnel.csv", newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == len(stats["funnel"])
    with open(report / "tables" / "licences.csv", newline="", encoding="utf-8") as stream:
        names = [row["licence"] for row in csv.DictReader(stream)]
    assert f"'{synthetic.FORMULA}" in names
    for path in (report / "tables").iterdir():
        with open(path, newline="", encoding="utf-8") as stream:
            assert not any(cell.startswith(("=", "@", "+")) for row in csv.reader(stream) for cell in row)


def test_same_workspace_gives_the_same_bytes(workspace: Path, report: Path, tmp_path: Path) -> None:
    run(config(workspace, output=str(tmp_path / "again")))
    for path in sorted(report.rglob("*")):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(report)).read_bytes() == path.read_bytes()


# Workspaces that are not whole


def test_missing_and_unfinished_stages_are_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    synthetic.make_pages(tmp_path, 60)
    (tmp_path / "unique").mkdir()
    said = str(run(config(tmp_path)))
    stats = json.loads((tmp_path / "report" / "stats.json").read_bytes())
    assert "unique has begun and not finished" in said
    for name in ("classifier", "matched", "shards", "training/stage1", "training/stage2"):
        assert f"The stage {name} is missing" in said
    assert (
        stats["classifier"] is None and stats["pages"]["stage"] == "pages" and stats["pages"]["pages"] == 60
    )
    parse((tmp_path / "report" / "index.html").read_text())


@pytest.mark.parametrize(
    "only", ["make_seeds", "make_classifier", "make_unique", "make_matched", "make_shards"]
)
def test_any_single_stage_makes_a_page(tmp_path: Path, only: str) -> None:
    getattr(synthetic, only)(tmp_path)
    run(config(tmp_path))
    parse((tmp_path / "report" / "index.html").read_text())


def test_a_run_with_odd_losses_and_a_torn_line_is_reported(tmp_path: Path) -> None:
    synthetic.make_training(tmp_path, "stage1", 20)
    log = tmp_path / "training" / "stage1" / "metrics.jsonl"
    log.write_text(
        log.read_text() + '{"event": "step", "step": 21, "loss": NaN, "tokens": 86016}\n{"event": "st'
    )
    said = str(run(config(tmp_path)))
    stats = json.loads((tmp_path / "report" / "stats.json").read_bytes())
    assert "not a finite number" in said and stats["training"]["stage1"]["last_loss"] is None
    assert stats["training"]["stage1"]["steps"] == 21


def test_a_run_is_finished_with_its_export_and_every_run_of_the_folder_is_shown(tmp_path: Path) -> None:
    for run_name in ("stage1", "stage3", ".._x"):
        synthetic.make_training(tmp_path, run_name, 120)
    shutil.rmtree(tmp_path / "training" / "stage3" / "export")  # as where it was killed
    (tmp_path / "training" / "sweep" / "trial").mkdir(parents=True)
    said = str(run(config(tmp_path)))
    stats = json.loads((tmp_path / "report" / "stats.json").read_bytes())
    states = {row["stage"]: row["state"] for row in stats["stages"] if row["stage"].startswith("training/")}
    assert states == {
        "training/stage1": "finished",
        "training/stage2": "missing",
        "training/.._x": "finished",
        "training/stage3": "unfinished",
    }
    assert "training/stage3 has exported no model" in said and "training/stage1 has" not in said
    page = (tmp_path / "report" / "index.html").read_text()
    parse(page)
    assert "Training in stage III took 120 steps" in page and stats["training"]["stage3"]["steps"] == 120
    assert (tmp_path / "report" / "tables" / "heldout_stage3.csv").is_file()
    assert not [path for path in (tmp_path / "report").rglob("*") if ".." in path.name]


def test_empty_and_absent_workspaces_get_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        assert run_job(ReportConfig, run, description="", argv=[f"input={folder}"]) == 2
        error = capsys.readouterr().err
        assert str(folder) in error and error.count("\n") == 1
    with pytest.raises(UserError, match="one workspace, or two"):
        build(ReportConfig, {"input": ["a", "b", "c"]})


def test_defaults_file_builds_and_dry_run_writes_nothing(
    repository: Path, workspace: Path, tmp_path: Path
) -> None:
    found = build(ReportConfig, load_yaml(str(repository / "conf" / "report.yaml")))
    assert found == build(ReportConfig, {"input": "workspace"}) and found.folder == "workspace/report"
    assert "seeds: finished" in plan(config(workspace, output=str(tmp_path / "none")))
    assert not (tmp_path / "none").exists()


def test_stage_folders_are_not_written_to(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    before = sorted(path_and_bytes(tmp_path / "seeds"))
    run(config(tmp_path))
    assert sorted(path_and_bytes(tmp_path / "seeds")) == before


def path_and_bytes(folder: Path) -> Iterator[tuple[str, bytes]]:
    return ((str(path), path.read_bytes()) for path in folder.rglob("*") if path.is_file())
