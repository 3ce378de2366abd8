"""All files of a report, made from the same objects as its page, and the manifest that lists them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corpus.engine import storage
from corpus.report import grids
from corpus.report.exports.latex import to_latex
from corpus.report.parts import Section, figures_of, tables_of

MANIFEST, STATS, PAGE = "manifest.json", "stats.json", "index.html"
LARGEST_PAGE = 5_000_000  # bytes
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
_OURS = re.compile(r"(tables|latex|figures)/[a-z0-9_-]+\.(csv|tex|svg|png)|stats\.json|index\.html")


def write(
    folder: str, *, page: str, stats: Mapping[str, Any], sections: Sequence[Section], made_from: Any
) -> str:
    """Write the report to `folder` and return the path of its page. Equal arguments give equal bytes.

    What an earlier report of this folder listed and this one no longer makes is removed; nothing else is.
    The manifest comes last. `made_from` is plain data that says of what the report is one.
    """
    before, entries = _listed(folder), []
    for name, content in files(page, stats, sections):
        storage.write_bytes(storage.join(folder, name), content)
        entries.append({"path": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    for name in sorted(before - {str(entry["path"]) for entry in entries}):
        storage.remove(storage.join(folder, name))
    listing = {"made_from": made_from, "files": sorted(entries, key=lambda entry: str(entry["path"]))}
    storage.write_bytes(storage.join(folder, MANIFEST), to_json(listing))
    return storage.join(folder, PAGE)


def files(page: str, stats: Mapping[str, Any], sections: Sequence[Section]) -> Iterator[tuple[str, bytes]]:
    """(path, content) one after the other, the page last; a picture is drawn when it is asked for."""
    yield STATS, to_json(stats)
    for table in tables_of(sections):
        yield f"tables/{file_name(table.name)}.csv", grids.to_csv(table)
        yield f"latex/{file_name(table.name)}.tex", to_latex(table)
    for figure in figures_of(sections):
        yield f"figures/{file_name(figure.name)}.svg", figure.svg("light").encode("utf-8")
        yield f"figures/{file_name(figure.name)}.png", figure.png("light")
    html = page.encode("utf-8", "backslashreplace")
    if len(html) > LARGEST_PAGE:
        raise RuntimeError(
            f"the page has {len(html):,} bytes, more than {LARGEST_PAGE:,}: some table has no limit"
        )
    yield PAGE, html


def file_name(name: str) -> str:
    """The name of a table or figure, which the program gives it. Raises RuntimeError for any other text."""
    if not _NAME.fullmatch(name):
        raise RuntimeError(f"{name!r} is no name for a file of the report: names never come from data")
    return name


def to_json(value: Any) -> bytes:
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _listed(folder: str) -> set[str]:
    """What an earlier report says that it wrote here, as far as its names are such as reports give."""
    path = storage.join(folder, MANIFEST)
    if not storage.exists(path):
        return set()
    try:
        names = {str(entry["path"]) for entry in json.loads(storage.read_bytes(path))["files"]}
    except (ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if _OURS.fullmatch(name)}
