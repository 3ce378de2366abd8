"""Boilerplate: lines that repeat over the pages of one host, told apart from code, tables and headings.

A line is removed where it stands in a run at the head or the foot of a page, as menus and notices do, or
where it is long enough to be a sentence. A short line amid the text stays whatever its number: `Parameters`
stands on each page of a reference, and belongs there. So do lines of code, of tables and headings, and a page
is left whole rather than cut to less than half.
"""

from __future__ import annotations

import re

import xxhash

from corpus.dedup.address import signed
from corpus.dedup.normalise import UNSPACED

# Characters from which on a line amid the text is a sentence; those of scripts without spaces count twice.
LONG = 40
RUN = 3  # lines from which on a run at the head or the foot is no heading
_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_RULE_OF_TABLE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-*:?\s*)+$")
_CODE = re.compile(r"^(\t| {4})|[{};=\\`]|\w\(|::|->|=>|</?\w|^\s*[$%>]\s|\w_\w|(^|\s)--?[a-z]|\w\.\w+\(")
_UNSPACED_CHAR = re.compile(f"[{UNSPACED}]")


def keys(text: str) -> set[int]:
    """The keys of all lines that are not empty. Whether one may go is asked once it is known to repeat."""
    plain = {" ".join(line.split()) for line in text.split("\n")}
    plain.discard("")
    return {key(line) for line in plain}


def repeated_lines(lines: list[str], repeated: frozenset[int]) -> dict[int, int]:
    """Number and key of each line that repeats on its host and is neither code nor table nor heading."""
    found = {}
    for at, line in enumerate(lines):
        plain = " ".join(line.split())
        if plain and (hashed := key(plain)) in repeated:
            found[at] = hashed
    if not found:
        return found
    protected = _tables(lines) | _fenced(lines)
    return {
        at: hashed
        for at, hashed in found.items()
        if at not in protected and not _HEADING.match(lines[at]) and not _CODE.search(lines[at])
    }


def key(plain: str) -> int:
    """Signed 64-bit hash of a line whose white space is single spaces."""
    return signed(xxhash.xxh64_intdigest(plain.encode("utf-8", "surrogatepass")))


def _tables(lines: list[str]) -> set[int]:
    """Numbers of the lines of tables: blocks of lines with bars of which one starts with a bar or is a rule,
    and lines with tabs.
    """
    found: set[int] = set()
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and "|" in lines[end]:
            end += 1
        block = [" ".join(line.split()) for line in lines[start:end]]  # runs of spaces would slow the pattern
        if any(line.startswith("|") or _RULE_OF_TABLE.match(line) for line in block):
            found.update(range(start, end))
        start = max(end, start + 1)
    return found | {at for at, line in enumerate(lines) if "\t" in line.strip()}


def _fenced(lines: list[str]) -> set[int]:
    found, inside = set(), False
    for at, line in enumerate(lines):
        fence = _FENCE.match(line) is not None
        if fence or inside:
            found.add(at)
        inside ^= fence
    return found


def strip(text: str, repeated: frozenset[int]) -> tuple[str, list[tuple[int, str, bool]]]:
    """The text without its boilerplate, and (key, line, removed) for each distinct repeated line in it."""
    lines = text.split("\n")
    hot = repeated_lines(lines, repeated)
    gone = _to_remove(lines, hot)
    if 2 * sum(len(lines[at]) for at in gone) > len(text):
        gone = set()
    seen: dict[int, tuple[int, str, bool]] = {}
    for at, hashed in hot.items():
        removed = at in gone or (hashed in seen and seen[hashed][2])
        seen[hashed] = (hashed, " ".join(lines[at].split()), removed)
    return (_without(lines, gone) if gone else text), list(seen.values())


def _to_remove(lines: list[str], hot: dict[int, int]) -> set[int]:
    full = [at for at, line in enumerate(lines) if line.strip()]
    gone = {at for at in hot if _weight(lines[at]) >= LONG}
    for ordered in (full, full[::-1]):
        run = []
        for at in ordered:
            if at not in hot:
                break
            run.append(at)
        if len(run) >= RUN or sum(_weight(lines[at]) for at in run) >= LONG:
            gone.update(run)
    return gone


def _weight(line: str) -> int:
    plain = " ".join(line.split())
    return len(plain) + len(_UNSPACED_CHAR.findall(plain))


def _without(lines: list[str], gone: set[int]) -> str:
    """The lines that stay; where a line goes from between two empty ones, one of these goes too."""
    out: list[str] = []
    cut = False
    for at, line in enumerate(lines):
        if at in gone:
            cut = True
        elif line.strip():
            out.append(line)
            cut = False
        elif not (cut and (not out or not out[-1].strip())):
            out.append(line)
    if cut or (gone and not lines[-1].strip()):
        while out and not out[-1].strip():
            out.pop()
    return "\n".join(out)
