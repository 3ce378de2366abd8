"""The status of a workspace on an object store, through the engine's storage as everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.crawl.commits import Commit, Measured, write_commit
from corpus.engine import claim, storage
from corpus.engine.config import build
from corpus.engine.manifest import OutputFile
from corpus.status.config import StatusConfig
from corpus.status.look import Looker
from tests.report import synthetic

moto = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "owner")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(
        Bucket="work"
    )
    yield "s3://work"
    server.stop()


def test_a_workspace_on_s3_is_read_like_a_local_one(bucket: str, tmp_path: Path) -> None:
    synthetic.make_seeds(tmp_path)
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file():
            storage.write_bytes(f"{bucket}/work/{path.relative_to(tmp_path)}", path.read_bytes())
    claim.take(f"{bucket}/work/pages")
    counts = {"kept": 10, "dropped": 5, "failed": 0}
    file, measured = OutputFile("x", 0, 0, ""), Measured(1.0, 0.5, {}, [], 1, [1, 1])
    commit = Commit("f", "a", "a", 1000, "", 40, 15, counts, [], file, file, measured)
    write_commit(f"{bucket}/work/pages", commit)
    status = Looker(build(StatusConfig, {"input": f"{bucket}/work"})).look()
    states = {part.name: part.state for part in status.parts}
    assert (states["seeds"], states["pages"], states["unique"]) == ("finished", "running", "waiting")
    pages = next(part for part in status.parts if part.name == "pages")
    assert (pages.done, dict(pages.outcomes)) == (1, counts)
    assert status.exit_code == 4
