"""The measure of extraction on planted pages whose score is known: what is lost has to show, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.benchmarks.extraction.code import code_lines
from tests.benchmarks.extraction.gold import f1, precision_recall
from tests.benchmarks.extraction.normal import item
from tests.benchmarks.extraction.reading import parse, read_truth
from tests.benchmarks.extraction.score import KEPT, repeated, score
from tests.benchmarks.extraction.sites import Site, load_sites, load_styles, make_site, sample
from tests.benchmarks.extraction.truth import Truth

SITE = make_site(
    "planted",
    {"main": ['//*[c("page")]'], "drop": ['.//*[c("edit")]'], "neutral": ['.//*[c("toc")]']},
    {"drop": ['.//a[c("headerlink")]']},
)

PAGE = """
<html><head><title>Widget | Planted</title></head><body>
<nav><ul><li>Start here</li><li>Blog posts</li></ul></nav>
<div class="wide page">
  <div class="toc"><ul><li>Usage of it</li></ul></div>
  <h1>Widget<a class="headerlink" href="#w">#</a></h1>
  <p>A widget turns <code>name_of_it</code> into <em>something</em> else.</p>
  <h2>Usage</h2>
  <pre><span>def f(x):</span>
    if x:
        return 1
    return 2</pre>
  <dl><dt>log_directory (<code>string</code>)</dt><dd>Where logs go.</dd><dt>log_level</dt><dd>How many.</dd></dl>
  <table><tr><th>Name</th><th>Type</th></tr><tr><td>colour</td><td>string</td></tr><tr><td>size</td><td>int</td></tr></table>
  <ul><li>first thing</li><li>second thing<ul><li>inner thing</li></ul></li><li>last of them</li></ul>
  <p class="edit">Edit this page</p>
</div>
<footer>Made by nobody at all</footer></body></html>
"""

CODE = "def f(x):\n    if x:\n        return 1\n    return 2"
TABLE = "| Name | Type |\n|---|---|\n| colour | string |\n| size | int |"
LISTS = "- first thing\n- second thing\n  - inner thing\n- last of them"
FAITHFUL = f"""# Widget

A widget turns `name_of_it` into *something* else.

## Usage

```python
{CODE}
```

**log_directory (`string`)**
: Where logs go.

log\\_level
: How many.

{TABLE}

