"""Code with what it does: name, explanation, the code."""

from __future__ import annotations

from corpus.seeds.records import CODE, Draft, distinct, fenced, paragraphs
from corpus.seeds.render import parts
from corpus.seeds.render.shapes import Code


def code(found: Code) -> Draft:
    """It is empty where there is no code, or nothing that explains it."""
    text = paragraphs(
        f"# {parts.one_line(found.name, 300)}" if found.name else "",
        found.about,
        parts.facts(found.facts),
        fenced(found.code, found.language),
    )
    whole = bool(found.code.strip() and found.about.strip())
    return Draft(found.name, text if whole else "", CODE, distinct(found.apis))
