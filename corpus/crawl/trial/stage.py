"""Runs of the filter that keep no page: a forecast from a sample, thresholds from labelled pages."""

from __future__ import annotations

import os
from dataclasses import replace

from corpus.crawl.archive import STAGE, Work, outer_of, tools_of
from corpus.crawl.cascade import JUDGE, child_setup
from corpus.crawl.config import FilterConfig
from corpus.crawl.inputs.given import find_given
from corpus.crawl.inputs.sources import Archive, read_archive
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.stage import identities_of, make_work
from corpus.crawl.trial.calibrate import Known, Seen, examine, summary, thresholds_of, write
from corpus.crawl.trial.forecast import describe, foretell
from corpus.crawl.trial.planning import sample
from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.session import get_session


def forecast(config: FilterConfig) -> str:
    """What the run would cost, from a sample of the input. Nothing is written."""
    archives = _archives(config, "--plan samples archives")
    work = make_work(config, identities_of(config), storage.absolute(config.output))
    tools = tools_of(work)
    with tools.sandbox:
        runs = sample(
            archives,
            tools,
            of=config.sample_archives,
            records=config.sample_records,
            page_bytes=config.page_bytes,
        )
    found = foretell(runs, archives, work.rules.thresholds())
    return describe(found, cores=config.cores or os.cpu_count() or 1, price=config.core_hour_price)


def calibrate(config: FilterConfig) -> str:
    """Choose the thresholds of the early steps on labelled pages, and write `calibration.json` to the
    output.
    """
    if config.calibrate is None:
        raise UserError("the key 'calibrate' is empty; give it the labels of pages of the input.")
    archives, known = _archives(config, "calibrate= reads archives"), _known(config.calibrate)
    folder = storage.absolute(config.output)
    if manifest.is_finished(folder):
        raise UserError(f"{config.output} is a finished stage; give another output= for the calibration.")
    # the thresholds of an earlier calibration are what is to be chosen here
    fresh = replace(config, calibration=None)
    identities = identities_of(fresh)
    work = make_work(fresh, identities, folder)

    def task(archive: Archive) -> list[Seen]:
        return _examine(archive, work, known)

    spark = get_session(STAGE, config.master)
    seen = spark.sparkContext.parallelize(archives, len(archives)).flatMap(task).collect()
    result = thresholds_of(seen, config.recall_loss)
    path = write(folder, result, classifier=identities[0]["sha256"], threshold=work.rules.threshold)
    return f"{summary(result)}\nwritten to {path}: the filter takes it as calibration={path}"


def _examine(archive: Archive, work: Work, known: dict[str, Known]) -> list[Seen]:
    steps = outer_of(work)
    setup = child_setup(work.rules, work.scorer, work.classifier, exhaustive=True)
    with Sandbox(JUDGE, setup, seconds=work.page_seconds, memory_mb=work.page_memory_mb) as sandbox:
        return list(examine(read_archive(archive, work.page_bytes), known, steps, sandbox))


def _archives(config: FilterConfig, who: str) -> list[Archive]:
    given = find_given(config)
    if given.index:
        raise UserError(f"{who}, and an index names none before it was read; give input= in place of index=.")
    return list(given.archives)


def _known(path: str) -> dict[str, Known]:
    from corpus.relevance.labels import AGENT, AMBIGUOUS, read_labels

    labels = read_labels(path)
    return {
        url: Known(label.label == AGENT, label.site)
        for url, label in labels.items()
        if label.label != AMBIGUOUS
    }
