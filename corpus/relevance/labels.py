"""Labels of pages: read from a file, or taken from where an example came from."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import pyarrow.parquet as pq

from corpus.crawl.url import host
from corpus.engine import storage
from corpus.engine.errors import UserError

AGENT, GENERAL, AMBIGUOUS = "agent", "general", "ambiguous"
GIVEN_BY_SEED, GIVEN_BY_CRAWL, GIVEN_BY_LABELS = "seed", "crawl", "labels"
_MEANING = {
    "positive": AGENT,
    "agent": AGENT,
    "negative": GENERAL,
    "general": GENERAL,
    "ambiguous": AMBIGUOUS,
}
_GROUPS = ("origin", "site", "host")


@dataclass(frozen=True)
class Label:
    label: str
    site: str


def read_labels(path: str) -> dict[str, Label]:
    """URL to label. Raises UserError for a file, a column or a value that is not as it must be.

    The site is the column `origin` or `site` where there is one, else the URL's host.
    """
    if not storage.exists(path):
        raise UserError(f"the labels file {path} does not exist; check labels=.")
    columns = _parquet(path) if path.endswith(".parquet") else _csv(path)
    for needed in ("url", "label"):
        if needed not in columns:
            raise UserError(f"the labels file {path} has no column '{needed}'; it needs url and label.")
    group = next((name for name in _GROUPS if name in columns), None)
    sites = columns[group] if group else [""] * len(columns["url"])
    found: dict[str, Label] = {}
    for url, label, site in zip(columns["url"], columns["label"], sites):
        meaning = _MEANING.get(label.strip().lower())
        if meaning is None:
            raise UserError(f"{path} labels {url} as '{label}'; labels are positive, negative or ambiguous.")
        found[url] = Label(meaning, site or site_of(url))
    return found


def site_of(url: str) -> str:
    """The lower-case host, or the start of the address where it has none."""
    return host(url) or url[:60]


def _parquet(path: str) -> dict[str, list[str]]:
    with storage.open_input(path) as stream:
        try:
            table = pq.read_table(stream)
        except (OSError, ValueError) as error:
            raise UserError(
                f"the labels file {path} is no Parquet file: {str(error).splitlines()[0]}."
            ) from error
    wanted = [name for name in ("url", "label", *_GROUPS) if name in table.column_names]
    return {name: [str(v or "") for v in table.column(name).to_pylist()] for name in wanted}


def _csv(path: str) -> dict[str, list[str]]:
    try:
        rows = list(csv.DictReader(io.StringIO(storage.read_bytes(path).decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"the labels file {path} is no CSV in UTF-8: {error}.") from error
    names = list(rows[0]) if rows else ["url", "label"]
    return {str(name): [str(row.get(name) or "") for row in rows] for name in names}
