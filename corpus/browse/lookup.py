"""Rows by id or by address, read no further than row groups that can hold them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.browse.rows import Row, open_parquet, take
from corpus.dedup.address import host, normalise_url

BATCH_ROWS = 1 << 16
NEAR = 2000  # addresses of the same site that are remembered while one is searched for


def by_id(
    paths: Sequence[str], ids: Collection[str], columns: Sequence[str] | None = None, key: str = "id"
) -> list[Row]:
    """The rows whose `key` is one of `ids`. Tables sorted by it are read where their statistics allow it."""
    wanted = pa.array(sorted(ids), pa.string())
    places = [place for path in paths for place in _with_id(path, wanted, key)] if len(wanted) else []
    return list(take(paths, places, columns))


def _with_id(path: str, wanted: pa.Array, key: str) -> Iterator[tuple[str, int]]:
    first = 0
    with open_parquet(path) as parquet:
        if key not in parquet.schema_arrow.names:
            return
        about = parquet.metadata
        column = next(n for n in range(about.num_columns) if about.schema.column(n).path == key)
        for number in range(about.num_row_groups):
            group = about.row_group(number)
            if _can_hold(group.column(column).statistics, wanted):
                start = first
                for batch in parquet.iter_batches(
                    BATCH_ROWS, row_groups=[number], columns=[key], use_threads=False
                ):
                    hits = pc.indices_nonzero(pc.is_in(batch.column(0), wanted)).to_pylist()
                    yield from ((path, start + hit) for hit in hits)
                    start += batch.num_rows
            first += group.num_rows


def _can_hold(statistics: Any, wanted: pa.Array) -> bool:
    if statistics is None or not statistics.has_min_max:
        return True
    low, high = statistics.min, statistics.max
    return not isinstance(low, str) or any(low <= value <= high for value in wanted.to_pylist())


class Address:
    """An address that is searched for: under the form in which two captures are the same page."""

    def __init__(self, url: str) -> None:
        self.given = url.strip()
        full = self.given if "://" in self.given else f"https://{self.given}"
        self.normal = normalise_url(full)
        self.site = host(full).removeprefix("www.")
        self.near: dict[str, None] = {}  # addresses met on the same site, in their order

    def rows(self, paths: Sequence[str], column: str = "url") -> list[tuple[str, int]]:
        """The places of the rows with this address."""
        return [place for path in paths for place in self._in_file(path, column)]

    def _in_file(self, path: str, column: str) -> Iterator[tuple[str, int]]:
        with open_parquet(path) as parquet:
            if column not in parquet.schema_arrow.names:
                return
            start = 0
            for batch in parquet.iter_batches(BATCH_ROWS, columns=[column], use_threads=False):
                yield from ((path, start + hit) for hit in self._hits(batch.column(0)))
                start += batch.num_rows

    def _hits(self, urls: Any) -> Iterator[int]:
        # Normalising is Python's work, so only addresses that name the site come to it.
        named = pc.match_substring(urls, self.site or self.given, ignore_case=True)
        for hit in pc.indices_nonzero(named.fill_null(False)).to_pylist():
            url = urls[hit].as_py()
            if url == self.given or (self.normal and normalise_url(url) == self.normal):
                yield hit
            elif len(self.near) < NEAR:
                self.near[url] = None
