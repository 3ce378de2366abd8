"""Why a stage did not keep a record, in words, with the limit that decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.engine.manifest import Manifest

_FILTER = {
    "not_html": "its media type is no HTML",
    "http_status": "the server did not answer 200",
    "empty": "it has no text",
    "opt_out": "the page asks to be left out",
    "language": "it is in a language that is not wanted",
    "bad_http": "its HTTP header cannot be read",
    "bad_header": "its WARC header cannot be read",
    "bad_encoding": "its body cannot be decompressed",
    "bad_length": "its length contradicts the header",
    "damaged": "it lies in a damaged stretch of the archive",
    "truncated": "the archive ends inside it",
    "undecodable": "its bytes are no text in any encoding tried",
    "timeout": "it took longer than page_seconds",
    "crash": "the process that parsed it crashed",
    "memory": "it took more memory than page_memory_mb",
    "too_large": "its body is larger than page_bytes",
}
_SEEDS = {"duplicate": "another seed has the same text"}
_DEDUP = {
    "duplicate_payload": "another page has the same bytes and text",
    "duplicate_url": "another capture of the same address has the same text",
    "duplicate_text": "another page has the same text",
    "duplicate_near": "another page has nearly the same text",
    "id_conflict": "its id names another text, too",
}
_MATCH = {
    "empty": "it has no text",
    "coarse": "the coarse pass found no seed near enough to have it encoded",
    "match_score": "no seed is near enough",
    "match_margin": "it is no more like its seed than general pages are",
    "combined": "its combined score is too low",
    "cluster_cap": "its cluster of near-duplicates had its share of pages",
    "seed_rank": "its seed had found its share of pages, all more like it",
    "host_cap": "its host had its share of pages",
    "kind_quota": "the quota of its kind of seed was filled",
}
_SHARD = {
    "over_share": "not chosen: its source had filled its share of the tokens",
    "duplicate_id": "the same document came in from another input",
    "other_set": "another set has it, and the sets share no documents",
    "empty": "it has no text",
    "no_text": "its record has no text",
    "text_not_string": "what stands in the place of its text is none",
    "licence": "its licence is not among input.NAME.licences",
    "filtered": "it does not fulfil input.NAME.where",
    "malformed": "it is no JSON object",
    "too_large": "its record is larger than most_record_mib",
    "chat_template": "the tokenizer's chat template refuses the conversation",
}
_CLASSIFIER = {
    "": "the classifier was trained on it",
    "cleaned_negative": "left out of the training: the rounds took it for a wanted page",
    "not_needed": "not needed for the training",
    "class_limit": "not needed for the training: its label had enough examples",
}


def explain(found: Manifest, row: Mapping[str, Any]) -> str:
    """A sentence about a ledger row's reason; the reason itself where none is known."""
    reason = str(row.get("reason") or "")
    if found.stage == "filter":
        return _of_filter(found, reason, row.get("agent_score"))
    if found.stage == "match":
        return _MATCH.get(reason, reason)
    if found.stage == "hygiene" and reason == "contaminated":
        return "it holds an item of a benchmark"
    known = {"seeds": _SEEDS, "dedup": _DEDUP, "shard": _SHARD, "classifier": _CLASSIFIER}
    return known.get(found.stage, {}).get(reason, reason)


def threshold_of(found: Manifest, step: str) -> float | None:
    """The score from which a step of the filter's cascade lets pages pass."""
    steps = found.facts.get("steps", ())
    return next((entry.get("threshold") for entry in steps if entry.get("step") == step), None)


def match_threshold(found: Manifest, reason: str, kind: str | None) -> float | None:
    """The limit that decided on a page that match dropped for a score."""
    rule = found.facts.get("rule", {})
    limits = {
        "match_score": found.config.get("min_score"),
        "match_margin": rule.get("thresholds", {}).get(kind, found.config.get("min_margin")),
        "combined": rule.get("min_combined"),
    }
    return limits.get(reason)


def _of_filter(found: Manifest, reason: str, score: float | None) -> str:
    limit = threshold_of(found, reason)
    if limit is not None:
        scored = "its score" if score is None else f"its score {score:.4f}"
        stage = {"prefilter": " on its raw words", "light_score": " on its light text"}.get(reason, "")
        return f"{scored}{stage} is below the threshold {limit:.4f}"
    if reason.startswith("quality_"):
        return _quality(found.config.get("quality", {}), reason.removeprefix("quality_"))
    if reason.startswith("url_"):
        return f"its address meets the rule '{reason.removeprefix('url_')}' of urls.*"
    if reason == "too_short":
        return f"its text has fewer than min_words={found.config.get('min_words')} words"
    if reason == "language" and found.config.get("languages"):
        return f"{_FILTER[reason]} ({', '.join(found.config['languages'])})"
    return _FILTER.get(reason, reason)


def _quality(limits: Mapping[str, Any], name: str) -> str:
    bounds = [
        f"{word} {limits[key]:g}"
        for key, word in ((f"min_{name}", "at least"), (f"max_{name}", "at most"))
        if limits.get(key) is not None
    ]
    return f"the quality rule {name} asks for {' and '.join(bounds) or 'another value'}"
