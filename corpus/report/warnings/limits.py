"""From where on the report warns."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Each is the limit of one rule; shares are 0 to 1."""

    failed_share: float = option("share of a stage's records that failed", 0.02, least=0, most=1)
    shrank: float = option("share by which a source is smaller than in the earlier run", 0.1, least=0, most=1)
    reason_grew: float = option(
        "share of a stage's records by which a reason took more than in the earlier run",
        0.02,
        least=0,
        most=1,
    )
    mix: float = option("distance of a source's share of the tokens from its weight", 0.02, least=0, most=1)
    host_share: float = option("share of the tokens (else words) of one host", 0.05, least=0, most=1)
    languages: tuple[str, ...] = option(
        "languages that pages may be in; none: those that the filter was asked for, if any", ()
    )
    language_share: float = option("share of the pages in another language", 0.005, least=0, most=1)
    unlicensed: float = option("share of pages or seeds without a licence", 0.05, least=0, most=1)
    opted_out: float = option("share of pages that ask to be left out", 0.0, least=0, most=1)
    fidelity: float = option(
        "least share of code lines and table cells that extraction keeps, as a mean", 0.95, least=0, most=1
    )
    classifier_recall: float = option(
        "least recall of the classifier at 1 % false positives", 0.9, least=0, most=1
    )
    dedup_recall: float = option("least recall of deduplication at its threshold", 0.9, least=0, most=1)
    dedup_precision: float = option("least precision of deduplication", 0.99, least=0, most=1)
    seed_share: float = option(
        "share of the pages whose nearest seed is one and the same", 0.05, least=0, most=1
    )
    idle_seeds: float = option("share of a source's seeds that found no page", 0.9, least=0, most=1)
    heldout_rise: float = option(
        "nats by which a last held-out loss lies above the lowest before it", 0.02, least=0
    )
    loss_spike: float = option("nats by which a step lies above the mean of those before it", 1.5, least=0)
