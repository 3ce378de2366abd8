"""What every check is given: the manifest, what the pass over its files brought, and where its inputs lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus.engine import storage
from corpus.engine.manifest import Manifest
from corpus.engine.tables import ALL_TABLES, LEDGER, Table
from corpus.verify.config import VerifyConfig
from corpus.verify.gather import Gathered
from corpus.verify.library import Library, names_of
from corpus.verify.links import Link
from corpus.verify.report import some
from corpus.verify.sets import Found

# The tables in which a stage's kept records are.
_MAIN = {
    **{
        "seeds": ("seeds",),
        "harvest": ("seeds",),
        "filter": ("pages",),
        "dedup": ("pages",),
        "match": ("pages",),
    },
    "hygiene": ("pages", "seeds"),
}
_NAMES = {("hygiene", "seeds"): "pages"}  # a table that bears the name of what came in


@dataclass(frozen=True)
class Context:
    found: Manifest
    gathered: Gathered
    links: Sequence[Link]
    library: Library
    config: VerifyConfig

    @property
    def main(self) -> list[str]:
        """The tables of the kept records; of a mix all sources of all sets."""
        if self.found.stage == "shard":
            return sorted(name for name in self.found.tables if "/" in name)
        return [name for name in _MAIN.get(self.found.stage, ()) if name in self.found.tables]

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.found.facts)

    def paths(self, table: str) -> list[str]:
        """The table's files that could be read."""
        scans = self.gathered.scans.get(table, ())
        return [storage.join(self.found.folder, one.file.path) for one in scans if one.schema is not None]

    def has(self, table: str, column: str = "") -> bool:
        return table in self.found.tables and (not column or column in self.gathered.columns(table))

    def named(self, tables: Sequence[str], found: Found, column: str = "id") -> str:
        """Some of the ids that were found, for a sentence."""
        paths = [path for table in tables for path in self.paths(table)]
        return some(names_of(paths, column, found.some[:10]))


def declared(found: Manifest, table: str) -> Table | None:
    """The declaration of a table by its folder. Conversations have one of their own, also where held out."""
    stage = found.stage
    if table == LEDGER.name:
        return LEDGER
    name = _NAMES.get((stage, table), table)
    mine = {declaration.name: declaration for owner, declaration in ALL_TABLES if owner == stage}
    if stage == "shard" and "/" in name:
        settings = found.config.get("input", {}).get(name.partition("/")[2], {})
        return mine.get(str(settings.get("set"))) or mine.get("shard")
    return mine.get(name)
