"""Sources of seeds: what becomes a link, and where format and link come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.report.markup import link
from corpus.report.measure.seeds import link_of, numbers
from corpus.report.workspace import open_workspace
from tests.report import synthetic


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("github:ShishirPatil/gorilla", "https://github.com/ShishirPatil/gorilla"),
        ("hub:apipack/API-Pack-Dataset", "https://huggingface.co/datasets/apipack/API-Pack-Dataset"),
        ("https://docs.example.org/a/b", "https://docs.example.org/a/b"),
        ("by hand: somewhere", None),
        ("javascript:alert(1)", None),
        ("JAVASCRIPT:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
        ("http://plain.example/", None),
        ('https://x.example/"onmouseover="alert(1)', None),
        ("https://x.example/\njavascript:alert(1)", None),
        ("github:../../etc/passwd", None),
    ],
)
def test_only_harmless_addresses_become_links(location: str, address: str | None) -> None:
    assert link_of(location) == address
    shown = link(location)
    assert ("<a " in shown) == location.startswith("https://docs") and "<script" not in shown


def test_format_and_link_come_from_the_registry_else_from_the_source(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    registry = tmp_path / "sources.yaml"
    registry.write_text("sources:\n  tldr: {location: 'github:tldr-pages/tldr', format: Markdown}\n")
    rows = {row["source"]: row for row in numbers(open_workspace(str(tmp_path)), str(registry))["by_source"]}
    assert (rows["tldr"]["format"], rows["tldr"]["link"]) == (
        "Markdown",
        "https://github.com/tldr-pages/tldr",
    )
    assert (rows["ReAct"]["format"], rows["ReAct"]["link"]) == ("unknown", None)


def test_without_a_registry_sources_are_shown_all_the_same(tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    assert len(numbers(open_workspace(str(tmp_path)), str(tmp_path / "gone.yaml"))["by_source"]) == 5
