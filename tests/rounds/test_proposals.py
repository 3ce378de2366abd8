"""Proposed prefixes: the longest that many hits have in common, and nothing that could be read as another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from corpus.rounds.proposals import Bounds, Tally, folders, is_told, propose, shown

BOUNDS = Bounds(min_pages=4, min_hits=3, min_share=0.2)


def tallied(pages: Iterable[tuple[str, bool]], depth: int = 5) -> dict[str, Tally]:
    total: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    for key, hit in pages:
        total.update(folders(key, depth))
        hits.update(folders(key, depth) if hit else ())
    return {name: Tally(total[name], hits[name]) for name in total if hits[name]}


def site(folder: str, hits: int, misses: int) -> list[tuple[str, bool]]:
    return [(f"{folder}/{n}", n < hits) for n in range(hits + misses)]


def proposed(*pages: list[tuple[str, bool]], bounds: Bounds = BOUNDS, most: int = 99) -> list[str]:
    return list(propose(tallied(page for part in pages for page in part), bounds, most))


def test_folders_are_those_above_a_page_down_to_a_depth() -> None:
    assert folders("x.org/a/b/c?d=/e/f", 5) == ["x.org", "x.org/a", "x.org/a/b"]
    assert folders("x.org/a/b/c", 1) == ["x.org", "x.org/a"]
    assert folders("x.org/a/b/c", 0) == ["x.org"] == folders("x.org", 3)


def test_the_prefix_grows_to_what_the_hits_have_in_common() -> None:
    found = proposed(site("x.org/en/api", 8, 4), site("x.org/blog", 0, 30))
    assert found == ["x.org/en/api"]


def test_a_folder_that_is_mostly_hits_is_proposed_whole() -> None:
    assert proposed(site("x.org/api/a", 6, 1), site("x.org/api/b", 6, 1)) == ["x.org/api"]


def test_of_a_mixed_host_the_good_folders_are_proposed_however_deep() -> None:
    pages = [
        site("x.org/docs/en/ref", 9, 0),
        site("x.org/docs/en/forum", 0, 20),
        site("x.org/docs/de/ref", 5, 1),
    ]
    assert proposed(*pages, site("x.org/shop", 1, 90)) == ["x.org/docs/en/ref", "x.org/docs/de/ref"]


def test_hosts_below_the_bounds_are_left_alone_and_the_list_is_bounded() -> None:
    few, thin = site("few.org/a", 2, 2), site("thin.org/a", 3, 40)
    sites = [site(f"s{n}.org/a", 5 + n, 0) for n in range(6)]
    assert proposed(few, thin) == []
    assert proposed(few, thin, *sites, most=2) == ["s5.org/a", "s4.org/a"]


def test_odd_paths_are_proposed_only_if_they_read_back_as_what_they_are() -> None:
    odd = [
        "x.org/..",
        "x.org/%00",
        "x.org/a%2F..%2Fb",
        "x.org/%E2%80%AE",
        "x.org/a\u202eb",
        "x.org/a b",
        "x.org/a.html",
    ]
    for prefix in odd:
        assert not is_told(prefix) or shown(prefix).isprintable()
    assert is_told("x.org/a%20b") and is_told("x.org/~me") and is_told("x.org")
    assert not is_told("x.org/a b") and not is_told("x.org/a\u202eb")
