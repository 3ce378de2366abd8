"""Publication against a server on the loopback that speaks the hub's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest, describe_file
from corpus.shards.card import hub
from tests.shards.card.hub_server import Hub, serve

FILES = {
    "stage1/agent/stage1-agent-00000-of-00001.parquet": b"PAR1 rows PAR1",
    "heldout/a[b]/heldout-00000-of-00001.parquet": b"PAR1 others PAR1",
    "tokenizer/tokenizer.json": b"{}",
    "README.md": b"---\nlicense: mit\n---\n# Data\n",
}
PUSH = """
import sys
from corpus.engine import manifest
from corpus.engine.errors import ForgeError
from corpus.shards.card import hub
try:
    print(hub.push(manifest.read(sys.argv[1]), sys.argv[2], private=True))
except ForgeError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def finished(tmp_path: Path) -> Manifest:
    folder = tmp_path / "shards"
    tables: dict[str, list[manifest.OutputFile]] = {}
    for path, data in FILES.items():
        storage.write_bytes(str(folder / path), data)
        table = path.rpartition("/")[0] or "card"
        tables.setdefault(table, []).append(describe_file(str(folder), path))
    (folder / "notes.txt").write_text("of the manifest: no")
    found = Manifest("shard", "f" * 64, {}, [], {}, tables, folder=str(folder))
    manifest.write(str(folder), found)
    return found


def push(finished: Manifest, address: str, token: str | None) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the client reads its settings once."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment |= {"HF_HOME": finished.folder + "-home", "PYTHONPATH": str(Path(hub.__file__).parents[3])}
    environment |= {"HF_TOKEN": token} if token else {}
    command = [sys.executable, "-c", PUSH, finished.folder, "org/data"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def server() -> Hub:
    with serve() as running:
        yield running


def test_the_hub_gets_what_the_manifest_lists_and_nothing_else(finished: Manifest, server: Hub) -> None:
    server.files["org/data"] = {"stage1/agent/stage1-agent-00000-of-00002.parquet": b"", "logo.png": b"kept"}
    done = push(finished, server.address, "hf_right")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == f"{server.address}/datasets/org/data"
    folder = Path(finished.folder)
    listed = {path: (folder / path).read_bytes() for path in (*FILES, "manifest.json", "_SUCCESS")}
    assert server.files["org/data"] == {**listed, "logo.png": b"kept"}
    assert server.private == {"org/data": True}
    assert server.cards[0].startswith("---\nlicense: mit")
    again = push(finished, server.address, "hf_right")
    assert again.returncode == 0, again.stderr
    assert server.files["org/data"] == {**listed, "logo.png": b"kept"}


def test_a_refused_token_is_one_sentence_without_the_token(finished: Manifest, server: Hub) -> None:
    done = push(finished, server.address, "hf_wrong_secret")
    assert done.returncode == 2 and server.files == {}
    assert "push=org/data: the hub refuses the token (401" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and "hf_wrong_secret" not in done.stderr


def test_a_token_without_rights_is_one_sentence(finished: Manifest, server: Hub) -> None:
    server.refuse = 403
    done = push(finished, server.address, "hf_right")
    assert done.returncode == 2
    assert "refuses the token (403" in done.stderr and "may write to org" in done.stderr


def test_a_missing_token_is_said_before_any_request(finished: Manifest, server: Hub) -> None:
    done = push(finished, server.address, None)
    assert done.returncode == 2 and "run `hf auth login` or set HF_TOKEN" in done.stderr
    assert server.seen == []


def test_a_hub_that_is_not_reached_leaves_the_data_set_whole(finished: Manifest) -> None:
    done = push(finished, "http://127.0.0.1:9", "hf_right")
    assert done.returncode == 2 and "the hub cannot be reached" in done.stderr
    assert manifest.read(finished.folder).fingerprint == finished.fingerprint


@pytest.mark.parametrize("name", ["data", "org/data/more", "../x", "org/da ta", ""])
def test_a_name_that_is_none_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "x")
    with pytest.raises(UserError, match="give push=ORG/NAME"):
        hub.check(name, "/data/shards")


def test_a_folder_on_an_object_store_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "x")
    with pytest.raises(UserError, match="uploads from a local folder"):
        hub.check("org/data", "s3://key:secret@bucket/shards")
    hub.check("org/data", "/data/shards")


def test_a_data_set_that_is_not_whole_is_not_uploaded(
    finished: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "x")
    (Path(finished.folder) / "stage1/agent/stage1-agent-00000-of-00001.parquet").unlink()
    with pytest.raises(UserError, match="does not hold what its manifest lists"):
        hub.push(replace(finished), "org/data", private=False)
    assert json.loads((Path(finished.folder) / "manifest.json").read_text())["stage"] == "shard"
