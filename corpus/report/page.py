"""The page: sections to one HTML file that loads nothing and reads well without its one small script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from corpus.report import grids
from corpus.report.markup import text
from corpus.report.parts import Figure, Section
from corpus.report.show import (
    classifier,
    composition,
    documents,
    duplicates,
    funnel,
    matching,
    overview,
    tables,
    training,
)

Stats = dict[str, Any]


def sections(stats: Stats) -> list[Section]:
    """All sections in the order of the page, those of missing stages included."""
    shown = (funnel, composition, classifier, duplicates, matching, documents, training)
    ends = (tables.timing(stats), tables.provenance(stats), tables.glossary())
    return [*(module.section(stats) for module in shown), *ends]


def csv_files(parts: Sequence[Section]) -> dict[str, bytes]:
    """File name to content, for each table of the page."""
    found = [table for part in parts for table in (*part.tables, *(figure.table for figure in part.figures))]
    return {f"{table.name}.csv": grids.to_csv(table) for table in found}


def render(stats: Stats, parts: Sequence[Section]) -> str:
    """The whole page. The policy names its style and script by their hashes; no other may act on it."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    title = f"Corpus report: {stats['workspace']}"
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
<title>{text(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="kicker">Hephaestus-Forge · corpus report</p>
<h1>{text(stats["workspace"])}</h1>
<p class="lead">{text(overview.paragraph(stats))}</p>
{_tiles(stats)}
</header>
<nav aria-label="Sections"><ol>{links}</ol></nav>
<main id="main">
{_notices(stats["notices"])}
{body}
</main>
<footer><p>All numbers of this page are in <a href="stats.json">stats.json</a>, each table
in <code>tables/</code> as CSV. The page loads nothing from elsewhere and can be kept as it is.</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _tiles(stats: Stats) -> str:
    cells = "".join(
        f"<div><dt>{text(name)}</dt><dd><b>{text(value)}</b><span>{text(note)}</span></dd></div>"
        for value, name, note in overview.tiles(stats)
    )
    return f'<dl class="tiles">{cells}</dl>'


def _notices(notices: Sequence[dict[str, str]]) -> str:
    ordered = sorted(notices, key=lambda notice: notice["level"] != "problem")
    if not ordered:
        inside = (
            "<p>Nothing stands out: every stage is there, its counts add up, and no limit was passed.</p>"
        )
    else:
        words = {"problem": "Problem", "caution": "Caution"}
        lines = (
            f'<li class="{n["level"]}"><b>{words[n["level"]]}</b> {text(n["text"])}</li>' for n in ordered
        )
        inside = f"<ul>{''.join(lines)}</ul>"
    head = '<h2 id="h-notices">What to look at first</h2>'
    return f'<section id="notices" aria-labelledby="h-notices">{head}{inside}</section>'


def _section(part: Section) -> str:
    """Figures and small tables stand in two columns where there is room, wide tables below them."""
    cells = [_figure(figure) for figure in part.figures]
    small = [grids.to_html(table) for table in part.tables if table.narrow]
    # Beside a last figure that stands alone there is room for all small tables, one above the other.
    cells += [f"<div>{''.join(small)}</div>"] if len(cells) % 2 and small else small
    wide = [grids.to_html(table) for table in part.tables if not table.narrow]
    lines = "\n".join(cells)
    return (
        f'<section id="{part.name}" aria-labelledby="h-{part.name}">\n'
        f'<h2 id="h-{part.name}">{text(part.title)}</h2>\n<p>{text(part.lead)}</p>\n'
        + (f'<div class="figures">{lines}</div>\n' if cells else "")
        + "\n".join(wide)
        + "\n</section>"
    )


def _figure(figure: Figure) -> str:
    return (
        f'<figure id="fig-{figure.name}"><figcaption><h3>{text(figure.question)}</h3>'
        f"<p>{text(figure.answer)}</p></figcaption>\n{figure.svg}\n"
        f"<details><summary>The numbers</summary>{grids.to_html(figure.table)}</details></figure>"
    )


def _asset(name: str) -> str:
    return resources.files("corpus.report").joinpath(name).read_text(encoding="utf-8").strip() + "\n"


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")
