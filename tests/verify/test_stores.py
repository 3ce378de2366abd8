"""The same checks and stories on an object store, where each file is asked for once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.browse.config import InspectConfig
from corpus.browse.story import lines_of
from corpus.browse.terminal import Paper
from corpus.verify.config import VerifyConfig
from corpus.verify.run import verify

moto = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")


@pytest.fixture(scope="module")
def bucket(demo: tuple[Path, str]) -> Iterator[str]:
    """s3://corpus with two stages of the road."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    options = {"endpoint_url": address, "region_name": "us-east-1"}
    client = boto3.client("s3", **options, aws_access_key_id="owner", aws_secret_access_key="owner")
    client.create_bucket(Bucket="corpus")
    for stage in ("clean", "unique"):
        for path in sorted((demo[0] / stage).rglob("*")):
            if path.is_file():
                client.upload_file(str(path), "corpus", str(path.relative_to(demo[0])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "owner")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "owner")
        yield "s3://corpus"
    server.stop()


def test_a_stage_on_an_object_store_verifies_as_on_a_disk(bucket: str, demo: tuple[Path, str]) -> None:
    found = verify(f"{bucket}/clean", VerifyConfig(input=(f"{bucket}/clean",), sample=10))
    local = verify(str(demo[0] / "clean"), VerifyConfig(input=(str(demo[0] / "clean"),), sample=10))
    assert not [problem for check in found for problem in check.problems]
    assert [(check.name, check.outcome) for check in found] == [
        (check.name, check.outcome) for check in local
    ]


def test_stories_are_told_from_an_object_store(bucket: str) -> None:
    config = InspectConfig(input=(f"{bucket}/unique", f"{bucket}/clean"), id="0" * 32)
    said = "\n".join(lines_of(config, Paper(io.StringIO())))
    assert "never came in" in said and "unique (" in said and "clean (" in said
