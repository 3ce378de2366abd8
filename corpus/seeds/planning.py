"""What the seeds job will read: its input files as tasks, and the tasks in groups of about equal work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand
from corpus.seeds import reading
from corpus.seeds.config import SeedsConfig
from corpus.seeds.records import Origin
from corpus.seeds.sidecar import SIDECAR, origins

CONTAINER_SLICE = 1 << 20  # compressed bytes of a container per task
LINES_SLICE, PARQUET_SLICE = 16 << 20, 8 << 20  # bytes of plain lines and of Parquet per task
MOST_SLICES = 64
GROUP_BYTES = 4 << 20  # plain bytes per group: a few seconds of parsing, well above the cost of a Spark task
OPEN_BYTES = 64 << 10  # opening a file costs about as much as reading this much of it
UNZIPPED = 4  # bytes that one compressed byte of JSON or text becomes, at least


@dataclass(frozen=True)
class Task:
    """One file, or every `parts`-th row of it from row `part` on (`parts` is 0 for files read as a whole).

    The rows of a `container` name their own origins. `weight` is what reading it costs, in plain bytes.
    """

    file: str
    name: str
    address: str
    licence: str | None
    path: str
    part: int
    parts: int
    weight: int
    adapter: str = ""
    container: bool = False
    size: int = 0


def tasks_of(config: SeedsConfig) -> tuple[list[InputFile], list[Task]]:
    """The input files, and the tasks that read them. Raises UserError where there is nothing to read."""
    if not any(config.input):
        raise UserError("the key 'input' is empty; give input= one or more files or folders of agent data.")
    suffixes = (*reading.SUFFIXES_ANY_CASE, *reading.ZIPPED)
    files = expand(config.input, suffixes=suffixes)
    found = origins(files, config.input, config.source, config.licence)
    tasks = [task for file, origin in zip(files, found) for task in _tasks(file, origin, config)]
    if not tasks:
        raise UserError(f"{' '.join(config.input)} holds only {SIDECAR}; add files of agent data.")
    return files, tasks


def _tasks(file: InputFile, origin: Origin, config: SeedsConfig) -> Iterator[Task]:
    if file.path.rpartition("/")[2] == SIDECAR:
        return
    size = max(file.bytes, 0)
    container = reading.is_container(file.path, config.most_file_mib << 20)
    parts = min(MOST_SLICES, 1 + size // _slice(file.path)) if _slice(file.path) else 0
    unzipped = size * UNZIPPED if file.path.lower().endswith((".gz", reading.PARQUET)) else size
    weight = OPEN_BYTES + unzipped // max(parts, 1) if file.bytes >= 0 else GROUP_BYTES
    for part in range(max(parts, 1)):
        where = (file.path, origin.name, origin.address, origin.licence, origin.path)
        yield Task(*where, part, parts, weight, origin.adapter, container, size)


def _slice(path: str) -> int:
    """Bytes of a file per task; 0 for files that one task reads as a whole."""
    if path.lower().endswith(reading.PARQUET):
        return PARQUET_SLICE
    if reading.is_lines(path):
        return CONTAINER_SLICE if path.lower().endswith(".gz") else LINES_SLICE
    return 0


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
    sources = sorted({task.name for task in tasks if not task.container})
    containers = len({task.file for task in tasks if task.container})
    named = f"; sources of plain files: {', '.join(sources)}" if sources else ""
    what = f"{len(files)} files, {size:,} bytes, {containers} of them containers{named}"
    return f"seeds: {what}\noutput: {config.output}"
