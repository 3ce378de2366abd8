"""The folders of a run's checkpoints: which are finished, what is wrong with one, which may go."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.engine.errors import UserError
from training.checkpoints import durable
from training.checkpoints.durable import FileFacts

FORMAT = 2
STATE, MANIFEST, MODEL = "state.json", "manifest.json", "config.json"
_FINISHED = re.compile(r"step_(\d+)")


@dataclass(frozen=True)
class Manifest:
    step: int
    permanent: bool
    files: Mapping[str, FileFacts]


def folder_of(root: Path, step: int) -> Path:
    return root / f"step_{step}"


def fresh_name(step: int) -> str:
    return f"step_{step}.tmp-{secrets.token_hex(4)}"


def finished(root: Path) -> list[int]:
    """The steps that have a folder, in order; nothing of it is verified yet."""
    try:
        names = [path.name for path in root.iterdir()]
    except FileNotFoundError:
        return []
    matches = (_FINISHED.fullmatch(name) for name in names)
    return sorted(int(match.group(1)) for match in matches if match)


def set_asides(root: Path) -> list[str]:
    """The names of the checkpoints that were found damaged and are still there."""
    return sorted(path.name for path in root.glob("step_*.damaged-*"))


def is_checkpoint(folder: Path | None) -> bool:
    """Whether a model folder is a checkpoint; nothing of it is verified yet."""
    return folder is not None and all((folder / name).is_file() for name in (MANIFEST, STATE))


def sweep(root: Path) -> None:
    """Remove what a process left that died in the middle of a save or of a removal."""
    for left in root.glob("*.tmp-*"):
        shutil.rmtree(left)


def publish(fresh: Path, manifest: Manifest) -> Path:
    """Write the manifest into a complete folder and give the folder its name, all forced to disk."""
    content = {"format": FORMAT, "step": manifest.step, "permanent": manifest.permanent}
    signed = {**content, "files": manifest.files}
    durable.write_json(fresh / MANIFEST, {**signed, "sha256": _signature(signed)})
    durable.sync(fresh)
    target = folder_of(fresh.parent, manifest.step)
    if target.exists():  # a rename would replace it if it were empty
        raise FileExistsError(f"{target} exists already")
    os.rename(fresh, target)
    durable.sync(fresh.parent)
    return target


def prune(root: Path, keep: int) -> None:
    """Drop the oldest beyond `keep`, but no permanent one. One without a readable manifest is left alone."""
    for step in finished(root)[:-keep]:
        if _may_go(folder_of(root, step)):
            doomed = root / fresh_name(step)
            os.rename(folder_of(root, step), doomed)
            shutil.rmtree(doomed)


def set_aside(folder: Path) -> Path:
    """Give a damaged checkpoint a name that no run takes for one; what it holds is left for people."""
    aside = folder.with_name(f"{folder.name}.damaged-{secrets.token_hex(4)}")
    os.rename(folder, aside)
    return aside


def read_manifest(folder: Path) -> Manifest | str:
    """The manifest, or what is wrong with it: every bit of it is covered by its own hash.

    Raises UserError for one of another format, and OSError where it is there and cannot be read now: neither
    is damage.
    """
    try:
        written = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return f"{MANIFEST} is missing"
    try:
        content = json.loads(written)
        signature = content.pop("sha256", None)
        _check_format(folder, content, signature)
        if signature != _signature(content) or written != durable.to_json({**content, "sha256": signature}):
            return f"{MANIFEST} does not match its sha256"
        return Manifest(content["step"], content["permanent"], content["files"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{MANIFEST} cannot be read: {error}"


def fault_in(folder: Path, manifest: Manifest, have: Mapping[str, FileFacts | str]) -> str | None:
    """The first thing in which the files are not the manifest's. `have` says why one cannot be read."""
    if folder.name != folder_of(folder.parent, manifest.step).name:
        return f"{MANIFEST} is that of step {manifest.step}"
    for name in sorted(manifest.files):
        facts = have.get(name)
        if isinstance(facts, str):
            return f"{name} cannot be read: {facts}"
        if facts != manifest.files[name]:
            return f"{name} does not match its sha256"
    return None


def facts_or_reasons(folder: Path, names: Sequence[str]) -> dict[str, FileFacts | str]:
    """What the files are; a reason for a missing one. Raises OSError for one that cannot be read now."""
    found: dict[str, FileFacts | str] = {}
    for name in names:
        try:
            found[name] = durable.facts_of(folder / name)
        except FileNotFoundError as error:
            found[name] = str(error.strerror)
    return found


def read_state(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / STATE).read_bytes()))


def _may_go(folder: Path) -> bool:
    try:
        manifest = read_manifest(folder)
    except (OSError, UserError):
        return False
    return isinstance(manifest, Manifest) and not manifest.permanent


def _check_format(folder: Path, content: Mapping[str, Any], signature: object) -> None:
    """Raises UserError for a manifest of another format; one that is of ours but for a flipped bit is not."""
    found = content.get("format")
    if isinstance(found, int) and found != FORMAT and signature != _signature({**content, "format": FORMAT}):
        raise UserError(
            f"{folder} is a checkpoint of format {found}, and this version reads format {FORMAT}; go on with "
            "the version that wrote it, or move the folder away."
        )


def _signature(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(durable.to_json(content)).hexdigest()
