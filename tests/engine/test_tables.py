"""The declared tables: documented, ordered, and of the columns that all tables share."""

from __future__ import annotations

import pyarrow as pa
import pytest

from corpus.engine import tables
from corpus.engine.tables import ALL_TABLES, Column, Table

DECLARED = [pytest.param(table, id=f"{stage}-{table.name}") for stage, table in ALL_TABLES]


@pytest.mark.parametrize("table", DECLARED)
def test_every_column_is_documented_and_named_once(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert all(column.doc for column in table.columns)
    assert table.schema.names == names


@pytest.mark.parametrize("table", DECLARED)
def test_every_table_has_an_order_of_columns_that_can_be_sorted(table: Table) -> None:
    assert table.sort_by
    for column in table.columns:
        assert not (column.name in table.sort_by and pa.types.is_nested(column.type))


@pytest.mark.parametrize("table", DECLARED)
def test_a_shared_name_has_one_type_in_all_tables(table: Table) -> None:
    shared = {
        c.name: c.type
        for c in (
            tables.ID,
            tables.URL,
            tables.BODY,
            tables.LANGUAGE,
            tables.SOURCE,
            tables.KIND,
            tables.LICENCE,
        )
    } | {c.name: c.type for c in (tables.AGENT_SCORE, tables.NUM_TOKENS)}
    for column in table.columns:
        assert column.type == shared.get(column.name, column.type)


def test_the_ledger_says_of_each_record_what_became_of_it() -> None:
    assert {"id", "url", "outcome", "stage", "reason", "agent_score", "warc", "offset"} <= set(
        tables.LEDGER.schema.names
    )


def test_plus_adds_columns_and_changes_nothing_else() -> None:
    more = tables.UNIQUE_PAGES.plus("with a column", Column("x", pa.int32(), "an x"))
    assert more.schema.names == [*tables.UNIQUE_PAGES.schema.names, "x"]
    assert (more.name, more.sort_by, more.open) == ("pages", tables.UNIQUE_PAGES.sort_by, True)
    assert "x" not in tables.UNIQUE_PAGES.schema.names
