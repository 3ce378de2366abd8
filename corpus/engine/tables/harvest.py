"""Tables of the harvest job."""

from __future__ import annotations

from corpus.engine.tables.columns import INT, TEXT, Column
from corpus.engine.tables.seeds import SEEDS

HARVESTED_SEEDS = SEEDS.plus(
    "seeds that were harvested from documentation sites in a crawl",
    Column("level", INT, "links between the page and one under a prefix; 0: it lies under one itself"),
    Column("parent", TEXT, "address of the page whose link led to it, null for level 0"),
    Column("start", TEXT, "start address that it was harvested for"),
)
