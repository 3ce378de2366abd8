"""Pages of the filter looked up in their archives: the record at that byte is the one with that id."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from corpus.browse.rows import Row, draw
from corpus.crawl.url import payload_digest
from corpus.crawl.warc.records import Record, read_records
from corpus.engine import storage
from corpus.engine.errors import ForgeError
from corpus.verify.context import Context
from corpus.verify.links import SAME
from corpus.verify.report import Check, plain, some

_COLUMNS = ("id", "url", "warc", "offset", "length", "payload_digest")
_MOST_GROUPS = 16
_WITHOUT_START = (".warc", ".arc", ".gz")  # whose records can be read without the beginning of the file


def look_up(context: Context) -> Check:
    """A sample of the pages (`deep`: all) read again where the table says that they lie."""
    archives = _archives(context)
    if not archives:
        return Check("origin", "", skipped="none of the archives can be reached")
    problems, seen, without = list[str](), 0, set[str]()
    for row in _sample(context):
        values = row.values
        path = archives.get(values["warc"], "")
        if not path or not values["length"] or not path.endswith(_WITHOUT_START):
            without.add(values["warc"])
            continue
        seen += 1
        if problem := _unlike(path, values):
            problems.append(problem)
    if not seen:
        return Check("origin", "", skipped=f"no record can be looked up alone in {some(without)}")
    notes = (f"not looked up: pages of {some(without)}",) if without else ()
    return Check(
        "origin",
        f"{seen:,} pages are the records at their place in the archives",
        tuple(problems),
        notes=notes,
    )


def _sample(context: Context) -> Iterable[Row]:
    paths = context.paths("pages")
    count = 1 << 60 if context.config.deep else context.config.sample
    groups = 0 if context.config.deep else _MOST_GROUPS
    rows = sum(one.rows or 0 for one in context.gathered.scans.get("pages", ()))
    return draw(paths, min(count, rows), context.config.seed, _COLUMNS, most_groups=groups)


def _archives(context: Context) -> dict[str, str]:
    """Where the archives lie, by the names that tables call them by: base names, whole paths of namesakes."""
    found: dict[str, str] = {}
    for link in context.links:
        if link.path and link.state == SAME:
            named = str(link.entry["path"])
            found[named] = link.path
            found[named.rpartition("/")[2]] = link.path
    return found


def _unlike(path: str, values: dict[str, object]) -> str:
    """What is wrong with the record at a page's place; empty where it is the page."""
    place = f"{plain(str(values['id']))} (byte {values['offset']} of {plain(str(values['warc']))})"
    try:
        record = next(_records(path, values), None)
    except (ForgeError, OSError) as error:
        return f"{place} cannot be read: {storage.reason_of(error)}"
    if record is None:
        return f"{place} is no record"
    if record.id != values["id"]:
        return f"{place} is another record, of {plain(record.url)}"
    if payload_digest(record.payload) != values["payload_digest"]:
        return f"{place} has another payload"
    return ""


def _records(path: str, values: dict[str, object]) -> Iterator[Record]:
    with storage.open_input(path) as stream:
        stream.seek(int(str(values["offset"])))
        data = stream.read(int(str(values["length"])))
    found = read_records(io.BytesIO(data), str(values["warc"]), len(data))
    return (item for item in found if isinstance(item, Record))
