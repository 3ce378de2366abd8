"""The page: sections to one HTML file that loads nothing and reads well without its one small script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

from corpus.report import grids
from corpus.report.figures.style import COLOURS
from corpus.report.markup import foreign, text
from corpus.report.parts import Example, Figure, Section
from corpus.report.show import (
    classifier,
    composition,
    documents,
    duplicates,
    experiments,
    extraction,
    formats,
    funnel,
    hygiene,
    matching,
    overview,
    sources,
    tables,
    training,
)

Stats = dict[str, Any]
Notices = Sequence[Mapping[str, Any]]
LONG = 30  # rows of a table that stands open
NEWLINE = "\n"  # Python 3.10 takes no escape within an f-string
_WORDS = {"problem": "Problem", "caution": "Caution"}
_ALL_WELL = "Nothing stands out: every stage is there, its counts add up, and no limit was passed."

_SECTIONS: Sequence[Callable[[Stats], Section]] = (
    *(funnel.section, composition.section, sources.section, documents.section, formats.section),
    *(extraction.section, classifier.section, duplicates.section, matching.section, hygiene.section),
    *(training.section, experiments.section, tables.timing, tables.provenance, tables.glossary),
)


def sections(stats: Stats) -> list[Section]:
    """All sections in the order of the page, those of missing stages included."""
    return [make(stats) for make in _SECTIONS]


def render(stats: Stats, parts: Sequence[Section]) -> str:
    """The page of one workspace."""
    return document(
        stats["workspace"],
        kicker="Hephaestus-Forge · corpus report",
        lead=overview.paragraph(stats),
        answers=overview.answers(stats),
        notices=stats["notices"],
        parts=parts,
    )


def document(
    title: str,
    *,
    kicker: str,
    lead: str,
    answers: Sequence[overview.Answer],
    notices: Notices,
    parts: Sequence[Section],
) -> str:
    """A whole page. Its policy names its style and script by their hashes; no other may act on it."""
    style, script = _colours() + _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    links = "".join(f'<li><a href="#{part.name}">{text(part.title)}</a></li>' for part in parts)
    body = "\n".join(_section(part) for part in parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{text(title)}: corpus report</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="kicker">{text(kicker)}</p>
<h1>{text(title)}</h1>
{_answers(answers)}
<p class="lead">{text(lead)}</p>
</header>
<nav aria-label="Sections"><ol><li><a href="#notices">Warnings</a></li>{links}</ol></nav>
<main id="main">
{_notices(notices)}
{body}
</main>
<footer><p>All numbers of this page are in <a href="stats.json">stats.json</a>, each table in
<code>tables/</code> as CSV and in <code>latex/</code>, each figure in <code>figures/</code>. The page loads
nothing from elsewhere and can be kept as it is.</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _answers(answers: Sequence[overview.Answer]) -> str:
    cells = "".join(
        f"<div><dt>{text(question)}</dt>"
        f"<dd><b>{foreign(answer, 200)}</b><span>{foreign(note, 200)}</span></dd></div>"
        for question, answer, note in answers
    )
    return f'<dl class="answers">{cells}</dl>' if cells else ""


def _notices(notices: Notices) -> str:
    inside = f"<ul>{''.join(map(_notice, notices))}</ul>" if notices else f"<p>{_ALL_WELL}</p>"
    head = '<h2 id="h-notices">Warnings</h2>'
    return f'<section id="notices" aria-labelledby="h-notices">{head}{inside}</section>'


def _notice(notice: Mapping[str, Any]) -> str:
    """A warning, with a link to where its numbers are."""
    where = notice.get("where")
    look = f' <a href="#{text(where)}">look</a>' if where else ""
    level = notice["level"]
    return f'<li class="{text(level)}"><b>{_WORDS[level]}</b> {foreign(notice["text"], 600)}{look}</li>'


def _section(part: Section) -> str:
    """Figures and small tables stand in two columns where there is room, wide tables below them."""
    cells = [_figure(figure) for figure in part.figures]
    cells += [grids.to_html(table) for table in part.tables if table.narrow]
    cells += [_example(one) for one in part.examples]
    wide = [_wide(table) for table in part.tables if not table.narrow]
    columns = "figures" if len(cells) > 1 else "figures one"
    return (
        f'<section id="{part.name}" aria-labelledby="h-{part.name}">\n'
        f'<h2 id="h-{part.name}">{text(part.title)}</h2>\n<p>{text(part.lead)}</p>\n'
        + (f'<div class="{columns}">{NEWLINE.join(cells)}</div>\n' if cells else "")
        + "\n".join(wide)
        + "\n</section>"
    )


def _wide(table: grids.Grid) -> str:
    """A table across the page; a very long one is closed until it is asked for."""
    if len(table.rows) <= LONG or table.fold:
        return grids.to_html(table)
    head = f"{text(table.caption)}: {len(table.rows)} rows"
    return f"<details><summary>{head}</summary>{grids.to_html(table)}</details>"


def _figure(figure: Figure) -> str:
    return (
        f'<figure id="fig-{figure.name}" data-kind="{figure.chart.kind}"><figcaption>'
        f"<h3>{text(figure.question)}</h3><p>{text(figure.answer)}</p></figcaption>\n{figure.svg()}\n"
        f"<details><summary>The numbers</summary>{grids.to_html(figure.table)}</details></figure>"
    )


def _example(one: Example) -> str:
    return (
        f'<figure class="example"><figcaption><h3>{foreign(one.title)}</h3><p>{foreign(one.origin)}</p>'
        f'</figcaption><pre tabindex="0">{text(one.text)}</pre></figure>'
    )


def _colours() -> str:
    """The colours of the charts as CSS variables, for both themes."""
    light, dark = ("".join(f"--{name}:{pair[at]};" for name, pair in COLOURS.items()) for at in (0, 1))
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _asset(name: str) -> str:
    return resources.files("corpus.report").joinpath(name).read_text(encoding="utf-8").strip() + "\n"


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")
