"""Benchmark loss of a model that is being trained: sharded, in memory, on all ranks.

    benchmarks = BenchmarkLoss.open(config.benchmarks, tokenizer, vocabulary=..., longest=...)
    ...
    rows = benchmarks.measure(forward, world)      # collective; the same rows on every rank

The numbers are those that training/evaluate.py finds for the model's export: items, tokens and sums are the
same code. Only the forward pass is the trainer's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from training.benchmark.config import BenchmarkConfig
from training.benchmark.encoding import Window, encode_all
from training.benchmark.items import Item
from training.benchmark.passes import BATCH_TOKENS, Forward, arrays, batches, shared
from training.benchmark.score import Score
from training.benchmark.suite import grouped, read_suite, texts_of

_MULTIPLE = 64  # widths of passes are multiples of this, so that a compiled model meets few shapes


class Ranks(Protocol):
    """What is needed of training.parallel.World."""

    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...
    def gather(self, value: Any, /) -> list[Any]: ...


@dataclass(frozen=True)
class _Benchmark:
    items: list[Item]
    sizes: list[int]  # bytes that are counted, by item
    windows: list[Window]


class BenchmarkLoss:
    """The benchmarks of a run, read and encoded once."""

    def __init__(self, suite: Mapping[str, _Benchmark], vocabulary: int, tokens: int) -> None:
        self._suite, self._vocabulary, self._tokens = suite, vocabulary, tokens

    @classmethod
    def open(
        cls,
        benchmarks: Mapping[str, BenchmarkConfig],
        tokenizer: Any,
        *,
        vocabulary: int,
        longest: int,
        template: str = "plain",
        bos: bool = False,
        tokens: int = BATCH_TOKENS,
    ) -> BenchmarkLoss:
        """Read and encode; the same on every rank. `tokenizer` is transformers' own object.

        `vocabulary` is that of the model's output, `longest` its positions: items that are longer lose
        their beginning, texts go in windows. `tokens` bounds one pass. Raises UserError for files that hold
        no item.
        """
        suite = {}
        for name, items in read_suite(benchmarks).items():
            windows, sizes = encode_all(
                texts_of(items, tokenizer, template), tokenizer, bos=bos, longest=longest
            )
            suite[name] = _Benchmark(items, sizes, windows)
        return cls(suite, vocabulary, tokens)

    def measure(self, forward: Forward, world: Ranks) -> list[dict[str, Any]]:
        """{benchmark, category, loss, stderr, items, tokens, bytes} of each benchmark and category.

        `loss` is in nats per byte; the category `all` is the whole benchmark. Collective: every rank calls
        `forward` equally often, on batches of its own. The caller puts the model into eval mode, turns
        gradients off and afterwards reshards it.
        """
        rows: list[dict[str, Any]] = []
        for name, benchmark in self._suite.items():
            scores = self._scores(benchmark, forward, world)
            found = grouped(benchmark.items, scores)
            rows += [{"benchmark": name, "category": group, **row} for group, row in found.items()]
        return rows

    def _scores(self, benchmark: _Benchmark, forward: Forward, world: Ranks) -> list[Score]:
        nats, tokens = np.zeros(len(benchmark.items)), np.zeros(len(benchmark.items), np.int64)
        split = batches(
            benchmark.windows, self._vocabulary, tokens=self._tokens, whole=True, multiple=_MULTIPLE
        )
        for batch, mine in shared(split, world.rank, world.size):
            losses = forward(*arrays(batch, _MULTIPLE))
            for window, loss in zip(batch, losses) if mine else ():
                nats[window.item] += float(loss)
                tokens[window.item] += int(window.counted.sum())
        parts = world.gather((nats, tokens))
        summed = sum(part for part, _ in parts), sum(part for _, part in parts)
        return [Score(float(n), int(t), size) for n, t, size in zip(*summed, benchmark.sizes)]
