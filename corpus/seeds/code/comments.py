"""Doc comments of the Javadoc family (Javadoc, JSDoc, Doxygen) and docstrings, taken apart into a Doc."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from corpus.seeds.code.entries import Doc
from corpus.seeds.records import fenced
from corpus.seeds.render.shapes import Example, Parameter

_GUTTER = re.compile(r"^[ \t]*\*(?!/)[ \t]?", re.MULTILINE)
_TAG = re.compile(r"^[ \t]*[@\\]([A-Za-z]+)\b(?:\[([a-z, ]+)\])?[ \t]*", re.MULTILINE)
_TYPE = re.compile(r"\{([^{}\n]{0,300}(?:\{[^{}\n]{0,300}\}[^{}\n]{0,300})?)\}[ \t]*")
_NAME = re.compile(r"(\[[^\]\n]{1,200}\]|<?[\w$.*&:-]+>?)[ \t]*(?:-[ \t]+)?")
_INLINE = re.compile(r"\{@(\w+)[ \t\n]+([^{}]{0,500})\}")
_WORD = re.compile(r"[@\\](?:c|p|a|ref|em|b|e)[ \t]+(`?[\w:*()~-]+(?:\.\w+)*`?)")
_PRE = re.compile(r"<pre[^>\n]{0,200}>(.*?)(?:</pre>|\Z)", re.DOTALL | re.IGNORECASE)
_DOXYGEN_CODE = re.compile(
    r"(?<!\{)[@\\](?:code|verbatim)(?:\{\.?(\w+)\})?(.*?)(?:[@\\]end(?:code|verbatim)|\Z)", re.DOTALL
)
_HTML_CODE = re.compile(r"</?(?:code|tt|kbd|samp)>", re.IGNORECASE)
_HTML_BLOCK = re.compile(r"[ \t]*</?(?:p|br|div|h[1-6]|table|tr)\b[^>\n]{0,200}>[ \t]*", re.IGNORECASE)
_HTML_ITEM = re.compile(r"[ \t]*<(?:li|dt|dd)\b[^>\n]{0,200}>[ \t]*", re.IGNORECASE)
_HTML_REST = re.compile(
    r"</?(?:ul|ol|dl|li|dt|dd|b|i|em|strong|a|span|sup|sub|blockquote|tbody|thead|td|th|caption)\b[^>\n]{0,300}>",
    re.IGNORECASE,
)
_CAPTION = re.compile(r"\A\s*<caption>([^<\n]{0,200})</caption>[ \t]*\n?", re.IGNORECASE)
_HIDDEN = frozenset({"private", "internal", "hide", "hidden", "ignore", "package", "inheritdoc", "cond"})
_PARAMETERS = frozenset({"param", "arg", "argument", "property", "prop", "tparam", "typeparam"})
_SECTIONS = {
    **dict.fromkeys(("return", "returns", "result", "retval"), "Returns"),
    **dict.fromkeys(("throws", "throw", "exception", "raises"), "Raises"),
    **dict.fromkeys(("yields", "yield"), "Yields"),
    **dict.fromkeys(("note", "remark", "remarks", "details", "par"), "Notes"),
    **dict.fromkeys(("warning", "attention", "deprecated"), "Warnings"),
    **dict.fromkeys(("pre", "post", "invariant"), "Conditions"),
    **dict.fromkeys(("see", "sa", "seealso"), "See also"),
    "since": "Since",
}
_TEXT = frozenset(
    {"brief", "short", "description", "summary", "desc", "classdesc", "fileoverview", "overview"}
)
_FIELD = re.compile(r"^[ \t]*:(\w+)(?:[ \t]+([^:\n]{1,200}))?:[ \t]*", re.MULTILINE)
_DOCTEST = re.compile(r"^([ \t]*)>>> .*(?:\n(?!\s*\n)[^\n]+)*", re.MULTILINE)
_LICENCE = re.compile(r"copyright|licen[cs]ed? |all rights reserved|SPDX-", re.IGNORECASE)


def block(comment: str, language: str = "") -> Doc:
    """A comment between `/**` and `*/`, gutter and all."""
    return tagged(_GUTTER.sub("", comment.strip("*!/ \t")), language)


def tagged(text: str, language: str = "") -> Doc:
    """Text with `@tags`, HTML and inline tags. Fenced parts and examples stay as they are."""
    text = _DOXYGEN_CODE.sub(lambda m: "\n" + fenced(m[2].strip("\n"), m[1] or language) + "\n", text)
    found = list(_TAG.finditer(text))
    about = [readable(text[: found[0].start()] if found else text, language)]
    parameters: list[Parameter] = []
    sections: dict[str, list[str]] = {}
    examples: list[Example] = []
    hidden = False
    for number, tag in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        name, body = tag[1].lower(), text[tag.end() : end]
        if name in _HIDDEN:
            hidden = True
        elif name in _PARAMETERS:
            parameters += _parameter(body, tag[2] or "", language)
        elif name in ("example", "examples"):
            examples += _example(body, language)
        elif name in ("file", "module"):  # its first line names the file, which readers know
            about.append(readable(body.partition("\n")[2], language))
        elif name in _TEXT:
            about.append(readable(body, language))
        elif name in _SECTIONS:
            sections.setdefault(_SECTIONS[name], []).append(_said(name, body, language))
    shown = tuple((title, "\n".join(part for part in parts if part)) for title, parts in sections.items())
    shown = tuple(pair for pair in shown if pair[1])
    return Doc("\n\n".join(part for part in about if part), tuple(parameters), shown, tuple(examples), hidden)


def _parameter(body: str, way: str, language: str) -> list[Parameter]:
    typed = _TYPE.match(body)
    rest = body[typed.end() :] if typed else body
    named = _NAME.match(rest)
    if named is None:
        return []
    rest = rest[named.end() :]
    if not typed and (typed := _TYPE.match(rest)):  # some write it behind the name
        rest = rest[typed.end() :]
    name, optional, kind = named[1], False, typed[1].strip() if typed else ""
    if name.startswith("["):
        name, optional = name.strip("[]").partition("=")[0].strip(), True
    if kind.endswith("="):
        kind, optional = kind[:-1], True
    about = " ".join(readable(rest, language).split())
    return [Parameter(name, about, kind, False if optional else None, way.replace(" ", ""))]


def _example(body: str, language: str) -> list[Example]:
    caption = _CAPTION.match(body)
    code = body[caption.end() :] if caption else body
    title = f"Example: {caption[1].strip()}" if caption else "Example"
    if "```" in code:  # TypeScript's tools write it as Markdown
        fence = re.search(r"```(\w*)\n(.*?)\n[ \t]*```", code, re.DOTALL)
        if fence:
            return [Example(fence[2], fence[1] or language, title)]
    return [Example(html.unescape(_dedent(code)), language, title)] if code.strip() else []


def _said(name: str, body: str, language: str) -> str:
    typed = _TYPE.match(body)
    text = readable(body[typed.end() :] if typed else body, language)
    if name == "deprecated":
        return f"Deprecated. {text}".strip()
    kind = f"`{typed[1].strip()}`" if typed else ""
    return f"{kind}: {text}" if kind and text else kind or text


def readable(text: str, language: str = "") -> str:
    """Markdown from text with inline tags and HTML, line by line; what stands in fences is not touched."""
    kept: list[str] = []

    def keep(block: str) -> str:
        kept.append(block)
        return f"\n\x01{len(kept) - 1}\x01\n"

    text = re.sub(
        r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[^\n]*$|\Z)",
        lambda m: keep(m[0]),
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    text = _PRE.sub(lambda m: keep(fenced(_dedent(_plain(m[1])), language)), text)
    text = _INLINE.sub(_inline, text)
    text = _WORD.sub(lambda m: f"`{m[1].strip('`')}`", text)
    text = _HTML_CODE.sub("`", text)
    text = _HTML_ITEM.sub("\n- ", _HTML_BLOCK.sub("\n\n", text))
    text = html.unescape(_HTML_REST.sub("", text))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in _dedent(text).splitlines()))
    return re.sub(r"\x01(\d+)\x01", lambda m: kept[int(m[1])], text).strip()


def _plain(code: str) -> str:
    """Code out of `<pre>`: without tags of marking, entities as characters."""
    code = _INLINE.sub(lambda m: m[2], code)
    return html.unescape(
        re.sub(r"</?(?:code|b|i|em|strong|span|a)\b[^>\n]{0,200}>", "", code, flags=re.IGNORECASE)
    )


def _inline(found: re.Match[str]) -> str:
    name, text = found[1].lower(), " ".join(found[2].split())
    if name in ("code", "literal"):
        return f"`{text}`" if name == "code" else text
    if name in ("link", "linkplain", "linkcode", "tutorial", "value", "see"):
        target, _, label = text.replace("|", " ").partition(" ")
        return label.strip() or f"`{target.lstrip('#').replace('#', '.')}`"
    return "" if name in ("inheritdoc", "docroot") else text


def docstring(text: str) -> Doc:
    """A docstring of Python: fields of reStructuredText become parameters, sessions become code."""
    found = list(_FIELD.finditer(text))
    about = _DOCTEST.sub(_session, text[: found[0].start()] if found else text).strip()
    parameters: dict[str, Parameter] = {}
    sections: dict[str, list[str]] = {}
    for number, tag in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        body, name, named = " ".join(text[tag.end() : end].split()), tag[1].lower(), (tag[2] or "").strip()
        old = parameters.get(named.split()[-1] if named else "", Parameter(""))
        if name in ("param", "parameter", "arg", "argument", "keyword", "kwarg", "key") and named:
            kind, _, plain = named.rpartition(" ")
            parameters[plain] = Parameter(plain, body, kind or old.type)
        elif name == "type" and named:
            parameters[named] = Parameter(named, old.about, body)
        elif name in ("return", "returns", "rtype"):
            sections.setdefault("Returns", []).append(f"`{body}`" if name == "rtype" and body else body)
        elif name in ("raises", "raise", "except", "exception"):
            sections.setdefault("Raises", []).append(f"`{named}`: {body}" if named else body)
    shown = tuple((title, "\n".join(filter(None, parts))) for title, parts in sections.items())
    return Doc(about, tuple(parameters.values()), tuple(pair for pair in shown if pair[1]))


def _session(found: re.Match[str]) -> str:
    return fenced(_dedent(found[0]), "python")


def lines(text: str, marker: Callable[[str], str]) -> str:
    """The text of a run of line comments, `marker` taken from each."""
    return "\n".join(marker(line.strip()) for line in text.splitlines())


def is_licence(text: str) -> bool:
    """Whether a comment is about rights and not about code."""
    return bool(_LICENCE.search(text[:2_000]))


def _dedent(text: str) -> str:
    rows = text.strip("\n").expandtabs(4).splitlines()
    margins = [len(row) - len(row.lstrip()) for row in rows[1:] if row.strip()]
    first = rows[0] if rows else ""
    own = len(first) - len(first.lstrip())
    margin = min([*margins, own]) if own else min(margins, default=0)
    start = first[min(own, margin) :] if own else first
    return "\n".join([start.rstrip(), *(row[margin:].rstrip() for row in rows[1:])]).strip("\n")
