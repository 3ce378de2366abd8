"""A module as a page of documentation, as a reference on the web has it; large ones as several."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.seeds.code.entries import Doc, Entry, Module
from corpus.seeds.records import TOOL_DOC, Draft, distinct, fenced, first_line, paragraphs
from corpus.seeds.render import Code, code, parts

PAGE = 16_000  # characters after which a page ends with its entry
_HEADINGS = 60  # characters of headings and fences around an entry, about
_LEAST_ABOUT = 30  # characters of documentation, all together, that make a page
_FENCE = {"cpp": "cpp", "c": "c"}


def drafts(module: Module, path: str) -> Iterator[Draft]:
    """Pages of the documented entries, or of a module that says only what it is for itself."""
    if sum(_weight(entry.doc) for entry in module.entries) + _weight(module.doc) < _LEAST_ABOUT:
        return
    if not module.entries:
        if module.doc.about:
            title = _title(module, path)
            yield Draft(title, paragraphs(f"# {title}", body(module.doc, module.language)), TOOL_DOC)
        return
    for number, entries in enumerate(_pages(module)):
        yield _page(module, path, entries, first=number == 0)


def of_function(source: Entry, module: Module, about: str) -> Draft:
    """One function with its code, and what somebody else says of it."""
    api = module.api(source)
    return code(Code(api, source.code, module.language, about, (), (api,)))


def section(entry: Entry, module: Module, outer: int = 0) -> str:
    """Heading, signature and documentation of one entry; `outer`: the level that all entries lie in."""
    depth = min(2 + entry.level - outer, 4)
    return paragraphs(
        f"{'#' * depth} {parts.one_line(module.api(entry), 300)}",
        fenced(entry.signature, module.language),
        body(entry.doc, module.language, depth + 1),
    )


def body(doc: Doc, language: str, depth: int = 3) -> str:
    """Description, parameters, sections and examples."""
    return paragraphs(
        doc.about,
        parts.heading("Parameters", parts.parameters(doc.parameters), depth),
        *(parts.heading(title, text, depth) for title, text in doc.sections),
        *(
            parts.heading(one.title, fenced(one.code, one.language or language), depth)
            for one in doc.examples
        ),
    )


def _pages(module: Module) -> Iterator[list[Entry]]:
    waiting: list[Entry] = []
    size = 0
    for entry in module.entries:
        length = len(entry.signature) + _weight(entry.doc) + _HEADINGS
        if waiting and size + length > PAGE and entry.level <= waiting[-1].level:
            yield waiting
            waiting, size = [], 0
        waiting.append(entry)
        size += length
    yield waiting


def _page(module: Module, path: str, entries: list[Entry], *, first: bool) -> Draft:
    title = _title(module, path)
    if not first:
        title = f"{title}: {entries[0].name}"
    outer = min(entry.level for entry in entries)
    text = paragraphs(
        f"# {title}",
        body(module.doc, module.language, 2) if first else "",
        *(section(entry, module, outer) for entry in entries),
    )
    return Draft(first_line(title), text, TOOL_DOC, distinct(module.api(entry) for entry in entries))


def _title(module: Module, path: str) -> str:
    """The module, with its file where several share a name."""
    file = path.rpartition("/")[2]
    stem = file.partition(".")[0]
    shared = module.language in ("go", "java") and not module.name.endswith(stem)
    return f"{module.name}: {stem}" if module.name and shared else module.name or file


def _weight(doc: Doc) -> int:
    return (
        len(doc.about)
        + sum(len(one.about) for one in doc.parameters)
        + sum(len(text) for _, text in doc.sections)
    )
