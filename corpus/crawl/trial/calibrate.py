"""Calibration: what the early steps lose of the wanted pages that the full path would keep.

Labelled pages go through all steps, whatever each of them says. From that follow the thresholds of the steps
that compare a score, the loss that they have on sites they were not chosen on, and what every step costs and
lets through. The result is `calibration.json`, which the filter takes as `calibration=`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from corpus.crawl.cascade import batches, fields_of
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.steps import Candidate, Step, walk_together
from corpus.crawl.trial.calibration import CALIBRATION_FILE
from corpus.crawl.trial.thresholds import OFF, Choice, Loss, choose, measured
from corpus.crawl.warc.records import Damage, Record
from corpus.engine import storage
from corpus.engine.errors import DataError

SCORED = ("prefilter", "light_score")  # the early steps that compare a score, in their order
# what spares work and decides nothing that the full path would not decide later, and better
EARLY = ("prefilter", "light_text", "light_score")
LAST = "agent_score"
# milliseconds that a page costs behind each scored step, up to the next one. They weigh the steps against
# each
# other, and are constants so that equal pages give equal thresholds; what was measured stands in the result.
TYPICAL_COST = {"prefilter": 1.5, "light_score": 5.0}
_FEWEST_SITES = 2
_PLAIN = 6  # digits of shares


@dataclass(frozen=True)
class Known:
    """What is known of a page: whether it is wanted, and the site that it counts for."""

    wanted: bool
    site: str


@dataclass(frozen=True)
class Seen:
    """What all steps said of one labelled page. `failed`: the child gave it up (timeout, crash, memory)."""

    url: str
    site: str
    wanted: bool
    scores: dict[str, float]
    reasons: dict[str, str]
    spent: dict[str, float]
    failed: str = ""

    @property
    def kept_in_full(self) -> bool:
        """Whether everything through the full path keeps the page."""
        return not self.failed and LAST in self.spent and not set(self.reasons) - set(EARLY)


def examine(
    records: Iterable[Record | Damage], known: Mapping[str, Known], outer: Sequence[Step], sandbox: Sandbox
) -> Iterator[Seen]:
    """Have all steps look at the labelled pages among the records; `sandbox` must be set up as exhaustive."""
    labelled = (
        item for item in records if isinstance(item, Record) and item.type == "response" and item.url in known
    )
    for batch in batches(labelled):
        pages = [Candidate(record) for record in batch]
        passages = walk_together(outer, pages, exhaustive=True)
        readable = [
            number for number, passage in enumerate(passages) if "record" not in dict(passage.reasons)
        ]
        answers = sandbox.map([(fields_of(batch[n]), batch[n].payload) for n in readable]) if readable else []
        answered = dict(zip(readable, answers, strict=True))
        for number, (page, passage) in enumerate(zip(pages, passages)):
            answer = answered.get(number)
            found: Mapping[str, Any] = answer.fields if answer and not answer.reason else {}
            scores = {"prefilter": page.prefilter_score, "light_score": found.get("light_score")}
            label = known[page.record.url]
            yield Seen(
                url=page.record.url,
                site=label.site,
                wanted=label.wanted,
                scores={name: float(score) for name, score in scores.items() if score is not None},
                reasons={**dict(passage.reasons), **dict(found.get("reasons", ()))},
                spent={**dict(passage.spent), **dict(found.get("spent", ()))},
                failed=answer.reason if answer else "",
            )


def thresholds_of(seen: Iterable[Seen], allowed: float) -> dict[str, Any]:
    """Thresholds, their loss, and cost and passage of each step, as plain data.

    Raises DataError where the wanted pages that the full path keeps come from less than two sites.
    """
    pages = list({page.url: page for page in sorted(seen, key=_order)}.values())
    reference = [page for page in pages if page.wanted and page.kept_in_full]
    sites = [page.site for page in reference]
    if len(set(sites)) < _FEWEST_SITES:
        raise DataError(
            f"{sum(page.wanted for page in pages)} labelled wanted pages were read, and those that the full "
            f"path keeps come from {len(set(sites))} sites; a calibration needs two or more."
        )
    steps = [name for name in SCORED if any(name in page.scores for page in pages)]
    others = [page for page in pages if not page.wanted and not page.failed]
    choice = choose(
        _scores(reference, steps),
        sites,
        _scores(others, steps),
        [TYPICAL_COST[name] for name in steps],
        allowed,
        besides=_lost_at(reference, "light_text"),
    )
    thresholds = dict(zip(steps, choice.thresholds))
    return {
        **{f"{name.removesuffix('_score')}_threshold": thresholds.get(name) for name in SCORED},
        "recall_loss_allowed": allowed,
        "loss": {name: _rounded(loss) for name, loss in _losses(reference, sites, steps, choice).items()},
        "pages": _counts(pages, reference),
        "steps": _steps(pages, thresholds),
    }


def write(folder: str, result: Mapping[str, Any], *, classifier: str, threshold: float) -> str:
    """Write `calibration.json` into a folder; where it is. It holds for that classifier and threshold."""
    path = storage.join(folder, CALIBRATION_FILE)
    data = {"classifier": classifier, "threshold": threshold, **result}
    storage.write_bytes(path, json.dumps(data, indent=1).encode() + b"\n")
    return path


def summary(result: Mapping[str, Any]) -> str:
    """The result in a few lines for the terminal."""
    loss, pages = result["loss"]["all"], result["pages"]
    lines = [
        f"{pages['labelled']:,} labelled pages of {pages['sites']:,} sites; the full path keeps "
        f"{pages['wanted_kept_in_full']:,} of {pages['wanted']:,} wanted ones",
        f"lost by the early steps, on sites that the thresholds were not chosen on: {loss['share']:.3%} "
        f"(95%: {loss['low']:.3%} to {loss['high']:.3%}; allowed {result['recall_loss_allowed']:.3%})",
        f"{'step':<14}{'threshold':>10}{'ms per page':>13}"
        f"{'wanted in':>11}{'out':>9}{'others in':>11}{'out':>9}",
    ]
    for step in result["steps"]:
        threshold = "" if step["threshold"] is None else f"{step['threshold']:.4f}"
        wanted, others = step["wanted"], step["others"]
        lines.append(
            f"{step['step']:<14}{threshold:>10}{step['ms_per_page']:>13.3f}{wanted['in']:>11,}"
            f"{wanted['out']:>9,}{others['in']:>11,}{others['out']:>9,}"
        )
    return "\n".join(lines)


def _order(page: Seen) -> tuple[str, list[tuple[str, float]], str]:
    """Of several captures of a page the same one counts, however the input is split."""
    return page.url, sorted(page.scores.items()), page.failed


def _scores(pages: Sequence[Seen], steps: Sequence[str]) -> Any:
    """A row for each page, a column for each step; a page that a step could not score passes it."""
    return np.array(
        [[page.scores.get(name, 1.0) for name in steps] for page in pages], dtype=np.float64
    ).reshape(len(pages), len(steps))


def _losses(
    reference: Sequence[Seen], sites: Sequence[str], steps: Sequence[str], choice: Choice
) -> dict[str, Loss]:
    """Of the early steps together, and of each alone."""
    alone = dict(zip(steps, choice.alone))
    return {"all": choice.loss, **alone, "light_text": measured(_lost_at(reference, "light_text"), sites)}


def _lost_at(pages: Sequence[Seen], step: str) -> Any:
    return np.array([step in page.reasons for page in pages], dtype=bool)


def _rounded(loss: Loss) -> dict[str, float | int]:
    return {k: round(v, _PLAIN) if isinstance(v, float) else v for k, v in asdict(loss).items()}


def _counts(pages: Sequence[Seen], reference: Sequence[Seen]) -> dict[str, Any]:
    return {
        "labelled": len(pages),
        "sites": len({page.site for page in pages}),
        "wanted": sum(page.wanted for page in pages),
        "wanted_kept_in_full": len(reference),
        "wanted_sites": len({page.site for page in reference}),
        "others_kept_in_full": sum(page.kept_in_full and not page.wanted for page in pages),
        "failed": dict(sorted(Counter(page.failed for page in pages if page.failed).items())),
    }


def _steps(pages: Sequence[Seen], thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    """In the order of the steps: threshold, cost, and how many pages come to the step and pass it."""
    order = max((list(page.spent) for page in pages), key=len, default=[])
    out = []
    for name in order:
        cost = [page.spent[name] for page in pages if name in page.spent]
        entry: dict[str, Any] = {"step": name, "threshold": thresholds.get(name)}
        entry["ms_per_page"] = round(1000 * sum(cost) / len(cost), 4)
        for group, wanted in (("wanted", True), ("others", False)):
            here = [p for p in pages if p.wanted == wanted and _comes_to(p, name, order, thresholds)]
            entry[group] = {"in": len(here), "out": sum(_passes(page, name, thresholds) for page in here)}
        out.append(entry)
    return out


def _comes_to(page: Seen, name: str, order: Sequence[str], thresholds: Mapping[str, float]) -> bool:
    return name in page.spent and all(_passes(page, n, thresholds) for n in order[: order.index(name)])


def _passes(page: Seen, name: str, thresholds: Mapping[str, float]) -> bool:
    if name in SCORED:
        return page.scores.get(name, 1.0) >= thresholds.get(name, OFF)
    return name not in page.reasons
