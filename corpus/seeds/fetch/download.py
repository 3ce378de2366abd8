"""One file from the web to disk: taken up where it broke off, bounded, whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from corpus.engine import web
from corpus.engine.attempts import ACCESS, Access, Attempts, WebError

_PROGRESS = 1 << 20  # bytes that an attempt must bring for the next one to count as the first


class TooLarge(Exception):  # noqa: N818
    """The file has more bytes than are left to the source."""


@dataclass(frozen=True)
class Remote:
    """A file on the web. The token is for its host alone and part of no message."""

    address: str
    token: str = ""


def download(remote: Remote, target: Path, most: int, access: Access = ACCESS) -> int:
    """Copy the file to `target` and return its bytes. An earlier attempt's part beside it is taken up.

    Raises WebError for what the server says or after too many attempts, TooLarge beyond `most` bytes.
    """
    part, mark = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.json")
    part.parent.mkdir(parents=True, exist_ok=True)
    attempts = Attempts(access)
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _attempt(remote, part, mark, most, access)
            break
        except WebError as error:
            if error.status == 416:  # the part is no beginning of what is there now
                _forget(part, mark)
                error = WebError("the file has changed while it was fetched")
            came = (part.stat().st_size if part.exists() else 0) - before
            attempts.wait(error, progress=came >= _PROGRESS)
    size = part.stat().st_size
    os.replace(part, target)
    mark.unlink(missing_ok=True)
    return size


def _attempt(remote: Remote, part: Path, mark: Path, most: int, access: Access) -> None:
    version = _version(mark, remote.address)
    there = part.stat().st_size if part.exists() and version else 0  # without a version the rest may not fit
    with web.get(remote.address, access, start=there, version=version, token=remote.token) as answer:
        if answer.size > most:
            raise TooLarge(f"{answer.size:,} bytes")
        start = answer.start if answer.start == there else 0
        if answer.start not in (0, there):
            raise WebError("the server answered with another range than it was asked for", final=True)
        mark.write_text(json.dumps({"address": remote.address, "version": answer.version}))
        with open(part, "r+b" if start else "wb") as stream:
            stream.truncate(start)
            stream.seek(start)
            for chunk in answer.chunks():
                stream.write(chunk)
                if stream.tell() > most:
                    raise TooLarge(f"more than {most:,} bytes")
            end = stream.tell()
        if answer.size >= 0 and end != answer.size:
            raise WebError(f"the connection ended after {end:,} of {answer.size:,} bytes")


def _version(mark: Path, address: str) -> str:
    try:
        found = json.loads(mark.read_text())
    except (OSError, ValueError):
        return ""
    same = isinstance(found, dict) and found.get("address") == address
    return str(found.get("version") or "") if same else ""


def _forget(part: Path, mark: Path) -> None:
    part.unlink(missing_ok=True)
    mark.unlink(missing_ok=True)
