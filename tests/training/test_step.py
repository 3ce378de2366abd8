"""A step is the same whatever divides it: micro-batches, ranks, recomputation, compilation, chunks of the head."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from corpus.engine.config import build
from corpus.engine.errors import UserError
from tests.training.several import on_ranks, save
from training import heads
from training.attention.check import check
from training.attention.layout import Layout
from training.config import TrainConfig
from training.data.arrays import IGNORE, Int32
from training.model import ModelSource, build_model, tensors_of
from training.optimiser import Optimiser
from training.parallel import World, join_world
from training.precision import float8
from training.step import TrainStep

ROWS, LENGTH, VOCABULARY = 12, 32, 97
LLAMA = {
    "vocab_size": VOCABULARY, "hidden_size": 96, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "tie_word_embeddings": False,
}  # fmt: skip


class Part(NamedTuple):
    ids: Int32
    positions: Int32
    labels: Int32


def batch(number: int = 0) -> Part:
    """Rows of documents with few and many labels, and one without any."""
    rng = np.random.default_rng(number)
    positions = np.where(rng.random((ROWS, LENGTH)) < 0.15, 0, 1)
    positions[:, 0] = 0
    starts = np.maximum.accumulate(np.where(positions == 0, np.arange(LENGTH), 0), axis=1)
    positions = (np.arange(LENGTH) - starts).astype(np.int32)
    ids = ((rng.integers(1, VOCABULARY, (ROWS, 1)) + 3 * np.arange(LENGTH)) % VOCABULARY).astype(np.int32)
    labels = np.where((positions == 0) | (rng.random(ids.shape) < 0.3), IGNORE, ids).astype(np.int32)
    labels[3] = IGNORE
    return Part(ids, positions, labels)


def config(**keys: Any) -> TrainConfig:
    fixed = {
        "data": "-",
        "model": "-",
        "output": "-",
        "rows": ROWS,
        "length": LENGTH,
        "micro_rows": 3,
        "device": "cpu",
    }
    return build(TrainConfig, {**fixed, **keys})


def source(kind: str = "llama", **changes: Any) -> ModelSource:
    from transformers import AutoConfig

    keys = {**LLAMA, **changes} if kind == "llama" else changes
    return ModelSource(AutoConfig.for_model(kind, **keys), Path("-"), None)


def start(
    world: World, made: TrainConfig, of: ModelSource, updates: int = 0, told: list[str] | None = None
) -> TrainStep:
    model = build_model(made, of, world)
    optimiser = Optimiser(model, made.optimiser, updates)
    return TrainStep(model, optimiser, made, world, (told if told is not None else []).append)


def train(world: World, step: TrainStep, numbers: range) -> list[dict[str, float]]:
    share = ROWS // world.size
    mine, found = slice(world.rank * share, (world.rank + 1) * share), []
    for number in numbers:
        whole = batch(number)
        part = Part(*(array[mine] for array in whole))
        valid = int((whole.labels != IGNORE).sum())
        found.append(step.step(part, valid, 0.01).read())
    return found


def whole(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().clone()
        for name, tensor in tensors.items()
    }


def alike(have: list[dict[str, float]], want: list[dict[str, float]], rel: float = 1e-5) -> None:
    for one, other in zip(have, want, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=rel)
        assert one["grad_norm"] == pytest.approx(other["grad_norm"], rel=20 * rel)
        assert one["skipped"] == other["skipped"] == 0


@pytest.fixture(scope="module")
def wanted() -> list[dict[str, float]]:
    with join_world("cpu") as world:
        return train(world, start(world, config(), source()), range(4))


@pytest.mark.parametrize(
    "keys",
    [
        {"micro_rows": 1}, {"micro_rows": 12}, {"recompute": "full"}, {"recompute": "selective"}, {"loss_chunk": 0},
        {"loss_chunk": 7}, {"attention": "mask"},
        *(pytest.param({"compile": True, "recompute": mode}, marks=pytest.mark.slow) for mode in ("none", "selective", "full")),
    ],
)  # fmt: skip
def test_nothing_that_divides_the_work_changes_the_step(
    wanted: list[dict[str, float]], keys: dict[str, Any]
) -> None:
    with join_world("cpu") as world:
        alike(train(world, start(world, config(**keys), source()), range(4)), wanted)


def several_ranks(world: World, keys: dict[str, Any], changes: dict[str, Any], path: Path) -> None:
    save(path, train(world, start(world, config(**keys), source(**changes)), range(4)), world.rank)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ranks", "keys", "changes"),
    [
        (2, {}, {}),
        (2, {"recompute": "selective"}, {"tie_word_embeddings": True}),
        (3, {"micro_rows": 2}, {}),
        (4, {"loss_chunk": 3, "micro_rows": 1}, {"tie_word_embeddings": True}),
    ],
)
def test_any_number_of_ranks_makes_the_same_step(
    tmp_path: Path, ranks: int, keys: dict[str, Any], changes: dict[str, Any]
) -> None:
    on_ranks(ranks, several_ranks, keys, changes, tmp_path / "found")
    with join_world("cpu") as world:
        alike(
            torch.load(tmp_path / "found", weights_only=True),
            train(world, start(world, config(), source(**changes)), range(4)),
        )


def half_way(world: World, state: str, path: Path) -> None:
    step = start(world, config(optimiser={"state": state}), source())
    train(world, step, range(3))
    save(path, whole({**tensors_of(step.model), **step.optimiser.tensors()}), world.rank)


@pytest.mark.slow
@pytest.mark.parametrize("state", ["bf16", "8bit"])
def test_small_moments_are_the_same_on_other_ranks(tmp_path: Path, state: str) -> None:
    """Blocks and roundings depend on the place in the whole parameter, and never on the shard."""
    on_ranks(2, half_way, state, tmp_path / "two")
    on_ranks(3, half_way, state, tmp_path / "three")
    two, three = (torch.load(tmp_path / name, weights_only=True) for name in ("two", "three"))
    assert two.keys() == three.keys() and {t.dtype for t in two.values()} > {torch.float32}
    for name in two:
        assert two[name].shape == three[name].shape
        if two[name].dtype == torch.uint8:  # the last bit of a sum may tip a value to the next level
            apart = (two[name].int() - three[name].int()).abs()
            assert (apart > 0).float().mean() < 0.01
        else:
            assert (two[name].float() - three[name].float()).norm() <= 5e-3 * three[name].float().norm()


def test_a_step_with_a_bad_number_moves_nothing_and_neither_does_one_behind_it() -> None:
    with join_world("cpu") as world:
        step = start(world, config(), source())
        before = whole({**tensors_of(step.model), **step.optimiser.tensors()})
        norm = step.model.get_submodule("model.norm")
        with torch.no_grad():
            norm.weight.to_local()[0] = torch.nan
        assert train(world, step, range(1))[0]["skipped"] == 1
        with torch.no_grad():
            norm.weight.to_local()[0] = 1.0
        (found,) = train(world, step, range(1, 2))
        assert found["skipped"] == 1 and np.isfinite(found["loss"])
        after = whole({**tensors_of(step.model), **step.optimiser.tensors()})
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_step_beyond_its_limits_is_dropped_and_the_next_is_made() -> None:
    with join_world("cpu") as world:
        step, part = start(world, config(), source()), batch()
        valid = int((part.labels != IGNORE).sum())
        before = whole(tensors_of(step.model))
        for limits in ((1.0, 1e9), (1e9, 1e-9)):
            assert step.step(part, valid, 0.01, skip_above=limits).read()["skipped"] == 1
        assert all(
            torch.equal(tensor, before[name]) for name, tensor in whole(tensors_of(step.model)).items()
        )
        assert step.step(part, valid, 0.01, skip_above=(1e9, 1e9)).read()["skipped"] == 0
        assert not all(torch.equal(t, before[name]) for name, t in whole(tensors_of(step.model)).items())


def test_losses_of_rows_add_up_to_the_loss_of_a_step() -> None:
    with join_world("cpu") as world:
        step, part = start(world, config(), source()), batch()
        with torch.no_grad():
            rows = step.evaluate_rows(*part)
        valid = int((part.labels != IGNORE).sum())
        assert rows[3] == 0
        assert rows.sum().item() / valid == pytest.approx(
            step.step(part, valid, 0.01).read()["loss"], rel=1e-6
        )


def test_z_loss_moves_the_weights_and_is_left_out_of_the_loss() -> None:
    with join_world("cpu") as world:
        plain = train(world, start(world, config(), source()), range(2))
        with_z = train(world, start(world, config(z_loss=0.1), source()), range(2))
    assert plain[0]["loss"] == pytest.approx(with_z[0]["loss"], rel=1e-6)
    assert plain[0]["grad_norm"] != pytest.approx(with_z[0]["grad_norm"], rel=1e-3)
    assert plain[1]["loss"] != pytest.approx(with_z[1]["loss"], rel=1e-6)


@pytest.mark.parametrize("state", ["fp32", "bf16", "8bit"])
def test_bf16_over_fp32_masters_learns_what_fp32_learns(wanted: list[dict[str, float]], state: str) -> None:
    with join_world("cpu") as world:
        step = start(world, config(precision="bf16", optimiser={"state": state}), source())
        assert {parameter.dtype for parameter in step.model.parameters()} == {torch.float32}
        alike(train(world, step, range(4)), wanted, rel=1e-2)


def test_a_model_that_scales_its_logits_is_noticed_and_has_its_own_loss() -> None:
    of = source("granite", **LLAMA, logits_scaling=4.0)
    told: list[str] = []
    with join_world("cpu") as world:
        step = start(world, config(), of, told=told)
        assert not heads.takes_chunks(step.model) and "all logits" in told[0]
        found = train(world, step, range(1))
        want = train(world, start(world, config(loss_chunk=0), of), range(1))
    alike(found, want)


def test_a_model_with_an_attention_of_its_own_says_that_it_trains_over_a_mask() -> None:
    told: list[str] = []
    with join_world("cpu") as world:
        step = start(world, config(), source(attention_dropout=0.1), told=told)
        assert any("a mask over whole rows" in text for text in told)
        found = train(world, step, range(2))
    assert found[1]["skipped"] == 0 and np.isfinite(found[1]["loss"])


def test_a_model_with_a_recurrent_state_is_refused() -> None:
    of = source("mamba", vocab_size=VOCABULARY, hidden_size=32, state_size=8, num_hidden_layers=2)
    with join_world("cpu") as world, pytest.raises(UserError, match="has a recurrent state"):
        start(world, config(), of)


def test_a_model_in_which_documents_see_each_other_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check before the first step finds a leak whatever its cause; here the layout forgets where documents end."""
    forgetful = classmethod(
        lambda cls, positions: cls(np.array([0, positions.size], np.int32), 1, positions.size)
    )
    monkeypatch.setattr(Layout, "of", forgetful)
    with join_world("cpu") as world, pytest.raises(UserError, match="lets packed documents see each other"):
        start(world, config(), source())


