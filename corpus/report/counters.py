"""Counting a stream in bounded memory: values, numbers, and histograms with fixed bins."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from heapq import nsmallest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NO_VALUE = "none stated"


class TopCounter:
    """Counts of the most frequent values (Misra and Gries 1982).

    Exact up to `capacity` distinct values. Beyond that each count is too low by at most `slack`, and each
    value with more rows than that is there.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self.capacity, self.slack, self.total = capacity, 0, 0
        self.counts: dict[str, int] = {}

    def add(self, column: pa.Array[Any], none: str = NO_VALUE) -> None:
        """Count the values of a string column; null and empty strings count as `none`."""
        text = pc.cast(column, pa.string())
        for entry in pc.value_counts(text):
            value, rows = entry["values"].as_py(), entry["counts"].as_py()
            self.add_one(value or none, rows)

    def add_weighted(self, column: pa.Array[Any], weights: pa.Array[Any], none: str = NO_VALUE) -> None:
        """Add up weights by the values of a string column."""
        table = pa.table(
            [pc.cast(column, pa.string()), pc.cast(weights, pa.int64())], names=["value", "weight"]
        )
        for entry in table.group_by("value").aggregate([("weight", "sum")]).to_pylist():
            self.add_one(entry["value"] or none, entry["weight_sum"] or 0)

    def add_one(self, value: str, rows: int = 1) -> None:
        self.total += rows
        self.counts[value] = self.counts.get(value, 0) + rows
        if len(self.counts) > self.capacity:
            self._shrink()

    def _shrink(self) -> None:
        """Take the median count from all, which drops half of the values at once."""
        cut = sorted(self.counts.values())[len(self.counts) // 2]
        self.slack += cut
        self.counts = {value: rows - cut for value, rows in self.counts.items() if rows > cut}

    def top(self, most: int | None = None) -> list[tuple[str, int]]:
        """The most frequent values, equal counts in the order of their text."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:most]

    def rows(self, name: str, unit: str, most: int | None = None) -> list[dict[str, Any]]:
        """`top` as table rows with the share of all that was counted."""
        return [{name: value, unit: n, "share": share(n, self.total)} for value, n in self.top(most)]


class Distinct:
    """The number of distinct values: exact up to `capacity`, then estimated from the smallest hashes
    (Bar-Yossef et al. 2002), whose relative standard error is 1 / sqrt(capacity)."""

    def __init__(self, capacity: int = 1 << 18) -> None:
        self.capacity, self.exact = capacity, True
        self.hashes: set[int] = set()

    def add(self, values: Iterable[str]) -> None:
        for value in values:
            digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            self.hashes.add(int.from_bytes(digest, "big"))
        if len(self.hashes) > 2 * self.capacity:
            self.exact = False
            self.hashes = set(nsmallest(self.capacity, self.hashes))

    def number(self) -> int:
        if self.exact:
            return len(self.hashes)
        smallest = nsmallest(self.capacity, self.hashes)
        return round((self.capacity - 1) * 2.0**64 / smallest[-1])


class Lengths:
    """Exact sum, mean and quantiles of whole numbers: one counter per distinct value."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def add(self, column: pa.Array[Any]) -> None:
        for entry in pc.value_counts(column.drop_null()):
            value = int(entry["values"].as_py())
            self.counts[value] = self.counts.get(value, 0) + entry["counts"].as_py()

    def quantile(self, at: float) -> int | None:
        """The smallest value with at least the share `at` of all values at or below it."""
        wanted, seen = at * sum(self.counts.values()), 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= wanted:
                return value
        return None

    def summary(self) -> dict[str, Any]:
        number, total = sum(self.counts.values()), sum(v * n for v, n in self.counts.items())
        quantiles = {f"p{round(100 * q)}": self.quantile(q) for q in (0.1, 0.5, 0.9, 0.99)}
        longest = max(self.counts, default=None)
        return {
            "documents": number,
            "total": total,
            "mean": share(total, number),
            **quantiles,
            "max": longest,
        }

    def histogram(self) -> list[dict[str, Any]]:
        """Documents in bins that double: 0, 1, 2-3, 4-7, ...; empty bins between full ones included."""
        bins: dict[int, int] = {}
        for value, rows in self.counts.items():
            power = max(value, 0).bit_length()
            bins[power] = bins.get(power, 0) + rows
        span = range(min(bins), max(bins) + 1) if bins else range(0)
        edges = [(0 if p == 0 else 1 << (p - 1), 1 << p if p else 1) for p in span]
        return [
            {"from": low, "below": high, "documents": bins.get(p, 0)} for p, (low, high) in zip(span, edges)
        ]


class Bins:
    """A histogram with equal bins from `low` to `high`; what lies outside goes to the first or last."""

    def __init__(self, low: float, high: float, number: int) -> None:
        self.edges = [low + (high - low) * i / number for i in range(number + 1)]
        self.counts: dict[str, list[int]] = {}

    def add(self, values: Any, group: str = "") -> None:
        """Count numbers, given as an Arrow array or a list; null and NaN are left out.

        32-bit numbers meet 32-bit edges, so that 0.6 of a float column falls into the
        bin that begins at 0.6.
        """
        kind = np.float32 if pa.types.is_float32(getattr(values, "type", pa.float64())) else np.float64
        given = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values
        numbers = np.asarray(given, dtype=kind)
        numbers = numbers[~np.isnan(numbers)]
        last = len(self.edges) - 2
        places = np.clip(np.searchsorted(np.asarray(self.edges, kind), numbers, side="right") - 1, 0, last)
        counts = self.counts.setdefault(group, [0] * (last + 1))
        for place, rows in enumerate(np.bincount(places, minlength=last + 1).tolist()):
            counts[place] += rows

    def rows(self, unit: str = "") -> list[dict[str, Any]]:
        """One row per bin; a column per group, or `unit` where there is one unnamed group."""
        groups = sorted(self.counts)
        return [
            {"from": round(self.edges[i], 6), "below": round(self.edges[i + 1], 6)}
            | {group or unit: self.counts[group][i] for group in groups}
            for i in range(len(self.edges) - 1)
        ]


def share(part: float, whole: float) -> float:
    """part / whole, 0 where there is nothing."""
    return part / whole if whole else 0.0
