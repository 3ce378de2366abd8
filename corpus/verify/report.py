"""What a check says: one line, and below it the problems by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 10  # problems of one check that are named


@dataclass(frozen=True)
class Check:
    """`what` says what was compared with what; a check with `skipped` has not been made, for that reason."""

    name: str
    what: str
    problems: tuple[str, ...] = ()
    skipped: str = ""
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        return "FAILED" if self.problems else "skipped" if self.skipped else "ok"

    def __str__(self) -> str:
        said = self.skipped if self.outcome == "skipped" else self.what
        if self.notes:
            said += f" ({'; '.join(self.notes)})"
        lines = [f"  {self.outcome:<8} {self.name:<14} {said}"]
        lines += [f"{'':<12}{problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"{'':<12}and {len(self.problems) - SHOWN:,} more")
        return "\n".join(lines)


def some(names: Iterable[str], most: int = 3) -> str:
    """The first names of many, for a sentence. What comes from data is shown as Python writes it."""
    found = sorted(names)
    shown = ", ".join(plain(name) for name in found[:most])
    return shown + (f" and {len(found) - most:,} more" if len(found) > most else "")


def plain(name: str, most: int = 120) -> str:
    """A name out of data, fit for a terminal: one line, no control characters, not endless."""
    text = name if name.isprintable() else name.encode("unicode_escape").decode("ascii")
    return text if len(text) <= most else f"{text[: most - 3]}..."
