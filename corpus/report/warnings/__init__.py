"""What a reader should look at first: warnings in words, each found by one small rule over the numbers."""

from __future__ import annotations

from collections.abc import Iterable

from corpus.report.warnings import contents, quality, road, training
from corpus.report.warnings.finding import CAUTION, PROBLEM, Facts, Finding, Rule
from corpus.report.warnings.limits import Limits

__all__ = ["CAUTION", "PROBLEM", "RULES", "Facts", "Finding", "Limits", "find"]

RULES: tuple[Rule, ...] = (*road.RULES, *contents.RULES, *quality.RULES, *training.RULES)


def find(facts: Facts, rules: Iterable[Rule] = RULES) -> list[Finding]:
    """All findings, the most serious first: problems before cautions, then by weight."""
    found = [finding for rule in rules for finding in rule(facts)]
    return sorted(found, key=lambda finding: (finding.level != PROBLEM, -finding.weight))
