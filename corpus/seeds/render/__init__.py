"""One renderer per kind: whatever its source, a kind reads the same.

The paper's figure 6 shows three: tool documentation, a trajectory with its environment's feedback, code. Two
more are its function calls and its plans. Adapters fill the records of `shapes` and call a renderer; they
write no text of their own. Pages that are documentation already (Markdown, manuals) are kept as they are.
"""

from corpus.seeds.render.code import code
from corpus.seeds.render.function_call import function_call
from corpus.seeds.render.plan import plan
from corpus.seeds.render.shapes import Call, Code, Event, Example, Parameter, Plan, Request, Run, Tool
from corpus.seeds.render.tool_doc import tool_doc
from corpus.seeds.render.trajectory import trajectory

__all__ = [
    "Call",
    "Code",
    "Event",
    "Example",
    "Parameter",
    "Plan",
    "Request",
    "Run",
    "Tool",
    "code",
    "function_call",
    "plan",
    "tool_doc",
    "trajectory",
]
