import numpy as np
import pyarrow as pa
import pytest

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.match.index import approximate, files
from corpus.match.index.approximate import recall_of
from corpus.match.index.exact import nearest
from corpus.match.index.files import local_folder, read_index, write_index
from corpus.match.score.schema import SEED_ROWS


def around(count: int, width: int, seed: int) -> np.ndarray:
    """Vectors in neighbourhoods, as those of texts are."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(200, width))[rng.integers(0, 200, count)]
    vectors = centres + 0.8 * rng.normal(size=(count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def table(start: int, count: int) -> pa.Table:
    names = [f"{number:06}" for number in range(start, start + count)]
    rows = {"seed_row": range(start, start + count), "stands_for": [1] * count}
    return pa.table({name: rows.get(name, names) for name in SEED_ROWS.names}, schema=SEED_ROWS)


def publish(folder: str, vectors: np.ndarray, search: str = "auto", part: int = 1000):
    parts = (
        (table(at, len(vectors[at : at + part])), vectors[at : at + part].astype(np.float16))
        for at in range(0, len(vectors), part)
    )
    return write_index(folder, parts, count=len(vectors), width=vectors.shape[1], search=search)


def test_an_index_is_read_as_written_and_mapped(tmp_path):
    vectors = around(2500, 16, 1)
    written = publish(str(tmp_path), vectors)
    found = read_index(str(tmp_path))
    assert [file.path for file in written] == ["index/vectors.npy", "index/seeds.parquet", "index/index.json"]
    assert isinstance(found.vectors, np.memmap) and found.search is None
    assert np.array_equal(found.vectors, vectors.astype(np.float16)) and found.seeds.equals(table(0, 2500))
    assert {path.name for path in (tmp_path / "index").iterdir()} == {file.path[6:] for file in written}


def test_an_index_that_was_written_anew_is_read_anew(tmp_path):
    publish(str(tmp_path), around(40, 16, 1))
    before = read_index(str(tmp_path))
    assert read_index(str(tmp_path)) is before
    publish(str(tmp_path), around(30, 16, 2))
    after = read_index(str(tmp_path))
    assert np.array_equal(after.vectors, around(30, 16, 2).astype(np.float16)) and after.seeds.num_rows == 30


def test_the_sizes_of_the_parts_change_no_byte(tmp_path):
    vectors = around(3000, 16, 1)
    one, other = (publish(str(tmp_path / str(part)), vectors, part=part) for part in (1000, 1000))
    assert [file.sha256 for file in one] == [file.sha256 for file in other]
    third = publish(str(tmp_path / "whole"), vectors, part=3000)
    assert third[0].sha256 == one[0].sha256


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """An approximate index of seeds in neighbourhoods."""
    pytest.importorskip("faiss")
    folder = str(tmp_path_factory.mktemp("many"))
    publish(folder, around(10_000, 24, 1), "approximate")
    return read_index(folder)


def test_an_approximate_index_finds_the_true_neighbours_with_their_exact_scores(many):
    pages = around(300, 24, 2)
    rows, scores = many.nearest(pages, 10)
    true_rows, true_scores = nearest(many.vectors, pages, 10)
    assert many.search is not None and many.search.probes < 128
    assert recall_of(rows, true_rows) >= 0.98
    same = rows == true_rows
    assert np.array_equal(scores[same], true_scores[same])
    alone = [many.nearest(pages[at : at + 1], 10) for at in range(5)]
    assert all(np.array_equal(row[0], rows[at]) for at, (row, _) in enumerate(alone))


def test_an_approximate_index_passes_over_seeds_that_do_not_count(many):
    seeds = around(10_000, 24, 1)[:50]
    rows, _ = many.nearest(seeds, 3, skip=np.arange(50))
    assert not (rows == np.arange(50)[:, None]).any() and (rows >= 0).all()
    masked, _ = many.nearest(seeds, 3, skip=np.arange(10_000) % 2 == 0)
    assert (masked[masked >= 0] % 2 == 1).all()


@pytest.mark.parametrize("count", [1, 5, 100, 2000])
def test_too_few_seeds_for_an_approximate_index_are_compared_one_by_one(tmp_path, count):
    vectors = around(count, 16, 1)
    publish(str(tmp_path), vectors, "approximate")
    found = read_index(str(tmp_path))
    assert found.search is None and found.nearest(vectors, 1)[1].min() > 0.99


def test_without_faiss_a_large_index_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(UserError, match=r"hephaestus-forge\[embed\]"):
        publish(str(tmp_path), around(approximate.LEAST, 16, 1), "approximate")


def test_from_a_store_an_index_is_copied_once_and_checked(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPHAESTUS_CACHE", str(tmp_path / "cache"))
    publish(str(tmp_path / "run"), around(50, 16, 1))
    address = f"file://{tmp_path}/run"
    found = read_index(address)
    assert isinstance(found.vectors, np.memmap) and str(tmp_path / "cache") in str(found.vectors.filename)
    (tmp_path / "run" / "index" / "vectors.npy").write_bytes(b"something else")
    sums = {files.VECTORS: "0" * 64}
    with pytest.raises(UserError, match="is not the file that was written"):
        local_folder(storage.join(address, "index"), sums)
