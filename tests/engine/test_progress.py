"""Progress for people: lines in a log, never a reason for a run to fail."""

from __future__ import annotations

import io

from corpus.engine.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_per_interval() -> None:
    out = io.StringIO()
    with Progress("filter", interval=0, stream=out) as progress:
        progress.update(1, 2000, "tasks")
        progress.update(2000, 2000)
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("filter: 1 of 2,000 after ")
    assert lines[0].endswith(" s tasks")
    assert lines[1].startswith("filter: 2,000 of 2,000 after ")


def test_nothing_is_said_before_the_interval_is_over() -> None:
    out = io.StringIO()
    with Progress("filter", interval=3600, stream=out) as progress:
        progress.update(1, 2)
    assert out.getvalue() == ""


def test_a_terminal_gets_a_bar_and_notes_are_text_not_markup() -> None:
    out = Terminal()
    with Progress("filter", stream=out) as progress:
        progress.update(3, 7, "[/bad] [red]note")
    assert "[/bad] [red]note" in out.getvalue()
    assert "3/7" in out.getvalue()


def test_a_closed_stream_does_not_stop_the_run() -> None:
    out = io.StringIO()
    with Progress("filter", interval=0, stream=out) as progress:
        out.close()
        progress.update(1, 2)
