"""The benchmark items as an index of n-grams: made once by `indexing`, read by every executor from files.

Layout: `grams.npy` [grams] sorted 64-bit hashes of token windows; `starts.npy` [grams + 1] where each one's
postings begin in `parts.npy` and `offsets.npy` [postings] (the part, and the gram's first token in it, or the
number of the anchor for calls); `words.npy` the vocabulary as UTF-8 lines; `parts.json` what each part is.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.engine import storage
from corpus.engine.manifest import OutputFile, describe_file
from corpus.hygiene.evidence import Unit
from corpus.hygiene.grams import Hashes, token_hashes

FOLDER = "benchmarks"
_ARRAYS = {"grams": np.uint64, "starts": np.int64, "parts": np.int32, "offsets": np.int32, "words": np.uint8}
Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class Known:
    """One part as the index knows it.

    `size` is its number of tokens; `coverable` of them lie in grams that prove something, `needed` must be
    found. `calls` is empty for texts; their units lie within `reach` tokens of an anchor, 0: by their size.
    `line`: so few words prove something only where they are a whole line of a page.
    """

    benchmark: str
    item: str
    kind: str
    size: int
    coverable: int
    needed: int
    calls: tuple[tuple[Unit, ...], ...] = ()
    reach: int = 0
    line: bool = False


@dataclass(frozen=True)
class BenchmarkIndex:
    grams: Hashes
    starts: Ints
    parts: Ints
    offsets: Ints
    words: Ints
    known: tuple[Known, ...]
    sizes: tuple[int, ...]  # lengths of the grams, in tokens

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        text = self.words.tobytes().decode("utf-8")
        return {word: at for at, word in enumerate(text.split("\n"))} if text else {}

    @cached_property
    def token_hashes(self) -> Hashes:
        return token_hashes(list(self.vocabulary))

    @cached_property
    def bitmap(self) -> npt.NDArray[np.bool_]:
        """True at the upper bits of every gram: most windows are ruled out without a search."""
        bits = max(16, int(np.ceil(np.log2(len(self.grams) + 1))) + 5)
        found = np.zeros(1 << bits, np.bool_)
        found[(self.grams >> np.uint64(64 - bits)).astype(np.int64)] = True
        return found


def covered_tokens(offsets: Ints, size: int) -> int:
    """How many tokens lie in windows of `size` that begin at the sorted or unsorted `offsets`."""
    if not len(offsets):
        return 0
    places = np.unique(offsets)
    return int(np.minimum(np.diff(places), size).sum()) + size


def write(folder: str, index: BenchmarkIndex) -> list[OutputFile]:
    """Publish the index below the stage folder; the files for its manifest."""
    names = []
    for name, kind in _ARRAYS.items():
        buffer = io.BytesIO()
        np.save(buffer, getattr(index, name).astype(kind), allow_pickle=False)
        storage.write_bytes(storage.join(folder, FOLDER, f"{name}.npy"), buffer.getvalue())
        names.append(f"{FOLDER}/{name}.npy")
    about = {"sizes": index.sizes, "known": [asdict(part) for part in index.known]}
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    storage.write_bytes(storage.join(folder, FOLDER, "parts.json"), text.encode("utf-8"))
    return [describe_file(folder, name) for name in (*names, f"{FOLDER}/parts.json")]


def load(folder: str) -> BenchmarkIndex:
    """The index below a stage folder; arrays of a local folder are mapped, not read."""
    arrays = {name: _array(storage.join(folder, FOLDER, f"{name}.npy")) for name in _ARRAYS}
    about = json.loads(storage.read_bytes(storage.join(folder, FOLDER, "parts.json")))
    known = tuple(
        Known(**{**part, "calls": tuple(tuple(map(_unit, units)) for units in part["calls"])})
        for part in about["known"]
    )
    return BenchmarkIndex(known=known, sizes=tuple(about["sizes"]), **arrays)


def _unit(data: dict[str, Any]) -> Unit:
    return Unit(**{**data, "accepted": tuple(map(tuple, data["accepted"]))})


def _array(path: str) -> Ints:
    if "://" not in path:
        mapped: Ints = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped
    read: Ints = np.load(io.BytesIO(storage.read_bytes(path)), allow_pickle=False)
    return read


def items_of(index: BenchmarkIndex) -> Counter[str]:
    """Parts in the index by benchmark."""
    return Counter(part.benchmark for part in index.known)
