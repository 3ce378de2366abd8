"""What `index=` asks for, and the selected rows cut into pieces of work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.index.columns import PLACE, paths_of_subset, read_schema
from corpus.crawl.inputs import snapshot
from corpus.crawl.inputs.ranges import ROWS, Selection
from corpus.crawl.inputs.sources import Archive
from corpus.engine import manifest, storage
from corpus.engine.attempts import ACCESS, Access
from corpus.engine.errors import UserError, nearest
from corpus.engine.inputs import InputFile, expand, stat_all

FOLDER = "_index"  # beside the unfinished output
DONE = "selection.json"
# most of a piece of work, but for archives that hold more alone; one of Common Crawl has about 30,000 pages
PIECE_ROWS, PIECE_BYTES = 4000, 512 << 20
KNOWN = (
    *PLACE,
    *("content_digest", "content_languages", "content_mime_detected", "fetch_status", "fetch_time", "subset"),
    *("url_host_name", "url_host_registered_domain", "url_path", "url_query", "url_surtkey"),
)


@dataclass(frozen=True)
class Index:
    """An index and what is wanted of it. `base` goes before the names of the archives."""

    files: tuple[InputFile, ...]
    schema: pa.Schema
    where: str
    columns: Mapping[str, str]
    base: str
    gap: int
    most: int
    repeats: bool
    access: Access = ACCESS

    @property
    def public_base(self) -> str:
        return storage.redact(self.base)

    @property
    def fingerprint(self) -> str:
        """Of all that decides which rows are selected, and how they are fetched."""
        wanted: dict[str, Any] = {"where": self.where, "columns": dict(self.columns), "gap": self.gap}
        wanted.update(base=self.public_base, most=self.most, repeats=self.repeats)
        return manifest.fingerprint("index", wanted, [file.identity() for file in self.files])


def find_index(
    patterns: Sequence[str],
    *,
    where: str = "",
    columns: Mapping[str, str] | None = None,
    base: str = "",
    gap: int = 256 << 10,
    most: int = 16 << 20,
    repeats: bool = True,
    access: Access = ACCESS,
) -> Index:
    """The files of `index=` and their columns. UserError where they are none."""
    mapping = dict(columns or {})
    for name in mapping:
        if name not in KNOWN:
            hint = nearest(name, KNOWN)
            raise UserError(f"the key 'index_columns' maps an unknown column '{name}': {hint}")
    snapshots = [name for name in patterns if snapshot.is_snapshot(name)]
    listed = {path for name in snapshots for path in snapshot.snapshot_paths(name, base, snapshot.INDEX)}
    files = stat_all(paths_of_subset(sorted(listed), where))
    others = [name for name in patterns if name not in snapshots]
    files += expand(others, base=base, suffixes=(".parquet",))
    known = {file.path: file for file in files}
    chosen = tuple(known[path] for path in paths_of_subset(sorted(known), where))
    if snapshots and not base:
        base = snapshot.BASE
    if base and "://" not in base:
        base = storage.absolute(base)
    schema = read_schema(chosen[0].path, mapping)
    return Index(chosen, schema, where.strip(), mapping, base, gap, most, repeats, access)


def pieces_of(part: str, index: Index) -> list[Archive]:
    """The pieces of work in one sorted part of the selection: whole archives, as many as fit into one."""
    with storage.open_input(part) as file:
        table = pq.read_table(file)
    pieces: list[Archive] = []
    first = size = 0
    for start, end, length in _archives_in(table):
        if start > first and (end - first > PIECE_ROWS or size + length > PIECE_BYTES):
            pieces.append(_piece(table.slice(first, start - first), size, part, index))
            first, size = start, 0
        size += length
    return [*pieces, _piece(table.slice(first), size, part, index)]


def _archives_in(table: pa.Table) -> Iterable[tuple[int, int, int]]:
    """First and last row (excluded) of each archive, and the bytes that its rows name."""
    names, lengths = table.column("warc").to_pylist(), table.column("length").to_pylist()
    start = 0
    for at in range(1, len(names) + 1):
        if at == len(names) or names[at] != names[start]:
            yield start, at, sum(lengths[start:at])
            start = at


def _piece(rows: pa.Table, size: int, part: str, index: Index) -> Archive:
    """Called by its content, so that the same rows are the same piece and others are another."""
    archives = rows.column("warc").unique().to_pylist()
    digest = hashlib.sha256()
    for row in zip(*(rows.column(column).to_pylist() for column in ROWS.names)):
        digest.update(json.dumps(row).encode())
    name = archives[0].rpartition("/")[2] or archives[0]
    more = f" and {len(archives) - 1} more" if len(archives) > 1 else ""
    selection = Selection(part, archives[0], archives[-1], rows.num_rows, index.base, index.gap, index.most)
    label = f"index {digest.hexdigest()[:12]}: {name}{more}"
    return _archive(label, size, digest.hexdigest(), selection, index)


def _archive(name: str, size: int, etag: str, selection: Selection, index: Index) -> Archive:
    """The path is for people and tells the first archive of the piece."""
    file = InputFile(storage.join(index.public_base, selection.first), size, etag)
    return Archive(name, file, selection, index.access)


def save(pieces: Sequence[Archive], index: Index, folder: str) -> None:
    """Say that the selection in `folder` is whole, of what, and how it is cut; no address, so no secret."""
    entries = []
    for piece in pieces:
        assert piece.selection
        own = {**asdict(piece.selection), "part": piece.selection.part.rpartition("/")[2]}
        del own["base"]
        entries.append([piece.name, piece.file.bytes, piece.file.etag, own])
    data = {"fingerprint": index.fingerprint, "pieces": entries}
    storage.write_bytes(storage.join(folder, FOLDER, DONE), json.dumps(data).encode() + b"\n")


def files_in(folder: str) -> set[str]:
    """The files of the selection, by their paths below `folder`."""
    found = storage.list_files(storage.join(folder, FOLDER), recursive=False)
    return {storage.join(FOLDER, info.base_name) for info in found}


def saved(index: Index, folder: str) -> list[Archive]:
    """The pieces of work that an unfinished run has left in `folder`, if they are what `index` asks for."""
    path = storage.join(folder, FOLDER, DONE)
    if not storage.exists(path):
        return []
    try:
        data = json.loads(storage.read_bytes(path))
        if data["fingerprint"] != index.fingerprint:
            return []
        pieces = []
        for name, size, etag, own in data["pieces"]:
            part = storage.join(folder, FOLDER, own.pop("part").rpartition("/")[2])
            selection = Selection(part, base=index.base, **own)
            pieces.append(_archive(name, size, etag, selection, index))
        return pieces
    except (ValueError, TypeError, KeyError):  # half a file, or one of another version
        return []
