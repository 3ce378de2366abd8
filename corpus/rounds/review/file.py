"""The file that a person edits.

It is read strictly: a decision that nobody understands must not count as none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from corpus.engine import storage
from corpus.engine.errors import UserError, nearest
from corpus.harvest.address import prefix_of
from corpus.rounds.proposals import Tally, shown
from corpus.rounds.review.model import DECISIONS, VERDICTS, Asked, Entry, Example, Review

_TOP = ("round", "threshold", "prefixes", "sample")
_PREFIX = ("prefix", "pages", "hits", "share", "examples", "decision", "note")
_EXAMPLE = ("url", "score", "title", "snippet")
_HEAD = """\
# Prefixes on which the classifier of this round found many pages. Set `decision` of each to
#   accept   all pages below are wanted: those that the classifier missed become positives of the next round
#   reject   none of them is: they become negatives
#   skip     neither; the prefix is not asked about again
# `note` is yours. Prefixes that are not in the list may be added: prefix and decision are enough.
# `sample` is optional: collected pages outside all these prefixes. `wanted` (yes, no, stub) tells precision.
# Then run the same command again.
"""


def read_review(path: str) -> Review | None:
    """The review file; None where there is none. UserError names the line and the prefix of what is wrong."""
    if not storage.exists(path):
        return None
    name = storage.redact(path)
    try:
        text = storage.read_bytes(path).decode("utf-8-sig")
        data = yaml.safe_load(text)
        lines = _lines_of(text)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UserError(f"{name} is not valid YAML{line}: {problem}.") from error
    if not isinstance(data, dict):
        raise UserError(f"{name} must hold a mapping with {', '.join(_TOP)}.")
    _known(data, _TOP, name)
    entries: list[Entry] = []
    for number, item in enumerate(_list(data, "prefixes", name)):
        where = f"{name}, line {lines['prefixes', number]}"
        entries.append(_entry(item, where))
        if entries[-1].prefix in {entry.prefix for entry in entries[:-1]}:
            raise UserError(f"{where}: {shown(entries[-1].prefix)} is there twice; leave one of them out.")
    asked = [
        _asked(item, f"{name}, line {lines['sample', number]}")
        for number, item in enumerate(_list(data, "sample", name))
    ]
    of_round, threshold = _number(data, "round", name), _number(data, "threshold", name)
    return Review(int(of_round), threshold, tuple(entries), tuple(asked))


def write_review(path: str, review: Review) -> bool:
    """Write the file if it would say anything else than what is there; whether it was written."""
    data = {
        "round": review.round,
        "threshold": round(review.threshold, 6),
        "prefixes": [_entry_data(entry) for entry in review.entries],
        "sample": [{**_example_data(a.example), "wanted": a.wanted or None} for a in review.sample],
    }
    there = read_review(path)
    if there is not None and _plain(there) == _plain(review):
        return False
    body = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    storage.write_bytes(path, (_HEAD + body).encode("utf-8", "replace"))
    return True


def _plain(review: Review) -> list[Any]:
    """What the file tells of a review, so that one that was read equals the one that was written."""
    return [
        review.round,
        round(review.threshold, 6),
        [_entry_data(entry) for entry in review.entries],
        [(_example_data(asked.example), asked.wanted) for asked in review.sample],
    ]


def _entry_data(entry: Entry) -> dict[str, Any]:
    return {
        "prefix": shown(entry.prefix),
        "pages": entry.tally.pages,
        "hits": entry.tally.hits,
        "share": round(entry.tally.share, 4),
        "examples": [_example_data(example) for example in entry.examples],
        "decision": entry.decision or None,
        "note": entry.note,
    }


def _example_data(example: Example) -> dict[str, Any]:
    return {
        "url": example.url,
        "score": round(example.score, 4),
        "title": example.title,
        "snippet": example.snippet,
    }


def _entry(data: Any, where: str) -> Entry:
    if not isinstance(data, dict) or not isinstance(data.get("prefix"), str):
        raise UserError(f"{where}: an entry of prefixes needs 'prefix' and 'decision'.")
    _known(data, _PREFIX, f"{where}, {data['prefix']}")
    prefix = prefix_of(data["prefix"])
    if not prefix:
        raise UserError(f"{where}: '{data['prefix']}' is no web address; write https://host/path/.")
    decision, note = data.get("decision"), data.get("note")
    if decision is not None and decision not in DECISIONS:
        hint = nearest(str(decision), DECISIONS)
        raise UserError(f"{where}: the decision of {data['prefix']} cannot be '{decision}': {hint}")
    tally = Tally(int(_number(data, "pages", where)), int(_number(data, "hits", where)))
    examples = tuple(_example(item, where) for item in _list(data, "examples", where))
    return Entry(prefix, tally, examples, decision or "", "" if note is None else str(note))


def _asked(data: Any, where: str) -> Asked:
    wanted = data.get("wanted") if isinstance(data, dict) else None
    if isinstance(wanted, bool):  # YAML reads yes and no as true and false
        wanted = "yes" if wanted else "no"
    if wanted is not None and wanted not in VERDICTS:
        hint = nearest(str(wanted), VERDICTS)
        raise UserError(f"{where}: wanted of {data.get('url')} cannot be '{wanted}': {hint}")
    return Asked(_example(data, where, more=("wanted",)), wanted or "")


def _example(data: Any, where: str, more: Sequence[str] = ()) -> Example:
    if not isinstance(data, dict) or not isinstance(data.get("url"), str):
        raise UserError(f"{where}: an example needs 'url'.")
    _known(data, (*_EXAMPLE, *more), where)
    title, snippet = (str(data.get(name) or "") for name in ("title", "snippet"))
    return Example(data["url"], _number(data, "score", where), title, snippet)


def _known(data: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in data:
        if key not in keys:
            raise UserError(f"{where}: unknown key '{key}': {nearest(str(key), keys)}")


def _list(data: Mapping[str, Any], key: str, where: str) -> list[Any]:
    found = data.get(key)
    if found is not None and not isinstance(found, list):
        raise UserError(f"{where}: '{key}' must be a list.")
    return found or []


def _number(data: Mapping[str, Any], key: str, where: str) -> float:
    found = data.get(key, 0)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not -1e15 < found < 1e15:
        raise UserError(f"{where}: '{key}' must be a number.")
    return found


def _lines_of(text: str) -> dict[tuple[str, int], int]:
    """The line on which each entry of each list begins."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found: dict[tuple[str, int], int] = {}
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if isinstance(value, yaml.SequenceNode):
                for number, item in enumerate(value.value):
                    found[str(key.value), number] = item.start_mark.line + 1
    return found
