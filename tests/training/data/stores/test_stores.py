"""Shards on real servers of this machine: the batches are those of the local files, whatever the servers do."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from corpus.engine.attempts import Access
from corpus.engine.errors import DataError, UserError
from corpus.engine.manifest import describe_file
from tests.crawl.server import Store, serve
from tests.training.support import EOS, REPOSITORY, facts_of, finish_stage, write_shards
from training.data.loader import Loader
from training.data.shards import ShardSet, list_sources, open_set
from training.data.stores import cache as caches
from training.data.stores import footers, remote
from training.data.stores.cache import ShardCache
from training.data.stores.config import StoreConfig
from training.data.tokens import Tokenizer, find_tokenizer

AT_ONCE = Access(connections=8, pauses=(0.0, 0.0, 0.0, 0.0), timeout=5.0)
AGENT = "/shards/stage1/agent/part-00000.parquet"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("stage") / "shards")


@pytest.fixture
def web(local: Path) -> Iterator[Store]:
    root = local.parent
    files = {
        f"/shards/{f.relative_to(root).as_posix()}": f.read_bytes() for f in root.rglob("*") if f.is_file()
    }
    with serve(Store(files)) as store:
        yield store


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ShardCache]:
    made = cache_in(tmp_path / "cache")
    yield made
    made.close()


def cache_in(folder: Path, *, bytes_: int = 1 << 30, ahead: int = 0) -> ShardCache:
    return ShardCache(StoreConfig(cache=str(folder), gib=bytes_ / (1 << 30), ahead=ahead), AT_ONCE)


def digests(shards: ShardSet, steps: int = 20, **keys: object) -> list[bytes]:
    values: dict[str, object] = {"rows": 8, "length": 32, "seed": 5, **keys}
    with Loader(shards, Tokenizer(None, None, EOS, None), **values) as loader:  # type: ignore[arg-type]
        return [digest for _ in range(steps) for digest in loader.next().digests()]


@pytest.fixture(scope="module")
def expected(local: Path) -> list[bytes]:
    return digests(open_set(str(local)))


def at_web(web: Store) -> str:
    return f"{web.address}/shards/stage1"


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_on_the_web_give_the_batches_of_local_ones(
    web: Store, local: Path, cache: ShardCache, expected: list[bytes], workers: int
) -> None:
    shards = open_set(at_web(web), cache=cache)
    assert [(s.name, s.weight, s.tokens) for s in shards.sources] == [
        (s.name, s.weight, s.tokens) for s in open_set(str(local)).sources
    ]
    assert shards.facts() == open_set(str(local)).facts()
    assert not [
        path for path in web.paths if path.endswith(".parquet") and web.asked[web.paths.index(path)] is None
    ]
    assert digests(shards, workers=workers) == expected


def test_the_footers_are_read_by_ranges_and_the_files_once(
    web: Store, cache: ShardCache, expected: list[bytes]
) -> None:
    assert digests(open_set(at_web(web), cache=cache)) == expected
    before = len(web.paths)
    assert digests(open_set(at_web(web), cache=cache)) == expected
    assert not [path for path in web.paths[before:] if path.endswith(".parquet")]


def test_answers_of_503_and_broken_connections_are_asked_again(
    web: Store, cache: ShardCache, expected: list[bytes]
) -> None:
    shards = open_set(at_web(web), cache=cache)
    web.statuses[:] = [503, 200, 500, 200, 429]
    web.cut_after[:] = [700, 5, 0]
    asked = len(web.asked)
    assert digests(shards) == expected
    assert any(one and not one.startswith("bytes=0-") for one in web.asked[asked:])  # taken up where it broke


def test_a_server_without_ranges_serves_all_the_same(
    web: Store, cache: ShardCache, expected: list[bytes]
) -> None:
    web.ranges = False
    assert digests(open_set(at_web(web), cache=cache)) == expected


def test_a_store_that_is_gone_is_one_sentence(web: Store, cache: ShardCache) -> None:
    shards = open_set(at_web(web), cache=cache)
    web.statuses[:] = [503] * 100
    with pytest.raises(
        UserError, match=r"http://127.*/part-0000\d\.parquet cannot be read: 503 .*see that the store"
    ):
        digests(shards)


def test_a_server_that_does_not_answer_is_one_sentence(web: Store, cache: ShardCache) -> None:
    with pytest.raises(UserError, match=r"manifest\.json cannot be read: .*see that the store is there"):
        open_set("http://127.0.0.1:1/shards/stage1", cache=cache)


def test_a_file_that_vanished_is_named(web: Store, cache: ShardCache) -> None:
    shards = open_set(at_web(web), cache=cache)
    del web.files[AGENT]
    with pytest.raises(UserError, match=r"agent/part-00000\.parquet is gone"):
        digests(shards)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_flipped_byte_on_the_way_is_named_and_no_copy_stays(
    web: Store, cache: ShardCache, workers: int
) -> None:
    shards = open_set(at_web(web), cache=cache)
    data = bytearray(web.files[AGENT])
    data[500] ^= 1
    web.files[AGENT] = bytes(data)
    with pytest.raises(DataError, match=r"agent/part-00000\.parquet is damaged"):
        digests(shards, workers=workers)
    sha = next(f.sha256 for f in shards.sources[0].files if f.name.endswith("agent/part-00000.parquet"))
    assert not list(cache.folder.glob(f"{sha}*.p*"))


def test_the_web_without_a_manifest_is_answered_with_what_is_missing(web: Store, cache: ShardCache) -> None:
    del web.files["/shards/manifest.json"]
    with pytest.raises(UserError, match=r"needs the manifest\.json of its stage"):
        open_set(at_web(web), cache=cache)


def test_the_copies_stay_within_their_bytes_and_the_latest_stay(
    web: Store, tmp_path: Path, expected: list[bytes]
) -> None:
    shards = open_set(at_web(web), cache=cache_in(tmp_path / "all"))
    sizes = [file.bytes for source in shards.sources for file in source.files]
    limit = max(sizes) + min(sizes) + 100
    small = cache_in(tmp_path / "small", bytes_=limit)
    most = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.001):
            files = [*(tmp_path / "small").glob("*.parquet"), *(tmp_path / "small").glob("*.part")]
            most = max(most, sum(size_of(file) for file in files))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert digests(open_set(at_web(web), cache=small)) == expected
    finally:
        done.set()
        watcher.join()
    assert 0 < most <= limit


def size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def test_a_file_larger_than_the_cache_is_answered_with_the_key(web: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"store\.gib"):
        digests(open_set(at_web(web), cache=cache_in(tmp_path / "tiny", bytes_=100)))


def test_what_a_reader_holds_is_not_evicted(web: Store, tmp_path: Path) -> None:
    shards = open_set(at_web(web), cache=cache_in(tmp_path / "cache"))
    files = [file for source in shards.sources for file in source.files]
    small = cache_in(tmp_path / "held", bytes_=files[0].bytes + max(file.bytes for file in files))
    with small.opened(files[0]) as path:
        for file in (files[1], files[2], files[1]):
            with small.opened(file):
                pass
        assert os.path.exists(path)
    assert len(list((tmp_path / "held").glob("*.parquet"))) <= 2


def test_files_are_copied_ahead(web: Store, tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache", ahead=2)
    shards = open_set(at_web(web), cache=cache)
    cache.ahead(shards.sources[0].files)
    cache.close()
    before = len(web.paths)
    for file in shards.sources[0].files:
        with cache.opened(file) as path:
            assert os.path.getsize(path) == file.bytes
    assert len(web.paths) == before


SCRIPT = """
import hashlib, sys
from pathlib import Path
from training.data.shards import open_set
from training.data.stores.config import StoreConfig
shards = open_set(sys.argv[1], store=StoreConfig(cache=sys.argv[2]))
for file in (file for source in shards.sources for file in source.files):
    with shards.cache.opened(file) as path:
        print(hashlib.sha256(Path(path).read_bytes()).hexdigest() == file.sha256)
