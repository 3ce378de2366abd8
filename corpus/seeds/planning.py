"""What the seeds job will read: its input files as tasks, and the tasks in groups of about equal work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand
from corpus.seeds import reading
from corpus.seeds.config import SeedsConfig
from corpus.seeds.records import Origin

CONTAINER_SLICE = 1 << 20  # compressed bytes of a container per task
MOST_SLICES = 64
GROUP_BYTES = 4 << 20  # plain bytes per group: a few seconds of parsing, well above the cost of a Spark task
OPEN_BYTES = 64 << 10  # opening a file costs about as much as reading this much of it
UNZIPPED = 4  # bytes that one compressed byte of JSON or text becomes, at least


@dataclass(frozen=True)
class Task:
    """One file, or every `parts`-th row of a container from row `part` on (`parts` is 0 for plain files).

    `weight` is what reading it costs, in plain bytes.
    """

    file: str
    name: str
    address: str
    licence: str | None
    path: str
    part: int
    parts: int
    weight: int


def tasks_of(config: SeedsConfig) -> tuple[list[InputFile], list[Task]]:
    """The input files, and the tasks that read them. Raises UserError where there is nothing to read."""
    if not any(config.input):
        raise UserError("the key 'input' is empty; give input= one or more files or folders of agent data.")
    suffixes = (*reading.SUFFIXES_ANY_CASE, *reading.CONTAINERS)
    files = expand(config.input, suffixes=suffixes)
    origins = reading.origins(files, config.input, config.source, config.licence)
    tasks = [task for file, origin in zip(files, origins) for task in _tasks(file, origin, config)]
    if not tasks:
        raise UserError(f"{' '.join(config.input)} holds only {reading.SIDECAR}; add files of agent data.")
    return files, tasks


def _tasks(file: InputFile, origin: Origin, config: SeedsConfig) -> Iterator[Task]:
    if file.path.rpartition("/")[2] == reading.SIDECAR:
        return
    size, parts = max(file.bytes, 0), 0
    if reading.is_container(file.path, config.most_file_mib << 20):
        parts = min(MOST_SLICES, 1 + size // CONTAINER_SLICE)
    unzipped = size * UNZIPPED if file.path.endswith(".gz") else size
    weight = OPEN_BYTES + unzipped // max(parts, 1) if file.bytes >= 0 else GROUP_BYTES
    for part in range(max(parts, 1)):
        yield Task(file.path, origin.name, origin.address, origin.licence, origin.path, part, parts, weight)


def groups(tasks: list[Task]) -> list[list[Task]]:
    """The tasks in order, in groups of about `GROUP_BYTES`: starting a Spark task for each file would cost
    more than reading it. The groups follow from the input alone, never from the number of cores.
    """
    found: list[list[Task]] = []
    filled = GROUP_BYTES
    for task in tasks:
        if filled + task.weight > GROUP_BYTES:
            found.append([])
            filled = 0
        found[-1].append(task)
        filled += task.weight
    return found


def summary(config: SeedsConfig) -> str:
    """What the job would read, for --dry-run."""
    files, tasks = tasks_of(config)
    size = sum(max(file.bytes, 0) for file in files)
    sources = sorted({task.name for task in tasks if not task.parts})
    containers = len({task.file for task in tasks if task.parts})
    named = f"; sources of plain files: {', '.join(sources)}" if sources else ""
    what = f"{len(files)} files, {size:,} bytes, {containers} of them containers{named}"
    return f"seeds: {what}\noutput: {config.output}"
