"""What a benchmark asks and what it wants to hear, and how both become one text for a language model.

Formats of one's own files, one JSON object per line: {"messages": [{"role", "content"}, ...]} counts what
the assistant says, {"prompt", "answer"} counts the answer, {"text"} counts all of it. `id` and `category` are
optional.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine.errors import UserError

SYSTEM, USER, ASSISTANT, TOOL = "system", "user", "assistant", "tool"
_LABELS = {USER: "User:", ASSISTANT: "Assistant:", TOOL: "Result:"}


@dataclass(frozen=True)
class Turn:
    """Something said. Only what is `counted` enters the loss: calls and answers, never observations."""

    role: str
    text: str
    counted: bool = False


@dataclass(frozen=True)
class Item:
    category: str
    id: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Segment:
    """A piece of an item's text; the pieces of an item are read in order."""

    text: str
    counted: bool


def plain(item: Item) -> list[Segment]:
    """For base models: a line per turn, with who speaks.

    A counted turn begins with the space behind its label: tokenizers join that space to the word behind it.
    """
    segments: list[Segment] = []
    for turn in item.turns:
        label = _LABELS.get(turn.role)
        if label is None:
            segments.append(Segment(turn.text if turn.counted else f"{turn.text}\n\n", turn.counted))
        else:
            segments += [Segment(label, False), Segment(f" {turn.text}", turn.counted), Segment("\n", False)]
    return joined(segments[:-1] if segments and segments[-1].text == "\n" else segments)


def by_template(item: Item, tokenizer: Any) -> list[Segment]:
    """By the tokenizer's chat template: each counted turn is what the template adds for it."""
    messages = [{"role": turn.role, "content": turn.text} for turn in item.turns]
    segments: list[Segment] = []
    so_far = ""
    for number, turn in enumerate(item.turns):
        if not turn.counted:
            continue
        before = _render(tokenizer, messages[:number], prompt=True)
        behind = _render(tokenizer, messages[: number + 1], prompt=False)
        if not (before.startswith(so_far) and behind.startswith(before)):
            raise UserError(
                "the tokenizer's chat template changes earlier turns when later ones are added, so that "
                "turns cannot be told apart; give template=plain."
            )
        segments += [Segment(before[len(so_far) :], False), Segment(behind[len(before) :], True)]
        so_far = behind
    return joined(segments)


def joined(segments: Sequence[Segment]) -> list[Segment]:
    """Neighbours of one kind as one segment, empty ones left out."""
    found: list[Segment] = []
    for segment in segments:
        if not segment.text:
            continue
        if found and found[-1].counted == segment.counted:
            found[-1] = Segment(found[-1].text + segment.text, segment.counted)
        else:
            found.append(segment)
    return found


def read_items(path: str) -> Iterator[Item]:
    """The items of a JSONL file, plain or gzip. Raises UserError that names the first line that is none."""
    opened = gzip.open if path.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield _item(line, number, path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}.") from error


def read_texts(path: str) -> Iterator[Item]:
    """The texts of Parquet files, all of each counted; the category is the name of the file's folder."""
    root = Path(path)
    files = sorted(root.rglob("*.parquet")) if root.is_dir() else [root]
    if not files or not all(file.is_file() for file in files):
        raise UserError(f"{path} is neither a Parquet file nor a folder that holds some.")
    for file in files:
        try:
            read = pq.ParquetFile(file)
            columns = [name for name in ("id", "text") if name in read.schema_arrow.names]
            rows = read.read(columns=columns).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"cannot read {file} as Parquet: {error}.") from error
        if "text" not in columns:
            raise UserError(f"{file} has no column text.")
        for number, row in enumerate(rows, 1):
            if row["text"]:
                name = str(row.get("id") or f"{file.name}/{number}")
                yield Item(file.parent.name, name, (Turn("", row["text"], True),))


def _item(line: str, number: int, path: str) -> Item:
    try:
        row = json.loads(line)
        turns = tuple(_turns(row))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path} line {number} is no item: give messages, prompt and answer, or text ({error})."
        ) from error
    if not any(turn.counted and turn.text for turn in turns):
        raise UserError(f"{path} line {number} has nothing to count: no assistant turn, no answer, no text.")
    return Item(str(row.get("category", "all")), str(row.get("id", number)), turns)


def _turns(row: dict[str, Any]) -> Iterator[Turn]:
    if "messages" in row:
        for message in row["messages"]:
            role, said = str(message["role"]), message.get("content") or ""
            calls = message.get("tool_calls")
            text = said if isinstance(said, str) else json.dumps(said)
            yield Turn(role, f"{text}{json.dumps(calls) if calls else ''}", role == ASSISTANT)
    elif "prompt" in row:
        yield Turn(USER, str(row["prompt"]))
        yield Turn(ASSISTANT, str(row["answer"]), True)
    else:
        yield Turn("", str(row["text"]), True)


def _render(tokenizer: Any, messages: list[dict[str, str]], *, prompt: bool) -> str:
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt))
    except Exception as error:  # templates are programs of others, and raise what they like
        raise UserError(
            f"the tokenizer's chat template refuses these turns ({error}); give template=plain."
        ) from error