{LISTS}
"""


def values(output: str, page: str = PAGE, site: Site = SITE) -> dict[str, float]:
    return {name: share.value for name, share in score(truth(page, site), output).items()}


def truth(page: str = PAGE, site: Site = SITE) -> Truth:
    found = read_truth(page, site)
    assert found is not None
    return found


def test_a_faithful_output_keeps_everything_and_leaks_nothing() -> None:
    assert values(FAITHFUL) == {**dict.fromkeys(KEPT, 1.0), "leak": 0.0}


def test_an_empty_output_keeps_nothing() -> None:
    assert values("") == dict.fromkeys(KEPT, 0.0)


def test_markdown_marks_neither_help_nor_hurt() -> None:
    plain = FAITHFUL
    for mark in ("# ", "#", "`", "*", "- ", "\\", "|---|---|\n", ": "):
        plain = plain.replace("python", "").replace(mark, "")
    assert values(plain.replace("| ", "\t")) == values(FAITHFUL)


@pytest.mark.parametrize(
    ("metric", "old", "new", "left"),
    [
        ("code", "        return 1", "    return 1", 3 / 4),
        ("code", CODE, " ".join(CODE.split()), 0),
        ("code", "def f(x)", "def f\\(x\\)", 3 / 4),
        ("code", CODE, CODE.replace("\n", "\n\n\n"), 1),
        ("code", CODE, "\n".join("   " + line for line in CODE.split("\n")), 1),
        ("cells", "| size | int |", "| size |", 5 / 6),
        ("cells", "string |", "strings |", 5 / 6),
        ("rows", "| size | int |", "size\nint", 2 / 3),
        ("rows", TABLE, " ".join(TABLE.split("\n")), 1 / 3),
        ("rows", "| size | int |", "| int | size |", 2 / 3),
        ("terms", "log_directory (`string`)", "log_directory (", 1 / 2),
        ("terms", "log\\_level\n", "and log\\_level\n", 1 / 2),
        ("headings", "## Usage\n\n", "Usage of it. ", 1 / 2),
        ("headings", "## Usage", "", 1 / 2),
        ("paragraphs", "Where logs go.", "", 2 / 3),
        ("paragraphs", "`name_of_it` ", "", 2 / 3),
        ("lists", "- last of them", "", 3 / 4),
        ("lists", LISTS, " ".join(LISTS.split()), 1 / 4),
        ("lists", "- first thing\n- second thing", "- second thing\n- first thing", 1),
    ],
)
def test_each_loss_costs_what_was_lost(metric: str, old: str, new: str, left: float) -> None:
    assert FAITHFUL.count(old) == 1
    assert values(FAITHFUL.replace(old, new))[metric] == pytest.approx(left)


def test_a_loss_of_one_kind_is_none_of_another() -> None:
    without_list = FAITHFUL.replace(LISTS, "")
    assert values(without_list) == {**values(FAITHFUL), "lists": 0.0}


@pytest.mark.parametrize("foreign", ["Start here", "- Blog posts", "Made by nobody at all", "Edit this page"])
def test_text_from_outside_the_main_area_is_leakage(foreign: str) -> None:
    letters = sum(letter.isalnum() for letter in foreign)
    found = score(truth(), FAITHFUL + "\n" + foreign)["leak"]
    assert found.kept == letters
    assert found.total == score(truth(), FAITHFUL)["leak"].total + letters


def test_leakage_inside_a_line_counts_by_its_words() -> None:
    found = score(truth(), FAITHFUL + "\nWhere logs go. Made by nobody at all")["leak"]
    assert found.kept == len("Madebynobodyatall")


def test_what_is_neutral_is_neither_asked_for_nor_leakage() -> None:
    assert values(FAITHFUL + "\n- Usage of it") == values(FAITHFUL)


def test_one_match_cannot_serve_twice() -> None:
    page = """<div class="page"><dl><dt>name</dt><dd>One.</dd><dt>name</dt><dd>Two.</dd></dl>
        <h2>Notes</h2><h2>Notes</h2><pre>x = 1</pre><pre>x = 1</pre>
        <table><tr><td>a</td><td>b</td></tr><tr><td>a</td><td>b</td></tr></table></div>"""
    once = "## Notes\n\nname\n: One. Two.\n\nx = 1\n\na | b"
    found = values(once, page)
    assert [found[name] for name in ("terms", "headings", "code", "rows", "cells")] == [0.5] * 5


@pytest.mark.parametrize(
    "pre",
    [
        "<pre>a = 1\n  b = 2\n</pre>",
        "<pre><div>a = 1</div><div>  b = 2</div></pre>",
        "<pre>a = 1<br>  b = 2</pre>",
        "<pre><code><span class='line'>a = 1</span><span class='line'>  b = 2</span></code></pre>",
        "<pre><span class='linenos'>1</span>a = 1\n<span class='linenos'>2</span>  b = 2</pre>",
        "<pre>a = 1 \r\n\r\n&nbsp; b = 2</pre>",
    ],
)
def test_code_is_read_as_a_reader_sees_it(pre: str) -> None:
    assert code_lines(parse(pre).find(".//pre")) == ["a = 1", "  b = 2"]


def test_inline_code_beside_inline_text_is_one_line() -> None:
    pre = "<pre><code>tool [-t &lt;</code><em>n</em><code>&gt;]</code></pre>"
    assert code_lines(parse(pre).find(".//pre")) == ["tool [-t <n>]"]


@pytest.mark.parametrize("mark", ["class='linenos'", ""])
def test_a_column_of_line_numbers_is_no_code(mark: str) -> None:
    page = f"""<div class="page"><table><tr><td {mark}><div><pre>1\n2</pre></div></td>
        <td><pre>a\n  b</pre></td></tr></table></div>"""
    found = truth(page)
    assert found.code == [["a", "  b"]]
    assert not found.rows


def test_lines_moved_against_each_other_are_lost() -> None:
    page = "<div class='page'><pre>if x:\n    y\n    z</pre></div>"
    assert values("    if x:\n        y\n        z", page)["code"] == 1
    assert values("if x:\n  y\n  z", page)["code"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "table",
    [
        "<table role='presentation'><tr><td>a</td><td>b</td></tr></table>",
        "<table><tr><td><h2>a</h2></td><td>b</td></tr></table>",
        "<table><tr><td>a</td><td><table><tr><td>b</td></tr></table></td></tr></table>",
        "<table><tr><td><ul><li>a</li></ul></td><td><ul><li>b</li></ul></td></tr></table>",
    ],
)
def test_tables_that_place_things_have_no_rows(table: str) -> None:
    found = truth(f"<div class='page'>{table}</div>")
    assert not found.rows
    assert len([*found.headings, *found.items, *found.paragraphs, *found.lone_cells]) == 2


def test_what_most_pages_repeat_is_boilerplate_and_leakage() -> None:
    pages = [
        f"<div class='page'><p>Text number {n} alone.</p><p>Join our newsletter now.</p></div>"
        for n in range(6)
    ]
    truths = [truth(page) for page in pages]
    common = repeated(truths)
    assert common == {item("Join our newsletter now.")}
    kept = score(truths[0], "Text number 0 alone.\n\nJoin our newsletter now.", common)
    assert kept["paragraphs"].total == 1
    assert kept["leak"].kept == len("Joinournewsletternow")


def test_a_page_without_a_main_area_is_left_out() -> None:
    assert read_truth("<p>no such thing</p>", SITE) is None
    assert read_truth("", SITE) is None


def test_gold_counts_are_those_of_trafilaturas_evaluation() -> None:
    assert f1([6, 2, 2]) == pytest.approx(0.75)
    assert precision_recall([6, 2, 4]) == (pytest.approx(0.75), pytest.approx(0.6))


def test_every_hand_written_page_holds_what_its_generator_makes() -> None:
    for site, page in load_styles("styles"):
        found = truth(page.html, site)
        assert found.code and found.headings and found.outside, site.name
        assert all(found.code), site.name


def test_every_page_of_real_proportions_has_content_and_more_beside_it() -> None:
    for site, page in load_styles("chrome"):
        found = truth(page.html, site)
        assert found.outside, site.name
        assert found.inside or site.name == "spa_empty", site.name


def test_every_documentation_site_has_a_main_area(shared_data: Path) -> None:
    rows = pq.read_table(shared_data / "web" / "labels.parquet", columns=["origin", "label"]).to_pylist()
    sites = load_sites()
    assert {row["origin"] for row in rows if row["label"] == "positive"} == set(sites)
    for name, pages in sample(list(sites), 3, shared_data).items():
        found = [read_truth(page.html, sites[name]) for page in pages]
        assert sum(one is not None for one in found) >= len(found) - 1, name
