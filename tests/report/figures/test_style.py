"""Colours: readable on both grounds, and apart from each other for readers who see fewer of them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from corpus.report.figures.style import COLOURS, SERIES

Colour = npt.NDArray[np.float64]
TEXTS = ("ink", "soft")
MARKS = (*SERIES, "kept", "dropped", "failed")

# Complete loss of one kind of cones, on linear RGB (Machado, Oliveira and Fernandes 2009).
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def linear(name: str) -> Colour:
    values = np.array([int(name[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Of WCAG 2: 1 to 21."""
    bright, dark = sorted((linear(name) @ [0.2126, 0.7152, 0.0722] for name in (one, other)), reverse=True)
    return float((bright + 0.05) / (dark + 0.05))


def lab(colour: Colour) -> Colour:
    """CIELAB of linear sRGB under D65."""
    matrix = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = np.array(matrix) @ colour.clip(0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", [0, 1])
def test_letters_and_marks_have_contrast_on_their_ground(theme: int) -> None:
    ground = COLOURS["paper"][theme]
    assert min(contrast(COLOURS[name][theme], ground) for name in TEXTS) >= 4.5
    assert min(contrast(COLOURS[name][theme], ground) for name in MARKS) >= 3


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", [0, 1])
def test_series_and_outcomes_stay_apart_with_fewer_cones(theme: int, sight: str) -> None:
    seen = {name: lab(np.array(SIGHT[sight]) @ linear(COLOURS[name][theme])) for name in MARKS}
    pairs = [*combinations(SERIES, 2), *combinations(MARKS[-3:], 2)]
    distances = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in pairs}
    assert min(distances.values()) >= 10, min(distances.items(), key=lambda item: item[1])


def test_no_colour_has_two_meanings() -> None:
    light = [light for light, _ in COLOURS.values()]
    assert len(set(light)) == len(light) and all(len(name) == 7 and name == name.lower() for name in light)
