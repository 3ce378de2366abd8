"""Processor seconds of a process and all that it has started: what a job costs, whatever else the machine does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold spaces; empty where the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return []


def tree(pid: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    waiting = [pid]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += parents.get(found, [])


def seconds(pid: int | None = None) -> float:
    """User and system time of a process, its living descendants, and those that it has waited for."""
    ticks = 0
    for found in tree(pid or os.getpid()):
        if fields := _stat(found):
            ticks += sum(int(value) for value in fields[11:15])
    return ticks / _TICK


def peak_bytes(pid: int | None = None) -> int:
    """Largest resident set that any process of the tree has had so far."""
    return max(peak_bytes_of(found) for found in tree(pid or os.getpid()))


def peak_bytes_of(pid: int) -> int:
    """Largest resident set that one process has had so far; 0 where it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return max(
        (int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("VmHWM")), default=0
    )
