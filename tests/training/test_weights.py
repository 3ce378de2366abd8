from __future__ import annotations

from pathlib import Path

import pytest

from training import weights


@pytest.mark.parametrize("place", [0, 700, -1])
def test_another_file_has_another_identity(tmp_path: Path, place: int) -> None:
    data = bytearray(range(256)) * 4
    (tmp_path / "one").write_bytes(data)
    data[place] ^= 1
    (tmp_path / "other").write_bytes(data)
    assert weights.identity(tmp_path / "one") != weights.identity(tmp_path / "other")


def test_a_large_file_is_known_by_its_size_its_ends_and_samples_between(tmp_path: Path) -> None:
    size, file, seen = (1 << 30) + 4096, tmp_path / "large", set()
    file.touch()
    for end in (size, size + 1):
        with open(file, "r+b") as stream:  # sparse: it takes no room on the disk
            stream.truncate(end)
        seen.add(weights.identity(file))
    with open(file, "r+b") as stream:
        for place in (0, size // 2, size):
            stream.seek(min(place, size))
            stream.write(b"x" * (1 << 25 if place == size // 2 else 1))  # more than lies between two samples
            stream.flush()
            seen.add(weights.identity(file))
    assert len(seen) == 5
