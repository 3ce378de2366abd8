"""The review file: what a person has written is honoured, and what nobody understands is named with its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from corpus.engine.errors import UserError
from corpus.rounds.proposals import Tally
from corpus.rounds.review.file import read_review, write_review
from corpus.rounds.review.model import Asked, Entry, Example, Review, merged, plain

PAGE = Example("https://x.org/api/a?b=1#'\"", 0.98, "A: title", "- some\u00e9 'text' # here")
REVIEW = Review(
    3,
    0.91,
    (Entry("x.org/api", Tally(10, 7), (PAGE,)), Entry("y.org", Tally(20, 5), (PAGE, PAGE))),
    (Asked(replace(PAGE, url="https://z.org/")),),
)


def test_what_is_written_reads_back_and_is_written_once(tmp_path: Path) -> None:
    path = str(tmp_path / "review.yaml")
    assert read_review(path) is None and write_review(path, REVIEW)
    assert read_review(path) == REVIEW
    assert not write_review(path, REVIEW)
    assert (tmp_path / "review.yaml").read_text().startswith("# Prefixes on which")


def test_decisions_and_notes_survive_other_proposals(tmp_path: Path) -> None:
    path = tmp_path / "review.yaml"
    write_review(str(path), REVIEW)
    data = yaml.safe_load(path.read_text())
    data["prefixes"][0].update(decision="accept", note="mine")
    data["prefixes"].append({"prefix": "https://www.By-Hand.org/docs/", "decision": "reject"})
    data["sample"][0]["wanted"] = False
    path.write_text(yaml.safe_dump(data))
    other = Review(3, 0.91, (Entry("new.org", Tally(9, 9)), Entry("y.org", Tally(21, 6))))
    found = merged(read_review(str(path)), other)
    assert [(e.prefix, e.decision, e.note) for e in found.entries] == [
        ("new.org", "", ""),
        ("y.org", "", ""),
        ("x.org/api", "accept", "mine"),
        ("by-hand.org/docs", "reject", ""),
    ]
    assert found.entries[1].tally.pages == 21 and [a.wanted for a in found.sample] == ["no"]
    assert found.digest() != REVIEW.digest()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "prefixes:\n- prefix: https://a.org/\n  decision: acept\n",
            r"line 2: the decision of https://a.org/ cannot be 'acept': did you mean 'accept'",
        ),
        (
            "prefixes:\n- prefix: https://a.org/\n  decision: accept\n\n- prefix: https://b.org/\n  decision: yes\n",
            r"line 5: the decision of https://b.org/ cannot be 'True'",
        ),
        (
            "prefixes:\n- prefix: https://a.org/\n  decission: accept\n",
            r"line 2, https://a.org/: unknown key 'decission': did you mean 'decision'",
        ),
        (
            "prefixes:\n- prefix: https://a.org/x\n- prefix: https://www.a.org/x/\n",
            r"line 3: https://a.org/x/ is there twice",
        ),
        ("prefixes:\n- prefix: /etc/passwd\n", r"line 2: '/etc/passwd' is no web address"),
        ("prefixes:\n- https://a.org/\n", r"line 2: an entry of prefixes needs 'prefix'"),
        ("prefixes:\n- prefix: https://a.org/\n  pages: many\n", r"line 2: 'pages' must be a number"),
        ("prefixes: all\n", r"'prefixes' must be a list"),
        (
            "sample:\n- url: https://a.org/\n  wanted: maybe\n",
            r"line 2: wanted of https://a.org/ cannot be 'maybe'",
        ),
        ("rounds: 1\n", r"unknown key 'rounds': did you mean 'round'"),
        ("prefixes: [\n", r"not valid YAML at line 2"),
        ("- a\n", r"must hold a mapping"),
        ("prefixes: !!python/object/apply:os.system ['true']\n", r"not valid YAML at line 1"),
    ],
)
def test_what_nobody_understands_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "review.yaml").write_text(text)
    with pytest.raises(UserError, match=said) as caught:
        read_review(str(tmp_path / "review.yaml"))
    assert "review.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_text_of_pages_cannot_steer_the_editor(tmp_path: Path) -> None:
    assert plain("a\x1b[31m\x00b\u202e c\n\td\u2028e", 40) == "a[31mb c d e"
    assert plain("x" * 500, 50) == "x" * 47 + "..."
    hostile = Example("https://x.org/?a=%1b#: -", 0.5, "!!python/object", "*alias &anchor {{ }} : - #")
    review = Review(0, 0.5, (Entry("x.org", Tally(1, 1), (hostile,)),))
    path = tmp_path / "review.yaml"
    write_review(str(path), review)
    assert read_review(str(path)) == review
