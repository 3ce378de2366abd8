"""The short form for a snapshot of Common Crawl: `cc:CC-MAIN-2024-22`, with a slice or a sample of its files.

    cc:CC-MAIN-2024-22                  all archives of the snapshot, about 90,000
    cc:CC-MAIN-2024-22[0:100]           the first hundred
    cc:CC-MAIN-2024-22[::900]           every 900th
    cc:CC-MAIN-2024-22[7]               one
    cc:CC-MAIN-2024-22[sample=100]      a hundred drawn by the hash of their paths
    cc:CC-MAIN-2024-22[sample=100@7]    a hundred others: the seed is 7

A shell takes brackets for a pattern of its own unless the word is quoted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, read_list, stat_all

PREFIX = "cc:"
BASE = "https://data.commoncrawl.org/"
ARCHIVES, INDEX = "warc.paths.gz", "cc-index-table.paths.gz"
MOST_ASKED = 1000  # files whose size is asked for; 90,000 questions to a host that counts them take an hour
_FORM = re.compile(r"cc:(CC-MAIN-\d{4}-\d{2,4})(?:\[([^\[\]]*)\])?")
_SAMPLE = re.compile(r"sample=(\d{1,9})(?:@(\d{1,9}))?")
_SLICE = re.compile(r"(-?\d{1,9})?(:(-?\d{1,9})?)?(:(-?\d{1,9})?)?")


def is_snapshot(pattern: str) -> bool:
    return pattern.startswith(PREFIX)


def snapshot_files(pattern: str, base: str = "") -> list[InputFile]:
    """The archives that a short form names. Their names are for ever, so that a file of unknown size or
    version (-1, empty) is the same file all the same."""
    paths = snapshot_paths(pattern, base)
    step = -(-len(paths) // MOST_ASKED)
    known = {file.path: file for file in stat_all(paths[::step], lenient=True)}
    return [known.get(path) or InputFile(path, -1, "") for path in paths]


def snapshot_paths(pattern: str, base: str = "", listing: str = ARCHIVES) -> list[str]:
    """The paths that a short form names in one of the snapshot's lists. UserError where it is none."""
    form = _FORM.fullmatch(pattern)
    if form is None:
        raise UserError(
            f"'{pattern}' is no short form of a snapshot; write cc:CC-MAIN-2024-22 for all of it, and for "
            "some of its files cc:CC-MAIN-2024-22[0:100], or [::900], or [sample=100@7] behind the name."
        )
    base = base or BASE
    place = f"{base.rstrip('/')}/crawl-data/{form[1]}/{listing}"
    try:
        paths = read_list(place, base)
    except UserError as error:
        raise UserError(
            f"the snapshot {form[1]} is not to be had: {str(error).rstrip('.')}; its name may be wrong: "
            f"{BASE} lists them all, and base= names another place."
        ) from error
    chosen = choose(paths, form[2], pattern)
    if not chosen:
        raise UserError(
            f"{pattern} names none of the {len(paths):,} files of the snapshot in {storage.redact(place)}."
        )
    return chosen


def choose(paths: Sequence[str], choice: str | None, pattern: str = "") -> list[str]:
    """What `[choice]` names of `paths`; all of them without a choice."""
    if choice is None:
        return list(paths)
    if sample := _SAMPLE.fullmatch(choice):
        seed = int(sample[2] or 0)
        drawn = sorted(paths, key=lambda path: hashlib.sha256(f"{seed}:{path}".encode()).digest())
        return sorted(drawn[: int(sample[1])])
    found = _SLICE.fullmatch(choice)
    if found is None or not choice.strip() or found[5] == "0":
        raise UserError(
            f"'[{choice}]' in {pattern} is no slice; write [0:100], [100:], [::900], [7], or [sample=100@7] "
            "for a hundred files drawn with the seed 7."
        )
    first, last, step = (int(part) if part else None for part in (found[1], found[3], found[5]))
    if found[2] is None:
        assert first is not None
        return list(paths[first:][:1]) if -len(paths) <= first else []
    return list(paths[first:last:step])
