"""Items as tokens: what a model reads, and which tokens of it count.

Tokens are split between pieces as lm-evaluation-harness does it: a piece ends where the encoding of the text
up to its end does, and white space at the end of a prompt goes to the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.benchmark.items import Segment
from training.data.arrays import Int32

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Window:
    """Tokens for one forward pass; `counted` says of each but the first whether its loss counts."""

    item: int
    ids: Int32
    counted: Bools

    @property
    def first(self) -> int:
        """The position that predicts the first token that counts."""
        return int(np.argmax(self.counted))


def encode_all(
    texts: Sequence[Sequence[Segment]], tokenizer: Any, *, bos: bool, longest: int
) -> tuple[list[Window], list[int]]:
    """The windows of all items, and of each item the bytes that are counted."""
    found: list[Window] = []
    for number, segments in enumerate(texts):
        found += windows(number, *encode(segments, tokenizer, bos=bos), longest)
    moved = (_with_spaces_moved(segments) for segments in texts)
    return found, [sum(len(s.text.encode("utf-8")) for s in item if s.counted) for item in moved]


def encode(segments: Sequence[Segment], tokenizer: Any, *, bos: bool) -> tuple[list[int], list[bool]]:
    """Ids of the whole text and whether each counts, behind one id that is never counted.

    That first id is the tokenizer's BOS where `bos` asks for it, else what parts documents in training, so
    that a text without a prompt has its first token predicted too. With a prompt and no `bos` there is none.
    """
    moved = _with_spaces_moved(segments)
    text, ends = "", []
    for segment in moved:
        text += segment.text
        ends.append(len(text))
    ids = _ids(tokenizer, text)
    cuts = [len(_ids(tokenizer, text[:end])) for end in ends[:-1]] + [len(ids)]
    counted: list[bool] = []
    for segment, cut in zip(moved, cuts):
        counted += [segment.counted] * (cut - len(counted))
    counted = counted[: len(ids)]  # a prefix may encode to more tokens than the whole
    first = tokenizer.bos_token_id if bos else tokenizer.eos_token_id
    if bos or (counted and counted[0]):
        if first is None:
            first = tokenizer.eos_token_id
        return [first, *ids], [False, *counted]
    return ids, counted


def windows(item: int, ids: Sequence[int], counted: Sequence[bool], longest: int) -> Iterator[Window]:
    """An item as passes of at most `longest` predicted tokens.

    What is too long and counts at its end alone loses its beginning; what counts all over goes in windows
    that follow one another, each with one token of context.
    """
    values, flags = np.asarray(ids, np.int32), np.asarray(counted, np.bool_)
    if not flags[1:].any():
        return
    last = len(values) - longest - 1
    if last <= 0 or not flags[: last + 1].any():
        start = max(last, 0)
        yield Window(item, values[start:], flags[start + 1 :])
        return
    for start in range(0, len(values) - 1, longest):
        part = flags[start + 1 : start + 1 + longest]
        if part.any():
            yield Window(item, values[start : start + 1 + longest], part)


def _with_spaces_moved(segments: Sequence[Segment]) -> list[Segment]:
    """White space that ends a piece without a count begins the counted one behind it."""
    moved = list(segments)
    for at in range(len(moved) - 1):
        if not moved[at].counted and moved[at + 1].counted:
            kept = moved[at].text.rstrip()
            space = moved[at].text[len(kept) :]
            moved[at] = Segment(kept, False)
            moved[at + 1] = Segment(space + moved[at + 1].text, True)
    return [segment for segment in moved if segment.text]


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
