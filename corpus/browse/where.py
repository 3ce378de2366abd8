"""Conditions on columns: a small part of SQL, parsed here and handed to Arrow. Nothing is evaluated as code.

condition := and { OR and }        and := not { AND not }        not := [NOT] test | ( condition )
test      := value (= | == | != | <> | < | <= | > | >=) value
           | value [NOT] IN ( literal, ... ) | value [NOT] BETWEEN value AND value
           | value [NOT] LIKE 'pattern' | value [NOT] ILIKE 'pattern' | value IS [NOT] NULL | column
value     := column | "column" | `column` | LENGTH(column) | LOWER(column) | literal
literal   := 'text' with '' for a quote | number | TRUE | FALSE
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.browse.words import Word, refusal, words_of
from corpus.engine.errors import UserError, nearest

_DEEPEST = 50  # brackets within brackets
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda one, other: one == other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_FUNCTIONS: dict[str, tuple[Callable[[Any], Any], pa.DataType]] = {
    "LENGTH": (pc.utf8_length, pa.int32()),
    "LOWER": (pc.utf8_lower, pa.string()),
}
_WORDS = frozenset(["AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE", "BETWEEN", "TRUE", "FALSE"])


@dataclass(frozen=True)
class Condition:
    """An Arrow expression, and the columns that it reads."""

    expression: Any
    columns: tuple[str, ...]


@dataclass(frozen=True)
class _Value:
    """An operand: an expression with its type, or a literal without one."""

    value: Any
    type: Any = None


def parse(text: str, schema: pa.Schema) -> Condition:
    """The condition that `text` says. Raises UserError with the place of what cannot be read."""
    parser = _Parser(text, words_of(text), schema)
    expression = parser.either(0)
    parser.end()
    return Condition(expression, tuple(sorted(parser.columns)))


class _Parser:
    def __init__(self, text: str, words: list[Word], schema: pa.Schema) -> None:
        self.text, self.words, self.schema = text, words, schema
        self.at = 0
        self.columns: set[str] = set()

    def either(self, depth: int) -> Any:
        found = self.both(depth)
        while self.takes("OR"):
            found = found | self.both(depth)
        return found

    def both(self, depth: int) -> Any:
        found = self.negated(depth)
        while self.takes("AND"):
            found = found & self.negated(depth)
        return found

    def negated(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise self.refuse("it is nested too deeply")
        if self.takes("NOT"):
            return ~self.negated(depth + 1)
        if self.takes("("):
            found = self.either(depth + 1)
            self.must(")")
            return found
        return self.test()

    def test(self) -> Any:
        left = self.value()
        word = self.peek()
        if word and word.kind == "sign" and word.text in _COMPARE:
            self.at += 1
            return self.compared(left, word.text, self.value())
        if self.takes("IS"):
            negative = self.takes("NOT")
            self.must("NULL")
            found = self.plain(left).is_null()
            return ~found if negative else found
        negative = self.takes("NOT")
        found = self.membership(left)
        if found is None:
            if negative or left.type != pa.bool_():
                raise self.refuse("expected =, <, >, IN, LIKE, BETWEEN or IS")
            return left.value
        return ~found if negative else found

    def membership(self, left: _Value) -> Any:
        """What IN, BETWEEN or LIKE says of a value; None where none of them follows."""
        if self.takes("IN"):
            self.must("(")
            members = [self.literal()]
            while self.takes(","):
                members.append(self.literal())
            self.must(")")
            return self.plain(left).isin(pa.array([self.cast(m, left.type) for m in members], left.type))
        if self.takes("BETWEEN"):
            low = self.value()
            self.must("AND")
            return self.compared(left, ">=", low) & self.compared(left, "<=", self.value())
        for name, ignore_case in (("LIKE", False), ("ILIKE", True)):
            if self.takes(name):
                pattern = self.literal()
                if left.type != pa.string() or not isinstance(pattern, str):
                    raise self.refuse(f"{name} compares text with a pattern in quotes")
                return pc.match_like(left.value, pattern, ignore_case=ignore_case)
        return None

    def compared(self, left: _Value, sign: str, right: _Value) -> Any:
        if left.type is None and right.type is None:
            raise self.refuse("one side must be a column")
        sides = []
        for one, other in ((left, right), (right, left)):
            literal = one.type is None
            sides.append(pc.scalar(self.scalar(one.value, other.type)) if literal else one.value)
        kinds = [pa.types.is_string(one.type) for one in (left, right) if one.type is not None]
        if len(set(kinds)) > 1:
            raise self.refuse("text is compared with a number")
        return _COMPARE[sign](*sides)

    def value(self) -> _Value:
        word = self.next("a column or a value")
        name = word.text.upper()
        if word.kind == "word" and name in _FUNCTIONS and self.takes("("):
            function, kind = _FUNCTIONS[name]
            column = self.column(self.next("a column"))
            if column.type != pa.string():
                raise self.refuse(f"{name} takes a column of text")
            self.must(")")
            return _Value(function(column.value), kind)
        if word.kind == "quoted" or (word.kind == "word" and name not in _WORDS):
            return self.column(word)
        self.at -= 1
        return _Value(self.literal())

    def column(self, word: Word) -> _Value:
        name = word.text[1:-1] if word.kind == "quoted" else word.text
        if name not in self.schema.names:
            raise UserError(
                f"where= names '{name}', which is no column here: {nearest(name, self.schema.names)}"
            )
        kind = self.schema.field(name).type
        word_behind = self.peek()
        only_null = pa.types.is_nested(kind) or pa.types.is_binary(kind)
        if only_null and not (word_behind and word_behind.text.upper() == "IS"):
            raise UserError(
                f"where= cannot compare the column '{name}' of type {kind}; IS NULL alone fits it."
            )
        self.columns.add(name)
        kind = pa.string() if pa.types.is_large_string(kind) or pa.types.is_dictionary(kind) else kind
        return _Value(pc.field(name), kind)

    def literal(self) -> Any:
        word = self.next("a value")
        if word.kind == "text":
            return word.text[1:-1].replace("''", "'")
        if word.kind == "number":
            return float(word.text) if re.search(r"[.eE]", word.text) else int(word.text)
        if word.text.upper() in ("TRUE", "FALSE"):
            return word.text.upper() == "TRUE"
        self.at -= 1
        raise self.refuse("expected 'text', a number, TRUE or FALSE")

    def scalar(self, value: Any, kind: Any) -> Any:
        return pa.scalar(self.cast(value, kind), kind if not isinstance(value, float) else None)

    def cast(self, value: Any, kind: Any) -> Any:
        """A literal as a value of a column's type. Raises UserError where it is none."""
        if kind is None:
            raise self.refuse("the left side must be a column")
        is_text = pa.types.is_string(kind)
        if isinstance(value, str) != is_text and not (isinstance(value, str) and pa.types.is_temporal(kind)):
            raise self.refuse(f"a value of type {kind} is expected")
        if isinstance(value, float) and pa.types.is_integer(kind):
            return value
        if isinstance(value, str) and not is_text:
            return self.moment(value, kind)
        return value

    def moment(self, text: str, kind: Any) -> Any:
        """A date or time in ISO 8601, in UTC where it names no zone."""
        try:
            found = datetime.fromisoformat(text)
            if pa.types.is_date(kind):
                return found.date()
            if pa.types.is_timestamp(kind):
                zoned = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
                return zoned if kind.tz else zoned.astimezone(timezone.utc).replace(tzinfo=None)
        except ValueError:
            pass
        raise self.refuse(f"{text!r} is no {kind}")

    def plain(self, value: _Value) -> Any:
        if value.type is None:
            raise self.refuse("the left side must be a column")
        return value.value

    def peek(self) -> Word | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def takes(self, text: str) -> bool:
        word = self.peek()
        found = word is not None and word.kind in ("word", "sign") and word.text.upper() == text
        self.at += found
        return found

    def must(self, text: str) -> None:
        if not self.takes(text):
            raise self.refuse(f"expected {text}")

    def next(self, what: str) -> Word:
        word = self.peek()
        if word is None:
            raise self.refuse(f"expected {what}")
        self.at += 1
        return word

    def end(self) -> None:
        if self.peek() is not None:
            raise self.refuse("the condition ends before this")

    def refuse(self, why: str) -> UserError:
        word = self.peek()
        return refusal(self.text, word.at if word else len(self.text), why)