"""


def test_ranks_of_a_machine_share_the_copies(web: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, at_web(web), str(tmp_path / "cache")]
    ranks = [
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = [rank.communicate(timeout=120) for rank in ranks]
    assert [out.split() for out, _ in outputs] == [["True"] * 3] * 3, outputs
    shards = open_set(at_web(web), cache=cache_in(tmp_path / "cache"))
    for file in (file for source in shards.sources for file in source.files):
        path = file.path.removeprefix(web.address)
        whole = [
            r
            for p, r in zip(web.paths, web.asked, strict=True)
            if p == path and r == f"bytes=0-{file.bytes - 1}"
        ]
        # The footer of a file as small as these takes the whole of it, too: once for each rank that finds none.
        assert 1 <= len(whole) <= 1 + 3


def test_a_copy_that_a_killed_process_left_behind_is_made_anew(
    web: Store, cache: ShardCache, expected: list[bytes]
) -> None:
    shards = open_set(at_web(web), cache=cache)
    for file in shards.sources[0].files:
        (cache.folder / f"{file.sha256}.part").write_bytes(b"half")
    assert digests(shards) == expected
    for file in shards.sources[0].files:
        with cache.opened(file) as path:
            assert Path(path).read_bytes() == web.files[file.path.removeprefix(web.address)]
    assert not list(cache.folder.glob("*.part"))


def test_the_tokenizer_beside_the_shards_is_copied_and_checked(tmp_path: Path) -> None:
    stage1 = write_shards(tmp_path / "shards")
    facts = facts_of(stage1.parent)
    (stage1.parent / "tokenizer").mkdir()
    (stage1.parent / "tokenizer" / "tokenizer.json").write_bytes(b"{}")
    facts["tokenizer"]["sha256"] = hashlib.sha256(b"{}").hexdigest()
    finish_stage(stage1.parent, facts)
    manifest = json.loads((stage1.parent / "manifest.json").read_text())
    entry = asdict(describe_file(str(stage1.parent), "tokenizer/tokenizer.json"))
    manifest["tables"]["tokenizer"] = [entry, {**entry, "path": "tokenizer/../../evil"}]
    (stage1.parent / "manifest.json").write_text(json.dumps(manifest))
    root = tmp_path
    files = {f"/{f.relative_to(root).as_posix()}": f.read_bytes() for f in root.rglob("*") if f.is_file()}
    with serve(Store(files)) as store:
        found = find_tokenizer(open_set(at_web(store), cache=cache_in(tmp_path / "cache")), None)
        assert found.path and Path(found.path, "tokenizer.json").read_bytes() == b"{}"
        assert [p.name for p in Path(found.path).iterdir()] == ["tokenizer.json"]
        store.files["/shards/tokenizer/tokenizer.json"] = b"[]"
        with pytest.raises(DataError, match=r"tokenizer\.json is not the file that the manifest"):
            open_set(at_web(store), cache=cache_in(tmp_path / "cache"))


def test_the_held_out_sources_are_found_at_an_address(web: Store, local: Path, cache: ShardCache) -> None:
    there = list_sources(f"{web.address}/shards/heldout", cache=cache)
    here = list_sources(str(local.parent / "heldout"))
    assert {n: [f.footer for f in fs] for n, fs in there.items()} == {
        n: [f.footer for f in fs] for n, fs in here.items()
    }


def listed_anew(web: Store, **changes: object) -> None:
    """Change what the manifest says of every file."""
    manifest = json.loads(web.files["/shards/manifest.json"])
    for files in manifest["tables"].values():
        for file in files:
            file.update(changes)
    web.files["/shards/manifest.json"] = json.dumps(manifest).encode()


@pytest.mark.parametrize("sha256", ["../victim", "F" * 64, "f" * 64 + "\n", 7])
def test_a_hash_that_is_none_is_refused_before_it_names_a_file(
    web: Store, cache: ShardCache, sha256: object
) -> None:
    listed_anew(web, sha256=sha256)
    with pytest.raises(DataError, match=r"manifest\.json gives [a-z0-9]+/.* a sha256 that is none"):
        open_set(at_web(web), cache=cache)
    assert not cache.folder.exists()


def test_a_stage_that_is_not_finished_is_refused_at_an_address(web: Store, cache: ShardCache) -> None:
    del web.files["/shards/_SUCCESS"]
    with pytest.raises(UserError, match=r"/shards is no finished shard stage: it has no _SUCCESS"):
        open_set(at_web(web), cache=cache)


@pytest.mark.parametrize("flipped", [500, -40, -6])
def test_a_file_that_is_repaired_is_read_with_the_same_cache(
    web: Store, cache: ShardCache, expected: list[bytes], flipped: int
) -> None:
    good = web.files[AGENT]
    bad = bytearray(good)
    bad[flipped] ^= 1
    web.files[AGENT] = bytes(bad)
    with pytest.raises((UserError, DataError)):
        digests(open_set(at_web(web), cache=cache))
    web.files[AGENT] = good
    try:
        repaired = digests(open_set(at_web(web), cache=cache))
    except DataError:  # the bytes were good, and showed that the footer was not
        repaired = digests(open_set(at_web(web), cache=cache))
    assert repaired == expected


def test_a_server_cannot_make_a_run_hold_more_than_files_of_their_kind_have(
    web: Store, cache: ShardCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(web.paths)
    with pytest.raises(DataError, match=r"1,073,741,825 bytes; a tokenizer's file has 1,073,741,824"):
        cache.mirror(f"{web.address}/shards/tokenizer", {"tokenizer.json": ((1 << 30) + 1, None)})
    assert len(web.paths) == before
    with monkeypatch.context() as patch:
        patch.setattr(footers, "MOST", 100)
        with pytest.raises(DataError, match=r"says that its footer has [\d,]+ bytes; 100 are read"):
            open_set(at_web(web), cache=cache)
    with monkeypatch.context() as patch:
        patch.setattr(remote, "_MOST_MANIFEST", 100)
        with pytest.raises(DataError, match=r"manifest\.json has [\d,]+ bytes; a manifest has 100"):
            open_set(at_web(web), cache=cache)
    assert caches._MOST_FILE == 1 << 30 and footers.MOST == 512 << 20 and remote._MOST_MANIFEST == 256 << 20
