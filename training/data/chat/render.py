"""Conversations to ids, with loss on what the assistant says: its calls and the end of its turns included.

What the template marks by `{% generation %}` is the assistant's. Of other templates, a turn is what they
write more with it than without it, behind the beginning of a turn that they give a model to go on from; each
text must begin with the one before, or it is an error. A conversation longer than a row ends with the last
turn of the assistant that fits. `left_out` counts, each time that a conversation is encoded, by reason:

    cut          the turns behind were left out
    too_long     not even the first turn of the assistant fits
    no_target    the assistant says nothing that is to be learnt
    not_json     arguments of a call, or tools, that cannot be parsed
    refused      the template does not take the conversation
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer as FastTokenizer

from corpus.engine.errors import DataError
from training.data.arrays import Bool, Int64, bounds
from training.data.chat.guard import Guard, unused_mark
from training.data.chat.template import Template
from training.data.documents import Documents
from training.data.tokens import TOKENIZER, Tokenizer

ASSISTANT = "assistant"
Span = tuple[int, int]


@dataclass(frozen=True)
class Written:
    """A conversation as text; `mark` stands where it must be parted, `spans` are the turns to be learnt."""

    text: str
    spans: list[Span]
    mark: str


class Renderer:
    """Threads may share it."""

    def __init__(self, tokenizer: Tokenizer, length: int | None, left_out: Counter[str]) -> None:
        self._tokenizer, self._length, self._left_out = tokenizer, length, left_out
        self._template = Template(tokenizer)
        self._encoder = _with_control_tokens(tokenizer)
        self._lock = threading.Lock()
        added = self._encoder.get_added_tokens_decoder().values()
        special = tokenizer.encoder.special
        control = {self._encoder.id_to_token(i) or "" for i in np.flatnonzero(special).tolist()}
        source = self._template.source([{}]) + self._template.source(None)
        self._assistant = Guard(control)
        self._others = Guard(control | {token.content for token in added if token.content in source})

    @property
    def pad(self) -> int:
        """The id that fills rows up; it is never a target."""
        return self._tokenizer.encoder.eos

    def encode(self, table: Any, where: Sequence[str]) -> Documents:
        """Ids and targets of rows with `messages` and `tools`; `where` names each in errors.

        Rows that are left out have no ids.
        """
        has_tools = "tools" in table.column_names
        tools = table["tools"].to_pylist() if has_tools else [None] * len(table)
        rows = zip(table["messages"].to_pylist(), tools, where, strict=True)
        written = [self._write(messages, known, place) for messages, known, place in rows]
        encoded = self._encode([one for one in written if one is not None])
        empty = (np.zeros(0, np.int32), np.zeros(0, np.bool_))
        found = [empty if one is None else self._fitted(*next(encoded)) for one in written]
        ids = np.concatenate([part for part, _ in found] or [empty[0]])
        loss = np.concatenate([part for _, part in found] or [empty[1]])
        return Documents(ids, bounds([len(part) for part, _ in found]), loss)

    def _write(self, messages: Any, tools: str | None, where: str) -> Written | None:
        learnt = [m["role"] == ASSISTANT and m.get("loss") is not False for m in messages or ()]
        if not any(learnt):
            return self._drop("no_target")
        try:
            given, known = for_template(messages, tools)
        except (ValueError, TypeError, KeyError):
            return self._drop("not_json")
        mark = unused_mark((given, known))
        if mark is None:
            return self._drop("refused")
        parted = [
            (self._assistant if m["role"] == ASSISTANT else self._others).parted(m, mark) for m in given
        ]
        known_parted = self._others.parted(known, mark)
        try:
            text, spans = self._template.write(parted, known_parted)
            if mark in text and text.replace(mark, "") != self._template.write(given, known)[0]:
                return self._drop("refused")  # it does other things with the text than to write it down
            turns = [number for number, one in enumerate(given) if one["role"] == ASSISTANT]
            if spans is not None and len(spans) == len(turns):
                chosen = [span for span, turn in zip(spans, turns, strict=True) if learnt[turn]]
            else:
                wanted = [turn for turn in turns if learnt[turn]]
                chosen = self._differences(text, parted, known_parted, wanted, where)
        except DataError:
            raise
        except Exception:  # the code of a template is foreign, and raises what it likes
            return self._drop("refused")
        return Written(text, chosen, mark)

    def _differences(
        self, text: str, messages: Sequence[Mapping[str, Any]], tools: Any, turns: Sequence[int], where: str
    ) -> list[Span]:
        spans = []
        for turn in turns:
            before, _ = self._template.write(messages[:turn], tools, prompt=True)
            behind, _ = self._template.write(messages[: turn + 1], tools)
            if not (text.startswith(behind) and behind.startswith(before)):
                raise DataError(
                    f"{where}: the chat template of {self._tokenizer.path} writes turn {turn + 1} otherwise "
                    "when others follow, so it cannot be told what the assistant says; put {% generation %} "
                    "and {% endgeneration %} around it in the template."
                )
            spans.append((len(before), len(behind)))
        return spans

    def _encode(self, written: Sequence[Written]) -> Any:
        """(ids, targets, ends of the learnt turns) of each text, in order."""
        parts = [part for one in written for part in one.text.split(one.mark)]
        encodings = iter(self._encoder.encode_batch(parts, add_special_tokens=False))
        for one in written:
            ids, starts, at = [], [], 0
            for part in one.text.split(one.mark):
                encoding = next(encodings)
                ids += encoding.ids
                starts += [at + start for start, _ in encoding.offsets]
                at += len(part) + 1
            begins = np.array(starts, np.int64)
            loss = np.zeros(len(ids), np.bool_)
            ends = []
            for start, stop in one.spans:
                first, last = begins.searchsorted(start), begins.searchsorted(stop)
                loss[first:last] = True
                ends.append(int(last))
            yield np.array(ids, np.int32), loss, np.array(ends, np.int64)

    def _fitted(self, ids: Any, loss: Bool, ends: Int64) -> tuple[Any, Bool]:
        if self._length is None or len(ids) <= self._length:
            return ids, loss
        fit = ends[ends <= self._length]
        self._count("cut" if len(fit) else "too_long")
        end = int(fit[-1]) if len(fit) else 0
        return ids[:end], loss[:end]

    def _drop(self, reason: str) -> Written | None:
        self._count(reason)
        return None

    def _count(self, reason: str) -> None:
        with self._lock:
            self._left_out[reason] += 1


def for_template(messages: Any, tools: str | None) -> tuple[list[dict[str, Any]], Any]:
    """Messages and tools as templates take them: no empty fields, arguments as mappings."""
    made = []
    for one in messages:
        kept = {key: value for key, value in one.items() if value is not None and key != "loss"}
        if calls := one.get("tool_calls"):
            kept["tool_calls"] = [
                {**c, "function": {**c["function"], "arguments": json.loads(c["function"]["arguments"])}}
                for c in calls
            ]
        made.append(kept)
    return made, json.loads(tools) if tools else None


def _with_control_tokens(tokenizer: Tokenizer) -> Any:
    """The tokenizer as a template needs it: the names of special tokens in a text are these tokens."""
    file = Path(tokenizer.path or "") / TOKENIZER
    fast = tokenizer.loaded.backend_tokenizer
    copy = FastTokenizer.from_file(str(file)) if file.is_file() else FastTokenizer.from_str(fast.to_str())
    copy.no_truncation()
    copy.no_padding()
    copy.encode_special_tokens = False
    return copy
