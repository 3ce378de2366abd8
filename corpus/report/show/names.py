"""How the page calls stages, reasons and figures of merit."""

from __future__ import annotations

ROAD = ("pages", "unique", "clean", "matched")  # the stages that crawl pages pass through
STAGES = {
    "pages": "filter",
    "unique": "deduplication",
    "clean": "hygiene",
    "matched": "matching",
    "seeds": "seeds",
    "clean_seeds": "hygiene of seeds",
    "classifier": "classifier",
    "shards": "shards",
}
# What the reasons of the ledgers mean to somebody who has not read the code; others are shown as they are.
_REASONS = {
    "prefilter": "no agent data on a first look",
    "second_score": "no agent data by its layout",
    "language": "language that is not wanted",
    "light_score": "no agent data by its plain text",
    "agent_score": "no agent data by its full text",
    "match_score": "far from every seed",
    "http_status": "answer of the server was an error",
    "not_html": "not HTML",
    "url_words": "words in the address",
    "opt_out": "asks to be left out",
    "contaminated": "holds benchmark items",
    "over_share": "more than the mix asks for",
    "duplicate_near": "near-duplicate",
    "duplicate_text": "equal text",
    "duplicate_url": "equal address and text",
    "duplicate_payload": "equal bytes",
    "too_short": "too short",
}


def reason_of(reason: str) -> str:
    if reason.startswith("quality_"):
        return f"quality rule: {reason.removeprefix('quality_').replace('_', ' ')}"
    return _REASONS.get(reason, reason.replace("_", " "))
