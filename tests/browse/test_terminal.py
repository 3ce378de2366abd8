from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from corpus.browse.terminal import Paper, as_json, one_line, safe

HOSTILE = "\x1b[2J\x1b]0;title\x07\x9b31m\x7f\u202etxt.exe\u2066\ud800\r\x08"


def test_no_control_character_of_the_data_reaches_the_terminal() -> None:
    shown = safe(HOSTILE)
    assert shown.isprintable()
    assert shown.startswith("\\x1b[2J\\x1b]0;title\\x07\\x9b31m\\x7f\\u202etxt.exe")


def test_lines_stay_lines_in_texts_and_become_escapes_in_one_line() -> None:
    assert safe("a\r\nb\tc\n") == "a\nb\tc\n"
    assert one_line("a\nb\tc") == "a\\nb\\tc"
    assert one_line(None) == "-" and one_line(b"\x00\x01") == "0001 (2 bytes)"


@given(st.text())
def test_json_is_valid_means_the_same_and_holds_no_controls(text: str) -> None:
    line = as_json({"text": text + HOSTILE})
    assert json.loads(line)["text"] == text + HOSTILE
    assert not [char for char in line if ord(char) < 32 or 127 <= ord(char) < 160 or char in "\u202e\u2066"]


@given(st.text(min_size=1), st.integers(40, 120))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    paper = Paper(io.StringIO(), width=width, colour=False)
    for line in paper.entry("name", text):
        assert cell_len(line) <= width and "\x1b" not in line


def test_wide_characters_are_counted_as_two_columns() -> None:
    paper = Paper(io.StringIO(), width=40, colour=False)
    lines = paper.entry("text", "文" * 100)
    assert max(cell_len(line) for line in lines) <= 40
    assert "".join(line.strip() for line in lines).removeprefix("text").strip() == "文" * 100


def test_code_keeps_its_lines_and_indents() -> None:
    lines = Paper(io.StringIO(), width=60, colour=False).entry("text", "def f():\n    return 1\n")
    assert lines[1:3] == ["    def f():", "        return 1"]


def test_colours_are_for_terminals_alone() -> None:
    assert "\x1b" not in Paper(io.StringIO()).styled("x", "red")
    assert Paper(io.StringIO(), colour=True).styled("x", "red") == "\x1b[31mx\x1b[0m"


def test_long_values_are_cut_and_say_how_long_they_are() -> None:
    lines = Paper(io.StringIO(), width=80, colour=False).entry("text", "word " * 1000, 100)
    assert "(5,000 characters)" in " ".join(" ".join(lines).split()) and len(lines) < 5
