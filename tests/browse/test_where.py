from __future__ import annotations

from datetime import datetime, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.browse.where import parse
from corpus.engine.errors import UserError

ROWS = [
    {"n": 1, "x": 0.5, "s": "apple", "b": True, "t": datetime(2024, 5, 1, tzinfo=timezone.utc), "l": ["a"]},
    {"n": 2, "x": 1.5, "s": "Banana", "b": False, "t": datetime(2024, 6, 1, tzinfo=timezone.utc), "l": []},
    {"n": 3, "x": None, "s": "it's", "b": None, "t": None, "l": None},
    {"n": 4, "x": -2.0, "s": None, "b": True, "t": datetime(2025, 1, 1, tzinfo=timezone.utc), "l": ["b"]},
]
SCHEMA = pa.schema(
    [
        ("n", pa.int32()),
        ("x", pa.float32()),
        ("s", pa.string()),
        ("b", pa.bool_()),
        ("t", pa.timestamp("us", tz="UTC")),
        ("l", pa.list_(pa.string())),
    ]
)
TABLE = pa.Table.from_pylist(ROWS, schema=SCHEMA)


def rows(text: str) -> list[int]:
    return list(TABLE.filter(parse(text, SCHEMA).expression)["n"].to_pylist())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("n = 2", [2]),
        ("n == 2", [2]),
        ("2 < n", [3, 4]),
        ("n <> 2", [1, 3, 4]),
        ("n != 2 AND n >= 2", [3, 4]),
        ("n = 1 OR n = 2 AND x > 1", [1, 2]),
        ("(n = 1 OR n = 2) AND x > 1", [2]),
        ("NOT n = 1", [2, 3, 4]),
        ("not (n = 1 or n = 2)", [3, 4]),
        ("n > 1.5", [2, 3, 4]),
        ("x = -2", [4]),
        ("x < 1e0", [1, 4]),
        ("s = 'apple'", [1]),
        ("s = 'it''s'", [3]),
        ("s IN ('apple', 'Banana')", [1, 2]),
        ("n NOT IN (1, 2)", [3, 4]),
        ("n BETWEEN 2 AND 3", [2, 3]),
        ("n NOT BETWEEN 2 AND 3", [1, 4]),
        ("s LIKE 'a%'", [1]),
        ("s ILIKE 'b%'", [2]),
        ("s LIKE '_anana'", [2]),
        ("s NOT LIKE '%a%'", [3]),
        ("s IS NULL", [4]),
        ("x IS NOT NULL", [1, 2, 4]),
        ("l IS NULL", [3]),
        ("b", [1, 4]),
        ("b = FALSE", [2]),
        ("LENGTH(s) = 5", [1]),
        ("LOWER(s) = 'banana'", [2]),
        ("t >= '2024-06-01'", [2, 4]),
        ("t < '2024-05-01T12:00:00'", [1]),
        ("\"n\" = 1 AND `s` = 'apple'", [1]),
        ("n = n AND x > n", []),
    ],
)
def test_conditions_mean_what_sql_means(text: str, wanted: list[int]) -> None:
    assert rows(text) == wanted


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected a column"),
        ("n =", "its end: expected a column or a value"),
        ("n = 1 n = 2", "ends before this"),
        ("(n = 1", r"expected \)"),
        ("m = 1", "no column here"),
        ("agent = 'x'", "no column here"),
        ("n = 'one'", "type int32 is expected"),
        ("s > 3", "type string is expected"),
        ("s = n", "text is compared with a number"),
        ("n LIKE '1%'", "compares text"),
        ("l = 'a'", "cannot compare the column 'l'"),
        ("t > 'yesterday'", "is no timestamp"),
        ("1 = 1", "one side must be a column"),
        ("n", "expected =, <, >"),
        ("n NOT = 1", "expected =, <, >"),
        ("LENGTH(n) = 1", "takes a column of text"),
        ("n = __import__('os')", "no column here"),
        ("n = 1; DROP TABLE x", "no part of a condition"),
        ("n IN (1, 'x')", "type int32 is expected"),
        ("(" * 200 + "n = 1" + ")" * 200, "nested too deeply"),
        ("NOT " * 200 + "n = 1", "nested too deeply"),
        ("s = 'open", "no part of a condition"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        parse(text, SCHEMA)


@given(st.text(alphabet="ns()'=<>!, 1ANDORNOTINLIKE%`\"\x00\x1b;", max_size=30))
def test_any_text_is_a_condition_or_an_error_of_the_user(text: str) -> None:
    try:
        condition = parse(text, SCHEMA)
    except UserError:
        return
    assert set(condition.columns) <= set(SCHEMA.names)
    TABLE.filter(condition.expression)


def test_the_columns_that_a_condition_reads_are_known() -> None:
    assert parse("n > 1 AND (s IS NULL OR LENGTH(s) > 2)", SCHEMA).columns == ("n", "s")
