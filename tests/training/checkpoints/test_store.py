"""The promises of the checkpoints by themselves: whole or not there, whatever happens to disk and process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from corpus.engine.errors import UserError
from tests.training import processes
from tests.training.processes import tensors_of
from tests.training.several import on_ranks
from training.checkpoints import folders
from training.checkpoints.reading import fault_of
from training.checkpoints.store import CheckpointStore
from training.parallel import World, join_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with join_world("cpu") as found:
        yield found


def saved(
    folder: Path, world: World, *steps: int, keep: int = 2, permanent: tuple[int, ...] = ()
) -> CheckpointStore:
    store = CheckpointStore(folder, world, keep, print)
    for step in steps:
        store.save(step, tensors_of(step), {"state.json": {"step": step}}, permanent=step in permanent)
    store.wait()
    return store


def content_of(store: CheckpointStore, world: World) -> int | None:
    """The step whose tensors the newest checkpoint holds, all of them."""
    found = store.newest()
    if found is None:
        return None
    tensors = {name: torch.zeros_like(tensor) for name, tensor in tensors_of(0).items()}
    found.load(tensors, world)
    assert all(torch.equal(tensors[name], wanted) for name, wanted in tensors_of(found.step).items())
    return found.step


def test_a_save_goes_on_while_the_tensors_change(tmp_path: Path, world: World) -> None:
    store = CheckpointStore(tmp_path, world, 2, print)
    tensors = tensors_of(1)
    store.save(1, tensors, {"state.json": {"step": 1}})
    for tensor in tensors.values():
        tensor.fill_(9)
    store.wait()
    assert content_of(store, world) == 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.int64,
                                   torch.int32, torch.int8, torch.uint8, torch.bool])  # fmt: skip
def test_every_number_format_comes_back_bit_by_bit(tmp_path: Path, world: World, dtype: torch.dtype) -> None:
    wanted = {
        "a.b": (torch.randn(5, 3) * 4).to(dtype),
        "scalar": torch.tensor(3).to(dtype),
        "none": torch.zeros(0),
    }
    store = CheckpointStore(tmp_path, world, 2, print)
    store.save(4, wanted, {"state.json": {}})
    store.wait()
    found = store.newest()
    have = {name: torch.zeros_like(tensor) for name, tensor in wanted.items() if tensor.numel()}
    assert found is not None
    found.load(have, world)
    assert all(torch.equal(have[name], wanted[name]) for name in have)


@pytest.mark.slow
def test_a_kill_at_every_write_point_leaves_a_whole_checkpoint(tmp_path: Path, world: World) -> None:
    check_kills(tmp_path, world, stride=1)


def test_a_kill_at_some_write_points_leaves_a_whole_checkpoint(tmp_path: Path, world: World) -> None:
    check_kills(tmp_path, world, stride=7)


def check_kills(tmp_path: Path, world: World, *, stride: int) -> None:
    assert processes.run(processes.two_saves, str(tmp_path / "whole"), None, str(tmp_path / "trace")) == 0
    points = processes.points_of(tmp_path / "trace")
    assert {"c_call write", "c_return fsync", "c_call rename", "c_return rename", "c_call rmdir"} <= set(
        points
    )
    survivors = set()
    for fatal in range(1, len(points) + 1, stride):
        folder = tmp_path / f"at-{fatal}"
        assert processes.run(processes.two_saves, str(folder), fatal, None) == -signal.SIGKILL, points[
            fatal - 1
        ]
        store = CheckpointStore(folder, world, 2, print)
        step = content_of(store, world)
        assert step in (2, 3), points[fatal - 1]
        survivors.add(step)
        assert all(name.startswith("step_") and "." not in name for name in names(folder))
        saved(folder, world, 4)
        assert content_of(store, world) == 4
        shutil.rmtree(folder)
    assert survivors == {2, 3}


def test_all_files_are_on_the_disk_before_a_folder_gets_its_name(tmp_path: Path) -> None:
    assert processes.run(processes.two_saves, str(tmp_path / "run"), None, str(tmp_path / "trace")) == 0
    points = processes.points_of(tmp_path / "trace")
    before = points[: points.index("c_call rename")]
    files = len(names(tmp_path / "run" / "step_3"))
    assert before.count("c_return fsync") == files + 1  # each file, and the folder
    assert "c_return write" not in before[before.index("c_return fsync") :][-2:]
    assert "c_call fsync" in points[points.index("c_return rename") :]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_flipped_bit_in_any_file_is_named_and_the_one_before_is_used(tmp_path: Path, world: World) -> None:
    saved(tmp_path / "whole", world, 1, 2)
    for name in names(tmp_path / "whole" / "step_2"):
        folder = shutil.copytree(tmp_path / "whole", tmp_path / f"flipped-{name}")
        flip(folder / "step_2" / name, 8 * ((folder / "step_2" / name).stat().st_size // 2))
        said: list[str] = []
        store = CheckpointStore(folder, world, 2, said.append)
        assert content_of(store, world) == 1
        assert name in said[0] and "damaged" in said[0] and "the one before it is used" in said[0]
        assert content_of(store, world) == 1 and len(said) == 1  # said once, and twice in a row the same


def test_both_of_two_damaged_checkpoints_are_passed_over(tmp_path: Path, world: World) -> None:
    saved(tmp_path, world, 1, 2, 3, keep=3)
    for step in (2, 3):
        flip(tmp_path / f"step_{step}" / "state.json", 0)
    said: list[str] = []
    assert content_of(CheckpointStore(tmp_path, world, 3, said.append), world) == 1
    assert [line.split(" is damaged")[0] for line in said] == [
        f"checkpoint {tmp_path}/step_{n}" for n in (3, 2)
    ]


def test_every_byte_of_the_manifest_is_covered(tmp_path: Path, world: World) -> None:
    saved(tmp_path, world, 1)
    manifest = tmp_path / "step_1" / "manifest.json"
    for bit in range(0, 8 * manifest.stat().st_size, 9):  # another bit of each byte
        flip(manifest, bit)
        assert isinstance(folders.read_manifest(tmp_path / "step_1"), str), bit
        flip(manifest, bit)
    assert fault_of(tmp_path / "step_1", world) is None


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def test_a_missing_file_and_a_folder_of_another_step_are_damage(tmp_path: Path, world: World) -> None:
    saved(tmp_path, world, 1, 2)
    (tmp_path / "step_1" / "state.json").unlink()
    (tmp_path / "step_2").rename(tmp_path / "step_5")
    assert "state.json" in str(fault_of(tmp_path / "step_1", world))
    assert "step 2" in str(fault_of(tmp_path / "step_5", world))


def test_a_run_whose_checkpoints_are_all_damaged_is_refused_as_often_as_it_is_started(
    tmp_path: Path, world: World
) -> None:
    saved(tmp_path, world, 1, 2)
    for step in (1, 2):
        flip(tmp_path / f"step_{step}" / "state.json", 0)
    store = CheckpointStore(tmp_path, world, 2, print)
    for _ in range(2):
        with pytest.raises(
            UserError, match=r"no checkpoint that is whole: step_2 \(state.json .*, step_1 .*move"
        ):
            store.newest()
    assert names(tmp_path) == ["step_1", "step_2"]
    for step in (1, 2):
        folders.set_aside(tmp_path / f"step_{step}")
    with pytest.raises(UserError, match=r"step_1\.damaged-"):
        store.newest()


@pytest.mark.parametrize("name", ["state.json", "manifest.json"])
def test_what_cannot_be_read_for_the_moment_is_no_damage(tmp_path: Path, world: World, name: str) -> None:
    store = saved(tmp_path, world, 1, 2)
    file = tmp_path / "step_2" / name
    content = file.read_bytes()
    file.unlink()
    file.symlink_to(file)  # reading it fails, and not because it is missing
    with pytest.raises(UserError, match=r"step_2 cannot be read on rank 0: Too many levels"):
        store.newest()
    assert names(tmp_path) == ["step_1", "step_2"]
    file.unlink()
    file.write_bytes(content)
    assert content_of(store, world) == 2


@pytest.mark.slow
def test_what_one_rank_cannot_read_stops_all_ranks_alike(tmp_path: Path, world: World) -> None:
    saved(tmp_path / "run", world, 1)
    unread = tmp_path / "run" / "step_1" / "state.json"  # the second of two files: rank 1 hashes it
    unread.unlink()
    unread.symlink_to(unread)
    on_ranks(2, tell_refusal, tmp_path)
    said = {(tmp_path / f"said-{rank}").read_text() for rank in (0, 1)}
    assert len(said) == 1 and "cannot be read on rank 1" in said.pop()


def tell_refusal(world: World, folder: Path) -> None:
    with pytest.raises(UserError) as refusal:
        CheckpointStore(folder / "run", world, 2, print).newest()
    (folder / f"said-{world.rank}").write_text(str(refusal.value))


def test_a_checkpoint_of_another_format_is_refused_and_left_where_it_is(tmp_path: Path, world: World) -> None:
    store = saved(tmp_path, world, 1, 2)
    manifest = tmp_path / "step_2" / folders.MANIFEST
    content = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**content, "format": folders.FORMAT + 1, "sha256": "0" * 64}))
    with pytest.raises(UserError, match=r"step_2 is a checkpoint of format 3.*go on with the version"):
        store.newest()
    assert names(tmp_path) == ["step_1", "step_2"]
    saved(tmp_path, world, 3, 4, keep=2)  # nor is it pruned
    assert names(tmp_path) == ["step_2", "step_3", "step_4"]


def test_permanent_checkpoints_stay_and_the_newest_too(tmp_path: Path, world: World) -> None:
    saved(tmp_path, world, 1, 2, 3, 4, 5, permanent=(2,))
    assert names(tmp_path) == ["step_2", "step_4", "step_5"]


def test_nothing_writes_into_a_finished_folder(tmp_path: Path, world: World) -> None:
    store = saved(tmp_path, world, 1)
    before = (tmp_path / "step_1" / "manifest.json").read_bytes()
    store.save(1, tensors_of(7), {"state.json": {}})
    with pytest.raises(UserError, match="exists already"):
        store.wait()
    assert (tmp_path / "step_1" / "manifest.json").read_bytes() == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80m,nr_inodes=30", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_seen_before_anything_is_written(small_disk: Path, world: World) -> None:
    store = saved(small_disk, world, 1)
    (small_disk / "other").write_bytes(bytes(20 << 20))
    with pytest.raises(UserError, match=r"MiB free .* step_1 is intact\. Make room"):
        store.save(2, tensors_of(2), {"state.json": {"step": 2}})
    assert names(small_disk) == ["other", "step_1"]
    (small_disk / "other").unlink()
    saved(small_disk, world, 2)
    assert content_of(store, world) == 2


def test_a_save_that_the_disk_refuses_in_its_middle_stops_the_run_and_leaves_the_last_one(
    small_disk: Path, world: World
) -> None:
    store = saved(small_disk, world, 1)
    left = free_inodes(small_disk)
    for number in range(left - 2):  # the folder and one file of the next save find room, the others none
        (small_disk / f"other-{number}").touch()
    store.save(2, tensors_of(2), {"state.json": {"step": 2}})
    with pytest.raises(UserError, match=r"No space left on device.*the last one is step_1\."):
        store.wait()
    assert "No space left" in str(store.fault())
    for other in small_disk.glob("other-*"):
        other.unlink()
    again = saved(small_disk, world, 3)
    assert content_of(again, world) == 3
    assert names(small_disk) == ["step_1", "step_3"]


def free_inodes(folder: Path) -> int:
    return os.statvfs(folder).f_favail


def test_the_state_holds_no_number_that_other_readers_refuse(tmp_path: Path, world: World) -> None:
    store = saved(tmp_path, world, 1)
    store.save(2, tensors_of(2), {"state.json": {"loss": float("nan")}})
    with pytest.raises(RuntimeError, match="step_1"):
        store.wait()
    assert json.loads((tmp_path / "step_1" / folders.MANIFEST).read_text())["step"] == 1
