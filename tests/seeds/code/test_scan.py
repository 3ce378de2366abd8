"""Declarations of each language are found with their comments, under the names that they are called by."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.seeds.code.adapter import accepts, render, scan
from corpus.seeds.code.entries import Entry, Module
from corpus.seeds.convert import convert
from corpus.seeds.records import Item, Origin

SOURCES = Path(__file__).parent / "sources"


def read(name: str, path: str = "") -> Module:
    return scan(path or name, (SOURCES / name).read_text(encoding="utf-8"))


def entries(module: Module) -> dict[str, Entry]:
    return {module.api(entry): entry for entry in module.entries}


FOUND = {
    ("math.js", "a/src/lib/math.js"): "math.add math.Boat math.Boat.constructor math.Boat.sail math.config "
    "math.config.open math.config.close math.config.tries math.mul math.wrapped math.Foo.bar math.Options "
    "math.Options.b math.ID",
    (
        "options.ts",
        "src/options.ts",
    ): "options.Options options.Options.timeout options.Outcome options.Client "
    "options.Client.constructor options.Client.ask",
    ("server.go", "pkg/server.go"): "server.Run server.Server server.Server.Close server.Handler "
    "server.Handler.Serve server.Max",
    ("Foo.java", "Foo.java"): "org.foo.Foo org.foo.Foo.MAX org.foo.Foo.Foo org.foo.Foo.doIt org.foo.Foo.Kind",
    (
        "boats.rs",
        "boats/src/lib.rs",
    ): "boats.Boat boats.Boat.new boats.boat boats.inner.free boats.Sail boats.Sail.go",
    ("boat.h", "include/boat.h"): "BOAT_MAX boat_open boat boat_cb",
    ("ship.hpp", "ship.hpp"): "sea.deep.Ship sea.deep.Ship.Ship sea.deep.Ship.sail sea.deep.Ship.operator+= "
    "sea.deep.Ship.out",
    ("harbour.py", "lib/python3.11/site-packages/port/harbour.py"): "port.harbour.berth port.harbour.Ship "
    "port.harbour.Ship.sail",
}


@pytest.mark.parametrize(("file", "names"), FOUND.items(), ids=lambda value: value[0])
def test_documented_declarations_are_found_in_their_order(file: tuple[str, str], names: str) -> None:
    assert list(entries(read(*file))) == names.split()


UNDOCUMENTED = {
    "math.js": ["Boat.plain"],
    "server.go": ["Lonely"],
    "Foo.java": ["Foo.plain"],
    "boats.rs": ["Boat.undocumented"],
    "boat.h": ["undocumented"],
    "harbour.py": ["Ship.sink"],
}


@pytest.mark.parametrize(("file", "names"), UNDOCUMENTED.items())
def test_public_functions_without_a_word_are_kept_with_their_code(file: str, names: list[str]) -> None:
    found = read(file).undocumented
    assert [entry.name for entry in found] == names
    assert all(entry.code.rstrip().endswith(("}", "return 1")) for entry in found)


SIGNATURES = [
    ("math.js", "math.Boat.sail", "async sail(where = {x: 1}, ...rest)"),
    ("options.ts", "options.Client.ask", "public async ask(path: `/${string}`): Promise<Outcome<T>>"),
    ("server.go", "server.Run", "func Run(addr string, opts ...func(*Server) error) (err error)"),
    ("Foo.java", "org.foo.Foo", "public final class Foo<T extends Comparable<T>> implements Runnable"),
    ("boats.rs", "boats.Boat.new", "pub fn new(name: &'a str) -> Self"),
    ("ship.hpp", "sea.deep.Ship.Ship", "explicit Ship(int n = 3)"),
    ("harbour.py", "harbour.berth", "def berth(name: str, *, default: int=3) -> int"),
    ("harbour.py", "harbour.Ship", "class Ship\n\nShip(name: str, crew: list[str] | None=None)"),
]


@pytest.mark.parametrize(("file", "name", "signature"), SIGNATURES)
def test_a_signature_is_what_is_written_without_its_body(file: str, name: str, signature: str) -> None:
    assert entries(read(file))[name].signature == signature


def test_small_types_are_shown_with_what_they_hold() -> None:
    assert "// Addr is the address." in entries(read("server.go"))["server.Server"].signature
    assert "int n; ///< the n" in entries(read("boat.h"))["boat"].signature


def test_tags_become_parameters_sections_and_examples() -> None:
    add = entries(read("math.js"))["math.add"].doc
    assert [(p.name, p.type, p.required) for p in add.parameters] == [
        ("a", "number", None),
        ("b", "number", False),
    ]
    assert dict(add.sections)["Raises"] == "`TypeError`: if `a` is no number"
    assert add.examples[0].code == "add(1, 2) // 3"
    opened = entries(read("boat.h"))["boat_open"].doc
    assert [(p.name, p.where) for p in opened.parameters] == [("name", "in"), ("out", "out")]
    assert '```c\nboat_open("x", &b);\n```' in dict(opened.sections)["Returns"]
    berth = entries(read("harbour.py"))["harbour.berth"].doc
    assert next((p.name, p.type, p.about) for p in berth.parameters) == ("name", "str", "its name")
    assert dict(berth.sections)["Raises"] == "`KeyError`: if there is no such ship"


def test_html_and_inline_tags_become_markdown() -> None:
    about = entries(read("Foo.java"))["org.foo.Foo"].doc.about
    assert about.startswith("A foo. Use the baz or `x < y`.\n\nSecond para:")
    assert "```java\nFoo f = new Foo();\n```" in about
    assert about.endswith("- one\n- two & three")


@pytest.mark.parametrize(
    ("file", "about"),
    [
        ("math.js", "Maths for boats."),
        ("server.go", 'Package server serves files.\n\nIt is small:\n\n\tserver.Run(":80")'),
        ("Foo.java", ""),  # its first comment is a licence
        ("boats.rs", "A crate for boats.\n\n```\nlet b = Boat::new();\n```"),
        ("boat.h", "Boats in C."),
        ("harbour.py", 'Ships and where they lie.\n\n```python\n>>> berth("Ada")\n3\n```'),
    ],
)
def test_a_file_says_what_it_is_for_and_licences_do_not_count(file: str, about: str) -> None:
    assert read(file).doc.about == about


def test_a_page_reads_like_a_reference_and_names_its_apis() -> None:
    drafts = list(render("math.js", (SOURCES / "math.js").read_text()))
    assert len(drafts) == 1 and drafts[0].kind == "tool_doc"
    assert "## math.add\n\n```javascript\nexport function add(a, b = 1)\n```\n" in drafts[0].text
    assert "- `b` (number, optional): the second, see `sub`" in drafts[0].text
    assert "math.Boat.sail" in drafts[0].apis and "math.Boat.plain" not in drafts[0].apis


ROWS = [
    {
        "content": "def f(x):\n    '''The f of things, by the book of f.'''\n",
        "max_stars_repo_path": "src/pkg/m.py",
    },
    {
        "content": "<reponame>a/b<gh_stars>1\n/** The f of things, by the book of f. */ function f() {}",
        "lang": "JavaScript",
    },
    {"content": "/// The f of things, by the book of f.\npub fn f() {}", "path": "m.rs", "repo_name": "a/b"},
]


@pytest.mark.parametrize("row", ROWS)
def test_rows_of_code_are_read_by_path_or_language(row: dict[str, str]) -> None:
    assert accepts("rows.jsonl", row)
    (draft,) = render("rows.jsonl", row)
    assert "The f of things" in draft.text and draft.apis


def test_rows_and_files_of_other_languages_are_left_to_others() -> None:
    assert not accepts("rows.jsonl", {"content": "x", "lang": "cobol"})
    assert not accepts("a.min.js", "var x") and not accepts("a.txt", "text")


@pytest.mark.parametrize("name", ["boat.h", "harbour.py", "server.go"])
def test_the_seeds_job_takes_source_files(name: str) -> None:
    origin = Origin("code", "", "MIT", f"src/{name}")
    found = list(convert(Item(origin, 0, (SOURCES / name).read_text())))
    assert [one.reason for one in found] == [""] and found[0].draft.language == "en"


def test_the_standard_library_is_documented_as_it_documents_itself() -> None:
    import json
    import textwrap

    for library, names in (
        (json, {"json.dumps", "json.loads"}),
        (textwrap, {"textwrap.dedent", "textwrap.wrap"}),
    ):
        path = str(library.__file__)
        drafts = list(render(path, Path(path).read_text(encoding="utf-8")))
        assert names <= {api for draft in drafts for api in draft.apis}
        member = getattr(library, sorted(names)[0].rpartition(".")[2])
        first = str(member.__doc__).strip().splitlines()[0]
        assert any(first in draft.text for draft in drafts)


def test_packages_of_this_installation_are_read_without_an_error() -> None:
    import click

    files = sorted(Path(str(click.__file__)).parent.rglob("*.py"))
    drafts = [draft for file in files for draft in render(str(file), file.read_text(encoding="utf-8"))]
    assert len({api for draft in drafts for api in draft.apis}) > 100
    assert "click.core.Context" in {api for draft in drafts for api in draft.apis}
