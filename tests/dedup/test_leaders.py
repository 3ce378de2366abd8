from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup.components import connected_components
from corpus.dedup.leaders import Leaders

EDGES = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda e: e[0] < e[1]), max_size=40)


def choose(edges: list[tuple[int, int]]) -> dict[int, int]:
    """Leaders of a graph in which smaller numbers are better pages."""
    roots = connected_components(edges)
    leaders = Leaders()
    edges_by_rank = sorted((roots[a], a, b) for a, b in set(edges))
    return {worse: better for root, better, worse in edges_by_rank if leaders.removes(root, better, worse)}


def test_the_far_end_of_a_chain_stays():
    assert choose([(0, 1), (1, 2)]) == {1: 0}
    assert choose([(0, 2), (1, 2)]) == {2: 0}
    assert choose([(0, 1), (0, 2), (1, 2)]) == {1: 0, 2: 0}


@given(EDGES)
def test_each_removed_page_has_a_better_neighbour_that_stays(edges):
    removed = choose(edges)
    for page, survivor in removed.items():
        assert survivor not in removed
        assert (survivor, page) in edges


@given(EDGES)
def test_no_two_neighbours_stay(edges):
    removed = choose(edges)
    assert all(a in removed or b in removed for a, b in edges)


@given(EDGES, EDGES)
def test_who_stays_among_the_better_pages_does_not_depend_on_the_worse(edges, more):
    """Why a later crawl beside an index equals the union: pages of the index come first."""
    later = [(a, b + 15) for a, b in more if b + 15 > a]
    first, both = choose(edges), choose(edges + later)
    assert {page: survivor for page, survivor in both.items() if page < 15} == first


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7))))
def test_components_are_what_walking_along_the_edges_reaches(edges):
    found = connected_components(edges)
    for start in found:
        reached, border = {start}, [start]
        while border:
            node = border.pop()
            for a, b in edges:
                for here, there in ((a, b), (b, a)):
                    if here == node and there not in reached:
                        reached.add(there)
                        border.append(there)
        assert found[start] == min(reached)
