"""Each format becomes readable seeds that name their APIs."""

from __future__ import annotations

import json

import pytest

from corpus.seeds.apis import api_of_call, http_api
from corpus.seeds.convert import Limits, convert
from corpus.seeds.records import Candidate, Item, Origin

OPENAPI = {
    "openapi": "3.0.1",
    "info": {"title": "Bird watch", "version": "2"},
    "servers": [{"url": "https://api.birds.example/v2"}],
    "paths": {
        "/sightings/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {
                "summary": "Read a sighting",
                "parameters": [
                    {"name": "lang", "in": "query", "schema": {"type": "string", "enum": ["en", "fr"]}}
                ],
                "responses": {
                    "200": {
                        "description": "The sighting",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Sighting"}}
                        },
                    }
                },
            },
            "delete": {"operationId": "dropSighting", "responses": {"204": {"description": "Gone"}}},
        }
    },
    "components": {
        "schemas": {
            "Sighting": {
                "type": "object",
                "properties": {
                    "species": {"type": "string", "example": "wren"},
                    "parent": {"$ref": "#/components/schemas/Sighting"},
                },
            }
        }
    },
}
SWAGGER = """
swagger: "2.0"
info: {title: Bird watch, version: "1"}
host: API.birds.example
basePath: /v1
schemes: [http, https]
paths:
  /sightings:
    post:
      summary: Report a sighting
      parameters:
        - {name: body, in: body, schema: {type: object, required: [species], properties: {species: {type: string}}}}
      responses: {201: {description: Created}}
"""


def seeds(path: str, content: object, **limits: int) -> list[Candidate]:
    text = content if isinstance(content, str) else json.dumps(content)
    return list(convert(Item(Origin("test", "git:test", "MIT", path), 0, text), Limits(**limits)))


def only(path: str, content: object) -> Candidate:
    found = seeds(path, content)
    assert len(found) == 1 and not found[0].reason
    return found[0]


def test_openapi_gives_one_seed_per_operation_and_recursive_schemas_end() -> None:
    read, drop = seeds("birds.json", OPENAPI)
    assert read.draft.apis == ("api.birds.example GET /v2/sightings/{id}",)
    assert drop.draft.apis == ("api.birds.example DELETE /v2/sightings/{id}",)
    assert read.draft.kind == "tool_doc" and read.draft.title == "Bird watch: Read a sighting"
    for wanted in (
        "- `id` (integer, path, required)",
        "- `lang` (string, one of: en, fr, query, optional)",
        '"species": "wren"',
        "curl --request GET",
        "- 200:",
    ):
        assert wanted in read.draft.text
    assert (read.index, drop.index) == (0, 1) and read.id != drop.id


def test_swagger_2_in_yaml_takes_host_base_path_and_body() -> None:
    post = only("birds.yaml", SWAGGER)
    assert post.draft.apis == ("api.birds.example POST /v1/sightings",)
    assert "- `species` (string, body, required)" in post.draft.text and "--data" in post.draft.text


def test_an_apibench_row_becomes_documentation_and_an_answered_one_a_function_call() -> None:
    row = {
        "api_name": "birdnet",
        "api_call": "torch.hub.load('birds/nets', 'birdnet')",
        "functionality": "Bird calls",
    }
    row |= {"api_arguments": {"pretrained": "load weights"}, "description": "Tells birds by their calls."}
    described = only("hub_api.jsonl", row)
    assert described.draft.kind == "tool_doc" and "- `pretrained`: load weights" in described.draft.text
    assert described.draft.apis == ("torch.hub.load[birds/nets,birdnet]",)
    code = "###Instruction: Which bird sings here?\n###Output: <<<explanation>>>: We load it. <<<code>>>: ..."
    answered = only("train.json", {"code": code, "api_call": row["api_call"], "api_data": row})
    assert answered.draft.kind == "function_call" and "Request: Which bird sings here?" in answered.draft.text


def test_api_pack_rows_name_the_operation_and_not_the_program_around_it() -> None:
    row = {"api_call": 'import "net/http"\nhttp.NewRequest("POST", url)', "api_provider": "birds.example"}
    pack = only("db.json", {**row, "path": "/songs", "method": "post", "functionality": "Store a song"})
    assert pack.draft.apis == ("birds.example POST /songs",)


def test_a_list_of_rows_gives_one_seed_per_row() -> None:
    rows = [
        {"api_name": f"tool {n}", "api_call": f"birds.call_{n}(x=1)", "functionality": "Calls a bird."}
        for n in (1, 2)
    ]
    assert [c.draft.apis for c in seeds("zoo.json", rows)] == [("birds.call_1",), ("birds.call_2",)]


def test_chat_messages_become_a_trajectory_with_its_actions() -> None:
    messages = [
        {"role": "user", "content": "Where do wrens nest?"},
        {"role": "assistant", "content": "Thought: I look it up.\nAction: search[wren nest]"},
        {"role": "user", "content": "Observation: In hedges."},
        {"role": "assistant", "content": "Action: finish[in hedges]"},
    ]
    seed = only("fireact.jsonl", {"messages": messages})
    assert seed.draft.kind == "trajectory" and seed.draft.apis == ("finish", "search")
    assert (
        seed.draft.text.startswith("Task: Where do wrens nest?")
        and "Observation: In hedges." in seed.draft.text
    )


