"""Counts of a run are sums over all candidates, and people can read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from corpus.seeds.summary import Group, facts, table
from corpus.seeds.tokens import ESTIMATE, counter, rule

GROUPS = [
    Group("zoo", "tool_doc", "MIT", "", "", 3, 300, 90),
    Group("zoo", "plan", "", "", "", 1, 40, 10),
    Group("zoo", "text", "MIT", "malformed", "KeyError", 2, 0, 0),
    Group("aviary", "tool_doc", "CC0-1.0", "", "", 5, 500, 100),
    Group("aviary", "tool_doc", "CC0-1.0", "duplicate", "", 4, 400, 80),
]


def test_seeds_tokens_and_rejections_are_counted_by_source_kind_and_licence() -> None:
    found = facts(GROUPS, {"zoo": 2, "aviary": 3}, 4, ESTIMATE)
    assert list(found["sources"]) == ["aviary", "zoo"]
    assert found["sources"]["zoo"] == {
        "kept": 4,
        "characters": 340,
        "tokens": 100,
        "apis": 2,
        "kinds": {"plan": 1, "tool_doc": 3},
        "licences": ["MIT", "none stated"],
        "not_kept": {"malformed": 2},
    }
    assert found["kinds"] == {"plan": {"seeds": 1, "tokens": 10}, "tool_doc": {"seeds": 8, "tokens": 190}}
    assert found["licences"]["none stated"] == {"seeds": 1, "tokens": 10}
    assert (found["tokens"], found["apis"], found["errors"]) == (200, 4, {"KeyError": 2})
    assert found == facts(reversed(GROUPS), {"zoo": 2, "aviary": 3}, 4, ESTIMATE)


def test_the_table_shows_a_line_per_source_and_names_the_rule_of_the_tokens() -> None:
    lines = table(facts(GROUPS, {"zoo": 2, "aviary": 3}, 4, ESTIMATE)).splitlines()
    columns = {line.split("  ")[0]: " ".join(line.split()) for line in lines}
    assert columns["aviary"] == "aviary 5 100 3 tool_doc 5 CC0-1.0 duplicate 4"
    assert columns["zoo"] == "zoo 4 100 2 tool_doc 3, plan 1 MIT, none stated malformed 2"
    assert columns["all"] == "all 9 200 4" and lines[-1] == "tokens counted by estimate: UTF-8 bytes / 4"


def test_tokens_are_counted_by_the_named_tokenizer_and_estimated_without_one(tmp_path: Path) -> None:
    words = {"wren": 0, "owl": 1, "[UNK]": 2}
    model = {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"}
    tokenizer = {
        "version": "1.0",
        "pre_tokenizer": {"type": "Whitespace"},
        "model": model,
        "added_tokens": [],
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    for given in (str(tmp_path), str(tmp_path / "tokenizer.json")):
        assert counter(given)("wren owl wren stork") == 4 and rule(given) == f"tokenizer: {given}"
    assert counter(None)("wren") == 1 and counter(None)("\u9e5f" * 3) == 3 and rule(None) == ESTIMATE


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_a_tokenizer_that_is_none_is_one_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(UserError, match="tokenizer"):
        counter(str(tmp_path))
