"""Labelled pages of a run put together with the held-out scores of the classifier. Plain Python."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.match.evaluation.labelled import Known
from corpus.match.select.combine import NAMES
from corpus.relevance.labels import AMBIGUOUS, Label
from corpus.relevance.second import logistic
from corpus.relevance.training import folds_of
from corpus.relevance.views import Pages

HeldOut = Mapping[str, tuple[float, float | None, int]]  # by address: agent_score, second_score, fold


def known_pages(
    rows: pa.Table,
    labels: Mapping[str, Label],
    held_out: HeldOut | None,
    *,
    mixed_genres: Sequence[str],
    folds: int,
    max_per_site: int,
) -> Known:
    """`rows`: id, url, host and NAMES of pages with text. Ambiguous pages are left out.

    With `held_out` only pages with such scores are taken: the classifier may have learnt the others.
    """
    urls = rows.column("url").to_pylist()
    chosen = [n for n, url in enumerate(urls) if url in labels and labels[url].label != AMBIGUOUS]
    chosen = sorted(
        chosen, key=lambda n: (hashlib.sha256(urls[n].encode("utf-8", "replace")).digest(), urls[n])
    )
    if held_out is not None:
        chosen = [n for n in chosen if urls[n] in held_out]
    taken: list[int] = []
    count: Counter[tuple[str, bool]] = Counter()
    met: set[str] = set()
    for n in chosen:
        key = (labels[urls[n]].site, labels[urls[n]].read)
        if count[key] < max_per_site and urls[n] not in met:
            count[key] += 1
            met.add(urls[n])
            taken.append(n)
    some = rows.take(pa.array(taken, pa.int64()))
    addresses = [urls[n] for n in taken]
    seen = pc.is_valid(some.column("match")).to_numpy()
    features = np.column_stack([pc.fill_null(some.column(name), 0.0).to_numpy() for name in NAMES])
    features = features.astype(np.float64).reshape(len(taken), len(NAMES))
    sites = [labels[url].site for url in addresses]
    given = [labels[url].label for url in addresses]
    if held_out is not None and taken:
        features[:, 0] = logistic.logits(np.array([held_out[url][0] for url in addresses]))
        second = [held_out[url][1] for url in addresses]
        features[:, 1] = [
            0.0 if one is None else float(logistic.logits(np.array([one]))[0]) for one in second
        ]
        fold = [held_out[url][2] for url in addresses]
    else:
        fold = folds_of(sites, given, folds, 0)
    pages = Pages.of(addresses, sites, given, labels, mixed_genres)
    # what was not encoded does not speak for its host: in a run it has no score either
    hosts = [host if flag else "" for host, flag in zip(some.column("host").to_pylist(), seen)]
    return Known(pages, np.array(fold, np.int64), features, hosts, seen.astype(bool))
