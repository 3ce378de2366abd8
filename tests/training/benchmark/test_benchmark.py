"""Benchmark loss is the likelihood of what counts, of nothing else, and of the same tokens whatever the batch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from corpus.engine.errors import UserError
from tests.training.benchmark.conftest import TEXTS
from tests.training.support import train, words, write_model, write_shards
from training.benchmark import bfcl
from training.benchmark.encoding import encode, windows
from training.benchmark.items import Item, Segment, Turn, by_template, plain, read_items
from training.benchmark.models import load_model, subjects
from training.benchmark.run import SCORES, TABLE
from training.benchmark.score import per_byte, score
from training.evaluate import main


def by_hand(model: Any, tokenizer: Any, prompt: str, answer: str) -> float:
    """As lm-evaluation-harness has it: of the whole, what the prompt's encoding does not cover is the answer."""
    kept = prompt.rstrip()  # white space between the two belongs to the answer
    whole, begin = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt + answer, kept)
    )
    with torch.no_grad():
        logs = torch.log_softmax(model(torch.tensor([whole])).logits[0].double(), -1)
    return -sum(float(logs[at - 1, whole[at]]) for at in range(len(begin), len(whole)))


def pair(prompt: str, answer: str) -> list[Segment]:
    return [Segment(prompt, False), Segment(answer, True)]


def test_loss_is_that_of_the_answer_alone_and_no_batch_changes_it(model: tuple[Any, Any]) -> None:
    items = [(TEXTS[n][: 5 + n], f" {TEXTS[n][::-1][: 1 + n % 17]}") for n in range(40)]
    found = score([pair(*item) for item in items], *model, bos=False)
    assert [one.nats for one in found] == pytest.approx([by_hand(*model, *item) for item in items], rel=1e-5)
    assert [one.size for one in found] == [len((p + a).encode()) - len(p.rstrip()) for p, a in items]


def test_turns_of_a_conversation_count_as_they_would_one_by_one(model: tuple[Any, Any]) -> None:
    turns = (Turn("user", "call 3"), Turn("assistant", "[item_3()]", True), Turn("tool", "9"))
    item = Item("c", "1", (*turns, Turn("assistant", "the value is 9", True)))
    both = score([plain(item)], *model, bos=False)[0]
    first = by_hand(*model, "User: call 3\nAssistant:", " [item_3()]")
    second = by_hand(*model, "User: call 3\nAssistant: [item_3()]\nResult: 9\nAssistant:", " the value is 9")
    assert both.nats == pytest.approx(first + second, rel=1e-5)
    assert both.size == len(" [item_3()]") + len(" the value is 9")


def test_white_space_before_an_answer_belongs_to_the_answer(model: tuple[Any, Any]) -> None:
    one, other = score([pair("call number", " 7"), pair("call number ", "7")], *model, bos=False)
    assert one == other


def test_text_without_a_prompt_has_every_token_predicted(model: tuple[Any, Any]) -> None:
    ids, counted = encode([Segment(TEXTS[0], True)], model[1], bos=False)
    assert ids[0] == model[1].eos_token_id and counted == [False] + [True] * (len(ids) - 1)
    found = score([[Segment(TEXTS[0], True)]], *model, bos=False)[0]
    assert found.tokens == len(ids) - 1 and found.size == len(TEXTS[0].encode())


def test_long_items_lose_their_beginning_and_long_texts_go_in_windows() -> None:
    ids = list(range(100))
    answer = list(windows(0, ids, [False] * 90 + [True] * 10, 20))
    assert [list(w.ids) for w in answer] == [ids[79:]] and answer[0].counted.sum() == 10
    text = list(windows(0, ids, [False] + [True] * 99, 40))
    assert [list(w.ids) for w in text] == [ids[0:41], ids[40:81], ids[80:]]
    assert sum(int(w.counted.sum()) for w in text) == 99
    assert not list(windows(0, ids, [False] * 100, 20))


def test_chat_template_counts_what_it_adds_for_the_assistant(model: tuple[Any, Any]) -> None:
    _, tokenizer = model
    tokenizer.chat_template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    item = Item("c", "1", (Turn("user", "hello"), Turn("assistant", "f()", True), Turn("user", "and")))
    try:
        found = by_template(item, tokenizer)
    finally:
        tokenizer.chat_template = None
    assert found == [Segment("<user>hello</user><assistant>", False), Segment("f()</assistant>", True)]


def test_standard_error_falls_with_the_number_of_items(model: tuple[Any, Any]) -> None:
    scores = score([pair("call", f" {text}") for text in TEXTS], *model, bos=False)
    loss, error = per_byte(scores)
    assert loss == pytest.approx(sum(s.nats for s in scores) / sum(s.size for s in scores))
    assert per_byte(scores * 4)[1] == pytest.approx(error / 2, rel=0.05)


def test_first_accepted_value_is_the_gold_one() -> None:
    truth = [{"a.b": {"x": [1, 2], "y": ["", 3], "z": [{"k": ["v", "w"], "o": [""]}], "l": [["p", "q"]]}}]
    assert bfcl.gold_calls(truth) == "[a.b(x=1, z={'k': 'v'}, l=['p', 'q'])]"
    assert bfcl.gold_calls([{"f": {}}, {"g": {"s": ["it's"]}}]) == '[f(), g(s="it\'s")]'


