"""A round's folder and what is remembered in it, and what the rounds so far have decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.engine import manifest, storage
from corpus.engine.manifest import hash_of
from corpus.rounds.history import write_if_new
from corpus.rounds.review.model import Review

_MEMORY = "round.json"


@dataclass(frozen=True)
class Round:
    """One round and what it works on: folders of finished stages.

    `texts` is folder and table that hold title and text of pages.
    """

    number: int
    folder: str
    classifier: str
    threshold: float
    scores: str
    texts: tuple[str, str]
    used: bool  # the next round has begun to learn from its review

    @property
    def review_path(self) -> str:
        return storage.join(self.folder, "review.yaml")

    @property
    def labels_path(self) -> str:
        return storage.join(self.folder, "labels.parquet")

    def remember(self, name: str, wanted: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        """The plain data that `compute` gives, kept in the folder for as long as the scores and `wanted` are
        the same."""
        key = hash_of([manifest.read(self.scores).digest(), dict(wanted)])
        there = self._memory()
        if there.get(name, {}).get("key") != key:
            # through JSON, so that it is the same whether it was kept or not
            value = json.loads(json.dumps(compute()))
            there = {**self._memory(), name: {"key": key, "value": value}}
            self._write(there)
        return there[name]["value"]

    def forget(self, name: str) -> None:
        """Have what is remembered under a name computed again."""
        there = self._memory()
        if there.pop(name, None) is not None:
            self._write(there)

    def recall(self, name: str) -> Any:
        """What is remembered under a name, whatever it was made from; None where there is nothing."""
        return self._memory().get(name, {}).get("value")

    def _write(self, there: Mapping[str, Any]) -> None:
        data = json.dumps(there, indent=1, sort_keys=True).encode() + b"\n"
        write_if_new(storage.join(self.folder, _MEMORY), data)

    def _memory(self) -> dict[str, Any]:
        path = storage.join(self.folder, _MEMORY)
        try:
            found = json.loads(storage.read_bytes(path)) if storage.exists(path) else {}
        except ValueError:  # half a file of a run that was killed
            found = {}
        return found if isinstance(found, dict) else {}


@dataclass
class Known:
    """Prefixes and addresses to what was said of them, and the round in which it was."""

    prefixes: dict[str, tuple[str, int]] = field(default_factory=dict)
    verdicts: dict[str, tuple[str, int]] = field(default_factory=dict)

    def with_review(self, review: Review) -> Known:
        own = {e.prefix: (e.decision, review.round) for e in review.entries if e.decision}
        said = {a.example.url: (a.wanted, review.round) for a in review.sample if a.wanted}
        return Known({**self.prefixes, **own}, {**self.verdicts, **said})

    def tags(self) -> dict[str, str]:
        """Each prefix with its decision."""
        return {prefix: decision for prefix, (decision, _) in sorted(self.prefixes.items())}

    def of(self, decision: str) -> list[str]:
        return sorted(prefix for prefix, (own, _) in self.prefixes.items() if own == decision)
