"""Real API reference from the standard library of the running Python: signatures and docstrings as documents.

The modules of the crawl and those of the seeds share no member, so that a classifier trained on the seeds has
not seen the pages it is measured on.
"""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from corpus.demo.doc import Block, Doc, plain_text, words
from corpus.demo.prose import load_yaml

CRAWL_MODULES: tuple[str, ...] = tuple(load_yaml("modules")["crawl"])
SEED_MODULES: tuple[str, ...] = tuple(load_yaml("modules")["seeds"])
# Words per page: shorter ones are stubs that a filter may rightly drop, longer ones make the demo slow.
LEAST_WORDS, MOST_WORDS = 110, 900
# What may differ from run to run: addresses, sets in hash order, paths of this machine.
_UNSTABLE = re.compile(r"0x[0-9a-fA-F]{6,}|frozenset\(|=\{'|/(?:usr|home|tmp|opt|root)/\S*")


def load(name: str) -> ModuleType | None:
    """The module, or None where this Python does not have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return importlib.import_module(name)
        except ImportError:
            return None


def docstring_blocks(text: str) -> list[Block]:
    """A docstring as paragraphs, lists and code: indented paragraphs and doctests are code."""
    blocks: list[Block] = []
    for part in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        lines = part.splitlines()
        if not part.strip():
            continue
        drawn = sum(bool(re.search(r"\S {3,}\S", line)) for line in lines) > 1  # columns, set with spaces
        if drawn or part.lstrip().startswith(">>>") or all(line.startswith("    ") for line in lines):
            blocks.append(Block("code", inspect.cleandoc(part)))
        elif all(re.match(r"\s*[-*] ", line) for line in lines):
            blocks.append(Block("list", rows=tuple((line.strip("-* "),) for line in lines)))
        else:
            blocks.append(Block("p", " ".join(line.strip() for line in lines)))
    return blocks


def signature(member: Any) -> inspect.Signature | None:
    """The signature, or None where there is none or where its text is not the same in each run."""
    try:
        found = inspect.signature(member)
    except (TypeError, ValueError):
        return None
    return None if _UNSTABLE.search(str(found)) else found


def member_blocks(qualified: str, member: Any) -> list[Block]:
    """Signature, docstring and a table of the parameters of one function, method or class."""
    doc, found = _own_doc(member), signature(member)
    if not doc:
        return []
    blocks = [Block("sig", qualified + (str(found) if found else "()"))]
    blocks += docstring_blocks(doc)
    rows = (
        [_parameter_row(p) for p in found.parameters.values() if p.name not in ("self", "cls")]
        if found
        else []
    )
    return blocks + ([Block("params", rows=tuple(rows))] if len(rows) > 1 else [])


def module_documents(name: str, *, group_words: int = 260) -> Iterator[Doc]:
    """Reference pages of one module, in a fixed order: its classes, then its functions in groups.

    A group ends once it has more than `group_words` words. Yields nothing where this Python lacks the module.
    """
    module = load(name)
    if module is None:
        return
    members = _public(module, name)
    functions: list[Block] = []
    for label, member in members:
        if inspect.isclass(member):
            yield from _finish(f"class {name}.{label}", _class_blocks(name, label, member))
        else:
            functions += member_blocks(f"{name}.{label}", member)
            if _count(functions) > group_words:
                yield from _finish(_group_title(name, functions), functions)
                functions = []
    about = docstring_blocks(inspect.getdoc(module) or "")
    yield from _finish(f"{name} module reference", [*_cut(about, 400), *_cut(functions, 500)])


def _class_blocks(name: str, label: str, member: type) -> list[Block]:
    blocks = member_blocks(f"{name}.{label}", member)
    methods: list[Block] = []
    for key in sorted(vars(member)):
        value = inspect.getattr_static(member, key)
        value = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
        if not key.startswith("_") and callable(value):
            methods += member_blocks(f"{label}.{key}", value)
    return blocks + ([Block("h", "Methods"), *methods] if methods else [])


def _finish(title: str, blocks: list[Block]) -> Iterator[Doc]:
    blocks = _cut(blocks, MOST_WORDS)
    doc = Doc(title, tuple(blocks), "api-reference")
    if len(words(plain_text(doc))) >= LEAST_WORDS and not _UNSTABLE.search(plain_text(doc)):
        yield doc


def _cut(blocks: list[Block], most: int) -> list[Block]:
    kept: list[Block] = []
    for block in blocks:
        if kept and _count([*kept, block]) > most:
            break
        kept.append(block)
    return kept


def _count(blocks: list[Block]) -> int:
    return len(words(plain_text(Doc("", tuple(blocks), ""))))


def _group_title(name: str, blocks: list[Block]) -> str:
    names = [block.text.split("(")[0].rsplit(".", 1)[-1] for block in blocks if block.kind == "sig"]
    return f"{name}: {', '.join(names[:4])}"


def _public(module: ModuleType, name: str) -> list[tuple[str, Callable[..., Any]]]:
    listed = getattr(module, "__all__", None)
    names = sorted(listed if listed else [key for key in vars(module) if not key.startswith("_")])
    found = [(key, getattr(module, key, None)) for key in names]
    return [(key, value) for key, value in found if callable(value) and _belongs(value, module, name)]


def _belongs(value: Any, module: ModuleType, name: str) -> bool:
    # C accelerators call themselves _name; what is merely imported from elsewhere has its page there.
    home = str(getattr(value, "__module__", None) or "").lstrip("_")
    return home in (module.__name__.lstrip("_"), name.lstrip("_"))


def _own_doc(member: Any) -> str:
    doc = member.__dict__.get("__doc__") if inspect.isclass(member) else getattr(member, "__doc__", None)
    return doc if isinstance(doc, str) and doc.strip() else ""


def _parameter_row(parameter: inspect.Parameter) -> tuple[str, ...]:
    default = "required" if parameter.default is parameter.empty else repr(parameter.default)
    stars = "*" * (1 + (parameter.kind is parameter.VAR_KEYWORD))
    stars = stars if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) else ""
    return (stars + parameter.name, parameter.kind.description, "optional" if stars else default)
