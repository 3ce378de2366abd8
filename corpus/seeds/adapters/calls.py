"""Calls as data sets write them: JSON objects, tags around them, or names with arguments in brackets."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.tools import decoded
from corpus.seeds.apis import api_of_call
from corpus.seeds.records import mapping, sequence, words
from corpus.seeds.render import Call

_OWN_NAME = re.compile(r"[\w.\-]{1,80}")
_QUOTED_JSON = re.compile(r"(\"arguments\"\s*:\s*)'(.*?)'(?=\s*[,}])", re.DOTALL)  # Glaive's own quoting
_BRACKETED = re.compile(r"\[\s*[A-Za-z_][^\[\]()\n]{0,120}\(.*\)\s*\]", re.DOTALL)
_NAME = re.compile(r"\s*([A-Za-z_][\w.\-/ ]{0,120}?)\s*\(")
_FIRST_WORD = re.compile(r"[A-Za-z_][\w.\-]*")
_MOST = 20_000  # characters of a call that is taken apart; longer ones are shown as they are


def structured(value: Any) -> list[Call]:
    """Calls in OpenAI's forms, or lists of {name, arguments}, also as JSON in a string."""
    found = []
    entries = decoded(value)
    for one in entries if isinstance(entries, list) else [entries]:
        entry = mapping(decoded(one))
        entry = mapping(entry.get("function")) or entry
        name = words(entry.get("name")) or words(entry.get("api_name"))
        if name:
            arguments = entry.get("arguments", entry.get("parameters", entry.get("args")))
            found.append(Call(name, arguments if isinstance(arguments, (str, Mapping)) else {}))
    return found


def calls_in(text: str) -> tuple[list[Call], str]:
    """The calls that a message holds in one of the known notations, and what it says beside them.

    Glaive's and Hermes' tags hold JSON; OpenHands writes a block per function.
    """
    for opening, closing, read in (
        ("<functioncall>", "", _tagged),
        ("<tool_call>", "</tool_call>", _tagged),
        ("<function=", "</function>", _block),
    ):
        if opening in text:
            bodies, rest = _between(text, opening, closing)
            found = [call for body in bodies for call in read(body)]
            if found:
                return found, rest.strip()
    whole = text.strip()
    if len(whole) <= _MOST and _BRACKETED.fullmatch(whole):
        return list(bracketed(whole[1:-1])), ""
    return [], text


def _between(text: str, opening: str, closing: str) -> tuple[list[str], str]:
    """What stands between the marks, and the text without it; without a closing mark, up to a last brace."""
    rest, *pieces = text.split(opening)
    bodies = []
    for piece in pieces:
        end = piece.find(closing) if closing else piece.rfind("}") + 1
        if end < 0 or (end == 0 and not closing):
            rest += opening + piece
            continue
        bodies.append(piece[:end])
        rest += piece[end + len(closing) :]
    return bodies, rest


def _tagged(body: str) -> Iterator[Call]:
    if len(body) > _MOST:
        yield from structured(body.strip())
        return
    value = decoded(_QUOTED_JSON.sub(lambda found: found[1] + json.dumps(found[2]), body).strip())
    yield from structured(_literal(value) if isinstance(value, str) else value)


def _block(body: str) -> Iterator[Call]:
    name, _, inside = body.partition(">")
    if _OWN_NAME.fullmatch(name):
        pairs = (found.partition(">") for found in _between(inside, "<parameter=", "</parameter>")[0])
        yield Call(name, {key: value.strip() for key, _, value in pairs})


def bracketed(text: str) -> Iterator[Call]:
    """`Name(key=value, ...), Other Name(...)`, the notation of ToolACE and API-Bank."""
    for part in _top_level(text, ","):
        found = _NAME.match(part)
        if found is None or not part.rstrip().endswith(")"):
            continue
        inside = part.rstrip()[found.end() : -1]
        pairs = [one.partition("=") for one in _top_level(inside, ",") if one.strip()]
        if all(sign for _, sign, _ in pairs):
            yield Call(found[1], {key.strip(): _literal(value.strip()) for key, _, value in pairs})
        else:
            yield Call(text=part.strip())


def _literal(text: str) -> Any:
    if len(text) > _MOST or text.count("(") + text.count("[") + text.count("{") > 200:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return decoded(text)


def _top_level(text: str, sign: str) -> Iterator[str]:
    """Parts of `text` between signs that stand outside of quotes and brackets."""
    depth, quote, start, escaped = 0, "", 0, False
    for place, char in enumerate(text):
        if escaped:
            escaped = False
        elif quote:
            escaped = char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"" and not text[place - 1 : place].isalnum():  # an apostrophe opens nothing
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == sign and depth == 0:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def api_of(call: Call) -> str:
    """The API behind a call by the rule of `corpus.seeds.apis`: a name, or the first word of an action."""
    if call.name:
        return call.name
    if call.language in ("bash", "sh", "shell", "console"):
        return next((word for word in call.text.split() if "=" not in word), "")[:60]
    named = api_of_call(call.text.strip().splitlines()[0]) if call.text.strip() else ""
    if named:
        return named
    found = _FIRST_WORD.match(call.text.strip())
    return found[0] if found else ""


def many(value: Any) -> list[Call]:
    """Calls in a list of texts as they are written, such as RestGPT's `GET /search`."""
    return [Call(text=words(one)) for one in sequence(value) if words(one)]
