"""One small record per style of conversation, and what becomes of it: roles, calls, names of tools."""

from __future__ import annotations

import json
from typing import Any

_TOOL = {
    "name": "time",
    "description": "Gives the time",
    "parameters": {"type": "dict", "properties": {"city": {"type": "string"}}},
}
_OPENAI_TOOL = {
    "type": "function",
    "function": {"name": "time", "description": "", "parameters": {"type": "object", "properties": {}}},
}
Expected = tuple[list[str], list[tuple[str, dict[str, Any]]], list[str]]

_CALL = ("time", {"city": "Oslo"})
_ROUND = ["user", "assistant", "tool", "assistant"]

EXAMPLES: dict[str, tuple[dict[str, Any], Expected]] = {
    "sharegpt": (
        {
            "id": "abc_0",
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": "What time is it in Oslo?"},
                {"from": "function_call", "value": '{"name": "time", "arguments": {"city": "Oslo"}}'},
                {"from": "observation", "value": "12:00"},
                {"from": "gpt", "value": "Noon."},
            ],
            "tools": json.dumps([_TOOL]),
        },
        (["system", *_ROUND], [_CALL], ["time"]),
    ),
    "sharegpt with tags": (
        {
            "conversations": [
                {"from": "system", "value": f"You may call <tools> {json.dumps(_TOOL)} </tools>"},
                {"from": "human", "value": "Time?"},
                {
                    "from": "gpt",
                    "value": 'I look.\n<tool_call>\n{"name": "time", "arguments": {"city": "Oslo"}}\n</tool_call>',
                },
                {"from": "tool", "value": "<tool_response>\n12:00\n</tool_response>"},
                {"from": "gpt", "value": "Noon."},
            ]
        },
        (_ROUND, [_CALL], ["time"]),
    ),
    "toolace": (
        {
            "system": f"You are an expert in composing functions. Here is a list of functions in JSON format:\n[{json.dumps({**_TOOL, 'name': 'Local Time API'})}]\nReturn [func(a=b)].",
            "conversations": [
                {"from": "user", "value": "What time is it in Oslo, (CET) and Rome?"},
                {
                    "from": "assistant",
                    "value": '[Local Time API(city="Oslo, \\"CET\\""), Local Time API(city=\'Rome\', deep={"a": [1, 2]}, n=-1.5, ok=True)]',
                },
                {
                    "from": "tool",
                    "value": '[{"name": "Local Time API", "results": "12:00"}, {"name": "Local Time API", "results": "12:01"}]',
                },
                {"from": "assistant", "value": "Noon, [about]."},
            ],
        },
        (
            ["user", "assistant", "tool", "tool", "assistant"],
            [
                ("Local Time API", {"city": 'Oslo, "CET"'}),
                ("Local Time API", {"city": "Rome", "deep": {"a": [1, 2]}, "n": -1.5, "ok": True}),
            ],
            ["Local Time API"],
        ),
    ),
    "agent-flan": (
        {
            "conversation": [
                {"role": "user", "content": "An example", "loss": False},
                {"role": "assistant", "content": "Thought: a", "loss": False},
                {"role": "user", "content": "Now you", "loss": False},
                {"role": "assistant", "content": "Thought: b", "loss": True},
            ]
        },
        (["user", "assistant"] * 2, [], []),
    ),
    "openai": (
        {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Time?"}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "time", "arguments": '{"city": "Oslo"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": ""},
                {"role": "assistant", "content": "Noon."},
                {"role": "user", "content": "Thanks"},
            ],
            "tools": [_OPENAI_TOOL],
        },
        (["system", *_ROUND], [_CALL], ["time"]),
    ),
    "openai of before": (
        {
            "messages": [
                {"role": "user", "content": "Time?"},
                {"role": "assistant", "content": "I look."},
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": "time", "arguments": '{"city": "Oslo"}'},
                },
                {"role": "function", "name": "time", "content": "12:00"},
                {"role": "assistant", "content": "Noon."},
            ],
            "functions": [_TOOL],
        },
        (_ROUND, [_CALL], ["time"]),
    ),
    "glaive": (
        {
            "system": f"SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n{json.dumps(_TOOL, indent=1)}\n",
            "chat": 'USER: What time is it in Oslo?\n\n\nASSISTANT: <functioncall> {"name": "time", "arguments": \'{"city": "Oslo"}\'} <|endoftext|>\n\n\nFUNCTION RESPONSE: {"time": "12:00"}\n\n\nASSISTANT: Noon. <|endoftext|>\n\n\n',
        },
        (_ROUND, [_CALL], ["time"]),
    ),
    "xlam": (
        {
            "id": 7,
            "query": "Time in Oslo?",
            "answers": '[{"name": "time", "arguments": {"city": "Oslo"}}]',
            "tools": '[{"name": "time", "description": "t", "parameters": {"city": {"type": "str", "description": "c"}, "zone": {"type": "str, optional"}}}]',
        },
        (["user", "assistant"], [_CALL], ["time"]),
    ),
    "toolbench": (
        {
            "answer_generation": {
                "valid_data": True,
                "function": [_TOOL],
                "train_messages": [
                    [{"role": "user", "content": "Time?"}],
                    [
                        {"role": "user", "content": "Time?"},
                        {
                            "role": "assistant",
                            "content": None,
                            "function_call": {"name": "time", "arguments": '{"city": "Oslo"}'},
                        },
                        {"role": "function", "name": "time", "content": "12:00"},
                        {"role": "assistant", "content": "Noon."},
                    ],
                ],
            }
        },
        (_ROUND, [_CALL], ["time"]),
    ),
    "toolalpaca": (
        {
            "Function_Description": {"time": "Gives the time", "components": ""},
            "Instances": [
                {
                    "input": "Time in Oslo?",
                    "intermediate_steps": [[["time", '{"city": "Oslo"}', "log"], "12:00"]],
                    "output": "Noon.",
                }
            ],
        },
        (_ROUND, [_CALL], ["time"]),
    ),
    "swe-agent": (
        {
            "trajectory": [],
            "history": [
                {"role": "system", "content": "S", "agent": "main"},
                {"role": "user", "content": "Time?", "agent": "main"},
                {
                    "role": "assistant",
                    "content": "I look.",
                    "tool_calls": [
                        {
                            "id": "c",
                            "type": "function",
                            "function": {"name": "time", "arguments": '{"city": "Oslo"}'},
                        }
                    ],
                },
                {"role": "tool", "content": "12:00", "tool_call_ids": ["c"]},
                {"role": "assistant", "content": "Noon.", "tool_calls": None},
            ],
        },
        (["system", *_ROUND], [_CALL], []),
    ),
    "alpaca": (
        {"instruction": "Add", "input": "1 and 2", "output": "3"},
        (["user", "assistant"], [], []),
    ),
}
