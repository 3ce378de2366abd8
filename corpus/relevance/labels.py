"""Labels of pages: read from files, or taken from where an example came from.

A file says `label` (positive, negative, ambiguous), often of a whole site, or `verdict` (yes, no, stub):
somebody has looked at that very page. Verdicts go before labels, later files before earlier ones.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.url import host
from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.labels.files import files_of, giver_of

AGENT, GENERAL, STUB, AMBIGUOUS = "agent", "general", "stub", "ambiguous"
GIVEN_BY_SEED, GIVEN_BY_CRAWL, GIVEN_BY_LABELS = "seed", "crawl", "labels"
_MEANING = {
    **dict.fromkeys(("positive", "agent", "wanted", "yes"), AGENT),
    **dict.fromkeys(("negative", "general", "unwanted", "no"), GENERAL),
    "stub": STUB,
    "ambiguous": AMBIGUOUS,
}
_UNSAID = frozenset({"", "unlabelled", "unlabeled", "crawl"})
_GROUPS, _LANGUAGES, _TRUE = ("origin", "site", "host"), ("language", "lang"), frozenset({"true", "1", "yes"})
_COLUMNS = ("url", "label", "verdict", "given_by", "genre", "mixed", *_LANGUAGES, *_GROUPS)


@dataclass(frozen=True)
class Label:
    """What is known of a page. `read`: somebody looked at this page, and not only at its site.

    `by_site` is what the labels without a verdict say, empty where none does. `mixed`: the file says that the
    pages of this site are of several kinds, whatever the site's label.
    """

    label: str
    site: str
    given_by: str = GIVEN_BY_LABELS
    read: bool = False
    by_site: str = ""
    genre: str = ""
    language: str = ""
    mixed: bool = False


def read_labels(paths: str | Sequence[str]) -> dict[str, Label]:
    """URL to label. Raises UserError for a file, a column or a value that is not as it must be.

    The site is the column `origin` or `site` where there is one, else the URL's host.
    """
    return merge([read_file(path) for path in ([paths] if isinstance(paths, str) else paths)])[0]


def merge(files: Sequence[Mapping[str, Label]]) -> tuple[dict[str, Label], int]:
    """One label for each URL, and how many URLs get different ones of the same kind (verdicts, or others)."""
    found: dict[str, Label] = {}
    conflicts: set[str] = set()
    for url, label in ((url, label) for file in files for url, label in file.items()):
        other = found.get(url)
        if other is None:
            found[url] = label
            continue
        if other.read == label.read and other.label != label.label:
            conflicts.add(url)
        found[url] = _together(other, label, url)
    return found, len(conflicts)


def read_file(path: str) -> dict[str, Label]:
    """The labels of one entry of `labels=`: a file, a glob or a finished stage of labels."""
    if not set("*?[") & set(path) and not storage.exists(path):
        raise UserError(f"the labels file {storage.redact(path)} does not exist; check labels=.")
    found: dict[str, Label] = {}
    for file in files_of(path):
        columns = _parquet(file.path) if file.path.endswith(".parquet") else _csv(file.path)
        name = storage.redact(file.path)
        if "url" not in columns or not {"label", "verdict"} & set(columns):
            missing = "url" if "url" not in columns else "label"
            raise UserError(
                f"the labels file {name} has no column '{missing}'; it needs url, and label or verdict."
            )
        names = list(columns)
        for values in zip(*columns.values()):
            row = dict(zip(names, values))
            label = _label(row, giver_of(path), name)
            if label and row["url"]:
                found[row["url"]] = label
    return found


def site_of(url: str) -> str:
    """The lower-case host, or the start of the address where it has none."""
    return host(url) or url[:60]


def identities(paths: Sequence[str]) -> list[dict[str, object]]:
    """The files as inputs of a stage."""
    return [dict(file.identity()) for path in paths for file in files_of(path)]


def _together(first: Label, later: Label, url: str) -> Label:
    """What two files say of a page: the later word, unless only the first has looked at the page itself."""
    word = first if first.read and not later.read else later
    named = later.site if later.site != site_of(url) else first.site
    return Label(
        word.label,
        named,
        word.given_by,
        word.read,
        later.by_site or first.by_site,
        later.genre or first.genre,
        later.language or first.language,
        first.mixed or later.mixed,
    )


def _label(row: Mapping[str, str], giver: str, path: str) -> Label | None:
    """None for a row that says nothing. With label and verdict, the verdict is the closer look."""
    said = {column: row.get(column, "").strip().lower() for column in ("label", "verdict")}
    for word in said.values():
        if word not in _MEANING and word not in _UNSAID:
            raise UserError(
                f"{storage.redact(path)} labels {row['url']} as '{word[:40]}'; labels are positive, negative "
                "or ambiguous, verdicts yes, no or stub."
            )
    meant = [_MEANING[said[column]] for column in ("verdict", "label") if said[column] not in _UNSAID]
    if not meant:
        return None
    given = row.get("given_by", "")
    read = said["verdict"] in _MEANING
    site = next((row[name] for name in _GROUPS if row.get(name)), "")
    language = next((row[name] for name in _LANGUAGES if row.get(name)), "")
    by_site = "" if read and given else _MEANING.get(said["label"], "")  # a giver's label is its verdict's
    mixed = row.get("mixed", "").lower() in _TRUE
    return Label(
        meant[0],
        site or site_of(row["url"]),
        given or giver,
        read,
        by_site,
        row.get("genre", ""),
        language,
        mixed,
    )


def _parquet(path: str) -> dict[str, list[str]]:
    with storage.open_input(path) as stream:
        try:
            file = pq.ParquetFile(stream)
            wanted = [name for name in _COLUMNS if name in file.schema_arrow.names]
            table = file.read(columns=wanted)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise UserError(
                f"the labels file {storage.redact(path)} is no Parquet file: {str(error).splitlines()[0]}."
            ) from error
    return {name: ["" if v is None else str(v) for v in table.column(name).to_pylist()] for name in wanted}


def _csv(path: str) -> dict[str, list[str]]:
    try:
        reader = csv.DictReader(io.StringIO(storage.read_bytes(path).decode("utf-8-sig")))
        rows, names = list(reader), [name for name in _COLUMNS if name in (reader.fieldnames or ())]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"the labels file {storage.redact(path)} is no CSV in UTF-8: {error}.") from error
    return {name: [row.get(name) or "" for row in rows] for name in names}
