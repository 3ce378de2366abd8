"""The pages themselves: hosts, languages, lengths, years, terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.report.figures.curves import Series, lines
from corpus.report.figures.histogram import histogram
from corpus.report.grids import Grid, grid
from corpus.report.markup import at_least, count, percent
from corpus.report.parts import SETS, Figure, Section, empty
from corpus.report.show.shapes import columns_of, distribution, ranked, shares

Stats = dict[str, Any]


def hosts_of(pages: Stats) -> str:
    """The number of hosts, with its noun."""
    number = pages["hosts"]["distinct"]
    words = at_least(number, exact=not pages["hosts"]["count_error"])
    return f"{words} host{'' if number == 1 else 's'}"


def section(stats: Stats) -> Section:
    pages = stats["pages"]
    if not pages:
        return empty("documents", "Documents", "pages")
    lead = (
        f"The {count(pages['pages'])} pages of the stage {pages['stage']}, the last one that finished. "
        f"The ten largest of {hosts_of(pages)} hold {'at least ' * bool(pages['hosts']['count_error'])}"
        f"{percent(pages['top_ten_hosts_share'])} of them."
    )
    figures = [
        ranked(
            "hosts",
            "Does one host own the corpus?",
            "host",
            pages["hosts"]["top"],
            caption="Hosts with the most pages",
            cut=bool(pages["hosts"]["count_error"]),
        ),
        _concentration(pages),
        _dropped_hosts(stats),
        ranked(
            "languages",
            "Which languages are there?",
            "language",
            pages["languages"],
            caption="Pages by language",
        ),
        _lengths(stats),
        ranked(
            "years",
            "When were the pages fetched?",
            "year",
            pages["years"],
            caption="Pages by year",
            header="Year",
        ),
    ]
    terms = [
        shares("licences", "licence", "Licences stated by or linked from the pages", pages["licences"]),
        shares("opt_outs", "directive", "Robots directives that ask to be left out", pages["opt_outs"]),
        _by_words(pages),
    ]
    return Section(
        "documents",
        "Hosts, languages, lengths, terms",
        lead,
        [figure for figure in figures if figure],
        [table for table in terms if table.rows],
    )


def _by_words(pages: Stats) -> Grid:
    least = ", at least" * bool(pages["hosts"]["words_error"])
    columns = {
        "host": ("Host", "foreign"),
        "words": (f"Words{least}", "count"),
        "share": (f"Share of words{least}", "percent"),
    }
    return grid("hosts_by_words", "Hosts with the most words", columns, pages["hosts"]["top_by_words"])


def _concentration(pages: Stats) -> Figure | None:
    rows = pages["hosts"]["concentration"]
    if len(rows) < 2:
        return None
    effective = pages["hosts"]["effective"]
    answer = (
        f"If all hosts had equally many pages, {count(effective)} hosts would be as mixed as these "
        f"{count(pages['hosts']['distinct'])} are."
    )
    if effective is None:
        answer = (
            f"There are {hosts_of(pages)}: too many for each to be counted, so it is not known how many of "
            "equal size would be as mixed. The curve ends where a share could be too low by more than a "
            "hundredth."
        )
    chart = lines(
        [Series("", [(row["hosts"], row["share"]) for row in rows], dots=True)],
        x="largest hosts",
        y="share of the pages",
        zero=True,
        log=True,
        percent=True,
    )
    columns = {"hosts": ("Largest hosts", "count"), "share": ("Share of pages", "percent")}
    table = grid("concentration", "Share of the pages on the largest hosts", columns, rows)
    return Figure("concentration", "How many hosts hold most of the pages?", answer, chart, table)


def _dropped_hosts(stats: Stats) -> Figure | None:
    rows = stats["dropped_hosts"]
    if not rows:
        return None
    first = rows[0]
    cut = {name: bool(first[f"{name}_error"]) for name in ("pages", "kept")}
    least = {name: ", at least" * is_cut for name, is_cut in cut.items()}
    columns = {
        "host": ("Host", "foreign"),
        "pages": (f"Dropped or failed{least['pages']}", "count"),
        "share": (f"Share of all that was lost{least['pages']}", "percent"),
        "kept": (f"Kept by the filter{least['kept']}", "count"),
    }
    table = grid("dropped_hosts", "Hosts that lost most pages in the filter", columns, rows)
    question = "Which hosts lose most in the filter?"
    figure = ranked("dropped-hosts", question, "host", rows, caption="", cut=cut["pages"])
    lost, kept = (f"{'at least ' * cut[name]}{count(first[name])}" for name in ("pages", "kept"))
    answer = (
        f"The first is {first['host']}: {lost} pages lost and {kept} kept. "
        "A wanted site in this list is a fault of the classifier."
    )
    return figure and Figure(figure.name, figure.question, answer, figure.chart, table)


def _lengths(stats: Stats) -> Figure | None:
    """Lengths in tokens where shards are there, else in words."""
    first = ((stats["mixture"] or {}).get("sets") or {}).get("stage1")
    if not first:
        words = stats["pages"]["words"]
        return distribution(
            "lengths",
            "How long are the pages?",
            f"Median {count(words['p50'])} words; one page in ten has more than {count(words['p90'])}.",
            [{**row, "pages": row["documents"]} for row in stats["pages"]["word_histogram"]],
            x="words in a page",
            kind="count",
            log=True,
            caption="Pages by length in words",
        )
    found = [(row["source"], row["length_histogram"], row["lengths"]) for row in first["sources"]]
    rows = merged({name: rows for name, rows, _ in found})
    names = [name for name, _, _ in found]
    medians = ", ".join(f"{name} {count(lengths['p50'])}" for name, _, lengths in found)
    answer = f"Median length in tokens: {medians}. Each column spans twice the lengths of the one before."
    chart = histogram(
        columns_of(rows, names, "documents", log=True), x="tokens in a document", y="documents", log=True
    )
    columns = {"from": ("From (tokens)", "count"), "below": ("Below", "count")}
    table = grid(
        "lengths", "Documents by length in tokens", {**columns, **{n: (n, "count") for n in names}}, rows
    )
    return Figure("lengths", f"How long are the documents of {SETS['stage1']}?", answer, chart, table)


def merged(histograms: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One row per bin with a column for each histogram."""
    bins = sorted({(row["from"], row["below"]) for rows in histograms.values() for row in rows})
    counts = {name: {row["from"]: row["documents"] for row in rows} for name, rows in histograms.items()}
    return [
        {"from": low, "below": below, **{name: counts[name].get(low, 0) for name in histograms}}
        for low, below in bins
    ]
