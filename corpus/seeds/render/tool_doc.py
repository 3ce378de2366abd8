"""Tool documentation: name, call, description, facts, parameters, further sections, examples."""

from __future__ import annotations

from corpus.seeds.records import TOOL_DOC, Draft, distinct, fenced, paragraphs
from corpus.seeds.render import parts
from corpus.seeds.render.shapes import Tool


def tool_doc(tool: Tool) -> Draft:
    """A page of reference. It is empty where nothing but a name is known."""
    body = paragraphs(
        tool.about if tool.about.strip() != tool.name else "",
        parts.facts(tool.facts),
        parts.heading("Parameters", parts.parameters(tool.parameters)),
        *[parts.heading(title, text) for title, text in tool.sections],
        *[parts.heading(one.title, fenced(one.code, one.language)) for one in tool.examples],
    )
    call = f"`{tool.call}`" if tool.call and "\n" not in tool.call and "`" not in tool.call else ""
    text = paragraphs(f"# {parts.one_line(tool.name, 300)}", call or fenced(tool.call), body)
    return Draft(tool.title or tool.name, text if body or tool.call else "", TOOL_DOC, distinct(tool.apis))