def test_structured_tool_calls_are_named() -> None:
    call = {"function": {"name": "bird_search", "arguments": '{"species": "wren"}'}}
    messages = [
        {"role": "user", "content": "Find a wren for me."},
        {"role": "assistant", "tool_calls": [call]},
    ]
    assert only("chat.json", {"messages": messages}).draft.apis == ("bird_search",)


def test_react_prompts_give_one_trajectory_per_prompt() -> None:
    prompt = "Question: Where?\nThought 1: I search.\nAction 1: Search[wren]\nObservation 1: A bird.\nAction 2: Finish[there]"
    found = seeds("prompts.json", {"webthink": prompt, "second": prompt + " again"})
    assert [c.draft.kind for c in found] == ["trajectory", "trajectory"]
    assert found[0].draft.apis == ("Finish", "Search")


def test_a_run_of_an_agent_shows_thought_command_and_observation() -> None:
    run = {
        "trajectory": [{"thought": "I open it.", "action": "open birds.py\n", "observation": "x" * 9000}],
        "history": [{"role": "user", "content": "Repair birds.py"}],
    }
    seed = only("birds.traj", run)
    assert seed.draft.apis == ("open",) and seed.draft.text.startswith("Task: Repair birds.py")
    assert "characters left out" in seed.draft.text and len(seed.draft.text) < 4000


def test_toolbench_and_restgpt_instructions_list_what_they_need() -> None:
    api = {"tool_name": "Birds", "api_name": "songs", "api_description": "Songs of birds", "method": "GET"}
    seed = only(
        "G1.json",
        {"api_list": [api], "query": "What does a wren sing?", "relevant APIs": [["Birds", "songs"]]},
    )
    assert seed.draft.kind == "function_call" and seed.draft.apis == ("Birds.songs",)
    rest = only(
        "spotify.json", {"query": "Play a song of birds", "solution": ["GET /search", "PUT /me/player"]}
    )
    assert rest.draft.apis == ("GET /search", "PUT /me/player")


def test_a_command_page_keeps_its_text_and_takes_the_language_of_its_folder() -> None:
    page = "# git birds\n\n> Montre les oiseaux du dépôt.\n\n- Montre tout :\n\n`git birds --all`\n"
    seed = only("pages.fr/common/git-birds.md", page)
    assert (seed.draft.apis, seed.draft.language, seed.draft.text) == (("git birds",), "fr", page.strip())


def test_a_long_document_is_cut_at_headings_and_loses_nothing() -> None:
    text = "\n".join(f"## Part {n}\n" + "Birds sing. " * 800 for n in range(6))
    found = seeds("guide.md", text)
    assert len(found) > 1 and all(c.draft.text.startswith("## Part") for c in found)
    assert "".join("".join(c.draft.text for c in found).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("broken.json", '{"openapi": ', "malformed"),
        ("broken.yaml", "a: [1, 2", "malformed"),
        ("deep.json", "[" * 100_000, "malformed"),
        ("paths.json", '{"openapi": "3.0.0", "paths": [1]}', "malformed"),
        ("strange.json", '{"weather": {"wind": 3}}', "unknown_format"),
        ("empty.md", "  \n", "empty"),
        ("empty.json", "[]", "empty"),
        ("none.json", '{"openapi": "3.0.0", "paths": {}}', "empty"),
        ("short.txt", "too little", "empty"),
        ("long.txt", "word " * 1000, "too_long"),
        ("large.txt", "word " * 3000, "too_large"),
    ],
)
def test_what_cannot_be_a_seed_is_one_candidate_with_a_reason(path: str, content: str, reason: str) -> None:
    limits = {"most_chars": 3000, "most_item_chars": 200_000 if path.startswith("deep") else 12_000}
    assert [c.reason for c in seeds(path, content, **limits)] == [reason]


def test_yaml_that_multiplies_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 300)}]" for n in range(1, 9)]
    assert [c.reason for c in seeds("bomb.yaml", "\n".join(lines))] == ["malformed"]
    merges = ["m0: &m0 {a: 1}"] + [
        f"m{n}: &m{n}\n  <<: [{', '.join([f'*m{n - 1}'] * 40)}]" for n in range(1, 9)
    ]
    assert [c.reason for c in seeds("merge.yaml", "\n".join(merges))] == ["malformed"]


def test_code_in_data_is_never_run(tmp_path: object) -> None:
    hostile = f"!!python/object/apply:os.mkdir ['{tmp_path}/made']"
    assert [c.reason for c in seeds("x.yaml", hostile)] == ["malformed"]


@pytest.mark.parametrize(
    ("call", "api"),
    [
        ("GET /api/v2/keys?page=1", "datadog GET /api/v2/keys"),
        ("service.users().getProfile(userId='me').execute()", "service.users.getProfile"),
        ("AutoModel.from_pretrained('a/b')", "AutoModel.from_pretrained[a/b]"),
        ("pandas.read_csv('x.csv')", "pandas.read_csv"),
        ("", ""),
    ],
)
def test_apis_of_calls_follow_the_rule(call: str, api: str) -> None:
    assert api_of_call(call, "Datadog") == api


def test_an_http_api_has_host_method_and_path() -> None:
    assert http_api("https://API.x.org/v1/", "get", "/a?b=c") == "api.x.org GET /v1/a"
