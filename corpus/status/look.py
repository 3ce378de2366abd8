"""One look at a folder: its parts, what each says of itself, and what that means for the whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pyarrow.fs as pafs

from corpus.crawl.commits import COMMITS
from corpus.engine import manifest, storage
from corpus.engine.claim import CLAIM
from corpus.engine.errors import UserError
from corpus.engine.manifest import MANIFEST
from corpus.report.workspace import LOG
from corpus.status import working
from corpus.status.archives import Commits
from corpus.status.config import REPORT, ROAD, StatusConfig
from corpus.status.files import files_in
from corpus.status.parts import FAILED, FINISHED, RUNNING, STALLED, WAITING, Part, Status
from corpus.status.tables import Parts
from corpus.status.training import CONFIG, Run
from corpus.status.words import span
from corpus.status.working import Scene

INDEX = "index.html"  # of the report, which is not a stage and has no manifest of one
# Whose kept records come in, for stages that do not record how much they have to do.
_BEFORE = {"clean_seeds": "seeds", "unique": "pages", "clean": "unique", "matched": "clean"}


class Looker:
    """Looks as often as asked, and reads only what is new since the look before."""

    def __init__(self, config: StatusConfig, clock: Callable[[], float] = time.time) -> None:
        self.config, self._clock = config, clock
        self._commits: dict[str, Commits] = {}
        self._tables: dict[str, Parts] = {}
        self._runs: dict[str, Run] = {}

    def look(self) -> Status:
        """The state of things now. Raises UserError where no job has begun anything."""
        folder = self.config.folder
        if not storage.is_folder(folder):
            raise UserError(f"the folder {storage.redact(folder)} does not exist; give the output= of a job.")
        now, kept = self._clock(), dict[str, int]()
        name = storage.redact(folder).rstrip("/").rpartition("/")[2]
        alone = self._part(name, folder, now, kept) if _has_begun(folder) else None
        if alone:
            return _status(folder, now, [alone], self.config.stale)
        parts = [
            self._part(name, storage.join(folder, name), now, kept) or Part(name, WAITING)
            for name in self._names(folder)
        ]
        if all(part.state == WAITING for part in parts):
            raise UserError(
                f"{storage.redact(folder)} holds no stage and no training run; give the output= of a job."
            )
        return _status(folder, now, parts, self.config.stale)

    def _names(self, folder: str) -> list[str]:
        """The parts that are expected, in their order, then all others in which a job has begun."""
        expected = self.config.expected
        others = [*ROAD, *_folders(folder), *(f"training/{run}" for run in _folders(f"{folder}/training"))]
        beside = [name for name in dict.fromkeys(others) if name not in expected]
        return [*expected, *(name for name in beside if _has_begun(storage.join(folder, name)))]

    def _part(self, name: str, folder: str, now: float, kept: dict[str, int]) -> Part | None:
        """What a folder holds; None where no job has begun in it. `kept` gathers the stages' kept records."""
        files = [] if manifest.is_finished(folder) else files_in(folder)
        if manifest.is_finished(folder):  # asked again: it may have ended while its files were listed
            part, found = working.finished_or_damaged(name, folder)
            kept[name] = int(found.counts.get("kept", 0)) if found else 0
            return part
        scene = Scene(name, folder, files, now, self.config.stale, self.config.failing)
        if scene.has(LOG) or (scene.has(CONFIG) and not scene.has(CLAIM)):
            return working.training(scene, self._runs.setdefault(folder, Run()))
        if scene.has(INDEX) and name == REPORT:
            return Part(name, FINISHED)
        if any(file.path.startswith(f"{COMMITS}/") for file in files):
            return working.filtering(scene, self._commits.setdefault(folder, Commits()))
        if scene.has(CLAIM):
            tables = self._tables.setdefault(folder, Parts())
            return working.staging(scene, tables, kept.get(_BEFORE.get(name, ""), 0))
        return None


def _status(folder: str, now: float, parts: Sequence[Part], stale: float) -> Status:
    """One word and one sentence for the whole."""
    by_state = {state: [part.name for part in parts if part.state == state] for state in _ORDER}
    broken = [*by_state[FAILED], *by_state[STALLED]]
    if broken:
        state, sentence = (
            FAILED,
            f"{_and(broken)}: failed or stopped. The command that began it goes on from there.",
        )
    elif by_state[RUNNING]:
        state, sentence = RUNNING, f"{_and(by_state[RUNNING])}: at work."
    elif not by_state[WAITING]:
        state, sentence = FINISHED, "all parts are finished."
    else:
        state, sentence = _between(folder, now, by_state[WAITING], stale)
    return Status(storage.redact(folder), now, parts, state, sentence)


_ORDER = (FINISHED, RUNNING, STALLED, FAILED, WAITING)


def _between(folder: str, now: float, waiting: Sequence[str], stale: float) -> tuple[str, str]:
    """Nothing is at work and something is missing: the next part is about to begin, or nobody begins it."""
    last = max((file.changed for file in files_in(folder)), default=now)
    if now - last <= stale:
        return RUNNING, f"between two parts; next: {waiting[0]}."
    return (
        FAILED,
        f"nothing is at work since {span(now - last)} and these have not begun: {_and(waiting)}. "
        "Start the road again, or name with expect= what is wanted.",
    )


def _has_begun(folder: str) -> bool:
    """Whether a job has put its mark here."""
    return any(storage.exists(storage.join(folder, mark)) for mark in (MANIFEST, CLAIM, LOG, CONFIG, INDEX))


def _folders(folder: str) -> list[str]:
    """Names of the folders in a folder, sorted."""
    filesystem, inner = storage.resolve(folder)
    found = filesystem.get_file_info(pafs.FileSelector(inner, allow_not_found=True))
    return sorted(info.base_name for info in found if info.type == pafs.FileType.Directory)


def _and(names: Sequence[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
