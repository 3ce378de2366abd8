from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from corpus.match.encoding import cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPHAESTUS_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


class Maker:
    def __init__(self, content: bytes = b"graph") -> None:
        self.content, self.calls = content, 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "a").write_bytes(self.content)


def test_an_entry_is_made_once_and_then_taken():
    make = Maker()
    assert cache.built("kind", "key", make) == cache.built("kind", "key", make)
    assert make.calls == 1
    assert cache.built("kind", "other", make) != cache.built("kind", "key", make)


@pytest.mark.parametrize("damage", ["cut", "gone", "list", "changed"])
def test_a_damaged_entry_is_made_again(damage, monkeypatch):
    make = Maker(b"graph" * 1000)
    entry = cache.built("kind", "key", make)
    if damage == "gone":
        (entry / "a").unlink()
    elif damage == "list":
        (entry / cache.LIST).write_text("[1, 2")
    else:
        (entry / "a").write_bytes(b"graph" if damage == "cut" else b"Graph" * 1000)
    monkeypatch.setattr(cache, "_checked", set())  # as another process would come to it
    assert (cache.built("kind", "key", make) / "a").read_bytes() == make.content
    assert make.calls == 2


def test_what_fails_to_be_made_leaves_nothing(folder):
    def fail(entry: Path) -> None:
        (entry / "half").write_bytes(b"x")
        raise ValueError("no")

    with pytest.raises(ValueError):
        cache.built("kind", "key", fail)
    assert [path for path in folder.iterdir() if path.is_dir()] == []


def test_those_who_want_the_same_at_once_wait_for_the_first():
    make = Maker()
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: cache.built("kind", "key", make), range(8)))
    assert len(found) == 1 and make.calls == 1
