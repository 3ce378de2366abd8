"""The parts of a workspace that have begun, each kind with what it alone can say of its progress."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpus.engine import manifest, storage
from corpus.engine.claim import CLAIM
from corpus.engine.errors import UserError
from corpus.engine.ledger import FAILED as FAILED_ROW
from corpus.engine.ledger import OUTCOMES
from corpus.engine.manifest import Manifest
from corpus.report.workspace import EXPORTED, LOG
from corpus.status.archives import Archives, Commits
from corpus.status.files import File
from corpus.status.parts import FAILED, FINISHED, RUNNING, STALLED, Part, time_left
from corpus.status.tables import Parts, steps_done
from corpus.status.training import CONFIG, Run, budget
from corpus.status.words import number, span


@dataclass(frozen=True)
class Scene:
    """A folder in which a job has begun, at one moment. Times are seconds since the epoch."""

    name: str
    folder: str
    files: Sequence[File]
    now: float
    stale: float  # seconds without a change after which it has stopped
    failing: float  # share of failed records that is worth a sentence

    def has(self, path: str) -> bool:
        return any(file.path == path for file in self.files)

    def changed(self, path: str) -> float:
        """When the file was last written; 0 where it is not there."""
        return max((file.changed for file in self.files if file.path == path), default=0.0)

    @property
    def last(self) -> float:
        return max((file.changed for file in self.files), default=self.now)

    @property
    def state(self) -> str:
        return RUNNING if self.now - self.last <= self.stale else STALLED

    @property
    def end(self) -> float:
        return self.now if self.state == RUNNING else self.last

    def stalled(self) -> list[str]:
        """The sentence about a part without a sign of life."""
        if self.state == RUNNING:
            return []
        return [
            f"no file has changed for {span(self.now - self.last)}: it stopped, or a step takes that long."
        ]

    def many_failed(self, outcomes: Mapping[str, int]) -> list[str]:
        failed, every = outcomes.get(FAILED_ROW, 0), sum(outcomes.values())
        if not every or failed / every <= self.failing:
            return []
        share = f"{100 * failed / every:.1f} % of the records failed so far"
        return [f"{share}; a stage with more than max_failed_fraction ends with exit code 3."]


def finished(name: str, found: Manifest) -> Part:
    """A stage that has published its manifest."""
    counts = found.counts
    failures = {
        str(entry["reason"]): int(entry["rows"])
        for entry in counts.get("by_reason", ())
        if entry["outcome"] == FAILED_ROW
    }
    records = int(counts.get("records_in", 0))
    return Part(
        name,
        FINISHED,
        done=records,
        total=records,
        unit="records",
        rate=records / found.seconds if found.seconds > 0 else None,
        seconds=found.seconds,
        outcomes={outcome: int(counts.get(outcome, 0)) for outcome in OUTCOMES},
        failures=failures,
    )


def finished_or_damaged(name: str, folder: str) -> tuple[Part, Manifest | None]:
    """A folder with `_SUCCESS`, whose manifest may still be no manifest."""
    try:
        found = manifest.read(folder)
        return finished(name, found), found
    except (UserError, OSError) as error:
        return Part(name, FAILED, notes=[str(error)]), None
    except (ValueError, TypeError, KeyError) as error:
        return Part(name, FAILED, notes=[f"its manifest cannot be read ({type(error).__name__})."]), None


def filtering(scene: Scene, commits: Commits) -> Part:
    """The filter: whole archives, at the rate of those that this run has committed."""
    began = scene.changed(CLAIM) or min(file.changed for file in scene.files)
    found = commits.look(scene.folder, scene.files, began)
    seconds = max(scene.end - began, 0.0)
    pace = found.since_bytes / seconds if seconds and found.since_bytes else None
    failed = found.outcomes.get(FAILED_ROW, 0)
    return Part(
        scene.name,
        scene.state,
        done=found.archives,
        total=found.all_archives,
        unit="archives",
        rate=found.since_archives / seconds if seconds and found.since_archives else None,
        seconds=seconds,
        left=time_left(found.bytes, found.all_bytes, pace) if scene.state == RUNNING else None,
        outcomes=found.outcomes,
        failures={"records": failed} if failed else {},
        notes=[*_of_archives(found), *scene.many_failed(found.outcomes), *scene.stalled()],
    )


def _of_archives(found: Archives) -> list[str]:
    kept = found.outcomes.get("kept", 0)
    notes = [f"{number(found.records)} page records read, {number(kept)} kept."]
    if found.damaged:
        notes.append(f"{number(found.damaged)} damaged byte ranges were passed over.")
    earlier = found.archives - found.since_archives
    if earlier > 0:
        notes.append(f"{number(earlier)} archives were committed before this run began.")
    if not found.all_archives:
        notes.append("it is not recorded how many archives there are, so the time left is unknown.")
    return notes


def staging(scene: Scene, tables: Parts, expected: int) -> Part:
    """Any other stage on Spark. `expected` is the number of records that come in, 0 where not known."""
    began = scene.changed(CLAIM) or min(file.changed for file in scene.files)
    ledger = tables.ledger(scene.folder, scene.files)
    outcomes: dict[str, int] = {}
    for (outcome, _), rows in sorted(ledger.items()):
        outcomes[outcome] = outcomes.get(outcome, 0) + rows
    steps = steps_done(scene.files)
    written = tables.rows(scene.folder, scene.files)
    notes = [f"steps done: {', '.join(steps)}."] if steps else []
    if written:
        shown = ", ".join(f"{table} {number(rows)}" for table, rows in written.items())
        notes.append(f"rows written: {shown}.")
    return Part(
        scene.name,
        scene.state,
        done=sum(outcomes.values()),
        total=expected,
        unit="records",
        seconds=max(scene.end - began, 0.0),
        outcomes=outcomes,
        failures={
            reason: rows for (outcome, reason), rows in sorted(ledger.items()) if outcome == FAILED_ROW
        },
        notes=[*notes, *scene.many_failed(outcomes), *scene.stalled()],
    )


def training(scene: Scene, run: Run) -> Part:
    """A training run: tokens of its budget, at the rate of its newest steps."""
    if scene.has(LOG):
        try:
            run.look(storage.join(scene.folder, LOG), _size(scene, LOG))
        except OSError:
            pass  # it is being replaced; the next look reads it
    steps, tokens = budget(storage.join(scene.folder, CONFIG)) if scene.has(CONFIG) else (0, 0)
    state = FINISHED if scene.has(EXPORTED) else scene.state
    began = scene.changed(CONFIG) or min(file.changed for file in scene.files)
    end = scene.now if state == RUNNING else scene.changed(LOG) or scene.last
    odd = run.step > 0 and not math.isfinite(run.loss)
    return Part(
        scene.name,
        FAILED if odd and state == STALLED else state,
        done=run.tokens,
        total=tokens,
        unit="tokens",
        rate=run.rate,
        seconds=max(end - began, 0.0),
        left=time_left(run.tokens, tokens, run.rate) if state == RUNNING else None,
        failures=_failures_of(run),
        notes=[*_of_run(run, steps), *(scene.stalled() if state == STALLED else [])],
    )


def _failures_of(run: Run) -> dict[str, int]:
    odd = run.step > 0 and not math.isfinite(run.loss)
    found = {"loss that is no finite number": int(odd), "skipped updates": run.skipped, **run.events}
    return {name: times for name, times in found.items() if times}


def _of_run(run: Run, steps: int) -> list[str]:
    if not run.step:
        return ["no step is logged yet."]
    notes = [f"step {number(run.step)} of {number(steps)}." if steps else f"step {number(run.step)}."]
    if math.isfinite(run.loss):
        held = "".join(f", held out {source} {loss:.3f}" for source, loss in sorted(run.heldout.items()))
        notes.append(f"loss {run.loss:.3f}{held}.")
    else:
        notes.append("the loss of the last step is no finite number.")
    return notes + ([f"{number(run.resumed)} times resumed."] if run.resumed else [])


def _size(scene: Scene, path: str) -> int:
    return next(file.bytes for file in scene.files if file.path == path)
