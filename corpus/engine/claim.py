"""Who writes to an output folder: the run that came last. Two runs never publish one mixture.

There is no lock to be left behind by a killed run. Each process puts its own token into the
folder, and publishes only if no other has taken its place; a run that lost its folder to a later
one ends with a sentence.
"""

from __future__ import annotations

import os

from corpus.engine import storage
from corpus.engine.errors import UserError

CLAIM = "_claim"
_TOKEN = os.urandom(16).hex()  # of this process, which may open its own folder more than once


def take(folder: str) -> str:
    """Make this run the one that writes to `folder`; returns its token."""
    storage.write_bytes(storage.join(folder, CLAIM), _TOKEN.encode())
    return _TOKEN


def check(folder: str, token: str) -> None:
    """Raise UserError if another run has taken the folder since, or has already published and released it."""
    there = is_there(folder)
    if not there or storage.read_bytes(storage.join(folder, CLAIM)).decode() != token:
        raise UserError(
            f"another run has taken over {storage.redact(folder)} while this one was at work, so this one "
            "publishes nothing; let one run at a time write to an output folder."
        )


def is_there(folder: str) -> bool:
    """Whether a run has begun in this folder that has not published."""
    return storage.exists(storage.join(folder, CLAIM))


def release(folder: str) -> None:
    storage.remove(storage.join(folder, CLAIM))
