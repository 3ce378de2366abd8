"""Wanted pages beside the standard library: REST reference, command manuals, tutorials on agents."""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from typing import Any

from corpus.demo.doc import Block, Doc
from corpus.demo.prose import load_yaml


def rest_documents(seed: str) -> Iterator[Doc]:
    """Reference pages of REST operations: request line, fields, example call and answer, errors."""
    bank = load_yaml("rest")
    rng = random.Random(f"{seed}:rest")
    pairs = [(r, o) for r in bank["resources"] for o in bank["operations"]]
    rng.shuffle(pairs)
    for resource, operation in pairs:
        yield _rest_document(resource, operation, bank, rng)


def cli_documents(seed: str) -> Iterator[Doc]:
    """Manual pages of invented commands; the usage and the options are real argparse output."""
    bank = load_yaml("cli")
    rng = random.Random(f"{seed}:cli")
    for _ in range(3):
        for tool in bank["tools"]:
            yield _cli_document(tool, bank, rng)


def agent_documents(seed: str) -> Iterator[Doc]:
    """Tutorials: a tool's JSON schema, the loop in code, a trace of thoughts, actions and observations."""
    bank = load_yaml("agents")
    rng = random.Random(f"{seed}:agents")
    for _ in range(8):
        for task in bank["tasks"]:
            yield _agent_document(task, bank, rng)


def trajectory(task: dict[str, Any], bank: dict[str, Any], rng: random.Random) -> list[tuple[str, str, str]]:
    """(thought, action, observation) for each tool that the task uses."""
    tools = {tool["name"]: tool for tool in bank["tools"]}
    steps = []
    for name in task["use"]:
        tool = tools[name]
        thought = rng.choice(bank["thoughts"]).replace("{tool}", name)
        steps.append((thought, f"{name}({json.dumps(tool['args'])})", str(tool["result"])))
    return steps


def _rest_document(
    resource: dict[str, Any], operation: dict[str, Any], bank: dict[str, Any], rng: random.Random
) -> Doc:
    name, fields = resource["name"], dict(resource["fields"])
    path = resource["path"] + operation["path"]
    chosen = rng.sample(sorted(fields), k=min(3, len(fields)))
    example = {key: _example(fields[key], rng) for key in chosen}
    body = f" \\\n  -H 'Content-Type: application/json' \\\n  -d '{json.dumps(example)}'"
    call = f"curl -X {operation['verb']} https://api.service.example{path.replace('{id}', _token(name, rng))}"
    call += " \\\n  -H 'Authorization: Bearer $API_KEY'" + (
        body if operation["verb"] in ("POST", "PATCH") else ""
    )
    answer: Any = {
        "id": _token(name, rng),
        "object": name,
        **example,
        "created": 1_700_000_000 + rng.randrange(9**7),
    }
    if operation["title"].startswith("List"):
        answer = {
            "object": "list",
            "data": [answer],
            "has_more": rng.random() < 0.5,
            "next_cursor": _token("cur", rng),
        }

    def say(text: str) -> str:
        return text.replace("{r}", name).replace("{n}", str(rng.choice((10, 20, 25, 60, 90, 120, 256))))

    blocks = [
        Block("p", f"{resource['about']}. {say(operation['intro'])}"),
        Block("code", f"{operation['verb']} {path} HTTP/1.1\nHost: api.service.example"),
        Block("h", "Parameters"),
        Block("params", rows=tuple((key, *str(text).split("; ", 1)) for key, text in sorted(fields.items()))),
        Block("p", " ".join(say(note) for note in rng.sample(bank["notes"], 3))),
        Block("h", "Example request"),
        Block("code", call),
        Block("h", f"Response {operation['status']}"),
        Block("code", json.dumps(answer, indent=2)),
        Block("h", "Errors"),
        Block("params", rows=tuple((code, say(text)) for code, text in rng.sample(bank["errors"], 4))),
    ]
    return Doc(say(operation["title"]), tuple(blocks), "rest-reference")


