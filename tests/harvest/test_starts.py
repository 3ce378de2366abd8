"""Start addresses: read strictly, and asked of each address of a crawl."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from corpus.harvest.starts import Starts, read_starts


def starts(*given: str, **more: str | None) -> Starts:
    return read_starts(given, **{"source": None, "kind": "tool_doc", "licence": None, **more})


def written(folder: Path, text: str) -> str:
    (folder / "starts.yaml").write_text(text, encoding="utf-8")
    return str(folder / "starts.yaml")


def test_addresses_and_files_may_be_mixed_and_keep_what_they_say(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
- https://a.org/docs/
- url: https://www.b.org/x/index.html
  source: bee
  kind: code
  licence: MIT
  prefixes: [https://b.org/api/, https://b.org/sdk/]
  exclude: [https://b.org/api/old/]
  follow: [https://c.org/b-docs/]
""",
    )
    found = starts(path, "https://d.io/", licence="CC-BY-4.0").all
    assert [(s.source, s.kind, s.licence) for s in found] == [
        ("a.org", "tool_doc", "CC-BY-4.0"),
        ("bee", "code", "MIT"),
        ("d.io", "tool_doc", "CC-BY-4.0"),
    ]
    assert found[1].prefixes == ("b.org/api", "b.org/sdk") and found[1].follow == ("c.org/b-docs",)


def test_an_address_belongs_to_the_longest_prefix_and_may_be_reached_from_its_site(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
- url: https://docs.a.org/
  exclude: [https://docs.a.org/blog/, https://shop.a.org/]
- url: https://docs.a.org/api/
  source: api
- url: https://b.org/
  follow: [https://c.org/b/]
""",
    )
    found = starts(path)

    def placed(url: str) -> tuple[int, tuple[int, ...]] | None:
        place = found.place(url)
        return (place.start, place.allowed) if place else None

    assert placed("http://www.docs.a.org/x") == (0, (0, 1))
    assert placed("https://docs.a.org/api/f") == (1, (0, 1))
    assert placed("https://wiki.a.org/") == (-1, (0, 1))
    assert placed("https://docs.a.org/blog/x") == (-1, (1,))
    assert placed("https://shop.a.org/") == (-1, (1,))
    assert placed("https://c.org/b/x") == (-1, (2,)) and placed("https://c.org/else") is None
    assert placed("https://z.org/") is None and placed("no address") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("url: https://a.org/", "must hold a list"),
        ("- {source: a}", "entry 1 of .* has no 'url'"),
        (
            "- https://a.org/\n- {url: https://b.org/, kinds: code}",
            "entry 2 of .*unknown key 'kinds': did you mean",
        ),
        ("- {url: https://a.org/, kind: coda}", "cannot be 'coda': did you mean 'code'"),
        ("- {url: https://a.org/, exclude: https://a.org/x}", "'exclude' in entry 1 .* must be a list"),
        ("- {url: https://a.org/, licence: 5}", "'licence' in entry 1 .* must be a text"),
        ("- {url: a.org}", "is no web address"),
        ("- [", "not valid YAML at line"),
        ("- !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("- https://a.org/\n- {url: https://www.a.org, source: b}", "is given twice, for a.org and for b"),
        ("[]", "'start' names no address"),
    ],
)
def test_a_bad_list_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        starts(written(tmp_path, text))


def test_what_is_neither_address_nor_file_is_named() -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml is neither a web address nor a file"):
        starts("nowhere.yaml")
