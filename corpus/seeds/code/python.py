"""Python by its own parser: signatures and docstrings of modules, classes and functions."""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator

from corpus.seeds.code.comments import docstring, is_licence
from corpus.seeds.code.entries import MOST_CODE, MOST_SIGNATURE, Doc, Entry, Module, require_size
from corpus.seeds.records import Malformed

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_MOST_CHAIN = 4_000  # operators, dots and calls one after the other: each is a level of the tree
_MOST_CLASSES = 4  # within one another
_CHAINING = ".+-*/%&|^@([{<>"
_TOKENS = re.compile(
    r"#[^\n]*|(?P<triple>\'\'\'|\"\"\")(?:\\.|(?!(?P=triple)).)*(?P=triple)|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
    r"|[-.+*/%&|^@<>()\[\]{},;:=\n]|\b(?:and|or)\b",
    re.DOTALL,
)
_ROOTS = frozenset({"src", "lib", "site-packages", "dist-packages", "python"})
_PACKAGE = re.compile(r"python\d(?:\.\d+)?|py\d*")


def scan(path: str, text: str) -> Module:
    """Raises Malformed for what is no Python 3, or nests too deep to be parsed in bounded memory."""
    require_size(text)
    _require_shallow(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in other people's strings
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Malformed(f"no Python 3: {str(error).splitlines()[0] if str(error) else 'too deep'}") from error
    said = _said(tree)
    module = Module("python", module_name(path), said if not is_licence(said.about[:300]) else Doc())
    lines = text.splitlines()
    for entry in _declared(tree, "", 0, lines):
        (module.entries if entry.doc else module.undocumented).append(entry)
    return module


def module_name(path: str) -> str:
    """The dotted name by which a file is imported, as far as its path tells: from the last folder that holds
    packages on, as long as the parts are names."""
    parts = path.replace("\\", "/").removesuffix(".gz").removesuffix(".pyi").removesuffix(".py").split("/")
    roots = [n for n, part in enumerate(parts[:-1]) if part in _ROOTS or _PACKAGE.fullmatch(part)]
    kept: list[str] = []
    for part in reversed(parts[roots[-1] + 1 :] if roots else parts):
        if not part.isidentifier():
            break
        kept.insert(0, part)
    return ".".join(kept[:-1] if len(kept) > 1 and kept[-1] == "__init__" else kept)


def _require_shallow(text: str) -> None:
    """Raise Malformed where an expression chains without end: Python 3.10 turns its tree into objects by
    recursion in C, without a limit, and dies of it. All versions limit nested brackets themselves."""
    if sum(text.count(char) for char in _CHAINING) <= _MOST_CHAIN:
        return
    chains = [0]
    for found in _TOKENS.finditer(text):
        sign = found[0]
        if sign in ("(", "[", "{"):
            chains.append(0)
        elif sign in (")", "]", "}"):
            if len(chains) > 1:
                chains.pop()
            chains[-1] += 1
        elif sign in (",", ";", ":", "=") or (sign == "\n" and len(chains) == 1):
            chains[-1] = 0
        elif sign != "\n" and sign[0] not in "#'\"":
            chains[-1] += 1
        if chains[-1] > _MOST_CHAIN:
            raise Malformed(f"an expression of more than {_MOST_CHAIN:,} operations")


def _declared(node: ast.AST, prefix: str, level: int, lines: list[str]) -> Iterator[Entry]:
    """Public classes and functions in their order; those under `if` and `try` count as well."""
    waiting = [iter(getattr(node, "body", []))]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
        elif isinstance(child, (ast.If, ast.Try, ast.With)):
            waiting.append(iter([*child.body, *getattr(child, "orelse", [])]))
        elif isinstance(child, _Function) and _public(child.name):
            yield _function(child, prefix, level, lines)
        elif isinstance(child, ast.ClassDef) and _public(child.name) and level < _MOST_CLASSES:
            yield _class(child, prefix, level)
            yield from _declared(child, f"{prefix}{child.name}.", level + 1, lines)


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str, level: int, lines: list[str]
) -> Entry:
    doc, word = _said(node), "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    source = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    kind = "method" if level else "function"
    head = f"{word} {node.name}{_arguments(node)}"
    code = "" if doc else source[:MOST_CODE]
    return Entry(f"{prefix}{node.name}", kind, head[:MOST_SIGNATURE], doc, level, node.lineno, code)


def _class(node: ast.ClassDef, prefix: str, level: int) -> Entry:
    """A class with the arguments of its constructor, and what that says if the class says nothing."""
    made = next((n for n in node.body if isinstance(n, _Function) and n.name == "__init__"), None)
    doc = _said(node)
    if made is not None:
        own = _said(made)
        parameters = doc.parameters or own.parameters
        doc = Doc(doc.about or own.about, parameters, (*doc.sections, *own.sections), doc.examples)
    bases = ", ".join(filter(None, (_written(base) for base in node.bases)))
    head = f"class {node.name}({bases})" if bases else f"class {node.name}"
    if made is not None:
        head += f"\n\n{node.name}{_arguments(made, skip_first=True)}"
    return Entry(f"{prefix}{node.name}", "class", head[:MOST_SIGNATURE], doc, level, node.lineno)


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef, *, skip_first: bool = False) -> str:
    arguments = node.args
    if skip_first:
        positional = [*arguments.posonlyargs, *arguments.args][1:]
        defaults = arguments.defaults[-len(positional) :] if positional else []
        arguments = ast.arguments(
            [],
            positional,
            arguments.vararg,
            arguments.kwonlyargs,
            arguments.kw_defaults,
            arguments.kwarg,
            defaults,
        )
    shown = _written(arguments)
    returns = _written(node.returns) if node.returns is not None and not skip_first else ""
    return f"({shown})" + (f" -> {returns}" if returns else "")


def _written(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return "..."


def _said(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Doc:
    text = ast.get_docstring(node, clean=False)
    return docstring(inspect.cleandoc(text)) if text else Doc()


def _public(name: str) -> bool:
    return not name.startswith(("_", "test_"))
