"""What an input names is found or said to be missing: folders, globs, lists of paths, addresses on the web."""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand


def put(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())


def names(folder: Path, *patterns: str, **options: object) -> list[str]:
    found = expand([str(folder / p) for p in patterns], **options)  # type: ignore[arg-type]
    return [item.path[len(str(folder)) + 1 :] for item in found]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    put(
        tmp_path,
        "a.gz",
        "b.gz",
        "c.txt",
        "sub/d.gz",
        "sub/deep/e.gz",
        "_tmp-a.gz",
        ".hid.gz",
        "_temporary/f.gz",
        "sub/.g.gz",
    )
    return tmp_path


def test_a_folder_gives_its_files_at_all_depths_but_not_hidden_ones(tree: Path) -> None:
    assert names(tree, "") == ["a.gz", "b.gz", "c.txt", "sub/d.gz", "sub/deep/e.gz"]
    assert names(tree, "", suffixes=(".gz",)) == ["a.gz", "b.gz", "sub/d.gz", "sub/deep/e.gz"]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*.gz", ["a.gz", "b.gz"]),
        ("[ab].gz", ["a.gz", "b.gz"]),
        ("?.txt", ["c.txt"]),
        ("*/d.gz", ["sub/d.gz"]),
        ("**/*.gz", ["a.gz", "b.gz", "sub/d.gz", "sub/deep/e.gz"]),
        ("s*", ["sub/d.gz", "sub/deep/e.gz"]),
        ("s*/", ["sub/d.gz", "sub/deep/e.gz"]),
        ("_t*/*.gz", ["_temporary/f.gz"]),
        (".h*", [".hid.gz"]),
    ],
)
def test_a_glob_stays_within_a_folder_and_passes_over_hidden_files(
    tree: Path, pattern: str, wanted: list[str]
) -> None:
    assert names(tree, pattern) == wanted


def test_a_hidden_file_that_is_named_is_taken(tree: Path) -> None:
    assert names(tree, ".hid.gz") == [".hid.gz"]


def test_a_file_whose_name_looks_like_a_glob_is_taken_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "a[1].gz", "a1.gz")
    assert names(tmp_path, "a[1].gz") == ["a[1].gz"]


def test_relative_patterns_give_absolute_paths(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert [i.path for i in expand(["*.txt", "./sub/d.gz"])] == [f"{tree}/c.txt", f"{tree}/sub/d.gz"]


def test_a_file_met_twice_is_one_input(tree: Path) -> None:
    assert names(tree, "b.gz", "*.gz", "a.gz") == ["a.gz", "b.gz"]


def test_file_addresses_with_spaces_can_be_opened_again(tmp_path: Path) -> None:
    put(tmp_path, "a b/c%d #1.txt")
    (found,) = expand([f"file://{tmp_path}"])
    assert storage.read_bytes(found.path) == b"a b/c%d #1.txt"


@pytest.mark.parametrize("pattern", ["none.gz", "none*.gz", "none/"])
def test_an_input_that_is_not_there_is_one_sentence(tree: Path, pattern: str) -> None:
    with pytest.raises(
        UserError, match=r"the input .*none.* (does not exist|matches no file); check the path\."
    ):
        names(tree, pattern)


def test_a_folder_without_fitting_files_names_what_was_wanted(tree: Path) -> None:
    with pytest.raises(UserError, match=r"matches no file ending in \.warc or \.warc\.gz; check the path"):
        names(tree, "", suffixes=(".warc", ".warc.gz"))


@pytest.mark.parametrize("name", ["list.paths", "list.paths.gz", "list.paths.txt"])
def test_a_list_of_paths_plain_or_gz_with_a_base(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    text = f"# a comment\n\nsub/d.gz\r\n{tree}/a.gz\n".encode()
    file = tmp_path_factory.mktemp("lists") / name
    file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    wanted = [f"{tree}/a.gz", f"{tree}/sub/d.gz"]
    for base in (f"{tree}", f"{tree}/"):
        assert [i.path for i in expand([str(file)], base=base)] == wanted


def test_a_list_is_unpacked_by_its_content_whatever_its_name(tree: Path) -> None:
    (tree / "a.paths.gz").write_bytes(b"a.gz\n")  # a browser unpacked it
    (tree / "b.paths").write_bytes(gzip.compress(b"b.gz\n") + gzip.compress(b"sub/d.gz\n"))
    found = expand([str(tree / "a.paths.gz"), str(tree / "b.paths")], base=str(tree))
    assert [i.path for i in found] == [f"{tree}/{name}" for name in ("a.gz", "b.gz", "sub/d.gz")]


def test_a_bad_list_of_paths_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the list of inputs .*none\.paths does not exist"):
        expand([str(tmp_path / "none.paths")])
    (tmp_path / "a.paths").write_text("gone.gz\n")
    with pytest.raises(UserError, match=r"the input .*gone\.gz does not exist"):
        expand([str(tmp_path / "a.paths")], base=str(tmp_path))
    (tmp_path / "b.paths.gz").write_bytes(gzip.compress(b"x\n" * 1000)[:20])
    (tmp_path / "c.paths").write_bytes(b"\xff\xfe")
    for name in ("b.paths.gz", "c.paths"):
        with pytest.raises(UserError, match=f"cannot read the list of inputs .*{name}: "):
            expand([str(tmp_path / name)])
    (tmp_path / "d.paths").write_text("# nothing\n")
    with pytest.raises(UserError, match="matches no file"):
        expand([str(tmp_path / "d.paths")])


class Handler(SimpleHTTPRequestHandler):
    seen: list[tuple[str, str, str | None]]

    def do_HEAD(self) -> None:
        self.note()
        super().do_HEAD()

    def do_GET(self) -> None:
        self.note()
        super().do_GET()

    def note(self) -> None:
        self.seen.append((self.command, self.path, self.headers.get("Authorization")))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    put(tmp_path / "www", "a.gz", "sub/b.gz")
    (tmp_path / "www" / "l.paths.gz").write_bytes(gzip.compress(b"sub/b.gz\na.gz\n"))
    Handler.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "www")))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_web_addresses_and_lists_on_the_web_are_inputs(site: str) -> None:
    found = expand([f"http://{site}/l.paths.gz"], base=f"http://{site}")
    assert [(i.path, i.bytes) for i in found] == [(f"http://{site}/a.gz", 4), (f"http://{site}/sub/b.gz", 8)]
    assert all(i.etag for i in found)
    assert storage.read_bytes(found[1].path) == b"sub/b.gz"


def test_a_web_address_that_is_not_there_is_one_sentence_without_secrets(site: str) -> None:
    for address in (f"http://user:secret@{site}/none.gz?token=secret", "http://user:secret@127.0.0.1:1/x"):
        with pytest.raises(UserError) as caught:
            expand([address])
        assert str(caught.value).startswith("cannot reach the input http://127.0.0.1:")
        assert "secret" not in str(caught.value)


def test_a_password_in_an_address_is_sent_as_a_header_and_stays_out_of_the_identity(site: str) -> None:
    (found,) = expand([f"http://user:pa%40ss@{site}/a.gz?token=t"])
    assert Handler.seen == [("HEAD", "/a.gz?token=t", "Basic " + base64.b64encode(b"user:pa@ss").decode())]
    assert found.identity()["path"] == f"http://{site}/a.gz"
    assert storage.read_bytes(found.path) == b"a.gz"
