"""`jobs/seeds.py fetch=`: each source into a folder of its own, the others going on where one fails."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from corpus.engine.attempts import ACCESS, Access, WebError
from corpus.engine.errors import DataError, ForgeError, UserError
from corpus.engine.progress import Progress
from corpus.seeds.config import SeedsConfig
from corpus.seeds.fetch import folder as folders
from corpus.seeds.fetch import places
from corpus.seeds.fetch.archives import BadArchive, Bounds, TooMuch, unpack
from corpus.seeds.fetch.download import Remote, TooLarge, download
from corpus.seeds.fetch.names import safe_path
from corpus.seeds.registry import BY_HAND, Source, choose, load
from corpus.seeds.sidecar import SIDECAR

AT_ONCE = 4  # sources under way; the connections to one host are bounded for the whole machine
_MEMORY = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """What became of a source; `error` is the sentence that says why it is not there."""

    source: Source
    files: int = 0
    bytes: int = 0
    left_out: int = 0
    was_there: bool = False
    error: str = ""


def fetch(config: SeedsConfig, access: Access = ACCESS) -> str:
    """Fetch what the config names and return a line per source. Raises DataError if any is not there."""
    chosen, output = _ready(config)
    output.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    with _alone(output), ThreadPoolExecutor(AT_ONCE) as pool, Progress("fetch") as progress:
        for outcome in pool.map(lambda source: _outcome(source, output, config, access), chosen):
            outcomes.append(outcome)
            progress.update(len(outcomes), len(chosen), outcome.source.name)
    lines = "\n".join(_line(outcome) for outcome in outcomes)
    missing = [outcome.source.name for outcome in outcomes if outcome.error]
    if missing:
        print(lines)
        raise DataError(f"{len(missing)} of {len(chosen)} sources were not fetched: {', '.join(missing)}.")
    return f"{lines}\n\nnext: python jobs/seeds.py input={config.output} output=seeds"


def plan(config: SeedsConfig) -> str:
    """What fetch= would download, for --dry-run."""
    chosen, output = _ready(config)
    known = sum(source.bytes or 0 for source in chosen)
    lines = [f"fetch: {len(chosen)} sources, {known:,} bytes as far as known, into {output}"]
    for source in chosen:
        size = "size unknown" if source.bytes is None else f"{source.bytes:,} bytes"
        gated = ", gated" if source.gated else ""
        unchecked = "" if source.checked else ", not checked"
        terms = f"{source.licence or 'no licence'}{gated}{unchecked}"
        lines.append(f"  {source.name}: {source.location}, {size}, {terms}")
    return "\n".join(lines)


def _ready(config: SeedsConfig) -> tuple[list[Source], Path]:
    if any(config.input):
        raise UserError("fetch= and input= are two runs: fetch first, then give its output= as input=.")
    if "://" in config.output:
        scheme = config.output.split("://")[0]
        raise UserError(f"fetch= writes to a local folder, not to {scheme}://; copy it there afterwards.")
    return choose(load(config.sources), config.fetch), Path(os.path.abspath(config.output))


def _line(outcome: Outcome) -> str:
    name = outcome.source.name
    if outcome.error:
        return f"{name}: {outcome.error}"
    what = f"{outcome.files:,} files, {outcome.bytes:,} bytes"
    left = f", {outcome.left_out} links or unsafe names left out" if outcome.left_out else ""
    return f"{name}: {'already there' if outcome.was_there else 'fetched'}, {what}{left}"


def _outcome(source: Source, output: Path, config: SeedsConfig, access: Access) -> Outcome:
    """Nothing that a server or an archive does raises from here."""
    try:
        return _fetched(source, output, config, access)
    except WebError as error:
        return Outcome(source, error=_refused(source, error))
    except (TooMuch, TooLarge) as error:
        said = f"holds {error}" if isinstance(error, TooLarge) else str(error)
        return Outcome(source, error=f"{source.page} {said}; see most_fetch_mib= and most_fetch_files=.")
    except BadArchive as error:
        return Outcome(
            source, error=f"the archive of {source.page} {error}; the same command fetches it anew."
        )
    except ForgeError as error:
        return Outcome(source, error=str(error))
    except (OSError, ValueError, RecursionError) as error:  # the disk, or a listing that is none
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
        return Outcome(source, error=f"could not be written or read: {reason}.")


def _fetched(source: Source, output: Path, config: SeedsConfig, access: Access) -> Outcome:
    target = output / source.name
    if source.by_hand:
        return _by_hand(source, target)
    there = folders.fetched(target, source)
    if there and source.sha256 in (None, there["sha256"]):
        return Outcome(source, there["number"], there["bytes"], was_there=True)
    if target.exists() and not folders.is_untouched(target):
        raise DataError(f"{target} holds something that fetch= has not made; move it away.")
    work = output / f"_fetch-{source.name}-{_key(source)}"
    fresh = work / "files"
    left_out = _collect(source, work, fresh, config, access)
    files = folders.files_below(fresh)
    if not files:
        wanted = ", ".join(source.files)
        raise DataError(f"nothing at {source.page} matches {wanted}; correct 'files' in the registry.")
    sha256 = folders.checksum(fresh)
    _check(source, output, sha256, work)
    folders.write_sidecar(fresh, source, sha256, files)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(fresh, target)
    shutil.rmtree(work, ignore_errors=True)
    return Outcome(source, len(files), sum(files.values()), left_out)


def _collect(source: Source, work: Path, fresh: Path, config: SeedsConfig, access: Access) -> int:
    """Bring the source's files into `fresh`; what an interrupted run has brought whole stays. Returns what
    was left out of an archive."""
    most = config.most_fetch_mib << 20
    archive = places.archive_of(source)
    if archive is not None:
        packed = work / "archive"
        if not packed.exists():
            download(archive, packed, most, access)
        shutil.rmtree(fresh, ignore_errors=True)
        strip = 1 if source.location.startswith("github:") else 0  # the folder REPOSITORY-REVISION
        bounds = Bounds(most, config.most_fetch_files)
        try:
            return unpack(packed, fresh, source.files, bounds, strip=strip).left_out
        except BadArchive:
            shutil.rmtree(work, ignore_errors=True)
            raise
    listed = places.files_of(source)
    wanted = {name: remote for name, remote in listed.items() if safe_path(name)}
    if len(wanted) > config.most_fetch_files:
        raise TooLarge(f"{len(wanted):,} files")
    for name, remote in wanted.items():
        most -= _one(remote, fresh / name, work / "parts" / _hash(name), most, access)
    return len(listed) - len(wanted)


def _one(remote: Remote, target: Path, part: Path, most: int, access: Access) -> int:
    if not target.exists():
        download(remote, part, most, access)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)
    return target.stat().st_size


def _check(source: Source, output: Path, sha256: str, work: Path) -> None:
    """Hold the files to the registry's checksum, else to that of the first fetch; remember a first one."""
    with _MEMORY:
        wanted = source.sha256 or folders.remembered(output, source)
        if wanted is None:
            folders.remember(output, source, sha256)
    if wanted not in (None, sha256):
        shutil.rmtree(work, ignore_errors=True)
        said = "the registry says" if source.sha256 else f"{folders.CHECKSUMS} remembers from the first fetch"
        raise DataError(
            f"has the checksum {sha256} where {said} {wanted}: the files have changed; look at {source.page} "
            "and write down the new checksum, or a fixed revision, if that is meant."
        )


