"""The report as files: all from the objects of the page, listed with their hashes, named by the program alone."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from corpus.engine.config import build
from corpus.report import page
from corpus.report.compare.differences import NUMBERS
from corpus.report.config import ReportConfig
from corpus.report.exports.latex import escape, to_latex
from corpus.report.exports.write import files, write
from corpus.report.grids import grid
from corpus.report.parts import Section, figures_of, tables_of
from corpus.report.run import run
from tests.report import synthetic

HOSTILE = [
    "<script>",
    "50 % & more_than #1 {x} ~^\\",
    '"quoted" -- `x`',
    "\u202egnp",
    "中文",
    "[a]*",
    "a\nb\t",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = synthetic.make_workspace(tmp_path_factory.mktemp("exports") / "demo")
    run(build(ReportConfig, {"input": str(workspace)}))
    return workspace / "report"


@pytest.fixture(scope="module")
def parts(report: Path) -> list[Section]:
    return page.sections(json.loads((report / "stats.json").read_bytes()))


class Numbers(HTMLParser):
    """The plain values behind the numbers of all tables of a page, and the files that the page links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "td" and found.get("data-v"):
            self.values.append(str(found["data-v"]))
        if tag == "a" and not (found.get("href") or "#").startswith("#"):
            self.links.add(str(found["href"]))


def test_the_manifest_lists_every_file_with_its_hash_and_the_fingerprints(report: Path) -> None:
    listed = json.loads((report / "manifest.json").read_bytes())
    there = {str(path.relative_to(report)) for path in report.rglob("*") if path.is_file()}
    assert there == {entry["path"] for entry in listed["files"]} | {"manifest.json"}
    for entry in listed["files"]:
        content = (report / entry["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
    written = json.loads((report.parent / "pages" / "manifest.json").read_bytes())
    assert listed["made_from"]["pages"] == written["fingerprint"]


def test_there_is_a_csv_and_a_tex_of_each_table_and_both_pictures_of_each_figure(
    report: Path, parts: list[Section]
) -> None:
    tables, figures = [t.name for t in tables_of(parts)], [f.name for f in figures_of(parts)]
    assert len(set(tables)) == len(tables) > 20 and len(set(figures)) == len(figures) > 12
    assert {path.stem for path in (report / "tables").glob("*.csv")} == set(tables)
    assert {path.stem for path in (report / "latex").glob("*.tex")} == set(tables)
    for kind in ("svg", "png"):
        assert {path.stem for path in (report / "figures").glob(f"*.{kind}")} == set(figures)


def test_numbers_of_the_page_are_those_of_the_csv_files(report: Path, parts: list[Section]) -> None:
    shown = Numbers((report / "index.html").read_text())
    written = []
    for table in tables_of(parts):
        numbers = {c.key for c in table.columns if c.kind in NUMBERS and c.key not in table.fold}
        with open(report / "tables" / f"{table.name}.csv", newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(table.rows)
        written += [value for row in rows for key, value in row.items() if key in numbers and value != ""]
    assert sorted(map(float, shown.values)) == sorted(map(float, written)) and len(written) > 500
    assert all((report / link).is_file() for link in shown.links)


def test_pictures_are_whole(report: Path) -> None:
    for path in (report / "figures").iterdir():
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG\r\n") and path.stat().st_size > 2000
        else:
            names = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}
            assert "svg" in names and not names & {"script", "foreignObject", "image", "a", "use"}


def test_equal_workspaces_give_equal_bytes_and_old_files_go(report: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    (again / "tables").mkdir(parents=True)
    (again / "tables" / "mine.csv").write_text("not of the report")
    (again / "tables" / "old.csv").write_text("of an earlier report")
    listed = {
        "files": [
            {"path": name} for name in ("tables/old.csv", "../report", "tables/../../mine", "notes.txt")
        ]
    }
    (again / "manifest.json").write_text(json.dumps(listed))
    (again / "notes.txt").write_text("kept")
    run(build(ReportConfig, {"input": str(report.parent), "output": str(again)}))
    for path in sorted(report.rglob("*")):
        if path.is_file():
            assert (again / path.relative_to(report)).read_bytes() == path.read_bytes(), path
    assert not (again / "tables" / "old.csv").exists()
    assert (again / "tables" / "mine.csv").exists() and (again / "notes.txt").read_text() == "kept"


def test_names_never_come_from_data(tmp_path: Path) -> None:
    for name in ("../up", "a b", "", "x" * 80, "Ä", "a.b", "-a"):
        section = Section("s", "s", "s", (), [grid(name, "c", {"a": ("A", "text")}, [])])
        with pytest.raises(RuntimeError, match="no name for a file"):
            list(files("<html>", {}, [section]))
        with pytest.raises(RuntimeError):
            write(str(tmp_path), page="", stats={}, sections=[section], made_from={})
    assert not list(tmp_path.rglob("*.csv"))


def tex(rows: list[dict[str, Any]]) -> str:
    columns = {"name": ("Name & more", "foreign"), "number": ("N", "count"), "share": ("S", "percent")}
    return to_latex(grid("t", "100 % of_it", columns, rows)).decode()


def test_latex_is_a_booktabs_table_whose_text_is_escaped() -> None:
    text = tex(
        [{"name": "a_b & c", "number": 13731, "share": 0.125}, {"name": None, "number": None, "share": 0}]
    )
    assert "\\begin{tabular}{lrr}" in text and "\\caption{100 \\% of\\_it}\\label{tab:t}" in text
    assert (
        "Name \\& more & N & S \\\\\n\\midrule\na\\_b \\& c & 13\\,731 & 12.5\\,\\% \\\\\n-- & -- & 0.0\\,\\% \\\\\n\\bottomrule"
        in text
    )


@pytest.mark.parametrize("words", HOSTILE)
def test_no_text_acts_in_latex(words: str) -> None:
    found = escape(words)
    rest = re.sub(r"\\(text\w+|ldots|[{}$&#%_,])(\{\})?", "", found).replace("{}", "")
    assert not set(rest) & set("\\{}$&#%_^~<>\n\t") and found.isprintable()
    assert not found.startswith(("[", "*"))
    row = tex([{"name": words, "number": 1, "share": 0.5}]).split("\\midrule\n")[1].splitlines()[0]
    assert len(re.findall(r"(?<!\\)&", row)) == 2 and row.endswith(" \\\\")


def test_long_tables_break_over_pages() -> None:
    text = tex([{"name": str(n), "number": n, "share": 0.5} for n in range(50)])
    assert "\\begin{longtable}{lrr}" in text and "\\endhead" in text and text.count("50.0") == 50


def test_every_table_of_the_report_is_well_formed_latex(report: Path) -> None:
    for path in (report / "latex").glob("*.tex"):
        text = re.sub(r"\\[{}\\%&]", "", path.read_text())
        assert text.count("{") == text.count("}"), path
        columns = len(re.search(r"\{([lr]+)\}", text)[1])  # type: ignore[index]
        body = (
            path.read_text().split("\\midrule")[1].split("\\bottomrule")[0]
            if "longtable}{" not in text
            else ""
        )
        for line in body.strip().splitlines():
            assert len(re.findall(r"(?<!\\)&", line)) == columns - 1, (path, line)
