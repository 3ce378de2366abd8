"""The shipped registry is valid, and a wrong one is told of in a sentence that names source and key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from corpus.engine.errors import UserError
from corpus.seeds.adapters import ADAPTERS
from corpus.seeds.licences import spdx
from corpus.seeds.records import KINDS
from corpus.seeds.registry import Source, choose, load

GOOD = {
    "title": "Birds",
    "location": "hub:birds/songs",
    "kind": "tool_doc",
    "format": "rows",
    "adapter": "openapi",
}
# the sources that the paper's tables and the project's issue name
NAMED = (
    "openapi-directory gorilla-apizoo api-pack rapidapi-toolbench torchhub tfhub huggingface-docs python-docs gorilla-apibench "
    "toolace xlam-60k glaive-v2 nexusraven toolalpaca api-bank agentinstruct agent-flan agenttraj-l fireact lumos-plan "
    "lumos-ground swe-agent toolbench webshop mind2web starcoder tldr-pages metatool restgpt hugginggpt"
)  # fmt: skip


def write(folder: Path, **changed: object) -> str:
    entry = {key: value for key, value in {**GOOD, **changed}.items() if value is not ...}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"sources": {"birds": entry}}))
    return str(folder / "sources.yaml")


def test_the_shipped_registry_is_valid_and_holds_what_is_named(repository: Path) -> None:
    sources = load(str(repository / "conf" / "sources.yaml"))
    assert set(NAMED.split()) <= set(sources)
    assert {source.kind for source in sources.values()} == set(KINDS) - {"text"}
    for source in sources.values():
        assert source.adapter in ADAPTERS and source.page.startswith("https://"), source.name
        assert source.licence is None or spdx(source.licence) == source.licence, source.name
        assert source.checked or source.note or source.licence is None, source.name


def test_every_adapter_that_reads_data_sets_serves_a_source(repository: Path) -> None:
    used = {source.adapter for source in load(str(repository / "conf" / "sources.yaml")).values()}
    registered_elsewhere = set(ADAPTERS) - used - {"modules"}  # modules: what libraries' own tools export
    assert not {name for name in registered_elsewhere if name in NAMED}
    assert {"openapi", "queries", "trajectories", "lumos", "websites", "functions", "plans", "pages"} <= used


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"adaptor": "openapi"}, "unknown key 'adaptor' .*did you mean 'adapter'"),
        ({"adapter": "opnapi"}, "'adapter' cannot be 'opnapi': did you mean 'openapi'"),
        ({"kind": "poem"}, "'kind' cannot be 'poem'"),
        ({"title": ...}, "the key 'title' is missing"),
        ({"location": "ftp://birds.example/a.zip"}, "birds.*has the location"),
        ({"location": "http://birds.example/a.zip"}, "has the location"),
        ({"location": "hub:birds"}, "has the location"),
        ({"sha256": "abc"}, "64 hexadecimal digits"),
        ({"files": ["../a.json"]}, "leaves the source"),
        ({"files": ["/etc/passwd"]}, "leaves the source"),
        ({"revision": "../../x"}, "revision"),
        ({"bytes": -1}, "'bytes' is -1"),
        ({"name": "other"}, "must not have the key 'name'"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_one_sentence(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        load(write(tmp_path, **changed))
    assert "birds" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["sources: []", "sources: {}", "other: 1", "sources: {a: 3}", "sources: {'A/B': {}}"]
)
def test_a_registry_of_another_form_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "sources.yaml").write_text(text)
    with pytest.raises(UserError, match=r"sources\.yaml"):
        load(str(tmp_path / "sources.yaml"))


def test_all_leaves_out_evaluation_sets_and_what_is_fetched_by_hand() -> None:
    plain = Source(name="a", **GOOD)
    sources = {
        "a": plain,
        "b": Source(name="b", **GOOD, evaluation=True),
        "c": Source(name="c", **{**GOOD, "location": "by hand: https://birds.example"}),
    }
    assert choose(sources, ("all",)) == [plain]
    assert [source.name for source in choose(sources, ("b", "all", "a"))] == ["b", "a"]
    with pytest.raises(UserError, match="unknown source 'aa' in fetch=: did you mean"):
        choose({"aaa": plain}, ("aa",))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("MIT (GPT-4 generated)", "MIT"),
        ("CC-BY-4.0 (individual OAS files may differ)", "CC-BY-4.0"),
        ("GPL-3.0-or-later", "GPL-3.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("The MIT License", "MIT"),
        ("CC0-1.0 (directory); npm package MIT; specs of providers", "CC0-1.0 (directory); npm package MIT; specs of providers"),
        ("MIT or Apache-2.0", "MIT or Apache-2.0"),
        ("bigcode-openrail-m", "bigcode-openrail-m"),
        ("  other ", "other"),
    ],
)  # fmt: skip
def test_licences_have_their_spdx_names_where_one_is_named(said: str, name: str) -> None:
    assert spdx(said) == name
