"""A plan: what a sample is, what it costs, and what it says of the whole input."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from corpus.crawl.archive import Work, tools_of
from corpus.crawl.cascade import Rules
from corpus.crawl.inputs.sources import Archive, find_archives
from corpus.crawl.steps import Meter
from corpus.crawl.trial.forecast import Estimate, carried_over, describe, foretell, steps_of
from corpus.crawl.trial.planning import RUN, Run, sample
from corpus.engine.errors import DataError
from corpus.engine.inputs import InputFile
from corpus.hygiene.quality import Limits
from tests.crawl.archives import html, write


def run(archive: str, *, size: int = 1_000, pages: int = 50, seconds: float = 1.0, kept: int = 1) -> Run:
    meters = {"read": Meter(pages, pages, 0.0), "record": Meter(pages, kept, seconds)}
    return Run(archive, size, pages, kept, 0, 10 * kept, meters)


def archive(name: str, size: int) -> Archive:
    return Archive(name, InputFile(name, size, ""))


def test_the_whole_costs_what_its_bytes_would() -> None:
    runs = [run(name, seconds=s) for name in "abc" for s in (1.0, 2.0, 3.0)]
    plan = foretell(runs, [archive(name, 100_000) for name in "abcdefghij"])
    assert plan.bytes == 1_000_000
    assert plan.seconds.value == pytest.approx(2_000)
    assert plan.pages.value == pytest.approx(50_000)
    assert plan.seconds.low < 2_000 < plan.seconds.high


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    import numpy as np

    rng = np.random.default_rng(5)
    held = 0
    for _ in range(60):
        runs = [run(f"a{a}", seconds=float(rng.gamma(4, 0.25))) for a in range(8) for _ in range(10)]
        found = carried_over(runs, lambda r: r.seconds, 10_000_000)
        held += found.low <= 10_000 <= found.high
    assert held >= 48  # of 60; 95% would be 57


def test_archives_that_differ_widen_the_interval() -> None:
    alike = [run(name, seconds=s) for name in "abcd" for s in (1.0, 3.0)]
    unlike = [run(name, seconds=s) for name, s in zip("aabbccdd", (1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0))]
    first, second = (carried_over(runs, lambda r: r.seconds, 100_000) for runs in (alike, unlike))
    assert first.value == second.value
    assert second.high - second.low > first.high - first.low


def test_an_input_that_was_read_whole_is_not_estimated() -> None:
    plan = foretell([run("a", size=700), run("a", size=300)], [archive("a", 1_000)])
    assert plan.seconds == Estimate(2.0, 2.0, 2.0)
    assert " (" not in describe(plan, cores=2, price=0.04).split("cost ")[1].split("money")[0]


def test_archives_of_unknown_size_count_with_the_mean() -> None:
    plan = foretell([run("a")], [archive("a", 4_000), archive("b", -1), archive("c", 2_000)])
    assert plan.bytes == 9_000
    assert foretell([run("a"), run("b")], [archive(name, -1) for name in "abcd"]).bytes == 4_000


def test_the_text_says_what_it_rests_on() -> None:
    plan = foretell(
        [run("a", seconds=3600.0)], [archive(f"a{n}", 1_000) for n in range(10)], {"record": 0.25}
    )
    text = describe(plan, cores=4, price=0.5)
    assert "10 core-hours" in text and "2.5 hours on 4 cores" in text and "5.00 at 0.5 a core-hour" in text
    assert "sample more" in text and "nothing was written" in text
    assert any(
        line.startswith("record") and "0.2500" in line and "2.00%" in line for line in text.splitlines()
    )


def test_meters_of_runs_add_up_in_the_order_of_the_steps() -> None:
    short = Run("a", 1, 1, 0, 0, 0, {"read": Meter(1, 1, 0.1), "record": Meter(1, 0, 0.2)})
    long = Run(
        "a", 1, 1, 1, 0, 0, {"record": Meter(1, 1, 0.3), "decode": Meter(1, 1, 0.4), "read": Meter(1, 1, 0.5)}
    )
    total = steps_of([short, long])
    assert list(total) == ["read", "record", "decode", "hand over and write"]
    assert total["record"].pages_in == 2 and total["record"].pages_out == 1
    assert total["read"].seconds == pytest.approx(0.6)


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    folder = tmp_path / "crawl"
    folder.mkdir()
    for number in range(3):
        pages = [
            (f"http://s{n}.example/{number}", html(60, "api" if n % 4 == 0 else "word")) for n in range(80)
        ]
        write(folder / f"{number}.warc.gz", pages)
    return folder


def tools_for(tmp_path: Path):
    rules = Rules(0.5, quality=Limits(min_words=0, min_substance=0))
    work = Work(str(tmp_path / "out"), "x", rules, str(tmp_path), "tests.crawl.planning_scorer:load", "x")
    return tools_of(work)


def test_a_sample_is_the_same_each_time_and_writes_nothing(crawl: Path, tmp_path: Path) -> None:
    before = sorted(os.listdir(tmp_path))
    archives = find_archives([str(crawl)])
    with (tools := tools_for(tmp_path)).sandbox:
        first = sample(archives, tools, of=2, records=60, page_bytes=1 << 20)
        again = sample(list(reversed(archives)), tools, of=2, records=60, page_bytes=1 << 20)
        every = sample(archives, tools, of=9, records=900, page_bytes=1 << 20)
    told = [(r.archive, r.bytes, r.pages, r.kept, r.failed, r.output) for r in first]
    assert told == [(r.archive, r.bytes, r.pages, r.kept, r.failed, r.output) for r in again]
    assert [r.pages for r in first] == [RUN, 60 - RUN] * 2
    assert sum(r.bytes for r in every) == sum(os.path.getsize(crawl / f"{n}.warc.gz") for n in range(3))
    assert (sum(r.pages for r in every), sum(r.kept for r in every)) == (240, 60)
    meters = steps_of(every)
    assert meters["light_score"].pages_in == 240 and meters["extraction"].pages_in == 60
    assert all(meter.seconds > 0 for name, meter in meters.items() if name in ("read", "light_text"))
    assert sorted(os.listdir(tmp_path)) == before


def test_archives_without_responses_foretell_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(b"")
    with (tools := tools_for(tmp_path)).sandbox, pytest.raises(DataError, match="no response record"):
        sample(find_archives([str(tmp_path / "a.warc")]), tools, of=1, records=10, page_bytes=1 << 20)
