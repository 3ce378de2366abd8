"""What a run of the filter says of itself: rows of `files/`, facts for the manifest, sentences to print."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pyarrow as pa

from corpus.crawl.commits import Commit, Failure
from corpus.crawl.config import FilterConfig
from corpus.crawl.steps import Meter
from corpus.engine.ledger import DROPPED, FAILED, KEPT
from corpus.engine.tables import FILES

_NAMED = 3  # failed archives that a sentence names
_SLOWEST = 5  # archives and pages that are told as the slowest


def file_rows(commits: Sequence[Commit], failures: Sequence[Failure] = ()) -> pa.RecordBatch:
    """One row per input archive, those that could not be read among them."""
    rows: list[dict[str, Any]] = [
        {
            "path": commit.name,
            "bytes": commit.bytes,
            "records": commit.records,
            "responses": commit.responses,
            "other_records": commit.records - commit.responses,
            "kept": commit.counts[KEPT],
            "dropped": commit.counts[DROPPED],
            "failed": commit.counts[FAILED],
            "damaged": commit.damaged,
            "problem": "",
        }
        for commit in commits
    ]
    nothing: dict[str, Any] = dict.fromkeys(
        ("records", "responses", "other_records", "kept", "dropped", "failed"), 0
    )
    rows += [
        {**nothing, "path": failure.name, "bytes": failure.bytes, "damaged": [], "problem": failure.sentence}
        for failure in failures
    ]
    return pa.RecordBatch.from_pylist(sorted(rows, key=lambda row: row["path"]), schema=FILES.schema)


def facts(
    commits: Sequence[Commit], failures: Sequence[Failure], thresholds: Mapping[str, float | None]
) -> dict[str, Any]:
    """What the run measured of itself. `steps` stand in order; rates are per core: a task has one."""
    responses = sum(commit.responses for commit in commits)
    seconds = sum(commit.measured.seconds for commit in commits)
    damage = [part for commit in commits for part in commit.damaged]
    return {
        "archives": len(commits),
        "bytes": sum(max(commit.bytes, 0) for commit in commits),
        "files_damaged": sum(bool(commit.damaged) for commit in commits),
        "files_failed": [{"path": failure.path, "problem": failure.sentence} for failure in failures],
        "bytes_damaged": sum(part["end"] - part["start"] for part in damage),
        "pages_per_second": round(responses / seconds, 1) if seconds else 0.0,
        "seconds": round(seconds, 2),
        "steps": steps_of(commits, thresholds),
        "slowest_archives": [
            {"path": commit.path, "seconds": round(commit.measured.seconds, 2), "responses": commit.responses}
            for commit in slowest_archives(commits)
        ],
        "slowest_pages": slowest_pages(commits),
        "children_restarted": sum(max(commit.measured.children - 1, 0) for commit in commits),
        "memory_mb": {
            name: max((commit.measured.memory_mb[at] for commit in commits), default=0)
            for at, name in enumerate(("worker", "child"))
        },
    }


def steps_of(
    commits: Sequence[Commit], thresholds: Mapping[str, float | None]
) -> list[dict[str, float | int | str | None]]:
    """Threshold, pages in and out, and CPU seconds of each step; reading is the first."""
    total: dict[str, Meter] = {"read": Meter()}
    for commit in commits:
        total["read"].include(Meter(commit.responses, commit.responses, commit.measured.read))
    # the order of the cascade: an archive whose pages all left early does not know the later steps
    for commit in sorted(commits, key=lambda c: -len(c.measured.meters)):
        for name, meter in commit.measured.meters.items():
            total.setdefault(name, Meter()).include(meter)
    return [
        {
            "step": name,
            "threshold": thresholds.get(name),
            "pages_in": meter.pages_in,
            "pages_out": meter.pages_out,
            "seconds": round(meter.seconds, 3),
            "ms_per_page": round(1000 * meter.seconds / meter.pages_in, 4) if meter.pages_in else 0.0,
        }
        for name, meter in total.items()
    ]


def slowest_archives(commits: Sequence[Commit]) -> list[Commit]:
    return sorted(commits, key=lambda commit: (-commit.measured.seconds, commit.name))[:_SLOWEST]


def slowest_pages(commits: Sequence[Commit]) -> list[dict[str, Any]]:
    pages = [(page, commit.name) for commit in commits for page in commit.measured.slowest]
    ordered = sorted(pages, key=lambda entry: (-entry[0].seconds, entry[0].id))[:_SLOWEST]
    return [{"id": p.id, "url": p.url, "seconds": p.seconds, "warc": warc} for p, warc in ordered]


def sentence_of(failures: Sequence[Failure], archives: int) -> str:
    """What failed and how to go on. The archives are named in the order of their names."""
    ordered = sorted(failures, key=lambda failure: failure.name)
    named = "; ".join(failure.sentence.rstrip(".") for failure in ordered[:_NAMED])
    more = f"; and {len(ordered) - _NAMED:,} more" if len(ordered) > _NAMED else ""
    return f"{len(ordered):,} of {archives:,} archives could not be read: {named}{more}."


def command_for(config: FilterConfig, **changes: Any) -> str:
    """The command line of the job with this config, but for `changes`; defaults are left out."""
    return shlex.join(["python", "jobs/filter.py", *_words(replace(config, **changes), "")])


def _words(config: Any, prefix: str) -> list[str]:
    found: list[str] = []
    for key in fields(config):
        value = getattr(config, key.name)
        if is_dataclass(value):
            found += _words(value, f"{prefix}{key.name}.")
        elif value != key.default:
            items = value if isinstance(value, tuple) else (value,)
            found += [f"{prefix}{key.name}={'null' if item is None else item}" for item in items]
    return found


def report(commits: Sequence[Commit], failures: Sequence[Failure], config: FilterConfig) -> str:
    """Stragglers and failures for the terminal, each with the command that does just them again."""
    lines = []
    slow = slowest_archives(commits)
    if len(slow) > 1:
        lines.append("slowest archives:")
        lines += [f"  {c.measured.seconds:>9.1f} s  {c.responses:>9,} pages  {c.path}" for c in slow]
    pages = slowest_pages(commits)
    if pages:
        lines.append("slowest pages:")
        lines += [
            f"  {page['seconds']:>9.2f} s  {page['id']}  {page['warc']}  {page['url']}" for page in pages
        ]
    if (
        slow
        and not config.index
        and slow[0].measured.seconds > 2 * _median([c.measured.seconds for c in commits])
    ):
        again = command_for(config, input=(slow[0].path,), output=f"{config.output.rstrip('/')}-slowest")
        lines += ["the slowest archive alone:", f"  {again}"]
    if failures:
        lines.append(sentence_of(failures, len(commits) + len(failures)))
        lines += ["just these again:", f"  {_retry(failures, config)}"]
    return "\n".join(lines)


def _retry(failures: Sequence[Failure], config: FilterConfig) -> str:
    """The command that reads just what failed, into a folder of its own."""
    output = f"{config.output.rstrip('/')}-retry"
    if not config.index:
        return command_for(config, input=tuple(sorted(f.path for f in failures)), output=output)
    rows = " OR ".join(sorted(failure.where for failure in failures))
    return command_for(
        config, where=f"({config.where}) AND ({rows})" if config.where else rows, output=output
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0


def raise_faults(failures: Sequence[Failure], config: FilterConfig) -> None:
    """What is no archive's own failure is never tolerated as one."""
    faults = [failure for failure in failures if failure.fault]
    if faults:
        raise RuntimeError(
            f"{len(faults):,} archives ended on a fault that is not theirs; the first:\n{faults[0].fault}"
            "The others are done. With the fault mended the same command reads just these: "
            f"{command_for(config)}"
        )
