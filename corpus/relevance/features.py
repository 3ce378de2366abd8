"""What the classifier sees of a page: one line of tokens. Training and filter share this one function.

Words keep the topic; shapes keep what makes a page a reference (calls, signatures, parameters, flags,
tables) on sites whose words were never seen. The host is left out, so that no site is learnt by its name.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

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

# Shapes, each counted per 1,000 characters. Order and names belong to FEATURE_VERSION.
_SHAPES = {
    "call": re.compile(r"\b[A-Za-z_][\w.]*\([^()\n]{0,120}\)"),
    "snake": re.compile(r"\b[a-z0-9]+_[a-z0-9_]+\b"),
    "camel": re.compile(r"\b[a-z]+[A-Z]\w*|\b[A-Z][a-z0-9]+[A-Z]\w*"),
    "dotted": re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w+)+\b"),
    "upper": re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b"),
    "flag": re.compile(r"(?:^|[\s\[`|(])--?[a-z][\w-]*", re.MULTILINE),
    "assign": re.compile(r"\w\s?(?:=|:=|=>|->)\s?[\w\"'\[{(]"),
    "brace": re.compile(r"[{}\[\]<>;|]"),
    "path": re.compile(r"(?:^|[\s\"'`(])(?:/[\w.{}:-]+){2,}"),
    "method": re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE|HEAD)\s+/"),
    "type": re.compile(
        r"\b(?:string|integer|boolean|bool|int|float|array|object|null|None|True|False|void)\b"
    ),
    "param": re.compile(
        r"\b(?:param(?:eter)?s?|arg(?:ument)?s?|returns?|options?|default|required|optional)\b", re.IGNORECASE
    ),
}
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
    found: list[str] = []
    for found_at in _TOKEN.finditer(_CAMEL.sub(" ", _LABEL.sub(" ", body))):
        word = found_at.group()
        if word.isdigit():
            word = "0"
        elif _CJK.match(word):
            found.extend(word[:40])
            continue
        else:
            word = word.lower()[:30]
        if not found or word != found[-1]:
            found.append(word)
        if len(found) >= MOST_TOKENS:
            break
    return found[:MOST_TOKENS]


def shapes(body: str) -> list[str]:
    """Structure tokens such as `shape_call_3`: how often a shape occurs, in steps of powers of two."""
    length = len(body)
    found = []
    for name, pattern in _SHAPES.items():
        per_thousand = 1000 * sum(1 for _ in pattern.finditer(body)) / max(length, 500)
        found.append(f"shape_{name}_{_step(per_thousand)}")
    lines = [line for line in body.split("\n") if line.strip()]
    short = sum(len(line) < 60 for line in lines) / max(len(lines), 1)
    indented = sum(line.startswith(("    ", "\t")) for line in lines) / max(len(lines), 1)
    found.append(f"shape_short_{int(short * 4.99)}")
    found.append(f"shape_indented_{int(indented * 4.99)}")
    found.append(f"shape_prose_{_step(1000 * sum(1 for _ in _SENTENCE.finditer(body)) / max(length, 500))}")
    found.append(f"shape_length_{min(length.bit_length(), 13)}")
    return found


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
