"""The Berkeley Function Calling Leaderboard as items: functions and question, then the gold calls.

Read from a folder of the release (`BFCL_v4_*.json` beside `possible_answer/`) or from a JSONL container with
`file` and `text` in each row. Conventions, since the leaderboard scores by execution and not by likelihood:
of several accepted values the first one listed is taken, and an argument whose first accepted value is "" is
left out; calls are written as the leaderboard's prompt asks for them, `[name(argument=value, ...)]`; in
several turns the calls of earlier turns stand as they should have been made, and results of calls are not
shown, for no environment runs.

Categories of version 2: single-turn AST and live. Version 3 adds the multi-turn ones. Executable categories
no longer exist, and those without a gold call (irrelevance, relevance) have no likelihood.
"""

from __future__ import annotations

import ast
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpus.engine.errors import UserError
from training.benchmark.items import ASSISTANT, SYSTEM, USER, Item, Turn

SINGLE = ("simple_python", "simple_java", "simple_javascript", "multiple", "parallel", "parallel_multiple")
LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")
MULTI_TURN = ("base", "miss_func", "miss_param", "long_context")
V2 = (*SINGLE, *LIVE)
V3 = (*V2, *(f"multi_turn_{name}" for name in MULTI_TURN))
_PREFIX, _ANSWERS, _DOCS = "BFCL_v4_", "possible_answer", "multi_turn_func_doc"

INSTRUCTION = (
    "You can call the functions below. Answer the user with the calls that do what is asked, and with "
    "nothing else, written as [function(argument=value, ...), function(argument=value, ...)].\n\n"
    "Functions as JSON:\n{functions}"
)

_PROMPTS = ("constants", "default_prompts.py")  # beside the data in the released package
_PROMPT = "DEFAULT_SYSTEM_PROMPT"

Rows = Mapping[str, list[dict[str, Any]]]  # by path within the release, without its suffix


def read_bfcl(path: str, instruction: str | None = None, categories: tuple[str, ...] = V3) -> Iterator[Item]:
    """The items of the categories that are there.

    `instruction` has a place `{functions}`; by default it is the leaderboard's own where `path` lies in its
    package, else a short one of this project. Raises UserError where `path` holds no category.
    """
    instruction = instruction or own_prompt(Path(path)) or INSTRUCTION
    rows = _container(path) if path.endswith((".jsonl", ".jsonl.gz")) else _folder(Path(path))
    found = [name for name in categories if f"{_PREFIX}{name}" in rows]
    if not found:
        raise UserError(f"{path} holds no file {_PREFIX}*.json of the Berkeley Function Calling Leaderboard.")
    for category in found:
        answers = {row["id"]: row["ground_truth"] for row in rows.get(f"{_ANSWERS}/{_PREFIX}{category}", [])}
        for row in rows[f"{_PREFIX}{category}"]:
            if row["id"] in answers:
                yield _item(category, row, answers[row["id"]], rows, instruction)


def gold_calls(truth: list[Mapping[str, Mapping[str, Any]]]) -> str:
    """Accepted values to one call each: [{"f": {"x": [1, 2], "y": ["", 3]}}] gives `[f(x=1)]`."""
    calls = []
    for call in truth:
        for name, arguments in call.items():
            chosen = {key: _first(values) for key, values in arguments.items() if not _left_out(values)}
            calls.append(f"{name}({', '.join(f'{key}={value!r}' for key, value in chosen.items())})")
    return f"[{', '.join(calls)}]"


def own_prompt(data: Path) -> str | None:
    """The system prompt in the released package, read from its source without running it."""
    file = data.parent.joinpath(*_PROMPTS)
    if not file.is_file():
        return None
    known: dict[str, str] = {}

    def text(node: ast.expr) -> str:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return text(node.left) + text(node.right)
        return known.get(node.id, "") if isinstance(node, ast.Name) else str(ast.literal_eval(node))

    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            try:
                known[statement.targets[0].id] = text(statement.value)
            except ValueError:
                continue  # no text
    return known.get(_PROMPT)


def _item(category: str, row: dict[str, Any], truth: list[Any], rows: Rows, instruction: str) -> Item:
    functions = row.get("function") or _functions(row, rows)
    shown = json.dumps(functions, ensure_ascii=False)
    turns = [Turn(SYSTEM, instruction.replace("{functions}", shown))]
    several = category.startswith("multi_turn")
    held = row.get("missed_function", {})
    for number, said in enumerate(row["question"]):
        late = [f for f in _functions(row, rows, late=True) if f["name"] in held.get(str(number), [])]
        if late:
            turns.append(Turn(USER, f"Further functions:\n{json.dumps(late, ensure_ascii=False)}"))
        turns += [Turn(message["role"], message["content"]) for message in said]
        wanted = f"[{', '.join(truth[number])}]" if several else gold_calls(truth)
        turns.append(Turn(ASSISTANT, wanted, counted=not several or bool(truth[number])))
    return Item(category, row["id"], tuple(turns))


def _functions(row: Mapping[str, Any], rows: Rows, *, late: bool = False) -> list[dict[str, Any]]:
    """The documents of a multi-turn item's functions: those that are there from the start, or all of them."""
    missed = {name for names in row.get("missed_function", {}).values() for name in names}
    files = [_DOC_FILES.get(name, name) for name in row.get("involved_classes", [])]
    documents = [function for file in files for function in rows.get(f"{_DOCS}/{file}", [])]
    return [f for f in documents if f.get("name") not in row.get("excluded_function", [])
            and (late or f.get("name") not in missed)]  # fmt: skip


_DOC_FILES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}


def _left_out(values: Any) -> bool:
    return isinstance(values, list) and (not values or values[0] == "")


def _first(values: Any) -> Any:
    """The first accepted value; within it objects hold lists of accepted values again."""
    return _settled(values[0] if isinstance(values, list) else values)


def _settled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _first(inner) for key, inner in value.items() if not _left_out(inner)}
    if isinstance(value, list):
        return [_settled(inner) for inner in value]
    return value


def _folder(folder: Path) -> Rows:
    if not folder.is_dir():
        raise UserError(f"{folder} is neither a folder of the leaderboard's release nor a .jsonl file.")
    rows = {}
    for inner in ("", _ANSWERS, _DOCS):
        for file in sorted((folder / inner).glob("*.json")):
            lines = file.read_text(encoding="utf-8").splitlines()
            rows[f"{inner}/{file.stem}".lstrip("/")] = _parsed(lines)
    return rows


def _container(path: str) -> Rows:
    lines: dict[str, list[str]] = {}
    opened = gzip.open if path.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                place = Path(str(row.get("file", "")))
                inner = place.parent.name if place.parent.name in (_ANSWERS, _DOCS) else ""
                if "unused_datasets" not in place.parts and place.suffix == ".json":
                    lines.setdefault(f"{inner}/{place.stem}".lstrip("/"), []).append(str(row["text"]))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is no JSONL container with file and text in each row: {error}.") from error
    return {
        name: _parsed(texts) for name, texts in lines.items() if name.startswith((_PREFIX, _ANSWERS, _DOCS))
    }


def _parsed(lines: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # some files of the release are one object over many lines, and hold no items
            return rows
        if isinstance(row, dict):
            rows.append(row)
    return rows
