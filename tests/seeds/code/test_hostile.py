"""Files made to break a scanner cost bounded time, and are rejected or pass; none of them ends the process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.seeds.code.adapter import render
from corpus.seeds.code.entries import MOST_CHARACTERS
from corpus.seeds.convert import convert
from corpus.seeds.records import Item, Malformed, Origin

N = 40_000
HOSTILE = {
    "quotes.js": '"\\"' * N,
    "templates.js": "`" + "\\`" * N,
    "raw.cpp": 'R"(' * N,
    "raw.rs": 'r#"' * N,
    "regex.js": ",/[" * N,
    "braces.js": "{" * N,
    "closing.js": "}" * N,
    "brackets.c": "(" * N,
    "initialisers.cpp": "a() : x" + "{}," * N,
    "pre.java": "/** " + "<pre>" * N + " */ class A {}",
    "code.c": "/** " + "\\code " * N + " */ int a();",
    "types.js": "/** @param " + "{" * N + "*/ function f(){}",
    "annotations.java": "@A(" * N,
    "templates.cpp": "/** dd */ template <" * N,
    "nested.py": "x = (" + "(" * N,
    "chain.py": "x = (a\n" + ".b\n" * N + ")",
    "sum.py": "x = (1\n" + "+1\n" * N + ")",
    "not.py": "x = (" + "not\n" * N + "a)",
    "elif.py": "if a:\n pass\n" + "elif a:\n pass\n" * N,
    "nul.py": "x = 1\0",
    "cut.py": "def f(",
    "two.py": "print 'of another age'",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_or_rejected(name: str) -> None:
    (first, *_) = convert(Item(Origin("s", "", None, name), 0, HOSTILE[name]))
    assert first.reason in ("", "empty", "malformed", "too_long")


def test_no_hostile_file_ends_the_process_or_takes_its_time() -> None:
    program = (
        "from tests.seeds.code.test_hostile import HOSTILE, convert, Item, Origin\n"
        "for name, text in HOSTILE.items(): list(convert(Item(Origin('s', '', None, name), 0, text)))\n"
        "print('done')"
    )
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert made.stdout.strip() == "done", made.stderr[-500:]


def test_a_giant_file_is_not_parsed() -> None:
    for name in ("big.py", "big.js"):
        with pytest.raises(Malformed, match="more than"):
            list(render(name, "x = 1\n" * (MOST_CHARACTERS // 6 + 1)))


PIECES = st.sampled_from(
    ["/** doc of it here */", "/// doc of it here\n", "// x\n", "{", "}", "(", ")", ";", ",", "\n", '"', "'", "`", "class A",
     "fn f", "func F", "int f", "=", "=>", "<", ">", ":", "@A", "#define X", "pub ", "impl B for C", "/", "\\", "*/", "é"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(PIECES, max_size=40), st.sampled_from(["a.js", "a.ts", "a.go", "a.java", "a.rs", "a.c", "a.cpp"])
)
def test_any_sequence_of_pieces_is_read(pieces: list[str], name: str) -> None:
    for draft in render(name, " ".join(pieces)):
        assert draft.text and draft.kind == "tool_doc"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_no_reason_to_fail(text: str) -> None:
    for name in ("a.py", "a.js", "a.rs"):
        assert list(convert(Item(Origin("s", "", None, name), 0, text)))
