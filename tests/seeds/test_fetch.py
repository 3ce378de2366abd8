"""Sources come whole and checked, or not at all with one sentence; nothing from outside leaves its folder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import stat
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from corpus.engine.attempts import Access
from corpus.engine.cli import run_job
from corpus.engine.errors import DataError, UserError
from corpus.engine.inputs import expand
from corpus.seeds.config import SeedsConfig
from corpus.seeds.convert import convert
from corpus.seeds.fetch import run as fetching
from corpus.seeds.fetch.archives import BadArchive, Bounds, unpack
from corpus.seeds.fetch.names import is_wanted, safe_path
from corpus.seeds.reading import file_items
from corpus.seeds.sidecar import SIDECAR, origins
from tests.crawl.server import Store, serve

FAST = Access(pauses=(0.0, 0.0, 0.0), timeout=5.0)
ROW = {"query": "Feed the wren", "tools": "[]", "answers": '[{"name": "feed", "arguments": {"n": 1}}]'}
REV = "0123456789abcdef0123456789abcdef01234567"
BASE = f"/datasets/zoo/calls/resolve/{REV}"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serve(Store({})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("GITHUB_SERVER_URL", served.address + "/")
        yield served


def registry(folder: Path, **entries: dict[str, Any]) -> str:
    plain = {"title": "T", "kind": "function_call", "format": "rows", "adapter": "queries", "licence": "MIT"}
    sources = {name: {**plain, **entry} for name, entry in entries.items()}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"sources": sources}))
    return str(folder / "sources.yaml")


def hub(**changed: Any) -> dict[str, Any]:
    return {"location": "hub:zoo/calls", "revision": REV, "files": ["data/a.json"], **changed}


def fetch(folder: Path, sources: str, *names: str, **settings: Any) -> str:
    config = SeedsConfig(fetch=names or ("all",), sources=sources, output=str(folder / "raw"), **settings)
    return fetching.fetch(config, FAST)


def refused(
    folder: Path, capsys: pytest.CaptureFixture[str], sources: str, *names: str, **settings: Any
) -> str:
    with pytest.raises(DataError, match="were not fetched"):
        fetch(folder, sources, *names, **settings)
    return capsys.readouterr().out


def rows(number: int) -> bytes:
    return json.dumps([{**ROW, "query": f"Feed the wren {n}"} for n in range(number)]).encode()


def tar(*members: tuple[str, bytes | None, bytes], top: str = "birds-main/") -> bytes:
    """(name, content or None, type) as a tar.gz."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content, kind in members:
            info = tarfile.TarInfo(top + name if not name.startswith(("/", "..")) else name)
            info.type, info.size, info.linkname = kind, len(content or b""), "/etc/passwd"
            archive.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


def test_files_of_a_hub_become_seeds_of_their_source(store: Store, tmp_path: Path) -> None:
    table = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{**ROW, "query": "Feed the owl"}]), table)
    store.files = {
        f"{BASE}/data/a.json": rows(3),
        f"{BASE}/data/b%20c.parquet": table.getvalue(),
        f"/api/datasets/zoo/calls/revision/{REV}": json.dumps(
            {
                "siblings": [
                    {"rfilename": n} for n in ("data/a.json", "data/b c.parquet", "README.md", "../x.json", 3)
                ]
            }
        ).encode(),
    }
    said = fetch(tmp_path, registry(tmp_path, calls=hub(files=["data/*"])))
    assert "calls: fetched, 2 files" in said and "input=" in said
    folder = str(tmp_path / "raw")
    files = expand([folder], suffixes=(".json", ".parquet"))
    found = []
    for file, origin in zip(files, origins(files, (folder,), None, None)):
        found += [one for item in file_items(file.path, origin, 1 << 20) for one in convert(item)]
    assert [one.reason for one in found] == [""] * 4
    assert {one.origin.name for one in found} == {"calls"} and found[0].origin.licence == "MIT"
    assert found[3].url == "https://huggingface.co/datasets/zoo/calls/data/b c.parquet#0"


def test_a_second_fetch_asks_for_nothing_and_a_lost_file_comes_again(store: Store, tmp_path: Path) -> None:
    store.files[f"{BASE}/data/a.json"] = rows(2)
    sources = registry(tmp_path, calls=hub())
    fetch(tmp_path, sources)
    asked = len(store.paths)
    assert "already there" in fetch(tmp_path, sources) and len(store.paths) == asked
    (tmp_path / "raw" / "calls" / "data" / "a.json").unlink()
    assert "fetched, 1 files" in fetch(tmp_path, sources) and len(store.paths) == asked + 1


