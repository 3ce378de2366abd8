import pytest

from corpus.dedup.order import DEFAULT, rank_expressions
from corpus.engine.errors import UserError


def test_an_order_that_is_not_total_is_refused():
    for keys in ((), ("score",), ("id", "score"), ("id", "id"), ("score", "-score", "id"), ("score", "-id")):
        with pytest.raises(UserError, match=r"no total order.*survivor=score,length,date,id"):
            rank_expressions(keys)


def test_an_unknown_key_is_named():
    with pytest.raises(UserError, match="survivor= names 'quality'"):
        rank_expressions(("quality", "id"))


def test_each_key_is_one_expression_and_id_comes_last():
    assert len(rank_expressions(DEFAULT)) == 4
    assert rank_expressions(("-date", "id"))[-1] == "id"
    assert rank_expressions(("-date", "id")) != rank_expressions(("date", "id"))
