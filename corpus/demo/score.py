"""How well a run did on the demo crawl: the planted truth against what the ledgers say.

The input is plain (URL to outcome), so that a run of any kind can be scored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from corpus.demo.truth import CrawlTruth, TruthRow

# From here on two texts count as duplicates: the default threshold of the deduplication.
DUPLICATE_FROM = 0.8


@dataclass(frozen=True)
class Rates:
    """How many pages were to be kept (`wanted`), how many were, and how many of those rightly."""

    wanted: int
    kept: int
    right: int

    @property
    def recall(self) -> float:
        """Share of the wanted pages that were kept; 1 if none was wanted."""
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        """Share of the kept pages that were wanted; 1 if none was kept."""
        return self.right / self.kept if self.kept else 1.0


@dataclass(frozen=True)
class Surprise:
    """A record whose outcome is not the planted one."""

    url: str
    label: str
    genre: str
    expected: str
    found: str
    note: str


@dataclass(frozen=True)
class HygieneScore:
    """Planted pages that reached hygiene, how many of them were treated as planted, and which others were."""

    items: int
    items_removed: int
    removed_wrongly: tuple[str, ...]
    secrets: int
    secrets_replaced: int
    replaced_wrongly: tuple[str, ...]


@dataclass(frozen=True)
class DemoScore:
    """How the filter and dedup did against the planted truth.

    `held_out` counts test sites alone. `pairs` are planted duplicates of which both passed the filter;
    `merged` of them lost a page, `missed` names the others; `wrongly_removed` lost theirs too or had none.
    """

    filter: Rates
    held_out: Rates
    after_dedup: Rates
    after_hygiene: Rates
    after_match: Rates
    hygiene: HygieneScore
    pairs: int
    merged: int
    missed: tuple[str, ...]
    wrongly_removed: tuple[str, ...]
    surprises: tuple[Surprise, ...]


def score(
    outcomes: Mapping[str, str],
    survivors: Collection[str],
    truth: CrawlTruth,
    matched: Collection[str] | None = None,
    clean: Mapping[str, Mapping[str, int]] | None = None,
) -> DemoScore:
    """Compare a run with the truth.

    `outcomes` gives for each URL in the filter's ledger its outcome (kept, dropped, failed); a URL that is
    absent was never read. `survivors` are the URLs that deduplication kept, `clean` those of them that
    hygiene kept with what it replaced in them (all and nothing, if not given), `matched` those of these that
    matching kept (all, if not given). A kept URL outside the truth counts against precision.
    """
    kept = {url for url, outcome in outcomes.items() if outcome == "kept"}
    left = kept & set(survivors)
    rows = {row.url: row for row in truth.rows}
    twins = [row for row in truth.rows if _is_twin(row) and row.url in kept and row.duplicate_of in kept]
    merged = [row for row in twins if not {row.url, str(row.duplicate_of)} <= left]
    held_out = {row.url for row in truth.rows if row.split == "test"}
    unique_rows = _without_twins(truth.rows, twins, left)
    tidy = left if clean is None else left & set(clean)
    clean_rows = unique_rows if clean is None else [row for row in unique_rows if not row.benchmark_item]
    return DemoScore(
        filter=_rates(truth.rows, kept),
        held_out=_rates([row for row in truth.rows if row.url in held_out], kept & held_out),
        after_dedup=_rates(unique_rows, left),
        after_hygiene=_rates(clean_rows, tidy),
        after_match=_rates(clean_rows, tidy if matched is None else tidy & set(matched)),
        hygiene=_hygiene(rows, left, clean if clean is not None else {url: {} for url in left}),
        pairs=len(twins),
        merged=len(merged),
        missed=tuple(sorted(row.url for row in twins if row not in merged)),
        wrongly_removed=tuple(sorted(_wrongly_removed(kept, left, twins))),
        surprises=tuple(_surprises(rows, outcomes)),
    )


def format_score(result: DemoScore, *, most: int = 12) -> str:
    """The score as a short table for people, with at most `most` surprises."""
    lines = [f"{'':<26}{'wanted':>8}{'kept':>8}{'right':>8}{'recall':>9}{'precision':>11}"]
    named = (("filter, all sites", result.filter), ("filter, held-out sites", result.held_out),
             ("after deduplication", result.after_dedup), ("after hygiene", result.after_hygiene),
             ("after matching", result.after_match))  # fmt: skip
    for name, rates in named:
        figures = (
            f"{rates.wanted:>8,}{rates.kept:>8,}{rates.right:>8,}{rates.recall:>9.1%}{rates.precision:>11.1%}"
        )
        lines.append(f"{name:<26}{figures}")
    lines.append(
        f"planted duplicates: {result.merged} of {result.pairs} pairs merged, "
        f"{len(result.wrongly_removed)} pages wrongly removed"
    )
    hygiene = result.hygiene
    lines.append(
        f"planted benchmark items: {hygiene.items_removed} of {hygiene.items} pages removed, "
        f"{len(hygiene.removed_wrongly)} others; planted secrets: {hygiene.secrets_replaced} of "
        f"{hygiene.secrets} replaced, on {len(hygiene.replaced_wrongly)} other pages"
    )
    lines.append(f"records with another outcome than planted: {len(result.surprises)}")
    for odd in result.surprises[:most]:
        lines.append(
            f"  {odd.expected} -> {odd.found:<8} {odd.genre:<16} {odd.url}"
            + (f" ({odd.note})" if odd.note else "")
        )
    if len(result.surprises) > most:
        lines.append(f"  and {len(result.surprises) - most} more")
    return "\n".join(lines)


def _hygiene(
    rows: Mapping[str, TruthRow], left: Collection[str], clean: Mapping[str, Mapping[str, int]]
) -> HygieneScore:
    planted = {url for url in left if url in rows and rows[url].benchmark_item}
    gone = set(left) - set(clean)
    secret = {url for url in clean if url in rows and rows[url].secret}
    touched = {url for url, replaced in clean.items() if replaced}
    return HygieneScore(
        items=len(planted),
        items_removed=len(planted & gone),
        removed_wrongly=tuple(sorted(gone - planted)),
        secrets=len(secret),
        secrets_replaced=len(secret & touched),
        replaced_wrongly=tuple(sorted(touched - secret)),
    )


def _is_twin(row: TruthRow) -> bool:
    return row.duplicate_of is not None and (row.jaccard or 0.0) >= DUPLICATE_FROM


def _rates(rows: Iterable[TruthRow], kept: Collection[str]) -> Rates:
    wanted = {row.url for row in rows if row.label == "agent" and row.expected == "kept"}
    return Rates(wanted=len(wanted), kept=len(kept), right=len(wanted & set(kept)))


def _without_twins(
    rows: Iterable[TruthRow], twins: Iterable[TruthRow], left: Collection[str]
) -> list[TruthRow]:
    """The rows less the page of each twin pair that was rightly removed: nobody wants it any more."""
    removed = set()
    for row in twins:
        gone = [url for url in (row.url, str(row.duplicate_of)) if url not in left]
        removed.update(gone[:1])
    return [row for row in rows if row.url not in removed]


def _wrongly_removed(kept: set[str], left: set[str], twins: Iterable[TruthRow]) -> set[str]:
    """Pages that deduplication removed although their twin did not stay, or though they have none."""
    partner: dict[str, str] = {}
    for row in twins:
        partner[row.url], partner[str(row.duplicate_of)] = str(row.duplicate_of), row.url
    return {url for url in kept - left if partner.get(url) not in left}


def _surprises(rows: Mapping[str, TruthRow], outcomes: Mapping[str, str]) -> Iterable[Surprise]:
    for url, row in sorted(rows.items()):
        found = outcomes.get(url, "absent")
        # What is no page may be left out before the ledger; what was damaged may be listed as failed.
        fine = {"dropped": ("dropped", "absent"), "damaged": ("absent", "failed", "damaged")}
        if found not in fine.get(row.expected, (row.expected,)):
            yield Surprise(url, row.label, row.genre, row.expected, found, row.note)
    for url in sorted(outcomes.keys() - rows.keys()):
        yield Surprise(url, "", "", "absent", outcomes[url], "not planted")
