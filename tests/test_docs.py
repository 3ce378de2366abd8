"""What the documentation promises about files and commands is held to the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpus.engine.tables import dictionary


def test_table_dictionary_is_made_from_the_declared_schemas(repository: Path) -> None:
    assert (repository / "docs" / "tables.md").read_text(encoding="utf-8") == dictionary.markdown()


DOCUMENTS = [
    "README.md",
    *(f"docs/{path.name}" for path in sorted(Path(__file__).parents[1].glob("docs/*.md"))),
]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_exist(repository: Path, name: str) -> None:
    text = (repository / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:jobs|training|conf|corpus|tests|docs)/[\w/.-]+\.(?:py|yaml|md)\b", text))
    missing = sorted(path for path in named if not (repository / path).exists())
    assert not missing


def test_make_targets_of_the_readme_exist(repository: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z-]+)", (repository / "README.md").read_text())) <= targets


def test_relative_links_lead_somewhere(repository: Path) -> None:
    for page in [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
