"""Make the report: numbers, warnings, one page, and the same as files for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from corpus.engine import storage
from corpus.engine.config import to_dict
from corpus.report import page
from corpus.report.compare.run import compare as compare_two
from corpus.report.compare.run import head_of, parts_of
from corpus.report.config import ReportConfig
from corpus.report.exports.write import write
from corpus.report.markup import visible
from corpus.report.measure.numbers import collect
from corpus.report.parts import Section, tables_of
from corpus.report.plain import finite
from corpus.report.warnings import Facts, find
from corpus.report.warnings.earlier import asked_languages, read_earlier
from corpus.report.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class Report:
    """Where the page is, and what its reader is warned of."""

    path: str
    notices: Sequence[dict[str, Any]]

    def brief(self, most: int | None = None) -> str:
        """The most serious warnings, a line each."""
        lines = [f"  {notice['level']}: {visible(notice['text'])}" for notice in self.notices[:most]]
        rest = len(self.notices) - len(lines)
        return "\n".join([*lines, *([f"  and {rest} more on the page"] if rest else [])])

    def __str__(self) -> str:
        return f"report: {self.path}\n{self.brief()}".rstrip()


def run(config: ReportConfig) -> Report:
    """Write the report of one workspace, or of two folders side by side. Equal inputs give equal bytes.

    Raises UserError where there is nothing to report on.
    """
    return _of_two(config) if config.compares else _of_one(config)


def measured(config: ReportConfig) -> dict[str, Any]:
    """Every number of a workspace's report, with the warnings that they give rise to."""
    space = open_workspace(config.workspace)
    stats: dict[str, Any] = finite(collect(space, config))
    languages = config.warn.languages or asked_languages(space)
    facts = Facts(stats, config.warn, languages, read_earlier(config))
    return {
        **stats,
        "limits": finite(to_dict(config.warn)),
        "asked": {"languages": list(languages)},
        "notices": [finding.plain() for finding in find(facts)],
    }


def _of_one(config: ReportConfig) -> Report:
    stats = measured(config)
    parts = page.sections(stats)
    stats["notices"] = located(stats["notices"], parts)
    html = page.render(stats, parts)
    made_from = {row["stage"]: row["fingerprint"] for row in stats["stages"] if "fingerprint" in row}
    path = write(config.folder, page=html, stats=stats, sections=parts, made_from=made_from)
    return Report(path, stats["notices"])


def _of_two(config: ReportConfig) -> Report:
    found, stats = compare_two(config)
    parts = parts_of(found)
    notices = located(stats["notices"], parts)
    html = page.document(
        f"{found.a.name} and {found.b.name}",
        kicker="Hephaestus-Forge · comparison",
        lead=parts[0].lead,
        answers=head_of(found),
        notices=notices,
        parts=[replace(parts[0], lead="The largest effect first."), *parts[1:]],
    )
    made_from = [
        {stage: one.fingerprint for stage, one in side.manifests.items()} for side in (found.a, found.b)
    ]
    path = write(config.folder, page=html, stats=stats, sections=parts, made_from=made_from)
    return Report(path, notices)


def located(notices: Sequence[dict[str, Any]], parts: Sequence[Section]) -> list[dict[str, Any]]:
    """The notices, each pointing at the section that holds its table, and at none that is not on the page."""
    homes = {table.name: part.name for part in parts for table in tables_of([part])}
    names = {part.name for part in parts}
    out = []
    for notice in notices:
        table = notice["table"] if notice["table"] in homes else ""
        where = homes.get(table, notice["where"])
        out.append({**notice, "table": table, "where": where if where in names else ""})
    return out


def plan(config: ReportConfig) -> str:
    """What would be read and written."""
    written = f"would write index.html, stats.json, tables/, latex/ and figures/ to {config.folder}"
    if config.compares:
        names = " and ".join(storage.redact(path) for path in config.input)
        return f"{names} side by side\n{written}"
    space: Workspace = open_workspace(config.workspace)
    found = "\n".join(f"  {name}: {state}" for name, state in space.states.items())
    return f"report of {storage.redact(space.folder)}\n{found}\n{written}"
