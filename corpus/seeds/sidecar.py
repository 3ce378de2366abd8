"""The origin of each input file: by config, by the `SOURCE.yaml` above it, else by the folder it lies in."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile
from corpus.seeds.parsing import parse
from corpus.seeds.records import Origin, clean, mapping, words

SIDECAR = "SOURCE.yaml"
KEYS = ("source", "address", "licence", "adapter")


@dataclass(frozen=True)
class Sidecar:
    """What a `SOURCE.yaml` says of the files beside and below it; `folder` is where it lies, empty: none."""

    folder: str = ""
    source: str = ""
    address: str = ""
    licence: str = ""
    adapter: str = ""


def origins(
    files: list[InputFile], inputs: tuple[str, ...], source: str | None, licence: str | None
) -> list[Origin]:
    """The origin of each file. Paths within a source begin at its sidecar, so that they are the same whether
    the source is read alone or as one of many. Raises UserError for a sidecar that is no YAML."""
    roots = sorted(
        (storage.resolve(i)[1].rstrip("/") for i in inputs if storage.is_folder(i)), key=len, reverse=True
    )
    cache: dict[str, Sidecar] = {}
    found = []
    for file in files:
        inner = storage.resolve(file.path)[1] if not file.path.startswith("http") else file.path
        root = next((r for r in roots if inner.startswith(r + "/")), posixpath.dirname(inner))
        beside = _sidecar(posixpath.dirname(inner), root, file.path, cache)
        top = beside.folder or root
        relative = inner[len(top) :].lstrip("/") or posixpath.basename(inner)
        name = source or beside.source or posixpath.basename(root) or "seeds"
        terms = licence or beside.licence or None
        found.append(Origin(name, beside.address, terms, relative, beside.adapter))
    return found


def _sidecar(folder: str, root: str, original: str, cache: dict[str, Sidecar]) -> Sidecar:
    """What `SOURCE.yaml` says in `folder` or the nearest one above it, up to `root`."""
    if folder in cache:
        return cache[folder]
    path = storage.with_scheme(original, posixpath.join(folder, SIDECAR))
    found = Sidecar()
    if not original.startswith("http") and storage.exists(path):
        try:
            data = mapping(parse(SIDECAR, storage.read_bytes(path).decode("utf-8-sig")))
            found = Sidecar(folder, **{key: clean(words(data.get(key))) for key in KEYS})
        except ValueError as error:  # Malformed, bytes that are no text, an integer without end
            raise UserError(f"{path} is not valid YAML; it may hold the keys {', '.join(KEYS)}.") from error
    elif folder.startswith(root + "/"):
        found = _sidecar(posixpath.dirname(folder), root, original, cache)
    cache[folder] = found
    return found
