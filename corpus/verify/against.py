"""The benchmarks that a hygiene stage was given, made ready to search texts with as that stage did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.dedup.address import host
from corpus.engine import manifest
from corpus.engine.inputs import expand
from corpus.engine.manifest import Manifest
from corpus.hygiene import benchmarks, index, indexing
from corpus.hygiene.config import MARK
from corpus.hygiene.contamination import Candidate, Scanner, proven
from corpus.hygiene.index import BenchmarkIndex
from corpus.verify.library import batches, columns_of, paths_of
from corpus.verify.links import SAME, UNREACHED, Link, links_of, record_links

_DEPTH = 6  # stages that are gone back to find the hygiene of a text


@dataclass(frozen=True)
class Cleaning:
    """The hygiene stages that the texts of a table went through; `whole`: all of them did."""

    stages: tuple[Manifest, ...]
    whole: bool


def cleanings_of(found: Manifest, links: Sequence[Link], tables: Sequence[str]) -> dict[str, Cleaning]:
    """By table. Of a mix, each source has inputs of its own."""
    if found.stage != "shard":
        cleaning = _cleaning(found, links, _DEPTH)
        return dict.fromkeys(tables, cleaning)
    by_source = {
        source: _together(
            [_of_link(link, _DEPTH) for link in record_links(found, links) if link.source == source]
        )
        for source in {table.partition("/")[2] for table in tables}
    }
    return {table: by_source[table.partition("/")[2]] for table in tables}


def _cleaning(found: Manifest, links: Sequence[Link], depth: int) -> Cleaning:
    if found.stage == "hygiene":
        return Cleaning((found,), True)
    return _together([_of_link(link, depth - 1) for link in record_links(found, links)])


def _of_link(link: Link, depth: int) -> Cleaning:
    if depth <= 0 or link.state == UNREACHED or not link.table:
        return Cleaning((), False)
    before = manifest.read(link.folder)
    return _cleaning(before, links_of(before), depth)


def _together(parts: Sequence[Cleaning]) -> Cleaning:
    stages = {stage.folder: stage for part in parts for stage in part.stages}
    return Cleaning(
        tuple(stages[folder] for folder in sorted(stages)), all(part.whole for part in parts) and bool(parts)
    )


class Against:
    """A search for benchmark items with the settings of one hygiene stage.

    That stage knew which n-grams are common in all of its texts, and let them prove nothing. A sample does
    not know them: where the stage found any, only items that are there as a whole count, and `doubtful` is
    the number of texts that seemed to hold others. With `common` they are known.
    """

    def __init__(self, found: Manifest, known: BenchmarkIndex, common: frozenset[int] | None) -> None:
        settings = found.config
        self.index, self._common = known, common
        self._scanner = Scanner(known, overlap=settings["overlap"], call_overlap=settings["call_overlap"])
        discounted = found.facts.get("benchmarks", {}).get("common_grams", 0)
        self._is_sure = common is not None or not discounted
        shared = [settings.get(key) for key in ("overlap", "call_overlap", "common_hosts")]
        grams = hashlib.sha256(known.grams.tobytes()).hexdigest()
        self.identity = manifest.hash_of([grams, shared, self._is_sure])  # equal ones search alike
        self.doubtful = 0

    def items(self, text: str) -> set[str]:
        """The items that a text holds, by benchmark and id."""
        found, others = set[str](), 0
        for candidate in self._scanner.scan(text).candidates:
            part = self.index.known[candidate.part]
            if proven(candidate if self._is_sure else _bare(candidate), part, self._common or ()):
                found.add(f"{part.benchmark} {part.item}")
            else:
                others += not self._is_sure and proven(candidate, part, ())
        self.doubtful += bool(others and not found)
        return found

    def grams(self, text: str) -> tuple[int, ...]:
        return self._scanner.scan(text).grams


def _bare(candidate: Candidate) -> Candidate:
    """The same candidate resting on no n-gram: proven only where the item is there as a whole."""
    return Candidate(candidate.part, candidate.first, candidate.last, candidate.share, (), (), candidate.size)


def prepare(found: Manifest, *, deep: bool) -> Against | None:
    """The search of one hygiene stage; None where it was given no benchmarks, or was to leave items in.

    The benchmarks are read again from the files that the manifest names; where these cannot be reached or
    have changed, from the index that the stage has left. Raises UserError and OSError where neither can be
    read.
    """
    settings = found.config
    if not settings.get("benchmarks") or settings.get("contaminated") == MARK:
        return None
    known = _from_files(found) or index.load(found.folder)
    against = Against(found, known, None)
    if deep and found.facts.get("benchmarks", {}).get("common_grams", 0):
        return Against(found, known, _common(found, against))
    return against


def _from_files(found: Manifest) -> BenchmarkIndex | None:
    settings = found.config
    named = tuple(str(path) for path in settings["benchmarks"])
    links = [link for link in links_of(found) if str(link.entry.get("path", "")).startswith(named)]
    if not links or any(link.state != SAME for link in links):
        return None
    parts = benchmarks.read(expand([link.path for link in links])).parts
    return indexing.build(parts, size=settings["ngram"], least_words=settings["min_item_words"])[0]


def _common(found: Manifest, against: Against) -> frozenset[int] | None:
    """The n-grams on more hosts than the setting allows, counted over all texts that came in."""
    most = int(found.config.get("common_hosts", 0))
    hosts: dict[int, set[str]] = {}
    for link in record_links(found, links_of(found)):
        if link.state == UNREACHED:
            return None
        for site, text in _texts(paths_of(link.folder, link.table) if link.table else [link.path]):
            for gram in against.grams(text):
                seen = hosts.setdefault(gram, set())
                if len(seen) <= most:
                    seen.add(site)
    return frozenset(gram for gram, seen in hosts.items() if len(seen) > most)


def _texts(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(host, text); a text without host or address stands for itself."""
    for path in paths:
        names = [name for name in ("id", "host", "url", "text") if name in columns_of(path)]
        for batch in batches(path, names, 1024):
            for row in batch.to_pylist():
                yield _site(row), row.get("text") or ""


def _site(row: Mapping[str, Any]) -> str:
    return str(row.get("host") or host(row.get("url") or "") or row.get("id"))
