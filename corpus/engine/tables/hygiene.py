"""Tables of the hygiene job."""

from __future__ import annotations

from corpus.engine.tables.columns import (
    BODY,
    FLOAT,
    ID,
    INT,
    LONG,
    TEXT,
    Column,
    Table,
)

CLEAN_PAGES = Table(
    "pages",
    "texts without benchmark items, secrets and personal data, with all columns of the input; `seeds` where "
    "the input is seeds. Of the input's columns only `text` and `num_words` change",
    (
        ID,
        BODY,
        Column("contamination", INT, "places with parts of benchmark items: cut, or left where only marked"),
        Column("private_keys", INT, "private keys replaced by <PRIVATE_KEY>"),
        Column("api_keys", INT, "API keys and tokens replaced by <API_KEY>"),
        Column("email_addresses", INT, "e-mail addresses replaced by <EMAIL_ADDRESS>"),
        Column("card_numbers", INT, "payment card numbers replaced by <CARD_NUMBER>"),
        Column("ip_addresses", INT, "public IP addresses replaced by <IP_ADDRESS>"),
        Column("phone_numbers", INT, "telephone numbers replaced by <PHONE_NUMBER>"),
    ),
    ("id",),
    open=True,
)

CONTAMINATION = Table(
    "contamination",
    "one row per place in a text that holds a part of a benchmark item",
    (
        ID,
        Column("benchmark", TEXT, "name that the benchmark's records or file bear"),
        Column("item", TEXT, "id of the item, its number in the file where it has none"),
        Column("part", TEXT, "question, gold, or text where the layout is unknown"),
        Column("start", LONG, "first character of the place in the text that came in"),
        Column("end", LONG, "character behind the place"),
        Column("overlap", FLOAT, "share of the part's words found there"),
    ),
    ("id", "start", "end", "benchmark", "item", "part"),
)
