"""Shards in a bucket of a real S3 API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.errors import UserError
from tests.training.data.stores.test_stores import cache_in, digests
from tests.training.support import write_shards
from training.data.shards import open_set

moto = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shards(tmp_path_factory.mktemp("stage") / "shards")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"region_name": "us-east-1", "aws_access_key_id": "owner", "aws_secret_access_key": "owner"}
    yield boto3.client("s3", endpoint_url=f"http://{host}:{port}", **options)
    server.stop()


@pytest.fixture
def bucket(client: Any, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", client.meta.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "owner")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "owner")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client.create_bucket(Bucket="data")
    root = local.parent
    keys = [file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()]
    for key in keys:
        client.put_object(Bucket="data", Key=f"run/shards/{key}", Body=(root / key).read_bytes())
    yield client
    for found in client.list_objects_v2(Bucket="data").get("Contents", []):
        client.delete_object(Bucket="data", Key=found["Key"])


@pytest.mark.parametrize("with_manifest", [True, False])
def test_shards_in_a_bucket_give_the_batches_of_local_ones(
    bucket: Any, local: Path, tmp_path: Path, with_manifest: bool
) -> None:
    if not with_manifest:
        for name in ("manifest.json", "_SUCCESS"):
            bucket.delete_object(Bucket="data", Key=f"run/shards/{name}")
    weights = {"agent": 1.0, "code": 2.0}
    shards = open_set("s3://data/run/shards/stage1", weights, cache=cache_in(tmp_path / "cache", ahead=1))
    assert all((file.sha256 is not None) == with_manifest for s in shards.sources for file in s.files)
    assert digests(shards, 10, workers=1) == digests(open_set(str(local), weights), 10)


def test_an_object_that_vanished_and_a_bucket_that_is_none_are_one_sentence(
    bucket: Any, tmp_path: Path
) -> None:
    shards = open_set("s3://data/run/shards/stage1", cache=cache_in(tmp_path / "cache"))
    for file in shards.sources[0].files:
        bucket.delete_object(Bucket="data", Key=file.path.removeprefix("s3://data/"))
    with pytest.raises(UserError, match=r"s3://data/run/shards/stage1/agent/part-0000\d\.parquet is gone"):
        digests(shards)
    with pytest.raises(UserError, match=r"s3://none/shards/stage1 "):
        open_set("s3://none/shards/stage1", cache=cache_in(tmp_path / "other"))


def test_an_object_that_changed_after_the_run_began_is_refused(
    bucket: Any, local: Path, tmp_path: Path
) -> None:
    for name in ("manifest.json", "_SUCCESS"):
        bucket.delete_object(Bucket="data", Key=f"run/shards/{name}")
    shards = open_set("s3://data/run/shards/stage1", cache=cache_in(tmp_path / "cache"))
    file = shards.sources[0].files[0]
    data = bytearray((local / file.name).read_bytes())
    data[-40] ^= 1  # in the footer
    bucket.put_object(Bucket="data", Key=file.path.removeprefix("s3://data/"), Body=bytes(data))
    with pytest.raises(Exception, match="has changed since the run began"):
        digests(shards)


@pytest.mark.parametrize("sign", ["_claim", "ledger/part-00000.parquet", "_SUCCESS", "manifest.json"])
def test_a_stage_in_a_bucket_that_is_not_finished_is_refused(bucket: Any, tmp_path: Path, sign: str) -> None:
    for name in {"manifest.json", "_SUCCESS"} - {sign}:
        bucket.delete_object(Bucket="data", Key=f"run/shards/{name}")
    if sign not in ("_SUCCESS", "manifest.json"):
        bucket.put_object(Bucket="data", Key=f"run/shards/{sign}", Body=b"1")
    with pytest.raises(UserError, match="s3://data/run/shards is no finished shard stage"):
        open_set("s3://data/run/shards/stage1", cache=cache_in(tmp_path / "cache"))
