"""Tables of the label job."""

from __future__ import annotations

from corpus.engine.tables.columns import (
    AGENT_SCORE,
    FLAG,
    FLOAT,
    ID,
    INT,
    TEXT,
    URL,
    Column,
    Table,
)

_LABEL = Column(
    "label", TEXT, "positive, negative, ambiguous, or unlabelled: a random page that nobody has looked at"
)
_GIVEN_BY = Column(
    "given_by", TEXT, "who gave it: file, endpoint, rule, seed or random, and behind a colon the name"
)
_SAID = (
    Column("verdict", TEXT, "yes, no or stub; null where the giver does not tell stubs apart"),
    Column("kind", TEXT, "what kind of page it is, in the words of the giver; null where it says nothing"),
    Column("confidence", FLOAT, "how sure the giver is, 0 to 1; null where it does not say"),
    Column("rationale", TEXT, "why, in the words of the giver; null where it does not say"),
)

LABELS = Table(
    "labels",
    "one label for each address that has any; `labels=` of the classifier reads it",
    (
        ID,
        URL,
        Column("site", TEXT, "group that is held out as a whole: the host, or the origin that a file names"),
        _LABEL,
        _GIVEN_BY,
        *_SAID,
        Column("votes", INT, "givers that said something of this address"),
        Column("conflict", FLAG, "whether one of them said something else"),
        Column("sample", TEXT, "why a model was asked: check, uncertain, top or random; null where none was"),
        AGENT_SCORE,
    ),
    ("url",),
)

OPINIONS = Table(
    "opinions",
    "what each giver said of each address, also where another label counts",
    (
        URL,
        _GIVEN_BY,
        _LABEL,
        *_SAID,
        Column("model", TEXT, "model that was asked; null for other givers"),
        Column("rubric", TEXT, "version of the rubric that it was asked by; null for other givers"),
    ),
    ("url", "given_by"),
)
