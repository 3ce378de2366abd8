"""Archives on an S3 API server: with credentials, without, and over connections that break."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpus.crawl.inputs.fetch import ArchiveError, open_archive, open_ranges
from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.warc.records import Record
from corpus.engine import storage
from corpus.engine.attempts import Access
from corpus.engine.errors import UserError
from tests.crawl.archives import html, write

moto = pytest.importorskip("moto.server")
boto3 = pytest.importorskip("boto3")

AT_ONCE = Access(pauses=(0.0, 0.0, 0.0))
NAMES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")


class Server:
    """The server, and a client with the rights of its owner."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._options: dict[str, Any] = {
            "endpoint_url": address,
            "region_name": "us-east-1",
            "aws_access_key_id": "owner",
            "aws_secret_access_key": "owner",
        }
        self.s3 = boto3.client("s3", **self._options)

    def key_of_new_user(self) -> tuple[str, str]:
        """From now on the server asks who is there."""
        iam = boto3.client("iam", **self._options)
        iam.create_user(UserName="reader")
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=policy)
        self._switch(0)
        return key["AccessKeyId"], key["SecretAccessKey"]

    def forget(self) -> None:
        self._switch(10**9)
        self._post("reset", b"")

    def _switch(self, actions: int) -> None:
        self._post("reset-auth", str(actions).encode())

    def _post(self, what: str, data: bytes) -> None:
        request = urllib.request.Request(f"{self.address}/moto-api/{what}", data=data, method="POST")
        request.add_header("Content-Type", "text/plain")  # else the server takes it for a form
        with urllib.request.urlopen(request, timeout=30):
            pass


@pytest.fixture(scope="module")
def started() -> Iterator[Server]:
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Server(f"http://{host}:{port}")
    server.stop()


@pytest.fixture
def server(started: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Three archives in the bucket `crawl`: two that everybody may read, and one that its owner alone may."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", started.address)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    started.s3.create_bucket(Bucket="crawl", ACL="public-read")
    for n in range(3):
        write(tmp_path / f"{n}.warc.gz", [(f"http://h/{n}-{k}", html(3000)) for k in range(5)])
        access = "private" if n == 2 else "public-read"
        data = (tmp_path / f"{n}.warc.gz").read_bytes()
        started.s3.put_object(Bucket="crawl", Key=f"data/{n}.warc.gz", Body=data, ACL=access)
    listed = b"data/0.warc.gz\ndata/1.warc.gz\n"
    started.s3.put_object(Bucket="crawl", Key="warc.paths", Body=listed, ACL="public-read")
    yield started
    started.forget()


def urls(pattern: str, base: str = "") -> list[str]:
    found = find_archives([pattern], base, AT_ONCE)
    return [r.url for archive in found for r in read_archive(archive) if isinstance(r, Record)]


def expected(*numbers: int) -> list[str]:
    return [f"http://h/{n}-{k}" for n in numbers for k in range(5)]


def test_public_archives_are_read_without_credentials(server: Server) -> None:
    for bucket in ("s3://crawl", "s3a://crawl", "s3://anonymous@crawl"):
        assert urls(f"{bucket}/data/0.warc.gz") == expected(0)
    assert urls("s3://crawl/warc.paths", "s3://crawl") == expected(0, 1)


def test_the_usual_credentials_are_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = server.key_of_new_user()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    assert urls("s3://crawl/data/") == urls("s3://crawl/data/*.warc.gz") == expected(0, 1, 2)
    found = find_archives(["s3://crawl/data"])
    assert [archive.name for archive in found] == ["0.warc.gz", "1.warc.gz", "2.warc.gz"]
    assert all(archive.file.bytes > 0 and archive.file.etag for archive in found)


def test_credentials_in_an_address_are_used_and_stay_out_of_names(server: Server) -> None:
    key, secret = server.key_of_new_user()
    address = f"s3://{key}:{secret.replace('/', '%2F')}@crawl/data"
    assert urls(address) == expected(0, 1, 2)
    for archive in find_archives([address]):
        assert archive.file.identity()["path"] == f"s3://crawl/data/{archive.name}"


def test_an_archive_that_may_not_be_read_is_one_sentence_without_secrets(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"cannot reach the input s3://crawl/data/2.warc.gz: .*ACCESS_DENIED"):
        find_archives(["s3://anonymous@crawl/data/2.warc.gz"])
    server.key_of_new_user()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    for address in ("s3://crawl/data/0.warc.gz", "s3://AKIAWRONG:verysecret@crawl/data/0.warc.gz"):
        with pytest.raises(UserError) as caught:
            find_archives([address])
        assert "verysecret" not in str(caught.value) and "s3://crawl/data/0.warc.gz" in str(caught.value)
        with (
            pytest.raises(ArchiveError, match="cannot read s3://crawl/data/0"),
            open_archive(address) as stream,
        ):
            stream.read()


def test_what_is_not_there_is_one_sentence(server: Server) -> None:
    for address in ("s3://crawl/data/9.warc.gz", "s3://nobucket/9.warc.gz"):
        with pytest.raises(UserError, match=r"input s3://.*9.warc.gz"):
            find_archives([address])
        with pytest.raises(ArchiveError) as caught, open_archive(address, access=AT_ONCE) as stream:
            stream.read()
        assert caught.value.missing


class Breaking:
    """A way to the server that lets the first connections break after so many bytes of their answers."""

    def __init__(self, address: str, breaks: list[int]) -> None:
        host, port = address.removeprefix("http://").split(":")
        self._target, self._breaks = (host, int(port)), breaks
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection(self._target)
            threading.Thread(target=self._pass, args=(here, there, None), daemon=True).start()
            most = self._breaks.pop(0) if self._breaks else None
            threading.Thread(target=self._pass, args=(there, here, most), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, most: int | None) -> None:
        came = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                came += len(data)
                if most is not None and came > most:
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_connections_that_break_are_taken_up_where_they_broke(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (tmp_path / "0.warc.gz").read_bytes()
    breaks = [5000] * 12
    way = Breaking(server.address, breaks)
    monkeypatch.setenv("AWS_ENDPOINT_URL", way.address)
    patient = Access(pauses=(0.0,) * 12)
    with open_archive("s3://crawl/data/0.warc.gz", access=patient) as stream:
        assert b"".join(iter(lambda: stream.read(20_000), b"")) == data
    assert breaks == []
    with open_ranges("s3://crawl/data/1.warc.gz", access=patient) as read:
        whole = (tmp_path / "1.warc.gz").read_bytes()
        assert read(100, 5000) == whole[100:5000]
        assert read(len(whole) - 10, len(whole) + 10) == whole[-10:]
    way.close()


def test_a_client_is_made_once_for_a_bucket(server: Server) -> None:
    one, other = (storage.resolve(f"s3://crawl/data/{n}.warc.gz")[0] for n in range(2))
    assert one is other
