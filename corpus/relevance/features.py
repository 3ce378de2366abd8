"""What the classifier sees of a page: one line of tokens. Training and filter share this one function.

Words keep the topic; shapes keep what makes a page a reference (calls, signatures, parameters, flags,
tables) on sites whose words were never seen. The host is left out, so that no site is learnt by its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import chain, groupby
from urllib.parse import unquote, urlsplit

from corpus.relevance.memo import Memo

FEATURE_VERSION = 1
HEAD, MIDDLE = 6_000, 2_000  # characters read from the start and from the middle of a page
MOST_TOKENS = 1_600
# fastText averages over tokens: shapes are repeated so that they weigh the same in long pages.
SHAPE_EVERY = 150
_LABEL = re.compile(r"__label__", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W\d_]+|\d+|::|->|=>|\(\)|--?(?=\w)|[^\w\s]|_")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_URL_WORD = re.compile(r"[a-z]{2,20}")

# Shapes, each counted per 1,000 characters; names and order belong to FEATURE_VERSION. For speed, shapes of
# whole words are looked for among the distinct words, and other patterns begin with a sign that is rare.
_WORD = re.compile(r"\w+")
_SNAKE = re.compile(r"[a-z0-9]+_[a-z0-9_]+")
_UPPER = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
_HUMP = re.compile(r"[a-z]+[A-Z]|[A-Z][a-z0-9]+[A-Z]")
_TYPE = frozenset(
    (
        *("string", "integer", "boolean", "bool", "int", "float", "array", "object"),
        *("null", "None", "True", "False", "void"),
    )
)
_PARAM = re.compile(
    r"param(?:eter)?s?|arg(?:ument)?s?|returns?|options?|default|required|optional", re.IGNORECASE
)
_VERBS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))
_METHOD = re.compile(rf"\b(?:{'|'.join(sorted(_VERBS))})\s+/")
_DOTTED = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w+)+\b")
_CALL_BACKWARDS = re.compile(r"\)[^()\n]{0,120}\([\w.]*[A-Za-z_](?!\w)")  # a.name(arguments) from its end
_FLAG = re.compile(r"-(?<![^\s\[`|(]-)-?[a-z][\w-]*")  # at the start, or behind one of the signs
_PATH = re.compile(r"/(?<![^\s\"'`(]/)[\w.{}:-]+(?:/[\w.{}:-]+)+")
_ASSIGNED = re.compile(r"(?:=>?|:=|->)\s?[\w\"'\[{(]")
_BRACES = "{}[]<>;|"
_SENTENCE = re.compile(r"[.!?][\"')\]]?\s+[A-Z]")


def fasttext_line(text: str, url: str = "") -> str:
    """The tokens of a page as one line for fastText, without a label. Empty for a page without text.

    With `url`, the words of its path are added as tokens of their own; host, query and fragment are not.
    """
    body = sample(text)
    if not body.strip():
        return ""
    words = tokens(body)
    repeats = 1 + min(len(words) // SHAPE_EVERY, 9)
    return " ".join([*(shapes(body) * repeats), *url_words(url), *words])


def sample(text: str) -> str:
    """The start of a text and a piece of its middle, which together are cheap and tell enough."""
    text = text.replace("\0", " ")
    if len(text) <= HEAD + MIDDLE:
        return text
    start = max(HEAD, (len(text) - MIDDLE) // 2)
    return text[:HEAD] + "\n" + text[start : start + MIDDLE]


def tokens(body: str) -> list[str]:
    """Lower-case words, identifiers taken apart, numbers as `0`, signs one by one but each run as one."""
    body = _LABEL.sub(" ", body) if "__" in body else body
    signs = _TOKEN.findall(body)
    if not body.isascii() and _CJK.search(body):
        return _tokens_one_by_one(signs)
    forms = chain.from_iterable(map(_FORMS.__getitem__, signs))
    return [form for form, _ in groupby(forms)][:MOST_TOKENS]


def _tokens_one_by_one(signs: list[str]) -> list[str]:
    """For scripts without spaces, of whose words each sign is a token, repeats among them."""
    found: list[str] = []
    for sign in chain.from_iterable(map(_apart, signs)):
        if not sign.isascii() and _CJK.match(sign):
            found.extend(sign[:40])
            continue
        word = _form(sign)
        if not found or word != found[-1]:
            found.append(word)
        if len(found) >= MOST_TOKENS:
            break
    return found[:MOST_TOKENS]


def _apart(sign: str) -> list[str]:
    return _CAMEL.sub(" ", sign).split(" ")


def _form(sign: str) -> str:
    return "0" if sign.isdigit() else sign.lower()[:30]


# a page's words are mostly those of the pages before it
_FORMS: Memo[str, tuple[str, ...]] = Memo(lambda sign: tuple(map(_form, _apart(sign))))


def shapes(body: str) -> list[str]:
    """Structure tokens such as `shape_call_3`: how often a shape occurs, in steps of powers of two."""
    length = len(body)
    counts = {**shape_counts(body), "prose": len(_SENTENCE.findall(body))}
    steps = {name: _step(1000 * count / max(length, 500)) for name, count in counts.items()}
    prose = steps.pop("prose")
    found = [f"shape_{name}_{step}" for name, step in steps.items()]
    lines = [line for line in body.split("\n") if line.strip()]
    short = sum(len(line) < 60 for line in lines) / max(len(lines), 1)
    indented = sum(line.startswith(("    ", "\t")) for line in lines) / max(len(lines), 1)
    found.append(f"shape_short_{int(short * 4.99)}")
    found.append(f"shape_indented_{int(indented * 4.99)}")
    found.append(f"shape_prose_{prose}")
    found.append(f"shape_length_{min(length.bit_length(), 13)}")
    return found


def shape_counts(body: str) -> dict[str, int]:
    """How often each shape occurs, in the order of the tokens."""
    words = Counter(_words(body))
    kinds = [0] * len(_KINDS)
    for number, count in [(n, count) for word, count in words.items() for n in _KINDS_OF[word]]:
        kinds[number] += count
    snake, camel, upper, types, params = kinds
    # what stands between white space holds whole dotted names; most of it has no dot
    dotted = " ".join([run for run in body.split() if "." in run]) if "." in body else ""
    return {
        "call": len(_CALL_BACKWARDS.findall(body[::-1])) if "(" in body else 0,
        "snake": snake,
        "camel": camel,
        "dotted": len(_DOTTED.findall(dotted)) if dotted else 0,
        "upper": upper,
        "flag": len(_FLAG.findall(body)) if "-" in body else 0,
        "assign": _assignments(body) if "=" in body or "->" in body else 0,
        "brace": sum(map(body.count, _BRACES)),
        "path": len(_PATH.findall(body)) if "/" in body else 0,
        "method": 0 if _VERBS.isdisjoint(words) else len(_METHOD.findall(body)),
        "type": types,
        "param": params,
    }


def _words(body: str) -> list[str]:
    """What `\\w+` finds; in plain ASCII, changing signs one for one and splitting is many times faster."""
    return body.translate(_ASCII_WORDS).split() if body.isascii() else _WORD.findall(body)


_ASCII_WORDS = {code: 32 for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
_KINDS: tuple[Callable[[str], object], ...] = (
    lambda word: "_" in word and _SNAKE.fullmatch(word),
    lambda word: not word.islower() and _HUMP.match(word),
    lambda word: "_" in word and _UPPER.fullmatch(word),
    lambda word: word in _TYPE,
    _PARAM.fullmatch,
)
# the numbers of the kinds that a word is of; most words are of none
_KINDS_OF: Memo[str, tuple[int, ...]] = Memo(
    lambda word: tuple(number for number, is_kind in enumerate(_KINDS) if is_kind(word))
)


def _assignments(body: str) -> int:
    """Signs such as `=` and `->` with a word before and a value behind; of `a=b=c` the first alone counts."""
    count = end = 0
    for found in _ASSIGNED.finditer(body):
        word = found.start() - 1
        if word >= end and body[word].isspace():
            word -= 1
        if word >= end and _WORD.match(body, word, word + 1):
            count, end = count + 1, found.end()
    return count


def url_words(url: str) -> list[str]:
    """Words of the path: `/docs/api/list_users.html` gives url_docs, url_api, url_list, url_users."""
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        return []
    return [f"url_{word}" for word in dict.fromkeys(_URL_WORD.findall(path[-300:].lower()))][:12]


def _step(rate: float) -> int:
    """0 for none, then 1 below 0.5, 2 below 1, 3 below 2 and so on up to 8."""
    step, bound = 1, 0.5
    if rate == 0:
        return 0
    while rate >= bound and step < 8:
        step, bound = step + 1, bound * 2
    return step
