"""Every format of the registry becomes readable seeds of its kind that name their APIs, whatever else a row has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from corpus.seeds.convert import convert
from corpus.seeds.records import Candidate, Item, Origin

FORECAST = {
    "name": "forecast",
    "description": "Weather of a place",
    "parameters": {
        "type": "object",
        "properties": {"place": {"type": "string", "description": "A town"}, "days": {"type": "integer"}},
        "required": ["place"],
    },
}
SHOWN = (
    "- `forecast`: Weather of a place\n  - `place` (string, required): A town\n  - `days` (integer, optional)"
)


def only(value: Any, path: str = "rows.json", adapter: str = "") -> Candidate:
    """The one seed of a row that also has a key that no adapter knows."""
    if isinstance(value, dict):
        value = {**value, "a_key_of_next_year": {"nested": [1, None]}}
    text = value if isinstance(value, str) else json.dumps(value)
    found = list(convert(Item(Origin("test", "", None, path, adapter), 0, text)))
    assert [one.reason for one in found] == [""], found
    return found[0]


def in_order(text: str, *parts: str) -> bool:
    places = [text.find(part) for part in parts]
    return -1 not in places and places == sorted(places)


def test_toolace_conversations_with_bracketed_calls() -> None:
    row = {
        "system": f"You compose functions. Here is a list of functions in JSON format:\n{json.dumps([FORECAST])}.",
        "conversations": [
            {"from": "user", "value": "Will it rain in Turku?"},
            {
                "from": "assistant",
                "value": "[forecast(place='Turku, FI', days=2), Sun Times API(place=\"Turku\")]",
            },
            {"from": "tool", "value": '[{"name": "forecast", "results": {"rain": true}}]'},
            {"from": "assistant", "value": "Yes, it will."},
        ],
    }
    seed = only(row).draft
    assert seed.kind == "function_call" and seed.apis == ("Sun Times API", "forecast")
    calls = ('Call: forecast\n\n```json\n{"place": "Turku, FI", "days": 2}', "Call: Sun Times API")
    assert in_order(seed.text, "Request: Will it rain", SHOWN, *calls, 'Result: [{"name"', "Answer: Yes")


def test_a_transcript_of_glaive_with_its_quoting() -> None:
    chat = (
        "USER: Rain in Turku?\n\n\nASSISTANT: <functioncall> "
        '{"name": "forecast", "arguments": \'{"place": "Turku"}\'} <|endoftext|>\n\n\n'
        'FUNCTION RESPONSE: {"rain": true}\n\n\nASSISTANT: It rains. <|endoftext|>'
    )
    system = f"SYSTEM: You may use these functions -\n{json.dumps(FORECAST)}"
    seed = only({"system": system, "chat": chat}).draft
    assert seed.kind == "function_call" and seed.apis == ("forecast",)
    assert in_order(
        seed.text, "Request: Rain", SHOWN, '{"place": "Turku"}', 'Result: {"rain": true}', "It rains."
    )
    assert "endoftext" not in seed.text and "functioncall" not in seed.text


def test_hermes_tags_and_tools_in_a_column() -> None:
    call = '<tool_call>\n{"name": "forecast", "arguments": {"place": "Turku"}}\n</tool_call>'
    conversation = [
        {"from": "human", "value": "Rain in Turku?"},
        {"from": "gpt", "value": call},
        {"from": "tool", "value": "<tool_response>\nrain\n</tool_response>"},
    ]
    tools = json.dumps([{"type": "function", "function": FORECAST}])
    seed = only({"conversations": conversation, "tools": tools}).draft
    assert seed.kind == "function_call" and in_order(seed.text, SHOWN, "Call: forecast", "Result: rain")
    assert "<tool" not in seed.text


@pytest.mark.parametrize("as_text", [True, False])
def test_messages_of_openai_also_as_json_in_a_string(as_text: bool) -> None:
    messages: Any = [
        {"role": "user", "content": "Rain in Turku, and in Oulu?"},
        {
            "role": "assistant",
            "tool_calls": [{"function": {"name": "forecast", "arguments": '{"place": "Turku"}'}}],
        },
        {"role": "tool", "content": "rain"},
        {
            "role": "assistant",
            "tool_calls": [{"function": {"name": "forecast", "arguments": {"place": "Oulu"}}}],
        },
        {"role": "tool", "content": "sun"},
        {"role": "assistant", "content": [{"type": "text", "text": "Rain, then sun."}]},
    ]
    seed = only({"messages": json.dumps(messages) if as_text else messages}).draft
    assert seed.kind == "trajectory" and seed.apis == ("forecast",)
    parts = ("Task: Rain", "Action: forecast", "Observation: rain", "Action: forecast", "Observation: sun")
    assert in_order(seed.text, parts[0], parts[1], parts[2], parts[4], "Assistant: Rain, then sun.")


def test_agentinstruct_turns_in_which_the_environment_speaks_as_the_user() -> None:
    conversations = [
        {"from": "human", "loss": None, "value": "You are at a shell. Count the files."},
        {
            "from": "gpt",
            "loss": True,
            "value": "Think: I list them.\n\nAct: bash\n\n```bash\nls | wc -l\n```",
        },
        {"from": "human", "loss": None, "value": "The output of the OS:\n\n7"},
        {"from": "gpt", "loss": True, "value": "Think: Seven.\n\nAct: answer(7)"},
    ]
    seed = only({"conversations": conversations, "id": "os_1"}).draft
    assert seed.kind == "trajectory" and seed.apis == ("answer", "ls")
    parts = (
        "Task: You are",
        "Thought: I list",
        "Action:\n```bash\nls | wc -l\n```",
        "Observation:\n```\nThe output",
    )
    assert in_order(seed.text, *parts, "Action: answer(7)")


def test_agent_flan_steps_with_action_input_and_agenttraj_with_line_breaks() -> None:
    flan = [
        {"role": "user", "content": "Find a wren."},
        {
            "role": "assistant",
            "content": 'Thought: I search.\nAction: bird_search\nAction Input: {"q": "wren"}',
        },
        {"role": "user", "content": "Observation: one found"},
    ]
    seed = only({"conversation": flan, "id": 1}).draft
    parts = (
        "Task: Find",
        "Thought: I search.",
        'Action: bird_search\n\n```json\n{"q": "wren"}',
        "Observation: one",
    )
    assert in_order(seed.text, *parts) and seed.apis == ("bird_search",)
    traj = [
        {"from": "human", "loss": None, "value": "Buy a kettle"},
        {"from": "gpt", "loss": True, "value": "Thought:\nI look for it.\n\nAction:\nsearch[kettle]"},
        {"from": "human", "loss": None, "value": "Page 1 of 3"},
    ]
    seed = only({"conversations": traj, "item_id": "webshop_0"}).draft
    parts = ("Task: Buy a kettle", "Thought: I look", "Action: search[kettle]", "Observation: Page 1 of 3")
    assert in_order(seed.text, *parts) and seed.apis == ("search",)


def test_conversations_of_columns_and_a_conversation_without_steps() -> None:
    columns = {"from": ["human", "gpt"], "value": ["Do wrens sing all winter long?", "They do, and loudly."]}
    seed = only({"conversations": columns}).draft
    assert seed.kind == "text" and seed.text.startswith("User: Do wrens") and seed.apis == ()


def test_trajectories_of_nebius_and_openhands() -> None:
    nebius = [
        {"role": "system", "text": None, "system_prompt": "You repair code."},
        {"role": "user", "text": "The parser fails."},
        {"role": "ai", "text": "I look at it.\n```\nopen parser.py\n```"},
        {"role": "user", "text": "[File: parser.py]\n1: x"},
    ]
    seed = only({"instance_id": "a__b-1", "trajectory": nebius}).draft
    parts = (
        "System: You repair",
        "Task: The parser",
        "Thought: I look",
        "```bash\nopen parser.py\n```",
        "Observation:",
    )
    assert in_order(seed.text, *parts) and seed.apis == ("open",)
    block = "I run it.\n<function=execute_bash>\n<parameter=command>make test</parameter>\n</function>"
    hands = [{"role": "user", "content": "Make it pass."}, {"role": "assistant", "content": block}]
    seed = only({"messages": hands}).draft
    assert seed.apis == ("execute_bash",) and '{"command": "make test"}' in seed.text


def test_xlam_rows_with_json_in_strings() -> None:
    tools = [
        {
            "name": "forecast",
            "description": "Weather",
            "parameters": {"place": {"type": "str, optional", "default": "Turku"}},
        }
    ]
    answers = [{"name": "forecast", "arguments": {"place": "Oulu"}}]
    seed = only(
        {"id": 7, "query": "Rain in Oulu?", "tools": json.dumps(tools), "answers": json.dumps(answers)}
    ).draft
    assert seed.kind == "function_call" and seed.apis == ("forecast",)
    assert in_order(
        seed.text, "Request: Rain", "- `place` (str, optional): Default: Turku.", '{"place": "Oulu"}'
    )


def test_nexusraven_queries_and_definitions() -> None:
    query = {
        "dataset": "cve",
        "prompt": "Find the products of a vendor for me",
        "python_function_name": "search_cpe",
        "python_args_dict": '{"vendor": "acme"}',
        "context_functions": ["search_cpe", "search_cve"],
    }
    seed = only(query).draft
    assert seed.kind == "function_call" and seed.apis == ("search_cpe",) and "- `search_cve`" in seed.text
    arguments = [{"name": "vendor", "type": "str", "description": "Who", "required": True, "default": None}]
    defined = only(
        {"dataset": "cve", "name": "search_cpe", "description": "Finds products.", "args_dicts": arguments}
    ).draft
    assert defined.kind == "tool_doc" and "- `vendor` (str, required): Who" in defined.text
    raw = only(
        {
            "dataset": "cve",
            "query_dict": json.dumps({"query": "Find acme", "reference": "r = nvd.searchCPE(k='acme')"}),
        }
    )
    assert raw.draft.apis == ("nvd.searchCPE",)


def test_api_bank_requests_and_replies() -> None:
    described = {
        "name": "AddAlarm",
        "description": "Sets an alarm.",
        "input_parameters": {"time": {"type": "str", "description": "When"}},
    }
    order = f"Generate an API request in the format of [ApiName(key1='value1')].\nAPI descriptions:\n{json.dumps(described)}\n"
    said = "User: Wake me at seven.\nGenerate API Request: "
    seed = only(
        {"instruction": order, "input": said, "output": "API-Request: [AddAlarm(time='07:00')]"}
    ).draft
    assert seed.kind == "function_call" and seed.apis == ("AddAlarm",)
    assert in_order(
        seed.text,
        "Request: User: Wake me",
        "- `time` (str): When",
        'Call: AddAlarm\n\n```json\n{"time": "07:00"}',
    )
    reply = only({"instruction": order, "input": said, "output": "Shall it repeat on other days?"}).draft
    assert reply.kind == "text" and "Shall it repeat" in reply.text


def test_mind2web_actions_and_webshop_states() -> None:
    row = {
        "confirmed_task": "Book a room in Turku",
        "website": "rooms",
        "domain": "Travel",
        "action_reprs": ["[button]  Search -> CLICK", "[textbox]  City -> TYPE: Turku", "odd"],
        "actions": [{"cleaned_html": "<html>" * 1000}],
    }
    seed = only(row).draft
    assert seed.kind == "trajectory" and seed.apis == ("CLICK", "TYPE", "odd") and "<html>" not in seed.text
    typed = '{"element": "textbox", "label": "City", "value": "Turku"}'
    assert in_order(seed.text, "Website: rooms", "Task: Book", "Action: CLICK", "Action: TYPE", typed)
    run = {
        "states": ["Instruction: buy a red kettle", "Results: [Kettle]"],
        "actions": ["search[red kettle]", "click[Kettle]"],
    }
    seed = only(run).draft
    parts = (
        "Task: Instruction",
        "Action: search[red kettle]",
        "Observation: Results",
        "Action: click[Kettle]",
    )
    assert in_order(seed.text, *parts) and seed.apis == ("click", "search")


def test_lumos_plans_with_results_and_groundings_with_their_modules() -> None:
    plan = [
        {"role": "user", "content": "Please provide a reasonable subgoal-based plan to solve the given task.\nTask: How old is the wren?; Initial Environment Description: None."},
        {"role": "assistant", "content": "Subgoal 1: Find the year of its birth."},
        {"role": "user", "content": "The executed result for Subgoal 1 is 2019. Should we stop planning?"},
        {"role": "assistant", "content": "No, I will keep planning. Subgoal 2: Subtract it from 2024."},
    ]  # fmt: skip
    seed = only({"messages": plan}).draft
    assert seed.kind == "plan"
    assert seed.text == (
        "Goal: How old is the wren?\n\nPlan:\n\n1. Find the year of its birth.\n   Result: 2019\n2. Subtract it from 2024."
    )
    ground = [
        {"role": "user", "content": "Please ground the given subgoal to corresponding executable actions. The available action list is 'KnowledgeQuery, Calculator'.\nTask: How old is the wren?\nSubgoal to be grounded: Subgoal 1: Find the year"},
        {"role": "assistant", "content": "R1 = KnowledgeQuery(wren); R2 = Calculator(2024 - R1)"},
    ]  # fmt: skip
    seed = only({"messages": ground}).draft
    assert seed.kind == "function_call" and seed.apis == ("Calculator", "KnowledgeQuery")
    assert in_order(
        seed.text, "Request: How old", "Call: R1 = KnowledgeQuery(wren)", "Call: R2 = Calculator("
    )


def test_functions_with_documentation_and_files_that_explain_themselves() -> None:
    code = 'def sing(bird):\n    """Let a bird sing."""\n    return bird.song()'
    row = {
        "func_name": "Aviary.sing",
        "func_documentation_string": "Let a bird sing.",
        "func_code_string": code,
    }
    seed = only({**row, "language": "python", "repository_name": "zoo/aviary"}).draft
    assert seed.kind == "code" and seed.apis == ("Aviary.sing",)
    assert in_order(
        seed.text, "# Aviary.sing", "Let a bird sing.", "Repository: zoo/aviary", "```python\ndef sing"
    )
    file = {"max_stars_repo_path": "zoo/birds.py", "max_stars_repo_name": "zoo/aviary", "id": "1"}
    head = '#!/usr/bin/env python\n"""Songs of the birds of the garden, by season."""\nimport zoo\n'
    seed = only({**file, "content": f"<reponame>zoo/aviary<gh_stars>3\n{head}"}, adapter="functions").draft
    assert seed.kind == "code" and in_order(
        seed.text, "# zoo/birds.py", "Songs of the birds", "```python\n#!"
    )
    licensed = {**file, "content": "# Copyright 2020 the zoo and its many authors\nimport zoo\n"}
    assert [c.reason for c in convert(Item(Origin("t", "", None, "a.json"), 0, json.dumps(licensed)))] == [
        "empty"
    ]


def test_documentation_of_modules_gives_a_page_per_documented_member() -> None:
    module = {
        "module": "zoo",
        "doc": "Everything about a zoo and its animals.",
        "functions": [
            {
                "name": "feed",
                "signature": "(animal, grams=10)",
                "doc": "Feed an animal of the zoo with corn.",
            },
            {"name": "hidden"},
        ],
    }
    found = [
        c.draft
        for c in convert(Item(Origin("t", "", None, "zoo.json"), 0, json.dumps(module)))
        if not c.reason
    ]
    assert [draft.apis for draft in found] == [(), ("zoo.feed",)]
    assert in_order(found[1].text, "# zoo.feed", "`zoo.feed(animal, grams=10)`", "Feed an animal")


def test_hub_pages_with_front_matter_and_sphinx_text() -> None:
    hub = "---\nlayout: hub_detail\ntitle: BirdNet\n---\n```python\nimport torch\nmodel = torch.hub.load('birds/nets')\n```\n"
    seed = only(hub, "birds.md").draft
    assert (
        seed.kind == "tool_doc" and seed.title == "BirdNet" and seed.text.startswith("# BirdNet\n\n```python")
    )
    text = "zoo - Animals\n*************\n\nzoo.feed(animal, grams=10)\n\n   Feed an animal.\n\nclass zoo.Cage(size)\n\n   A cage.\n"
    seed = only(text, "library/zoo.txt").draft
    assert seed.kind == "tool_doc" and seed.apis == ("zoo.Cage", "zoo.feed")


def test_rows_of_pages_are_taken_only_where_the_source_says_so() -> None:
    row = {
        "project": "zoo",
        "language": "md",
        "content": "# Feeding\n\n```\nzoo.feed(wren)\n```\nFeeds a wren with corn.",
    }
    assert only(row, adapter="pages").draft.title == "zoo: Feeding"
    other = {"content": "A letter of no use to an agent at all, about the weather."}
    found = list(convert(Item(Origin("t", "", None, "rows.json"), 0, json.dumps(other))))
    assert [one.reason for one in found] == ["unknown_format"]


@pytest.mark.parametrize(
    "row",
    [
        {"goal": "Bake bread at home", "steps": ["Mix the dough", {"step": "Bake it", "result": "bread"}]},
        {"task": "Bake bread at home", "plan": "1. Mix the dough\n2) Bake it"},
        {"query": "[STATEMENT]\nan example\n[PLAN]\nx\n[STATEMENT]\nBake bread at home\n[PLAN]", "ground_truth_plan": "(mix dough)\n(bake it)", "domain": "kitchen"},
    ],
)  # fmt: skip
def test_plans_as_lists_as_numbered_text_and_as_planbench_has_them(row: dict[str, Any]) -> None:
    seed = only(row).draft
    assert seed.kind == "plan" and in_order(seed.text, "Goal: Bake bread at home", "Plan:\n\n1. ", "\n2. ")


def test_a_rapidapi_tool_and_toolbench_prompts_in_pythons_notation() -> None:
    api = {
        "name": "songs",
        "url": "https://birds.p.rapidapi.com/songs",
        "method": "GET",
        "description": "Songs of a bird",
    }
    api["required_parameters"] = [{"name": "bird", "type": "STRING", "description": "Its name"}]
    tool = {"tool_name": "Birds", "tool_description": "All about birds", "api_list": [api]}
    seed = only(tool).draft
    assert seed.kind == "tool_doc" and seed.apis == ("Birds.songs",)
    assert in_order(
        seed.text, "# Birds", "## songs", "`GET https://birds", "- `bird` (string, required): Its name"
    )
    system = f"You are AutoGPT. You have access of the following tools.\nSpecifically, you have these APIs: {[FORECAST]!r}"
    steps = [
        {"from": "system", "value": system},
        {"from": "user", "value": "Rain in Turku?\nBegin!"},
        {"from": "assistant", "value": '\nThought: \nAction: forecast\nAction Input: {"place": "Turku"}'},
        {"from": "function", "value": '{"response": "rain"}'},
        {"from": "assistant", "value": '\nThought: \nAction: Finish\nAction Input: {"final_answer": "yes"}'},
    ]
    seed = only({"id": "q", "conversations": steps}).draft
    assert seed.kind == "trajectory" and seed.apis == ("Finish", "forecast") and SHOWN in seed.text


@pytest.mark.parametrize(
    "row",
    [
        {"query": "What?", "tools": "[{", "answers": "no json at all"},
        {"conversations": [{"from": 3, "value": None}]},
        {"prompt": None, "python_function_name": None},
        {"confirmed_task": "x", "action_reprs": {"a": 1}},
        {"instruction": "an API", "input": None, "output": 3},
        {"trajectory": "never started"},
        {"states": [None], "actions": "no"},
    ],
)
def test_a_broken_row_is_rejected_with_a_reason(row: dict[str, Any]) -> None:
    found = list(convert(Item(Origin("t", "", None, "rows.json"), 0, json.dumps(row))))
    assert [one.reason in ("empty", "malformed", "unknown_format") for one in found] == [True]
