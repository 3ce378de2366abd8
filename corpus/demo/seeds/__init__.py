"""The demo's seeds: examples of agent data in the formats that public collections use, all written for it.

The files lie beside this module; `write_seeds` copies them and adds reference pages of standard library
modules that the crawl does not use.
"""

from __future__ import annotations

import re
from pathlib import Path

from corpus.demo.doc import Block, Distinct, Doc, plain_text
from corpus.demo.stdlib import SEED_MODULES, module_documents

_HERE = Path(__file__).parent
FORMATS = ("openapi", "apibench", "trajectories", "tldr")
_STDLIB = "stdlib"


def write_seeds(folder: Path) -> list[Path]:
    """Write all seeds into `folder`, one sub-folder per format, and return the files in order."""
    written: list[Path] = []
    for name in FORMATS:
        for source in sorted((_HERE / name).iterdir()):
            written.append(_put(folder / name / source.name, source.read_text(encoding="utf-8")))
    distinct = Distinct(0.5)
    for module in SEED_MODULES:
        for doc in module_documents(module, group_words=112):
            if distinct.add(plain_text(doc)):
                name = re.sub(r"[^A-Za-z0-9]+", "-", doc.title).strip("-")[:60]
                written.append(_put(folder / _STDLIB / f"{name}.md", markdown(doc)))
    for name in (*FORMATS, _STDLIB):
        origin = ("python-stdlib", "PSF-2.0") if name == _STDLIB else (f"demo-{name}", "Apache-2.0")
        sidecar = "source: {}\nlicence: {}\n".format(*origin)
        written.append(_put(folder / name / "SOURCE.yaml", sidecar))
    return sorted(written)


def markdown(doc: Doc) -> str:
    """A document as Markdown: signatures and code fenced, parameters as a table."""
    return "\n\n".join([f"# {doc.title}", *(_block(block) for block in doc.blocks)]) + "\n"


def _block(block: Block) -> str:
    frames = {"h": "## {}", "sig": "### `{}`", "code": "```\n{}\n```", "quote": "> {}"}
    if block.kind in frames:
        return frames[block.kind].format(block.text)
    if block.kind == "params":
        width = max(len(row) for row in block.rows)
        rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in block.rows]
        return "\n".join([rows[0], "|" + " --- |" * width, *rows[1:]])
    if block.kind in ("list", "steps"):
        return "\n".join(f"- {' '.join(row)}" for row in block.rows)
    return block.text


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
