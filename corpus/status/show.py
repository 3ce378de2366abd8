"""The status on a terminal (a table that rich draws) and in a pipe or log (plain aligned lines)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from corpus.report.markup import visible
from corpus.status.parts import FAILED, FINISHED, RUNNING, STALLED, Part, Status
from corpus.status.words import number, rate, span

HEADERS = ("part", "state", "done", "", "rate", "time", "left", "failed")
_STYLES = {FINISHED: "green", RUNNING: "bold cyan", STALLED: "bold yellow", FAILED: "bold red"}


def cells(part: Part) -> tuple[str, ...]:
    """One text per header; empty where nothing is known."""
    done = ""
    if part.unit:
        of = f" of {number(part.total)}" if part.total and part.total != part.done else ""
        done = f"{number(part.done)}{of} {part.unit}"
    share = f"{100 * part.share:.0f} %" if part.share is not None and part.unit else ""
    failed = part.outcomes.get("failed", sum(part.failures.values()))
    pace = rate(part.rate, part.unit) if part.rate else ""
    left = f"about {span(part.left)}" if part.left is not None else ""
    return (
        part.name,
        part.state,
        done,
        share,
        pace,
        span(part.seconds),
        left,
        number(failed) if failed else "",
    )


def remarks(status: Status) -> list[tuple[str, str]]:
    """(part, sentence): failures by reason and notes, of all parts but those where nothing is to be said."""
    found = []
    for part in status.parts:
        if part.failures:
            reasons = ", ".join(f"{reason or 'no reason'} {number(rows)}" for reason, rows in _largest(part))
            found.append((part.name, f"failed: {reasons}."))
        found += [(part.name, note) for note in part.notes if part.state != FINISHED]
    return found


def head(status: Status) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.at))
    return f"{status.folder} at {at}: {status.state}. {status.sentence}"


def plain(status: Status) -> str:
    """Aligned lines without control characters, fit for a log."""
    rows = [HEADERS, *(cells(part) for part in status.parts)]
    widths = [max(len(visible(row[at])) for row in rows) for at in range(len(HEADERS))]
    lines = [head(status)]
    lines += [
        "  " + "  ".join(visible(cell).ljust(width) for cell, width in zip(row, widths)) for row in rows
    ]
    lines += [f"  {name}: {sentence}" for name, sentence in remarks(status)]
    return "\n".join(visible(line).rstrip() for line in lines)


def drawn(status: Status) -> Group:
    """The same for a terminal, with bars and colours. All text is literal: it may come from data."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for at, name in enumerate(HEADERS):
        table.add_column(name, justify="left" if at < 2 else "right", no_wrap=at < 2)
    for part in status.parts:
        table.add_row(*_row(part))
    lines = [Text(f"{visible(name)}: {visible(sentence)}") for name, sentence in remarks(status)]
    return Group(Text(visible(head(status)), style="bold"), table, *lines)


def _row(part: Part) -> Sequence[Text | ProgressBar]:
    style = _STYLES.get(part.state, "dim")
    row: list[Text | ProgressBar] = [
        Text(visible(cell), style=style if at == 1 else "") for at, cell in enumerate(cells(part))
    ]
    if part.share is not None and part.state != FINISHED:
        row[3] = ProgressBar(total=1.0, completed=part.share, width=16)
    return row


def _largest(part: Part, most: int = 3) -> list[tuple[str, int]]:
    return sorted(part.failures.items(), key=lambda item: (-item[1], item[0]))[:most]
