"""The likelihood of what is counted, under any Hugging Face causal model.

Tokens are split between pieces as lm-evaluation-harness does it: a piece ends where the encoding of the text
up to its end does, and white space at the end of a prompt goes to the answer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.arrays import Int32
from training.benchmark.items import Segment

BATCH_TOKENS = 8192  # of one forward pass, padding included
_LOGITS = 1 << 28  # logits that one pass may hold at most: 1 GiB in fp32


@dataclass(frozen=True)
class Window:
    """Tokens for one forward pass; `counted` says of each but the first whether its loss counts."""

    item: int
    ids: Int32
    counted: np.typing.NDArray[np.bool_]

    @property
    def kept(self) -> int:
        """Positions from the first one that counts to the end."""
        return len(self.counted) - int(np.argmax(self.counted))


@dataclass(frozen=True)
class Score:
    """`nats` is the summed loss of the counted tokens, `size` the bytes that they stand for."""

    nats: float
    tokens: int
    size: int


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


def score(
    items: Sequence[Sequence[Segment]], model: Any, tokenizer: Any, *, bos: bool, longest: int | None = None
) -> list[Score]:
    """The score of each item, in order. `longest` defaults to the positions of the model."""
    limit = longest or int(getattr(model.config, "max_position_embeddings", 0) or 2048)
    encoded = [encode(item, tokenizer, bos=bos) for item in items]
    passes = [w for number, (ids, flags) in enumerate(encoded) for w in windows(number, ids, flags, limit)]
    nats, tokens = np.zeros(len(items)), np.zeros(len(items), np.int64)
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
    model.eval()
    with torch.inference_mode():
        for batch in _batches(passes, int(model.config.vocab_size)):
            for window, loss in zip(batch, _losses(batch, model, keeps=keeps)):
                nats[window.item] += loss
                tokens[window.item] += int(window.counted.sum())
    sizes = [
        sum(len(s.text.encode("utf-8")) for s in _with_spaces_moved(item) if s.counted) for item in items
    ]
    return [Score(float(n), int(t), size) for n, t, size in zip(nats, tokens, sizes)]


def _batches(passes: Sequence[Window], vocabulary: int) -> Iterator[list[Window]]:
    """Passes of like length together, within the bounds on tokens and on logits."""
    batch: list[Window] = []
    width = kept = 0
    for window in sorted(passes, key=lambda w: (len(w.ids), w.item)):
        wider, more = max(width, len(window.ids)), max(kept, window.kept)
        count = len(batch) + 1
        if batch and (wider * count > BATCH_TOKENS or more * count * vocabulary > _LOGITS):
            yield batch
            batch, wider, more = [], len(window.ids), window.kept
        batch.append(window)
        width, kept = wider, more
    if batch:
        yield batch


def _losses(batch: Sequence[Window], model: Any, *, keeps: bool) -> list[float]:
    """Summed loss of each window in nats. Padding is on the left, so that the answers end together."""
    width, kept = max(len(w.ids) for w in batch) - 1, max(w.kept for w in batch)
    shape = (len(batch), width)
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    labels = np.full(shape, -100, np.int64)
    for row, window in enumerate(batch):
        length = len(window.ids) - 1
        ids[row, width - length :], mask[row, width - length :] = window.ids[:-1], 1
        labels[row, width - length :] = np.where(window.counted, window.ids[1:], -100)
    device = model.device
    given = {name: torch.from_numpy(value).to(device) for name, value in (("ids", ids), ("mask", mask))}
    extra = {"logits_to_keep": kept} if keeps else {}
    places = (given["mask"].cumsum(1) - 1).clamp(min=0)
    logits = model(
        input_ids=given["ids"], attention_mask=given["mask"], position_ids=places, use_cache=False, **extra
    ).logits[:, -kept:]
    return _summed(logits, torch.from_numpy(labels[:, -kept:].copy()).to(device))


def _summed(logits: Tensor, labels: Tensor) -> list[float]:
    losses = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]).float(), labels.reshape(-1), ignore_index=-100, reduction="none"
    )
    return [float(total) for total in losses.reshape(labels.shape).double().sum(1).tolist()]


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


def per_byte(scores: Sequence[Score]) -> tuple[float, float]:
    """Nats per byte over all items, and its standard error over items (of a ratio, by linearisation)."""
    nats = np.array([s.nats for s in scores])
    sizes = np.array([s.size for s in scores], dtype=np.float64)
    if not sizes.sum():
        return math.nan, math.nan
    ratio = float(nats.sum() / sizes.sum())
    if len(scores) < 2:
        return ratio, math.nan
    residuals = nats - ratio * sizes
    spread = math.sqrt(float((residuals**2).sum()) / (len(scores) - 1) / len(scores))
    return ratio, spread / float(sizes.mean())
