"""The promises of the trainer, shown on real runs: in this process, in killed ones, and on two gloo ranks."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.tensor import DTensor

from corpus.engine.config import build, load_yaml
from corpus.engine.errors import EXIT_DATA, EXIT_USER, UserError
from tests.training import processes
from tests.training.support import (
    VOCABULARY,
    config_of,
    facts_of,
    finish_stage,
    launch,
    promised,
    read_metrics,
    steps_of,
    train,
    train_on,
    words,
    write_model,
    write_shards,
)
from training.config import TrainConfig
from training.data.mixing import quota
from training.export import export_run
from training.loop import Trainer, _seed_of
from training.parallel import join_world
from training.plan import make_plan, rows_in_all
from training.run import main
from training.signals import EXIT_REQUEUE

Undisturbed = tuple[list[str], list[dict[str, Any]]]


def output_of(arguments: list[str]) -> Path:
    return Path(next(word[7:] for word in arguments if word.startswith("output=")))


def copy_of(undisturbed: Undisturbed, target: Path, *, upto: int) -> list[str]:
    """The run as it stood just behind its checkpoint at step `upto`, in another folder."""
    arguments, _ = undisturbed
    shutil.copytree(output_of(arguments), target)
    shutil.rmtree(target / "export")
    for folder in (target / "checkpoints").iterdir():
        if int(folder.name.removeprefix("step_")) > upto:
            shutil.rmtree(folder)
    return [f"output={target}" if word.startswith("output=") else word for word in arguments]


def test_loss_falls_and_rows_say_what_was_read(undisturbed: Undisturbed) -> None:
    arguments, rows = undisturbed
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.2
    assert rows[-1]["tokens"] == sum(rows[-1]["source_tokens"].values()) == 12 * 8 * 32
    assert rows[-1]["source_tokens"]["code"] == 2 * rows[-1]["source_tokens"]["agent"]
    evaluations = read_metrics(output_of(arguments) / "metrics.jsonl", "eval")
    assert [row["step"] for row in evaluations] == [0, 12]
    assert evaluations[1]["loss"] < evaluations[0]["loss"]


def test_two_checkpoints_are_kept_and_hold_no_pickle(undisturbed: Undisturbed) -> None:
    folder = output_of(undisturbed[0]) / "checkpoints"
    assert sorted(path.name for path in folder.iterdir()) == ["step_12", "step_8"]
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".json", ".safetensors"}


def test_resume_is_bit_exact_twice_in_a_row(undisturbed: Undisturbed, tmp_path: Path) -> None:
    again = copy_of(undisturbed, tmp_path / "again", upto=8)
    assert promised(train(again)) == promised(undisturbed[1])
    twice = copy_of((again, []), tmp_path / "twice", upto=8)
    assert promised(train(twice)) == promised(undisturbed[1])


def test_a_finished_run_is_left_as_it_is(
    undisturbed: Undisturbed, capsys: pytest.CaptureFixture[str]
) -> None:
    output = output_of(undisturbed[0])
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()}
    assert train(undisturbed[0]) == undisturbed[1]
    assert "nothing to do" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_and_ends_with_a_code_of_its_own(
    shards: Path, model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "run"
    arguments = words(shards, model, output, f"tokens={8 * 32 * 4000}", "checkpoint.every=1000")
    process = processes.start(processes.train, arguments)
    processes.wait_for_steps(output, 1, process)
    os.kill(process.pid, number)
    assert processes.ended(process) == EXIT_REQUEUE
    assert [p.name for p in (output / "checkpoints").iterdir()] == [f"step_{steps_of(arguments)[-1]['step']}"]


@pytest.mark.parametrize(
    ("function", "code"), [("make_plan", EXIT_REQUEUE), ("build_model", EXIT_REQUEUE), ("export_run", 0)]
)
def test_a_signal_is_heeded_while_a_run_loads_and_while_it_exports(
    undisturbed: Undisturbed, shards: Path, model: Path, tmp_path: Path, function: str, code: int
) -> None:
    arguments = words(shards, model, tmp_path / "run", "tokens=512", "heldout.rows=0")
    assert processes.run(processes.stopped_at, arguments, function) == code
    assert (tmp_path / "run" / "export").exists() == (code == 0)
    assert len(train(arguments)) == 2


def test_random_numbers_of_a_step_are_those_of_its_seed_step_and_rank(
    shards: Path, model: Path, tmp_path: Path
) -> None:
    numbers = {
        _seed_of(seed, step, rank) for seed in (1, 1 << 24, 1 << 60) for step in (0, 9) for rank in (0, 9)
    }
    assert len(numbers) == 12 and all(0 <= number < 1 << 63 for number in numbers)
    train(words(shards, model, tmp_path / "run", f"seed={1 << 40}", "tokens=512", "heldout.rows=0"))


def test_a_checkpoint_is_no_start_for_shards_of_another_tokenizer(
    undisturbed: Undisturbed, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "shards"
    shutil.copytree(shards.parent, root)
    facts = facts_of(root)
    finish_stage(root, {**facts, "tokenizer": {**facts["tokenizer"], "sha256": "1" * 64}})
    folder = output_of(undisturbed[0]) / "checkpoints" / "step_8"
    assert main(words(root / "stage1", folder, tmp_path / "run")) == EXIT_USER
    assert "was trained with another tokenizer" in capsys.readouterr().err


def test_the_limit_of_epochs_heeds_repeat_and_refuses_what_it_cannot_count(
    shards: Path, model: Path, tmp_path: Path
) -> None:
    arguments = words(shards, model, tmp_path / "run", "tokens=16000")
    epochs = make_plan(config_of(arguments)).epochs()
    capped = make_plan(config_of([*arguments, "repeat.code=1", "max_epochs=1.7"])).epochs()
    assert epochs["agent"] < 1 < 1.7 < epochs["code"] and capped["code"] <= 1 < capped["agent"] < 1.7
    with pytest.raises(UserError, match="the source 'agent' would be read 1"):
        make_plan(config_of([*arguments, "repeat.code=1", "max_epochs=1"]))
    bare = tmp_path / "bare" / "texts"
    bare.mkdir(parents=True)
    table = pq.read_table(shards / "code").select(["id", "text"])
    pq.write_table(table, bare / "part-00000.parquet")
    with pytest.raises(UserError, match=r"max_epochs=9 cannot be kept: .*'texts'"):
        make_plan(config_of(words(bare.parent, model, tmp_path / "run", "max_epochs=9")))


@pytest.mark.parametrize("caps", [[None, None, None], [100, None, 7], [100, 900, None], [60, 61, 10_000]])
def test_rows_of_a_run_are_those_that_the_mixing_gives(caps: list[int | None]) -> None:
    shares = [3, 2, 1]
    wanted = quota(shares, np.zeros(3, np.int64), 1000, caps)
    assert rows_in_all([share / 6 for share in shares], caps, 1000) == pytest.approx(wanted, abs=1)


def test_two_ranks_see_the_same_tokens_and_the_same_loss(
    undisturbed: Undisturbed, shards: Path, model: Path, tmp_path: Path
) -> None:
    rows = train_on(2, words(shards, model, tmp_path / "two", "micro_rows=2"))
    assert [row["token_hash"] for row in rows] == [row["token_hash"] for row in undisturbed[1]]
    for one, two in zip(undisturbed[1], rows, strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)
        assert two["grad_norm"] == pytest.approx(one["grad_norm"], rel=1e-4)


@pytest.mark.slow
def test_resume_on_two_ranks_goes_on_with_the_same_tokens(undisturbed: Undisturbed, tmp_path: Path) -> None:
    arguments = copy_of(undisturbed, tmp_path / "elastic", upto=8)
    rows = train_on(2, arguments)
    assert promised(rows[:8]) == promised(undisturbed[1][:8])
    assert [row["token_hash"] for row in rows] == [row["token_hash"] for row in undisturbed[1]]
    assert rows[-1]["loss"] == pytest.approx(undisturbed[1][-1]["loss"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("finished", [False, True])
def test_all_ranks_end_where_another_config_is_refused(
    undisturbed: Undisturbed, tmp_path: Path, finished: bool
) -> None:
    arguments = copy_of(undisturbed, tmp_path / "run", upto=12)
    if finished:
        train(arguments)
    process = launch([*arguments, "optimiser.eps=1e-7"], ranks=2)
    output, _ = process.communicate(timeout=180)
    assert process.returncode != 0 and "belongs to another run: optimiser.eps" in output


@pytest.mark.slow
def test_a_checkpoint_of_three_uneven_ranks_is_read_by_one(shards: Path, model: Path, tmp_path: Path) -> None:
    keys = ("rows=6", "micro_rows=2", "schedule.warmup=0", "schedule.decay=0", "tokens=2000")
    arguments = words(shards, model, tmp_path / "three", *keys)
    train_on(3, arguments)
    rows = train(copy_of((arguments, []), tmp_path / "again", upto=8))
    wanted = train(words(shards, model, tmp_path / "one", *keys))
    assert [row["token_hash"] for row in rows] == [row["token_hash"] for row in wanted]
    assert rows[-1]["loss"] == pytest.approx(wanted[-1]["loss"], rel=1e-5)


@pytest.mark.parametrize("micro", [1, 2, 8])
def test_accumulation_adds_up_with_uneven_valid_tokens(
    undisturbed: Undisturbed, shards: Path, model: Path, tmp_path: Path, micro: int
) -> None:
    rows = train(words(shards, model, tmp_path, f"micro_rows={micro}", "heldout.rows=0"))
    assert len({row["valid_tokens"] for row in rows}) > 1
    for one, other in zip(undisturbed[1], rows, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)


@pytest.mark.parametrize(
    "name",
    ["shard-00001-model-00001-of-00001.safetensors", "state.json", "config.json", "manifest.json"],
)
def test_a_flipped_bit_is_named_and_the_checkpoint_before_is_used(
    undisturbed: Undisturbed, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = copy_of(undisturbed, tmp_path / "run", upto=12)
    damaged = tmp_path / "run" / "checkpoints" / "step_12" / name
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 0x80
    damaged.write_bytes(data)
    assert promised(train(arguments)) == promised(undisturbed[1])
    said = capsys.readouterr().err
    assert "step_12" in said and name in said and "from step 8" in said
    assert [p.name.split("-")[0] for p in (tmp_path / "run/checkpoints").glob("*damaged*")] == [
        "step_12.damaged"
    ]


@pytest.mark.parametrize("tied", [False, True])
def test_the_export_has_the_logits_of_the_trained_model(shards: Path, tmp_path: Path, tied: bool) -> None:
    from transformers import AutoModelForCausalLM

    model, probe = write_model(tmp_path / "model", tie_word_embeddings=tied), torch.arange(1, 21)[None]
    # `mask` is attention as transformers itself computes it, so nothing but the weights can differ.
    arguments = words(shards, model, tmp_path / "run", "tokens=1000", "attention=mask")
    with join_world("cpu") as world, torch.no_grad():
        trainer = Trainer(make_plan(config_of(arguments)), world, print)
        with torch.enable_grad():
            trainer.run()
        logits = trainer.model.eval()(input_ids=probe, use_cache=False).logits.clone()
        trainer.model.reshard()
        loaded = AutoModelForCausalLM.from_pretrained(export_run(trainer)).eval()
        assert (loaded.lm_head.weight is loaded.model.embed_tokens.weight) == tied
        assert torch.equal(loaded(input_ids=probe, use_cache=False).logits, logits)


@pytest.mark.parametrize("carried", [False, True])
def test_a_stage_may_begin_from_a_checkpoint_with_or_without_its_optimiser_state(
    undisturbed: Undisturbed, shards: Path, tmp_path: Path, carried: bool
) -> None:
    folder = output_of(undisturbed[0]) / "checkpoints" / "step_8"
    saved = load_file(folder / "shard-00001-model-00001-of-00001.safetensors")
    arguments = words(shards, folder, tmp_path / "two", f"carry_optimiser={carried}")
    with join_world("cpu") as world:
        trainer = Trainer(make_plan(config_of(arguments)), world, print)
        assert trainer.step == 0 and trainer.resumed is None
        assert [stage["steps"] for stage in trainer.history()] == [8, 0]
        for name, tensor in trainer.tensors().items():
            values = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
            is_state = name.startswith("exp_avg")
            assert torch.equal(values, torch.zeros_like(values) if is_state and not carried else saved[name])


def test_a_damaged_checkpoint_is_no_start_and_an_export_has_no_optimiser_state(
    undisturbed: Undisturbed, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = shutil.copytree(output_of(undisturbed[0]) / "checkpoints" / "step_8", tmp_path / "step_8")
    (damaged / "state.json").write_bytes((damaged / "state.json").read_bytes() + b" ")
    assert main(words(shards, damaged, tmp_path / "two")) == EXIT_USER
    assert "damaged checkpoint (state.json does not match" in capsys.readouterr().err
    export = output_of(undisturbed[0]) / "export"
    assert main(words(shards, export, tmp_path / "two", "carry_optimiser=true")) == EXIT_USER
    assert "holds no optimiser state" in capsys.readouterr().err


def test_the_folder_says_with_which_config_and_code_the_run_began(undisturbed: Undisturbed) -> None:
    output = output_of(undisturbed[0])
    assert build(TrainConfig, load_yaml(str(output / "config.yaml"))) == config_of(undisturbed[0])
    record = json.loads((output / "run.json").read_text())
    assert record["versions"]["torch"] == torch.__version__ and "commit" in record
    (start,) = read_metrics(output / "metrics.jsonl", "start")
    assert (start["step"], start["ranks"], start["resumed"]) == (0, 1, False)


def test_permanent_checkpoints_are_saved_when_their_tokens_are_reached(
    shards: Path, model: Path, tmp_path: Path
) -> None:
    train(words(shards, model, tmp_path / "run", f"checkpoint.keep_every={8 * 32 * 3}", "heldout.rows=0"))
    kept = {int(path.name.removeprefix("step_")) for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert kept == {3, 6, 9, 12}


def test_an_address_is_refused_as_output(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words(shards, model, tmp_path)[:-1], "output=s3://bucket/run"]) == EXIT_USER
    assert "output=s3://bucket/run is an address" in capsys.readouterr().err


def test_stage_two_starts_from_the_export_of_stage_one(
    undisturbed: Undisturbed, shards: Path, tmp_path: Path
) -> None:
    first = output_of(undisturbed[0])
    train(words(shards, first / "export", tmp_path / "two", "weights={code: 0}", "optimiser.lr=0.001"))
    end = read_metrics(first / "metrics.jsonl", "eval")[-1]
    start = read_metrics(tmp_path / "two" / "metrics.jsonl", "eval")[0]
    assert start["loss"] == pytest.approx(end["loss"], rel=1e-6)
    history = json.loads((tmp_path / "two" / "export" / "training_history.json").read_text())
    assert [list(stage["source_tokens"]) for stage in history] == [["agent", "code"], ["agent"]]


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("seed=9", "seed"),
        ("length=16", "length"),
        ("weights.agent=5", "weights.agent"),
        ("optimiser.lr=0.02", "optimiser.lr"),
        ("schedule.kind=cosine", "schedule.kind"),
        ("tokens=2000", "tokens"),
        ("heldout.rows=5", "heldout.rows"),
    ],
)
def test_another_config_is_refused_by_name_and_nothing_is_written(
    undisturbed: Undisturbed,
    tmp_path: Path,
    change: str,
    named: str,
    finished: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = copy_of(undisturbed, tmp_path / "run", upto=8)
    if finished:
        train(arguments)
    written = (tmp_path / "run" / "config.yaml").read_bytes()
    changed = [*(w for w in arguments if w.partition("=")[0] != change.partition("=")[0]), change]
    assert main(changed) == EXIT_USER
    said = capsys.readouterr().err
    assert f"belongs to another run: {named}:" in said and "another output=" in said
    assert (tmp_path / "run" / "config.yaml").read_bytes() == written


def test_a_resume_with_other_threads_is_the_same_run_and_keeps_its_config(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    started = copy_of(undisturbed, tmp_path / "run", upto=8)
    arguments = [*(w for w in started if not w.startswith("checkpoint.")), "workers=2", "checkpoint.every=3"]
    written = (tmp_path / "run" / "config.yaml").read_bytes()
    assert promised(train(arguments)) == promised(undisturbed[1])
    assert (tmp_path / "run" / "config.yaml").read_bytes() == written


def test_a_run_whose_inputs_were_moved_goes_on(
    undisturbed: Undisturbed, shards: Path, model: Path, tmp_path: Path
) -> None:
    shutil.copytree(shards.parent, tmp_path / "shards")
    shutil.copytree(model, tmp_path / "model")
    copy_of(undisturbed, tmp_path / "run", upto=8)
    moved = words(tmp_path / "shards" / shards.name, tmp_path / "model", tmp_path / "run")
    assert promised(train(moved)) == promised(undisturbed[1])


def test_a_run_cut_off_before_its_first_checkpoint_may_begin_anew_with_other_keys(
    shards: Path, model: Path, tmp_path: Path
) -> None:
    keys = ("optimiser.clip=0", "schedule.warmup=0", "heldout.rows=0", "tokens=1000")
    assert main(words(shards, model, tmp_path / "run", *keys, "optimiser.lr=1e30")) == EXIT_DATA
    assert len(train(words(shards, model, tmp_path / "run", *keys, "optimiser.lr=0.001"))) == 4
    assert "lr: 0.001" in (tmp_path / "run" / "config.yaml").read_text()


def test_a_model_made_anew_is_refused_by_the_stage_that_began_with_the_old_one(
    undisturbed: Undisturbed, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = shutil.copytree(output_of(undisturbed[0]) / "export", tmp_path / "export")
    arguments = words(shards, export, tmp_path / "two", "tokens=1000", "heldout.rows=0")
    train(arguments)
    weights = export / "model-00001-of-00001.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert main(arguments) == EXIT_USER
    assert f"another run: model.{weights.name}" in capsys.readouterr().err


def test_an_export_of_unknown_origin_is_not_taken_for_the_result(
    undisturbed: Undisturbed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = copy_of(undisturbed, tmp_path / "run", upto=8)
    train(arguments)
    (tmp_path / "run" / "run.json").unlink()
    assert main(arguments) == EXIT_USER
    assert "no readable run.json" in capsys.readouterr().err


def test_a_second_launch_in_the_same_folder_is_refused(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = words(shards, model, tmp_path / "run", f"tokens={8 * 32 * 4000}", "checkpoint.every=1000")
    process = processes.start(processes.train, arguments)
    try:
        processes.wait_for_steps(tmp_path / "run", 1, process)
        assert main(arguments) == EXIT_USER
        assert "another launch is at work" in capsys.readouterr().err
        assert process.is_alive()
    finally:
        process.kill()
        process.join()


def test_a_changed_shard_is_refused_by_name(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = write_shards(tmp_path / "shards")
    arguments = words(shards, model, tmp_path / "run", "tokens=1000", "heldout.rows=0")
    train(arguments)
    shutil.copy(shards / "agent" / "part-00001.parquet", shards / "agent" / "part-00000.parquet")
    finish_stage(shards.parent, facts_of(shards.parent))
    assert main(arguments) == EXIT_USER
    assert "another run: data.agent/part-00000.parquet" in capsys.readouterr().err


def test_a_gradient_that_is_not_finite_stops_before_the_weights_change(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = words(
        shards, model, tmp_path / "run", "optimiser.lr=1e30", "optimiser.clip=0", "schedule.warmup=0"
    )
    assert main(arguments) == EXIT_DATA
    said = capsys.readouterr().err
    assert "step 2: loss" in said and "the weights were not changed" in said
    assert [row["step"] for row in steps_of(arguments)] == [1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("micro_rows=3", "does not divide"),
        ("length=512", "exceeds the 128 positions"),
        ("model=/nowhere", "no config.json"),
        ("max_epochs=0.01", "would be read"),
        ("data=/nowhere", "is no folder"),
    ],
)
def test_what_cannot_be_trained_is_answered_with_one_sentence(
    shards: Path, model: Path, tmp_path: Path, change: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = change.partition("=")[0]
    assert (
        main([*(w for w in words(shards, model, tmp_path) if not w.startswith(key + "=")), change])
        == EXIT_USER
    )
    assert sentence in capsys.readouterr().err


def test_a_tokenizer_larger_than_the_embedding_is_refused(
    undisturbed: Undisturbed, shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "shards"
    shutil.copytree(shards.parent, root)
    facts = facts_of(root)
    finish_stage(root, {**facts, "tokenizer": {**facts["tokenizer"], "vocab_size": VOCABULARY + 1}})
    assert main(words(root / "stage1", output_of(undisturbed[0]) / "export", tmp_path / "run")) == EXIT_USER
    assert "98 tokens" in capsys.readouterr().err


def test_a_dry_run_says_what_would_happen_and_writes_nothing(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dry-run", *words(shards, model, tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "12 of 8 rows x 32 tokens" in said and "33.33% of tokens" in said and "parameters" in said
    assert not (tmp_path / "run").exists()
