"""Where a long text may be cut so that its pieces have, together, exactly the tokens of the whole.

A cut is made between an ASCII letter and a space that an ASCII letter follows: `word| word`. That is exact if
each step of the tokenizer treats the two sides alike with and without the other one:

- Unicode normal forms leave ASCII letters and spaces alone that no combining mark follows.
- Added tokens could reach over the cut only if they hold a letter, a space and a letter in a row, or take in
  the white space around them.
- The patterns that `_PATTERNS` lists end a match behind the letters of a word, and begin the next one at a
  single space before a letter. None looks further ahead than one character, and that one is the space, which
  ends a run of letters as the end of the text does.
- Models (BPE, Unigram, WordPiece, WordLevel) see one such match at a time. A dropout, which draws at random,
  is switched off when a tokenizer is loaded.

A tokenizer with any other step is taken as it is: its texts are never cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_CUT = re.compile(r"(?<=[A-Za-z])(?= [A-Za-z])")
_ACROSS = re.compile(r"[A-Za-z] [A-Za-z]")
_NORMAL_FORMS = {"NFC", "NFD", "NFKC", "NFKD"}
_AT_SPACES = {"Whitespace", "WhitespaceSplit", "BertPreTokenizer"}
_BY_CHARACTER = {"Digits", "Punctuation"}
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_PATTERNS = {
    # GPT-2, and the byte-level pre-tokenizer's own
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    # cl100k, Llama 3
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + _REST,
    # Qwen 2
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + _REST,
    # o200k
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}


def is_exact(definition: str) -> bool:
    """Whether texts may be cut for the tokenizer with this `tokenizer.json`."""
    parts = json.loads(definition)
    steps = list(_flat(parts.get("pre_tokenizer"), "pretokenizers"))
    return (
        all(step["type"] in _NORMAL_FORMS for step in _flat(parts.get("normalizer"), "normalizers"))
        and all(_splits(step) or _keeps(step) for step in steps)
        and any(_splits(step) for step in steps)
        and not any(_reaches_across(token) for token in parts.get("added_tokens") or ())
    )


def pieces(text: str, characters: int) -> Iterator[str]:
    """`text` in pieces of at least `characters` each, but for the last; in one where no place is found."""
    start, step = 0, max(characters, 1)
    while len(text) - start > step and (cut := _CUT.search(text, start + step)):
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:] if start else text


def _flat(step: Mapping[str, Any] | None, inside: str) -> Iterator[Mapping[str, Any]]:
    if step is None:
        return
    if step["type"] == "Sequence":
        for inner in step[inside]:
            yield from _flat(inner, inside)
    else:
        yield step


def _splits(step: Mapping[str, Any]) -> bool:
    """Whether the step always parts `word` from ` word`."""
    if step["type"] == "ByteLevel":
        return bool(step.get("use_regex", True))
    if step["type"] == "Split":
        return dict(step["pattern"]).get("Regex") in _PATTERNS
    return step["type"] in _AT_SPACES


def _keeps(step: Mapping[str, Any]) -> bool:
    """Whether the step, where it does not part the two, looks at each character by itself."""
    return step["type"] in _BY_CHARACTER or step["type"] == "ByteLevel"


def _reaches_across(token: Mapping[str, Any]) -> bool:
    flags: Sequence[str] = ("lstrip", "rstrip", "single_word")
    return any(token.get(flag) for flag in flags) or bool(_ACROSS.search(token["content"]))
