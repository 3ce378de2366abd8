"""General code and general text for the mix: what agent data is blended with, one part each.

Code is the source of the running Python's standard library. Text comes from the grammars of the crawl under
other seeds, so no page occurs twice, and from the prose that Python carries (language reference, licence).
"""

from __future__ import annotations

import importlib
import sysconfig
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.demo.doc import Distinct, plain_text, take_distinct
from corpus.demo.prose import documents, load_yaml

CODE_BYTES, TOPIC_BYTES = 1_600_000, 250_000
MOST_FILE_BYTES = 60_000
PAGES_PER_GENRE = 48
SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("id", "url", "text", "source", "licence", "kind", "language")]
)

Row = dict[str, str]


def write_code(folder: Path, *, least_bytes: int = CODE_BYTES) -> Path:
    """Write at least `least_bytes` of standard library source, a row per file; return the Parquet file."""
    rows: list[Row] = []
    size = 0
    for path in _sources():
        text = path.read_text(encoding="utf-8", errors="replace")
        if size >= least_bytes:
            break
        if 400 <= len(text) <= MOST_FILE_BYTES:
            url = f"https://src.pylang.example/Lib/{path.relative_to(_stdlib()).as_posix()}"
            rows.append(
                _row(url, text, source="python-stdlib", licence="PSF-2.0", kind="code", language="python")
            )
            size += len(text.encode())
    return _write(folder, rows)


def write_text(folder: Path, *, seed: int = 0) -> Path:
    """Write general text in several languages, one row per page or chapter, and return the Parquet file."""
    distinct = Distinct(0.45)
    rows: list[Row] = []
    for genre in load_yaml("sites")["genres"]:
        # The crawl draws its pages from the seed itself; any other word makes another stream.
        for doc in take_distinct(documents(genre, f"text-{seed}"), distinct, PAGES_PER_GENRE):
            text = plain_text(doc)
            url = f"https://text.example/{genre}/{sha256(text.encode()).hexdigest()[:12]}"
            rows.append(
                _row(
                    url,
                    text,
                    source=f"demo-{doc.genre}",
                    licence="Apache-2.0",
                    kind="text",
                    language=doc.language,
                )
            )
    return _write(folder, [*rows, *_topics()])


def _topics() -> list[Row]:
    """The language reference that `help()` shows, up to `TOPIC_BYTES`."""
    topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    rows: list[Row] = []
    size = 0
    for name in sorted(topics):
        text = topics[name]
        if size < TOPIC_BYTES and len(text) > 1_500:
            url = f"https://docs.pylang.example/topics/{name}"
            rows.append(
                _row(url, text, source="python-topics", licence="PSF-2.0", kind="text", language="en")
            )
            size += len(text.encode())
    return rows


def _stdlib() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def _sources() -> Iterable[Path]:
    """Modules and packages of the library in an order that mixes its subjects and is always the same."""
    root = _stdlib()
    skipped = {
        "site-packages",
        "dist-packages",
        "test",
        "tests",
        "idlelib",
        "lib2to3",
        "__pycache__",
        "ensurepip",
    }
    found = [p for p in root.glob("**/*.py") if not skipped & set(p.relative_to(root).parts)]
    plain = [
        p for p in found if "_data" not in p.as_posix() and "encodings" not in p.parts and p.name[0] != "_"
    ]
    return sorted(plain, key=lambda p: sha256(p.relative_to(root).as_posix().encode()).digest())


def _row(url: str, text: str, *, source: str, licence: str, kind: str, language: str) -> Row:
    return {
        "id": sha256(url.encode()).hexdigest()[:32],
        "url": url,
        "text": text,
        "source": source,
        "licence": licence,
        "kind": kind,
        "language": language,
    }


def _write(folder: Path, rows: list[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "part-00000.parquet"
    ordered = sorted(rows, key=lambda row: row["id"])
    pq.write_table(pa.Table.from_pylist(ordered, schema=SCHEMA), path, compression="zstd")
    return path