def test_a_connection_that_breaks_is_taken_up_where_it_broke(store: Store, tmp_path: Path) -> None:
    data = rows(20_000)
    store.files[f"{BASE}/data/a.json"] = data
    store.cut_after = [300_000, 200_000]
    fetch(tmp_path, registry(tmp_path, calls=hub()))
    assert (tmp_path / "raw" / "calls" / "data" / "a.json").read_bytes() == data
    assert store.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_a_later_run_takes_up_what_an_earlier_one_has_left(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = rows(20_000)
    store.files[f"{BASE}/data/a.json"] = data
    store.cut_after = [300_000, 0, 0, 0]
    sources = registry(tmp_path, calls=hub())
    assert "the same command goes on where it broke off" in refused(tmp_path, capsys, sources)
    assert not (tmp_path / "raw" / "calls").exists()
    fetch(tmp_path, sources)
    assert store.asked[-1] == "bytes=300000-"
    assert (tmp_path / "raw" / "calls" / "data" / "a.json").read_bytes() == data


def test_a_file_that_changes_between_two_attempts_is_fetched_anew(store: Store, tmp_path: Path) -> None:
    store.files[f"{BASE}/data/a.json"] = b"x" * 400_000
    store.cut_after, store.etags, store.later = [100_000], ['"first"'], {f"{BASE}/data/a.json": rows(9)}
    fetch(tmp_path, registry(tmp_path, calls=hub()))
    assert (tmp_path / "raw" / "calls" / "data" / "a.json").read_bytes() == rows(9)


def test_a_token_goes_to_the_hub_alone_and_into_no_file_or_message(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_geheim")
    port = store.address.rpartition(":")[2]
    store.redirects[f"{BASE}/data/a.json"] = f"http://localhost:{port}/cdn/a.json"
    store.files |= {"/cdn/a.json": rows(2), "/plain.json": rows(2)}
    store.statuses = [200, 200, 200, 403]
    plain = {"location": f"{store.address}/plain.json"}
    sources = registry(tmp_path, calls=hub(), plain=plain, shut=hub(files=["b.json"]))
    fetch(tmp_path, sources, "calls")
    fetch(tmp_path, sources, "plain")
    assert store.logins == ["Bearer hf_geheim", None, None]
    said = refused(tmp_path, capsys, sources, "shut")
    assert "shut: is gated, private or gone (403)" in said and "the token that was sent is not let in" in said
    everything = said + "".join(p.read_text() for p in (tmp_path / "raw").rglob("*") if p.is_file())
    assert "geheim" not in everything


def test_one_source_that_fails_leaves_the_others_and_the_exit_code_says_so(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.files |= {f"{BASE}/data/a.json": rows(2), "/notes.zip": b"no archive at all"}
    sources = registry(
        tmp_path,
        good=hub(),
        gone=hub(files=["data/none.json"]),
        broken={"location": f"{store.address}/notes.zip"},
        other=hub(sha256="0" * 64, location="hub:zoo/calls"),
    )
    words = [f"sources={sources}", "fetch=good,gone,broken,other", f"output={tmp_path / 'raw'}"]
    config = {"description": "d", "plan": fetching.plan}
    code = run_job(SeedsConfig, lambda c: fetching.fetch(c, FAST), argv=words, **config)  # type: ignore[arg-type]
    out, err = capsys.readouterr()
    assert code == 3 and "3 of 4 sources were not fetched: gone, broken, other" in err
    assert "good: fetched" in out and "gone: is not there (404)" in out
    assert "broken: " in out and "is damaged or no archive" in out
    assert "other: has the checksum" in out and "the registry says 0000" in out
    assert [p.name for p in sorted((tmp_path / "raw").iterdir()) if not p.name.startswith("_")] == ["good"]


def test_a_gated_source_is_one_sentence_with_the_way_out(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.statuses = [401]
    said = refused(tmp_path, capsys, registry(tmp_path, calls=hub()))
    page = "accept its conditions at https://huggingface.co/datasets/zoo/calls; set HF_TOKEN to a token of yours."
    assert said.strip() == f"calls: is gated, private or gone (401): {page}"


def test_the_first_checksum_is_remembered_and_another_refused_later(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = rows(2)
    store.files[f"{BASE}/data/a.json"] = data
    sources = registry(tmp_path, calls=hub())
    fetch(tmp_path, sources)
    line = f"{hashlib.sha256(data).hexdigest()}  data/a.json\n"
    wanted = hashlib.sha256(line.encode()).hexdigest()
    memory = yaml.safe_load((tmp_path / "raw" / "_checksums.yaml").read_text())
    assert memory["calls"]["sha256"] == wanted
    fetch(tmp_path, registry(tmp_path, calls=hub(sha256=wanted)))
    (tmp_path / "raw" / "calls" / "data" / "a.json").unlink()
    store.files[f"{BASE}/data/a.json"] = rows(3)
    said = refused(tmp_path, capsys, registry(tmp_path, calls=hub()))
    assert f"where _checksums.yaml remembers from the first fetch {wanted}" in said


def test_a_repository_is_taken_out_of_its_archive_without_links_and_strangers(
    store: Store, tmp_path: Path
) -> None:
    store.files["/zoo/birds/archive/main.tar.gz"] = tar(
        ("docs", None, tarfile.DIRTYPE),
        ("docs/wren.md", b"# Wren", tarfile.REGTYPE),
        ("docs/deep/owl.md", b"# Owl", tarfile.REGTYPE),
        ("setup.py", b"import os", tarfile.REGTYPE),
        ("docs/link.md", None, tarfile.SYMTYPE),
        ("docs/hard.md", None, tarfile.LNKTYPE),
        ("docs/pipe.md", None, tarfile.FIFOTYPE),
        ("docs/../../../evil.md", b"evil", tarfile.REGTYPE),
        ("docs/a\\b.md", b"evil", tarfile.REGTYPE),
        ("../docs/evil.md", b"evil", tarfile.REGTYPE),
        ("/docs/evil.md", b"evil", tarfile.REGTYPE),
    )
    said = fetch(tmp_path, registry(tmp_path, birds={"location": "github:zoo/birds", "files": ["docs/**"]}))
    folder = tmp_path / "raw" / "birds"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        SIDECAR, "docs/deep/owl.md", "docs/wren.md",
    ]  # fmt: skip
    assert "2 files" in said and "links or unsafe names left out" in said
    assert not list(tmp_path.rglob("evil*"))


def test_zip_archives_are_opened_as_hostile(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("docs/wren.txt", "A wren")
        archive.writestr("../evil.txt", "evil")
        archive.writestr("/docs/evil.txt", "evil")
        link = zipfile.ZipInfo("docs/link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("docs/SOURCE.yaml", "licence: mine")
        archive.writestr("SOURCE.yaml", "licence: mine")
    found = unpack(path, tmp_path / "out", ("**",), Bounds(1 << 20, 100))
    assert (found.files, found.left_out) == (1, 5)
    assert (tmp_path / "out" / "docs" / "wren.txt").read_text() == "A wren"
    assert [p.name for p in tmp_path.rglob("*.*")] == ["a.zip", "wren.txt"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_bombs_end_at_the_bounds(tmp_path: Path, kind: str) -> None:
    bomb = tmp_path / f"bomb.{kind}"
    many = tmp_path / f"many.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.txt", bytes(50 << 20))
        with zipfile.ZipFile(many, "w") as archive:
            for number in range(50):
                archive.writestr(f"{number}.txt", "x")
    else:
        bomb.write_bytes(tar(("a.txt", bytes(50 << 20), tarfile.REGTYPE), top=""))
        many.write_bytes(tar(*[(f"{n}.txt", b"x", tarfile.REGTYPE) for n in range(50)], top=""))
    with pytest.raises(BadArchive, match="unpacks to more bytes"):
        unpack(bomb, tmp_path / "a", ("**",), Bounds(1 << 20, 100))
    assert sum(p.stat().st_size for p in (tmp_path / "a").rglob("*")) <= 1 << 20
    with pytest.raises(BadArchive, match="more than 20 files"):
        unpack(many, tmp_path / "b", ("**",), Bounds(1 << 20, 20))
    if kind == "tar.gz":  # what is not wanted has to be unzipped all the same
        with pytest.raises(BadArchive, match="unpacks to more bytes"):
            unpack(bomb, tmp_path / "c", ("nothing.txt",), Bounds(1 << 20, 20))


def test_a_tar_whose_header_claims_gigabytes_is_refused_before_they_are_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 7 << 30
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + bytes(1 << 16)))
    with pytest.raises(BadArchive, match="header of more than 1 MiB"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out", ("**",), Bounds(1 << 20, 9))


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = [("a.txt", b"one", tarfile.REGTYPE), ("a.txt", b"two", tarfile.REGTYPE)]
    (tmp_path / "a.tar.gz").write_bytes(tar(*twice, top=""))
    with pytest.raises(BadArchive, match="two things under one name"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out", ("**",), Bounds(1 << 20, 9))


def test_files_beyond_the_bound_are_refused_at_once(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.files[f"{BASE}/data/a.json"] = bytes(2 << 20)
    said = refused(tmp_path, capsys, registry(tmp_path, calls=hub()), most_fetch_mib=1)
    assert "holds 2,097,152 bytes; see most_fetch_mib=" in said
    assert not list((tmp_path / "raw").rglob("*.json"))


def test_a_folder_of_somebody_else_is_left_alone(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.files[f"{BASE}/data/a.json"] = rows(2)
    mine = tmp_path / "raw" / "calls" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert "holds something that fetch= has not made" in refused(
        tmp_path, capsys, registry(tmp_path, calls=hub())
    )
    assert mine.read_text() == "mine"


def test_what_is_fetched_by_hand_gets_its_folder_and_counts_once_it_is_filled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = registry(tmp_path, shop={"location": "by hand: https://shop.example (runs.jsonl)"})
    assert "has to be fetched by hand from https://shop.example" in refused(tmp_path, capsys, sources, "shop")
    (tmp_path / "raw" / "shop" / "runs.jsonl").write_text("{}")
    assert "shop: already there, 1 files" in fetch(tmp_path, sources, "shop")


def test_two_runs_do_not_write_into_one_folder(store: Store, tmp_path: Path) -> None:
    store.files[f"{BASE}/data/a.json"] = rows(500)
    sources = registry(tmp_path, calls=hub())
    store.stall = [1.0]
    errors: list[Exception] = []
    first = threading.Thread(target=fetch, args=(tmp_path, sources))
    first.start()
    while first.is_alive() and not store.paths:
        first.join(0.01)
    try:
        fetch(tmp_path, sources)
    except UserError as error:
        errors.append(error)
    first.join()
    assert ["another run fetches into" in str(error) for error in errors] == [True]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"input": ("raw",)}, "fetch= and input= are two runs"),
        ({"output": "s3://bucket/raw"}, "not to s3://"),
        ({"fetch": ("none",)}, "unknown source 'none'"),
        ({"sources": "nowhere.yaml"}, "cannot read the config file nowhere.yaml"),
    ],
)
def test_wrong_settings_are_one_sentence(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    good = {"fetch": ("all",), "sources": registry(tmp_path, calls=hub()), "output": str(tmp_path / "raw")}
    for command in (fetching.fetch, fetching.plan):
        with pytest.raises(UserError, match=said):
            command(SeedsConfig(**{**good, **settings}))


def test_a_host_without_tls_is_asked_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")
    said = refused(tmp_path, capsys, registry(tmp_path, calls=hub()))
    assert said.startswith("calls: HF_ENDPOINT must be an https:// address")


def test_a_dry_run_says_what_would_come(tmp_path: Path) -> None:
    sources = registry(tmp_path, calls=hub(bytes=1234, gated=True), more=hub(checked=True))
    said = fetching.plan(SeedsConfig(fetch=("all",), sources=sources, output=str(tmp_path / "raw")))
    assert (
        "2 sources, 1,234 bytes" in said
        and "calls: hub:zoo/calls, 1,234 bytes, MIT, gated, not checked" in said
    )
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize(
    "name",
    ["", "/a", "../a", "a/../b", "a//b", "a/.git/b", "_x/a", "a\x00b", "a\\b", "C:a", "x" * 300, "SOURCE.yaml", "a\ud800"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_none(name: str) -> None:
    assert safe_path(name) is None


def test_globs_stay_within_a_folder_unless_they_say_otherwise() -> None:
    assert is_wanted("a/b.md", ("a/*.md",)) and not is_wanted("a/c/b.md", ("a/*.md",))
    assert (
        is_wanted("a/c/b.md", ("a/**/*.md",))
        and is_wanted("a/b.md", ("a/**/*.md",))
        and is_wanted("x", ("**",))
    )
