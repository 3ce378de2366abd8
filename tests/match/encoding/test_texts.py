from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpus.match.encoding.texts import MOST_CHARACTERS, Chunk, chunks, density, reach, shown, whole

PROSE = "The committee met again in the autumn and talked about the weather for a long while. " * 40
CODE = (
    "def get_user(user_id: int) -> User:\n    return api.getUser(id=user_id, raw=False)  # GET /v1/users/{id}\n"
    * 8
)


@given(st.text(alphabet="ab \n文(_=", max_size=600), st.integers(4, 30), st.integers(1, 5))
def test_chunks_are_readable_pieces_in_order_that_do_not_overlap(text, tokens, most):
    found = chunks(text, tokens, most)
    assert len(found) <= most
    for chunk in found:
        piece = text[chunk.start : chunk.end]
        assert piece and piece == piece.strip() and len(piece) <= 4 * tokens
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert bool(found) == bool(text[: reach(tokens, most)].strip())


@given(st.text(alphabet="ab \n", min_size=1, max_size=300), st.integers(4, 30))
def test_the_first_chunk_is_the_start(text, tokens):
    for most in (1, 3):
        found = chunks(text, tokens, most)
        if found:
            assert not text[: found[0].start].strip()


def test_a_text_without_letters_has_no_chunk():
    assert chunks(" \n\t \u00a0", 256, 4) == chunks("", 256, 4) == []


def test_of_a_long_page_the_part_with_code_is_chosen():
    text = PROSE + CODE + PROSE
    start, code = chunks(text, 64, 2)
    assert start.start == 0
    assert len(PROSE) - 40 <= code.start < code.end <= len(PROSE) + len(CODE) + 40
    assert "getUser" in text[code.start : code.end]


def test_a_page_that_is_one_endless_line_is_cut_all_the_same():
    found = chunks("x" * 1_000_000, 64, 4)
    assert [chunk.end - chunk.start for chunk in found] == [256] * 4
    assert found[-1].end <= MOST_CHARACTERS


def test_what_is_shipped_to_the_encoder_holds_its_chunks():
    text = "word " * 500_000
    for most in (1, 3):
        assert chunks(text[: reach(64, most)], 64, most) == chunks(text, 64, most)


def test_density_weighs_signs_and_capitals_inside_words_and_nothing_beyond_ascii():
    assert density("ab c").tolist() == [0, 0, 0, 0]
    assert density("aB").tolist() == [0, 2]
    assert density("f(x)").sum() == 4 and density("文字").sum() == density("\ud800").sum() == 0
    assert density("").dtype == np.float32


def test_the_title_is_read_with_the_start_but_not_twice():
    assert whole("Title", "body") == "Title\nbody"
    assert whole("Title", "Title and body") == "Title and body"
    assert whole(None, "body") == whole(" ", "body") == "body"
    assert shown("  body more", Chunk(2, 6), "Title") == "Title\nbody"
    assert shown("body more", Chunk(5, 9), "Title") == "more"