def _cli_document(tool: dict[str, Any], bank: dict[str, Any], rng: random.Random) -> Doc:
    prog = tool["prog"]
    parser = argparse.ArgumentParser(prog, add_help=False, formatter_class=_Help, description=tool["about"])
    options = rng.sample(bank["options"], rng.randint(6, 9))
    for short, long, kind, text in options:
        action = {"count": "count", "flag": "store_true"}.get(kind)
        if action:
            parser.add_argument(short, long, action=action, help=text)
        else:
            parser.add_argument(short, long, metavar=kind, help=text)
    parser.add_argument(
        "target", nargs=rng.choice(("+", "?", None)), help="what to work on, a path or a name"
    )
    command = prog.split()[0]

    def say(text: str) -> str:
        number = str(rng.choice((2, 4, 8, 16, 30)))
        return text.replace("{p}", command).replace("{V}", command.upper()).replace("{n}", number)

    uses = [rng.sample(options, 2) for _ in range(3)]
    blocks = [
        Block("h", "NAME"),
        Block("p", f"{prog} - {tool['about']}"),
        Block("h", "SYNOPSIS"),
        Block("code", parser.format_help()),
        Block("h", "DESCRIPTION"),
        Block("p", " ".join(say(note) for note in rng.sample(bank["notes"], 4))),
        Block("h", "EXAMPLES"),
        Block("code", "\n".join(f"$ {prog} {_use(pair, rng)} target-{rng.randint(1, 99)}" for pair in uses)),
        Block("h", "EXIT STATUS"),
        Block("params", rows=tuple(tuple(row) for row in rng.sample(bank["exits"], 4))),
        Block("p", f"See also: {tool['see']}."),
    ]
    return Doc(f"{prog.replace(' ', '-')}(1)", tuple(blocks), "cli-manual")


class _Help(argparse.HelpFormatter):
    """Help text that does not depend on the width of the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


def _agent_document(task: dict[str, Any], bank: dict[str, Any], rng: random.Random) -> Doc:
    name = rng.choice(task["use"])
    tool = next(t for t in bank["tools"] if t["name"] == name)
    properties = {key: {"type": _json_type(value)} for key, value in tool["args"].items()}
    schema = {
        "name": name,
        "description": tool["about"],
        "parameters": {"type": "object", "properties": properties},
    }
    handlers = ", ".join(task["use"])
    steps = rng.randint(4, 20)
    code = (
        f"from loop import Agent, tool\n\n"
        f'agent = Agent(model="local-8b", tools=[{handlers}], max_steps={steps})\n'
        f"run = agent.run({task['ask']!r})\nfor step in run.steps:\n    print(step.tool, step.arguments)"
    )
    trace = "\n".join(
        f"Thought: {t}\nAction: {a}\nObservation: {o}" for t, a, o in trajectory(task, bank, rng)
    )

    def say(text: str) -> str:
        return text.replace("{tool}", name).replace("{n}", str(rng.choice((3, 5, 8, 12, 200, 500))))

    ideas = [say(idea) for idea in rng.sample(bank["ideas"], 5)]
    blocks = [
        Block("p", " ".join(ideas[:2])),
        Block("code", json.dumps(schema, indent=2)),
        Block("h", "Run it"),
        Block("code", code),
        Block("p", " ".join(ideas[2:4])),
        Block("h", "The trajectory"),
        Block("code", f"Question: {task['ask']}\n{trace}\nThought: I can answer now.\nAction: finish"),
        Block("p", ideas[4]),
    ]
    return Doc(say(rng.choice(bank["titles"])), tuple(blocks), "agent-tutorial")


def _use(options: list[list[str]], rng: random.Random) -> str:
    return " ".join(
        long if kind in ("count", "flag") else f"{long} {rng.randint(2, 400)}" for _, long, kind, _ in options
    )


def _token(name: str, rng: random.Random) -> str:
    return f"{name[:3]}_{rng.getrandbits(40):010x}"


def _example(description: str, rng: random.Random) -> Any:
    kind = description.split(";", maxsplit=1)[0]
    if kind == "integer":
        return rng.randint(1, 9000)
    if kind == "number":
        return round(rng.uniform(-80, 80), 3)
    if kind == "boolean":
        return rng.random() < 0.5
    if kind.startswith("array"):
        return [_token("item", rng)]
    return {"key": _token("val", rng)} if kind == "object" else _token("str", rng)


def _json_type(value: Any) -> str:
    return "integer" if isinstance(value, int) else "string"