def test_float8_rounds_and_still_learns(
    monkeypatch: pytest.MonkeyPatch, wanted: list[dict[str, float]]
) -> None:
    """The roundings of float8 on a CPU, where they are emulated; that the hardware has it is checked elsewhere."""
    monkeypatch.setattr(float8, "check", lambda *_args, **_named: None)
    convert = float8.convert
    monkeypatch.setattr(float8, "convert", lambda layers: convert(layers, emulate=True))
    pytest.importorskip("torchao")
    with join_world("cpu") as world:
        step = start(world, config(float8=True, precision="bf16"), source())
        kinds = {type(module).__name__ for module in step.model.modules()}
        assert any("Float8" in kind for kind in kinds)
        assert tensors_of(step.model).keys() == tensors_of(build_model(config(), source(), world)).keys()
        alike(train(world, step, range(4)), wanted, rel=5e-2)


@pytest.mark.parametrize("bf16", [False, True])
def test_a_leak_too_small_to_move_a_loss_is_found_at_a_random_start(bf16: bool) -> None:
    """Short convolutions reach over the edge of a document; at a start this changes a loss by 1e-4 nats."""
    layers = {"layer_types": ["conv", "full_attention"], "conv_L_cache": 3, "block_auto_adjust_ff_dim": False}
    of = source("lfm2", **LLAMA, **layers)
    with join_world("cpu") as world, pytest.raises(UserError, match="lets packed documents see each other"):
        start(world, config(precision="bf16" if bf16 else "fp32"), of)


@pytest.mark.parametrize("scale", [0.0, 1e-3, 30.0])
@pytest.mark.parametrize(("kind", "takes"), [("nanochat", False), ("llama", True)])
def test_the_weights_do_not_decide_whether_a_model_caps_its_logits(
    kind: str, takes: bool, scale: float
) -> None:
    of = source(kind, **{**LLAMA, "head_dim": 24})
    with join_world("cpu") as world, torch.no_grad():
        model: Any = build_model(config(), of, world)
        model.get_output_embeddings().weight.mul_(scale)
        check(model, model.built.attention, world.device, bf16=False, say=print)
        assert heads.takes_chunks(model) == takes


def test_float8_asks_for_a_micro_batch_that_its_hardware_can_multiply() -> None:
    made = config(float8=True, compile=True, length=31)
    with join_world("cpu") as world, pytest.raises(UserError, match=r"multiple of 16, and it is 93"):
        build_model(made, source(), world)


def test_float8_without_its_hardware_is_refused() -> None:
    with join_world("cpu") as world, pytest.raises(UserError, match="float8=true needs a CUDA device"):
        build_model(config(float8=True, compile=True), source(), world)