def release(folder: Path) -> Path:
    """A tiny release of the leaderboard in its own layout."""
    data = folder / "bfcl_eval" / "data"
    (data / "possible_answer").mkdir(parents=True)
    (data / "multi_turn_func_doc").mkdir()
    (data.parent / "constants").mkdir()
    (data.parent / "constants" / "default_prompts.py").write_text(
        'A = """Use these: """\nDEFAULT_SYSTEM_PROMPT = (A + "{functions}")\nB = len(A)\n'
    )
    single = {"id": "simple_python_0", "question": [[{"role": "user", "content": "area?"}]]}
    lines = {
        "BFCL_v4_simple_python": {**single, "function": [{"name": "area"}]},
        "possible_answer/BFCL_v4_simple_python": {
            "id": "simple_python_0",
            "ground_truth": [{"area": {"base": [10]}}],
        },
        "BFCL_v4_multi_turn_miss_func": {
            "id": "m0",
            "question": [[{"role": "user", "content": "go"}], []],
            "involved_classes": ["MathAPI"],
            "missed_function": {"1": ["late"]},
        },
        "possible_answer/BFCL_v4_multi_turn_miss_func": {"id": "m0", "ground_truth": [[], ["late(x=1)"]]},
    }
    for name, row in lines.items():
        (data / f"{name}.json").write_text(json.dumps(row) + "\n")
    (data / "multi_turn_func_doc" / "math_api.json").write_text('{"name": "early"}\n{"name": "late"}\n')
    return data


def test_leaderboard_folder_gives_its_own_prompt_and_its_gold_calls(tmp_path: Path) -> None:
    single, several = bfcl.read_bfcl(str(release(tmp_path)))
    assert single.turns[0].text == 'Use these: [{"name": "area"}]'
    assert single.turns[-1] == Turn("assistant", "[area(base=10)]", True)
    said = [(turn.role, turn.text, turn.counted) for turn in several.turns]
    assert said == [
        ("system", 'Use these: [{"name": "early"}]', False),
        ("user", "go", False),
        ("assistant", "[]", False),
        ("user", 'Further functions:\n[{"name": "late"}]', False),
        ("assistant", "[late(x=1)]", True),
    ]


def test_every_item_of_the_real_leaderboard_has_a_gold_call(shared_data: Path) -> None:
    items = list(bfcl.read_bfcl(str(shared_data / "benchmarks" / "benchmarks_flat.jsonl.gz")))
    counts = {name: sum(item.category == name for item in items) for name in bfcl.V3}
    assert counts["simple_python"] == 400 and counts["live_multiple"] == 1053
    assert sum(counts.values()) == len(items) == 3301
    assert all(any(turn.counted and turn.text.strip("[]") for turn in item.turns) for item in items)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [("{", "line 1 is no item"), ('{"x": 1}', "line 1 is no item"), ('{"text": ""}', "nothing to count")],
)
def test_line_that_is_no_item_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "items.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=sentence):
        list(read_items(str(tmp_path / "items.jsonl")))


def test_command_measures_each_model_once_and_writes_scores(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"prompt": text, "answer": "f()", "category": f"c{n % 2}"} for n, text in enumerate(TEXTS)]
    (tmp_path / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    out = tmp_path / "scores"
    words = [f"model={folder}", f"benchmarks.own.path={tmp_path / 'items.jsonl'}", "device=cpu"]
    assert main([*words, f"output={out}"]) == 0
    scores = json.loads((out / SCORES).read_text())
    (row,) = scores["models"].values()
    groups = row["benchmarks"]["own"]
    assert groups["all"]["items"] == 40 and groups["c0"]["items"] == groups["c1"]["items"] == 20
    assert f"{groups['all']['loss']:.4f}" in (out / TABLE).read_text()
    before = (out / SCORES).stat().st_mtime_ns
    assert main([*words, f"output={out}"]) == 0
    assert (out / SCORES).stat().st_mtime_ns == before
    assert main([*words, "template=plain", "bos=true", f"output={out}"]) == 2
    assert "give another output" in capsys.readouterr().err


def test_checkpoints_of_a_run_are_measured_like_its_export(tmp_path: Path) -> None:
    data, source = write_shards(tmp_path / "shards"), write_model(tmp_path / "model")
    train(words(data, source, tmp_path / "runs" / "one"))
    found = subjects(str(tmp_path / "runs"))
    assert [(subject.name, subject.step) for subject in found] == [
        ("one step 8", 8),
        ("one step 12", 12),
        ("one", None),
    ]
    earlier, last, export = (load_model(subject, "cpu").state_dict() for subject in found)
    assert all(torch.equal(last[name], export[name]) for name in export)
    assert not all(torch.equal(earlier[name], export[name]) for name in export)
    shutil.rmtree(source)  # the checkpoint has the shape of its model
    assert load_model(found[0], "cpu").state_dict().keys() == export.keys()
    shard = next(found[0].folder.glob("*.safetensors"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    with pytest.raises(
        UserError, match=r"step_8 is a damaged checkpoint \(shard.* does not match its sha256"
    ):
        load_model(found[0], "cpu")
