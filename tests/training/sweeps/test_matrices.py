"""The matrices of the repository are ones that can be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.engine.config import build, load_yaml
from corpus.engine.overrides import with_overrides
from tests.training.support import REPOSITORY
from training.config import TrainConfig
from training.sweeps.config import SweepConfig, cells

FOLDER = REPOSITORY / "conf" / "training" / "sweeps"
RECIPE = "proxy"
MATRICES = sorted(path for path in FOLDER.glob("*.yaml") if path.stem != RECIPE)


@pytest.mark.parametrize("path", MATRICES, ids=lambda path: path.stem)
def test_matrix_its_recipe_and_its_models_fit_together(path: Path) -> None:
    found = build(SweepConfig, {"data": "d", "output": "o", **load_yaml(str(path))}, where=path.name)
    assert len(found.models) == 3 and len(found.shares) == 8 and set(found.aside) < set(found.shares)
    assert len(cells(found)) >= 24
    assert all((REPOSITORY / model / "config.json").is_file() for model in found.models.values())
    words = [f"{key}={value}" for key, value in found.train.items()]
    recipe = with_overrides(load_yaml(str(REPOSITORY / found.recipe)), [*words, "data=d", "output=o"])
    config = build(TrainConfig, {**recipe, "tokens": found.tokens or 10**8}, where=found.recipe)
    assert config.rows % config.micro_rows == 0


def test_sizes_count_what_is_outside_the_embeddings_and_grow() -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = []
    for name, said in (("1m", 1e6), ("3m", 3e6), ("8m", 8e6), ("20m", 2e7), ("60m", 6e7), ("160m", 1.6e8)):
        folder = REPOSITORY / "conf" / "training" / "models" / f"proxy-{name}"
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(str(folder)))
        size = sum(p.numel() for p in model.parameters()) - model.get_input_embeddings().weight.numel()
        assert size == pytest.approx(said, rel=0.15)
        sizes.append(size)
    assert sizes == sorted(sizes)
