"""Promises of the configuration: what is given wins, what is wrong is named, what is printed can be read again."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import yaml

from corpus.engine.config import build, describe_keys, load_yaml, to_dict, to_yaml
from corpus.engine.errors import UserError
from corpus.engine.overrides import with_overrides
from tests.engine.jobs_for_tests import Limits, SmallConfig, Source


def made(*words: str, file: dict[str, object] | None = None) -> SmallConfig:
    return build(SmallConfig, with_overrides({"output": "out", **(file or {})}, words))


def test_a_word_of_the_command_line_wins_over_the_file_and_the_file_over_the_default() -> None:
    file = {"count": 5, "threshold": 0.25, "limits": {"pages": 7, "label": "f"}}
    config = made("count=6", "limits.pages=8", file=file)
    assert (config.count, config.threshold, config.mode) == (6, 0.25, "run")
    assert config.limits == Limits(pages=8, label="f")


def test_overrides_leave_the_given_data_as_it_was() -> None:
    data = {"limits": {"pages": 7}}
    with_overrides(data, ["limits.pages=8"])
    assert data == {"limits": {"pages": 7}}


def test_a_config_cannot_be_changed_behind_the_fingerprint() -> None:
    with pytest.raises(FrozenInstanceError):
        made().count = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["treshold=0.5"], "unknown key 'treshold' in the command line: did you mean 'threshold'?"),
        (["limits.page=3"], "unknown key 'limits.page' in the command line: did you mean 'pages'?"),
        (
            ["input.a=x", "input.a.wieght=2"],
            "unknown key 'input.a.wieght' in the command line: did you mean 'weight'?",
        ),
        (["zzzz=1"], "valid are: begin, count,"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest_one(words: list[str], hint: str) -> None:
    with pytest.raises(UserError) as caught:
        made(*words)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "words",
    list(itertools.permutations(["input.a=p,q", "input.a.weight=2", "input.b.path=r"])),
)
def test_a_nested_value_and_its_keys_may_come_in_any_order(words: tuple[str, ...]) -> None:
    assert made(*words).input == {"a": Source(path=("p", "q"), weight=2.0), "b": Source(path=("r",))}


def test_a_mapping_in_braces_takes_dotted_keys_beside_it() -> None:
    config = made("input.a.weight=3", "input.a={path: [p], weight: 2}")
    assert config.input == {"a": Source(path=("p",), weight=3.0)}


def test_the_short_form_works_from_a_file_and_takes_dotted_keys_from_the_command_line() -> None:
    config = made("input.a.weight=4", file={"input": {"a": "p"}})
    assert config.input == {"a": Source(path=("p",), weight=4.0)}


@pytest.mark.parametrize(
    "words", [["words=a,b"], ["words=a", "words=b"], ["words=[a, b]"], ["words= a , b "]]
)
def test_a_list_may_be_commas_repeats_or_yaml(words: list[str]) -> None:
    assert made(*words).words == ("a", "b")


def test_one_value_stands_for_a_list_of_one() -> None:
    assert made("words=a").words == ("a",)
    assert made(file={"words": "a"}).words == ("a",)
    assert made(file={"words": 7}).words == ("7",)


def test_braces_and_brackets_of_globs_are_not_parted() -> None:
    assert made("words=a{1,2}.gz,b[3,4].gz").words == ("a{1,2}.gz", "b[3,4].gz")
    assert made("words=[ab]*.gz").words == ("[ab]*.gz",)


def test_commas_inside_the_items_of_a_list_are_kept() -> None:
    assert made(file={"words": ["a,b", "c"]}).words == ("a,b", "c")


def test_a_mapping_may_be_dotted_or_in_braces() -> None:
    assert made("shares.a=1", "shares.b=2.5").shares == {"a": 1.0, "b": 2.5}
    assert made("shares={a: 1, b: 2.5}").shares == {"a": 1.0, "b": 2.5}


@pytest.mark.parametrize("text", ["null", "none", "None", ""])
def test_null_takes_an_optional_value_away(text: str) -> None:
    assert made(f"note={text}", file={"note": "there"}).note is None


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("yes", True), ("1", True), ("off", False), ("No", False)]
)
def test_truth_has_its_usual_words(text: str, value: bool) -> None:
    assert made(f"fast={text}").fast is value


def test_a_value_may_hold_an_equals_sign() -> None:
    assert made("note=a=b").note == "a=b"


def test_numbers_may_have_underscores_and_exponents() -> None:
    assert made("count=1_000", "threshold=1e-3").count == 1000
    assert made("threshold=1e-3").threshold == 0.001


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["threshold=1.5"], "'threshold' is 1.5, outside its bounds (at least 0; at most 1)."),
        (["threshold=nan"], "'threshold' is nan, outside its bounds (at least 0; at most 1)."),
        (["count=0"], "'count' is 0, outside its bounds (at least 1)."),
        (["count=2.5"], "'count' takes a whole number, not '2.5'."),
        (["count=true"], "'count' takes a whole number, not 'true'."),
        (["count=1", "count=2"], "'count' takes one whole number, not ['1', '2']."),
        (["fast=perhaps"], "'fast' takes a true or false, not 'perhaps'."),
        (["mode=runn"], "'mode' cannot be 'runn': did you mean 'run'?"),
        (["kinds=code,txt"], "'kinds' cannot be 'txt': did you mean 'text'?"),
        (
            ["input.a.path=p", "input.a.weight=-1"],
            "'input.a.weight' is -1.0, outside its bounds (at least 0).",
        ),
        (["input.a.weight=1"], "the key 'input.a.path' is missing: where it lies; give input.a.path=..."),
        (["shares=3"], "'shares' must be a mapping of names to values, not '3'."),
        (["limits=3"], "'limits' in the command line must be a mapping of keys to values, not 3."),
        (["count"], "'count' is not key=value; see --help for the keys."),
        (["=3"], "'=3' is not key=value; see --help for the keys."),
    ],
)
def test_a_wrong_value_is_one_sentence_with_the_key(words: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        made(*words)
    assert str(caught.value) == sentence


def test_a_missing_required_key_is_named_with_its_help() -> None:
    with pytest.raises(UserError, match=r"the key 'output' is missing: folder that .*; give output="):
        build(SmallConfig, {})


def test_a_word_that_yaml_reads_as_truth_is_not_guessed_back() -> None:
    with pytest.raises(
        UserError, match=r"'words' takes a text, and YAML reads this one as False; put it in quotes"
    ):
        made(file=yaml.safe_load("words: [en, no]"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a: [1", "is not valid YAML at line 1: "),
        (b"- a\n- b\n", "must hold a mapping of keys to values, not a list."),
        (b"a: \xff\xfe", "is not UTF-8 text: "),
        (
            b"a: !!python/object/apply:os.getcwd []",
            "is not valid YAML at line 1: could not determine a constructor",
        ),
    ],
)
def test_a_bad_config_file_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_yaml(str(file))
    assert str(file) in str(caught.value)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the config file .*none\.yaml: No such file"):
        load_yaml(str(tmp_path / "none.yaml"))


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("# nothing\n")
    assert load_yaml(str(tmp_path / "c.yaml")) == {}


def test_the_printed_config_reads_back_as_the_same_config(tmp_path: Path) -> None:
    config = made(
        "words=[\"a,b\", 'no', '7', 'null', 'x: y # z', 'é']",
        "input.a=p,q",
        "input.a.weight=2",
        "shares.k=0.1",
        "note=12",
        "limits.label=yes",
    )
    assert config.words == ("a,b", "no", "7", "null", "x: y # z", "é")
    (tmp_path / "c.yaml").write_text(to_yaml(config), encoding="utf-8")
    assert build(SmallConfig, load_yaml(str(tmp_path / "c.yaml"))) == config


def test_volatile_keys_stay_out_of_what_decides_the_result() -> None:
    one, other = made(), made("output=elsewhere", "master=local[1]", "max_failed_fraction=1")
    assert to_dict(one) != to_dict(other)
    assert to_dict(one, with_volatile=False) == to_dict(other, with_volatile=False)
    assert to_dict(one, with_volatile=False) != to_dict(made("count=4"), with_volatile=False)


def test_every_key_is_described_with_type_bounds_and_default() -> None:
    keys = {key: (kind, text) for key, kind, text in describe_keys(SmallConfig)}
    assert keys["threshold"] == ("number, default 0.5 (at least 0; at most 1)", "a share")
    assert keys["output"][0] == "text, required"
    assert keys["note"][0] == "text or null, default none"
    assert keys["begin"] == ("text or null, default none", "stage to begin with (--from)")
    assert keys["limits.pages"][0] == "whole number, default 10 (at least 1)"
    assert keys["input.NAME.weight"][0] == "number, default 1.0 (at least 0)"
    assert "limits" not in keys
