"""What --dry-run says, found before a device is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from corpus.engine.errors import EXIT_USER
from tests.training.support import REPOSITORY, words, write_model
from training.run import main

CONTROL = "\x1b[2Jred\u202e"  # what a hostile text would do to a terminal


def dry_run(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["--dry-run", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_it_names_parameters_steps_rates_hours_memory_and_the_first_batch(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = ("schedule.warmup=512", "schedule.decay=1024", "log.peak_tflops=1", "plan.mfu=0.5")
    code, said, _ = dry_run(capsys, words(shards, model, tmp_path / "run", *keys))
    assert code == 0
    assert "28,332 parameters" in said and "12 of 8 rows x 32 tokens" in said
    assert "end of warm-up  step         2                512 tokens  1.000e-02" in said
    assert "last step       step        12              3,072 tokens  0.000e+00" in said
    assert "on 1 rank(s) at 50% of 1 TFLOP/s" in said
    for kind in ("parameters", "gradients", "optimiser", "activations", "loss"):
        assert f"\n  {kind} " in said
    assert "first batch" in said and "rows: 3 of agent, 5 of code" in said
    assert not (tmp_path / "run").exists()


def test_memory_and_checkpoints_shrink_with_ranks_and_with_the_optimisers_state(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def line(name: str, *keys: str) -> str:
        said = dry_run(capsys, words(shards, model, tmp_path / "run", *keys))[1]
        return next(row for row in said.splitlines() if row.strip().startswith(name))

    assert line("parameters") != line("parameters", "plan.ranks=2")
    assert line("optimiser") != line("optimiser", "optimiser.state=bf16")
    assert line("checkpoints") != line("checkpoints", "optimiser.state=bf16")
    assert "does not divide" in dry_run(capsys, words(shards, model, tmp_path / "run", "plan.ranks=3"))[2]


@pytest.mark.parametrize(("memory", "fits"), [(0.0005, False), (60.0, True)])
def test_what_does_not_fit_is_refused_without_a_gpu(
    shards: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], memory: float, fits: bool
) -> None:
    keys = ("device=cuda", "precision=bf16", "optimiser.state=fp32", f"plan.memory={memory}")
    code, said, failed = dry_run(capsys, words(shards, model, tmp_path / "run", *keys))
    assert (code == 0) == fits
    assert ("first batch" in said) if fits else (code == EXIT_USER and "does not fit" in failed)


@pytest.fixture
def with_words(tmp_path: Path) -> tuple[Path, Path]:
    """Shards with a tokenizer that has words, and a text that a terminal should not see."""
    names = ["<end>", "GET", "users", "returns", CONTROL, "."]
    tokenizer = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="."))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.WhitespaceSplit(), decoders.Fuse()
    tokenizer.add_special_tokens(["<end>"])
    (tmp_path / "tokenizer").mkdir()
    tokenizer.save(str(tmp_path / "tokenizer" / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<end>", "unk_token": "."}
    (tmp_path / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(settings))
    ids = [[1, 2, 4, 3, 5, 0], [1, 4, 2, 0], [3, 2, 1, 0]] * 20
    folder = tmp_path / "set" / "agent"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"input_ids": pa.array(ids, pa.list_(pa.int32()))}), folder / "part-0.parquet")
    return tmp_path / "set", write_model(tmp_path / "model", vocab_size=len(names))


def test_the_first_batch_is_shown_as_text_with_borders_and_mask_and_nothing_a_terminal_obeys(
    with_words: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, model = with_words
    keys = (f"tokenizer={tmp_path / 'tokenizer'}", "heldout.rows=0")
    code, said, failed = dry_run(capsys, words(data, model, tmp_path / "run", *keys))
    assert code == 0, failed
    assert "source 'agent' file agent/part-0.parquet row " in said
    assert "users" in said and "<end>" in said
    assert "no loss      0-0 " in said and "\n      loss " in said
    assert "\\x1b[2J" in said and "\\u202e" in said
    assert "\x1b" not in said and "\u202e" not in said


@pytest.mark.parametrize("stem", ["llama3-8b", "mistral-7b"])
def test_recipes_of_large_models_divide_by_usual_numbers_of_ranks(stem: str) -> None:
    from corpus.engine.config import build, load_yaml
    from training.config import TrainConfig
    from training.plan import check_division

    for stage in (1, 2, 3):
        path = REPOSITORY / "conf" / "training" / f"{stem}-stage{stage}.yaml"
        config = build(TrainConfig, {**load_yaml(str(path)), "data": "d", "output": "o"})
        for ranks in (8, 16) if stage != 3 else (8, 16, 32):
            check_division(config, ranks)
