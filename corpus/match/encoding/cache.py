"""What is built from an encoder, kept on the local disk: exported graphs, the static model, copies of
indexes.

An entry is a folder that is either whole or not there. `files.json` lists size and sha256 of its files; an
entry that does not agree with its list is made again. Processes that want the same entry at once wait for the
first.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.engine.errors import UserError
from corpus.match.encoding.names import sha256_of

LIST = "files.json"
_VARIABLE = "HEPHAESTUS_CACHE"
_checked: set[str] = set()  # entries whose bytes this process has read once


def root() -> Path:
    """HEPHAESTUS_CACHE, or the user's cache folder, or a private folder for temporary files."""
    given = os.environ.get(_VARIABLE)
    home = os.environ.get("XDG_CACHE_HOME") or (Path.home() / ".cache" if _home() else None)
    private = Path(tempfile.gettempdir()) / f"hephaestus-forge-{os.getuid()}"
    wanted = [Path(given)] if given else [*([Path(home) / "hephaestus-forge"] if home else []), private]
    for folder in wanted:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder  # a folder of somebody else could hold what he likes
    raise UserError(f"no folder to keep built models in ({wanted[-1]}); name one: {_VARIABLE}=FOLDER.")


def _home() -> bool:
    try:
        return Path.home().is_dir()
    except RuntimeError:  # containers run users that have none
        return False


def built(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder `kind`-`key`. `make` fills an empty folder where there is no whole entry."""
    folder = root() / f"{kind}-{key[:40]}"
    if str(folder) in _checked and (folder / LIST).exists():
        return folder
    with _alone(folder):
        if not is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            try:
                make(fresh)
                listed = {
                    path.relative_to(fresh).as_posix(): [path.stat().st_size, sha256_of(path)]
                    for path in sorted(fresh.rglob("*"))
                    if path.is_file()
                }
                (fresh / LIST).write_text(json.dumps(listed), encoding="utf-8")
                fresh.rename(folder)
            except BaseException:
                shutil.rmtree(fresh, ignore_errors=True)
                raise
    _checked.add(str(folder))
    return folder


def is_whole(folder: Path) -> bool:
    """Whether every listed file is there with its bytes."""
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
        return all(
            (folder / name).stat().st_size == size and sha256_of(folder / name) == sha256
            for name, (size, sha256) in listed.items()
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with open(folder.parent / f".{folder.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, by a killed process too
        yield
