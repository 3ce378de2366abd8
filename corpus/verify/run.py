"""Verifying: which folders, one pass over the files of each, the checks in their order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa

from corpus.browse.road import folders_of
from corpus.engine import manifest, storage
from corpus.engine.errors import DataError, ForgeError, UserError
from corpus.engine.manifest import Manifest
from corpus.verify.checks import benchmarks, files, mix, origin, records, tokens
from corpus.verify.config import CHECKS, VerifyConfig
from corpus.verify.context import Context
from corpus.verify.gather import gather
from corpus.verify.library import Library
from corpus.verify.links import links_of
from corpus.verify.report import Check
from corpus.verify.scan import reason_of
from corpus.verify.sets import Spill

_MADE_BY: Mapping[str, Callable[[Context], Check]] = {
    "fingerprint": files.fingerprint,
    "files": files.files,
    "sha256": files.sha256,
    "schema": files.schema,
    "rows": files.rows,
    "counts": records.counts,
    "ids": records.ids,
    "ledger": records.ledger,
    "chain": origin.chain,
    "origin": origin.origin,
    "references": origin.references,
    "totals": mix.totals,
    "shares": mix.shares,
    "sets": mix.sets,
    "tokens": tokens.tokens,
    "contamination": benchmarks.contamination,
}
# Checks that have nothing to look at in other stages.
_ONLY_OF = {
    **dict.fromkeys(("totals", "shares", "sets", "tokens"), frozenset({"shard"})),
    "references": frozenset({"dedup", "hygiene", "match"}),
    "contamination": frozenset({"hygiene", "match", "shard"}),
}


def run(config: VerifyConfig) -> str:
    """Verify every folder and print its checks.

    Raises DataError (after printing) if a check fails, UserError for what is no finished stage.
    """
    folders = given(config)
    failed: list[str] = []
    made = skipped = 0
    with Spill() as spill:
        library = Library(spill, _threads(config))
        for found in [manifest.read(folder) for folder in folders]:
            print(f"{storage.redact(found.folder)}: {found.stage}", flush=True)
            for check in checks_of(found, config, library):
                print(check, flush=True)
                made, skipped = made + 1, skipped + (check.outcome == "skipped")
                failed += [f"{check.name} of {storage.redact(found.folder)}"] if check.problems else []
    if failed:
        raise DataError(
            f"{len(failed):,} of {made:,} checks failed: {', '.join(failed)}. Make the stage again."
        )
    return f"{len(folders):,} folders verified: {made - skipped:,} checks ok, {skipped:,} skipped"


def given(config: VerifyConfig) -> list[str]:
    """The folders to verify. Raises UserError for none, and for what is no finished stage."""
    if not config.input:
        raise UserError("nothing to verify: give input=FOLDER.")
    return folders_of(config.input)


def plan(config: VerifyConfig) -> str:
    """What --dry-run prints."""
    lines = []
    for folder in given(config):
        found = manifest.read(folder)
        members = [file for table in found.tables.values() for file in table]
        size = sum(file.bytes for file in members)
        lines.append(f"{storage.redact(folder)}: {found.stage}, {len(members):,} files, {size:,} bytes")
    rows = "all rows" if config.deep else f"{config.sample:,} rows of each table"
    return "\n".join([*lines, f"checks: {', '.join(wanted(config))}", f"looked at one by one: {rows}"])


def verify(folder: str, config: VerifyConfig | None = None) -> list[Check]:
    """The checks of one finished stage. Raises UserError where it is none."""
    config = config or VerifyConfig(input=(folder,))
    with Spill() as spill:
        return list(checks_of(manifest.read(folder), config, Library(spill, _threads(config))))


def checks_of(found: Manifest, config: VerifyConfig, library: Library) -> Iterator[Check]:
    """The checks of a stage, one after the other. One that cannot read what it compares has failed."""
    gathered = gather(found, library.spill, library.threads)
    library.add(found.folder, gathered)
    context = Context(found, gathered, links_of(found), library, config)
    for name in wanted(config, found.stage):
        try:
            yield _MADE_BY[name](context)
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, ForgeError) as error:
            yield Check(name, "", (f"could not be made: {type(error).__name__}: {reason_of(error)}",))


def wanted(config: VerifyConfig, stage: str = "") -> list[str]:
    """The checks to make, in their order; those that say nothing of a kind of stage only if asked for."""
    return [
        name
        for name in CHECKS
        if name in config.checks
        or (not config.checks and (not stage or name not in _ONLY_OF or stage in _ONLY_OF[name]))
    ]


def _threads(config: VerifyConfig) -> int:
    return config.threads or os.cpu_count() or 1