def _by_hand(source: Source, target: Path) -> Outcome:
    """Leave a folder with its sidecar, so that a person has only to put the files there."""
    files = folders.files_below(target)
    if not (target / SIDECAR).exists():  # a person's own words about the source stay
        folders.write_sidecar(target, source, "", files)
    if files:
        return Outcome(source, len(files), sum(files.values()), was_there=True)
    where = source.location.removeprefix(BY_HAND).strip()
    return Outcome(source, error=f"has to be fetched by hand from {where}; put its files into {target}.")


def _refused(source: Source, error: WebError) -> str:
    if error.status in (401, 403):
        way = "the token that was sent is not let in"
        way = way if places.token() else f"set {places.TOKENS[0]} to a token of yours"
        return f"is gated, private or gone ({error.status}): accept its conditions at {source.page}; {way}."
    if error.status in (404, 410):
        way = "correct location, revision or files in the registry"
        return f"is not there ({error.status}); look at {source.page} and {way}."
    again = "" if error.final else "; the same command goes on where it broke off"
    return f"could not be fetched: {error}{again}."


@contextlib.contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Two runs at once would write into each other's files."""
    with open(output / "_fetch.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"another run fetches into {output}; wait for it.") from None
        yield


def _key(source: Source) -> str:
    return _hash(json.dumps(folders.identity(source), sort_keys=True))[:8]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]
