"""The filter stage on Spark: one task per archive commits its own output, the driver publishes the whole."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from corpus.crawl.archive import STAGE, Work, filter_archive
from corpus.crawl.cascade import Rules
from corpus.crawl.commits import (
    COMMITS,
    Commit,
    Failure,
    failure_of,
    key_of,
    read_commit,
    write_plan,
)
from corpus.crawl.config import FilterConfig
from corpus.crawl.index.stage import check_where, select
from corpus.crawl.index.work import FOLDER, files_in, saved
from corpus.crawl.inputs.fetch import ArchiveError
from corpus.crawl.inputs.given import find_given
from corpus.crawl.inputs.sources import Archive
from corpus.crawl.rules.urlrules import UrlRules
from corpus.crawl.summary import command_for, facts, file_rows, raise_faults, report, sentence_of
from corpus.crawl.trial.calibration import Calibration, read_calibration
from corpus.engine import manifest, storage
from corpus.engine.claim import CLAIM
from corpus.engine.config import to_dict
from corpus.engine.errors import DataError, UserError
from corpus.engine.manifest import Manifest, OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.session import get_session
from corpus.engine.stage import Stage
from corpus.engine.tables import FILES, LEDGER, PAGES

SCORER, LINES = "corpus.relevance.model:load", "corpus.relevance.model:rough_scorer"
SECOND = "corpus.relevance.model:load_second"


def run(config: FilterConfig) -> Manifest:
    """Filter all archives of `config.input`, but for those that an earlier, unfinished run committed.

    Raises DataError at the end if more of them than `max_failed_fraction` could not be read, and RuntimeError
    if one ended on a fault that is not its own, such as a full disk; the others are committed by then.
    """
    found = find_given(config)
    identities = identities_of(config)
    folder = storage.absolute(config.output)
    given = [*identities, *(file.identity() for file in found.files)]
    if manifest.is_finished(folder):
        stage = Stage.open(STAGE, config, given)  # refuses a run of something else
        for left in (COMMITS, FOLDER):  # by a run that was killed behind `_SUCCESS`
            storage.remove(storage.join(folder, left))
        assert stage.finished
        return stage.finished
    work = make_work(config, identities, folder)
    archives = saved(found.index, folder) if found.index else found.archives
    done = committed(archives, work)
    # without commits of its own, the stage clears what another run left, and refuses what is none of it
    stage = Stage.open(STAGE, config, given, keep_unfinished=bool(done))
    if done:
        _keep_only(done, folder)
    with stage.spark() as spark:
        if found.index and not done:
            archives = select(spark, found.index, folder)
        write_plan(folder, archives)
        waiting = [archive for archive in archives if archive.name not in done]
        results = filter_all(spark, waiting, work)
        done.update({result.name: result for result in results if isinstance(result, Commit)})
        commits = [done[archive.name] for archive in archives if archive.name in done]
        failures = [result for result in results if isinstance(result, Failure)]
        if said := report(commits, failures, config):
            print(said, file=sys.stderr)
        raise_faults(failures, config)
        if len(failures) > config.max_failed_fraction * len(archives):
            again = f"The others are done; the same command reads just these again: {command_for(config)}"
            raise DataError(f"{sentence_of(failures, len(archives))} {again}")
        return _publish(stage, spark, commits, failures, work)


def plan(config: FilterConfig) -> str:
    """What the job would read and how it would judge, found without reading any archive."""
    given = find_given(config)
    identities_of(config)
    if given.index:
        check_where(get_session(STAGE, config.master), given.index)
    kept = "its own threshold" if config.threshold is None else f"threshold {config.threshold:g}"
    return "\n".join(
        [
            *given.plan(),
            f"judge   with the classifier in {config.classifier} at {kept}",
            f"write   {config.output}/{PAGES.name}, {FILES.name}, {LEDGER.name}",
        ]
    )


def classifier_identity(folder: str) -> dict[str, Any]:
    """The classifier as an input: by its content. Raises UserError where the stage is not finished."""
    return {"path": "classifier", "bytes": 0, "sha256": manifest.read(folder).digest()}


def identities_of(config: FilterConfig) -> list[dict[str, Any]]:
    """What decides beside the config's own values: classifier, calibration and lists of addresses."""
    classifier = classifier_identity(config.classifier)
    calibration = _calibration(config, classifier["sha256"])
    return [classifier, *([calibration.identity()] if calibration else []), *config.urls.identities()]


def make_work(config: FilterConfig, identities: Sequence[dict[str, Any]], folder: str) -> Work:
    """What executors need: the part of the config that decides what becomes of an archive, and `folder`."""
    settings = {k: v for k, v in to_dict(config, with_volatile=False).items() if k not in ("input", "base")}
    UrlRules.from_config(config.urls)  # a list that cannot be read is told before any task starts
    return Work(
        folder=folder,
        fingerprint=manifest.fingerprint(STAGE, settings, list(identities)),
        rules=make_rules(config, identities),
        classifier=storage.absolute(config.classifier),
        scorer=SCORER,
        lines=LINES,
        second=SECOND if config.second else "",
        second_threshold=config.second_threshold,
        source=config.source,
        urls=config.urls,
        page_bytes=config.page_bytes,
        page_seconds=config.page_seconds,
        page_memory_mb=config.page_memory_mb,
        recycle_after=config.recycle_after,
    )


def make_rules(config: FilterConfig, identities: Sequence[dict[str, Any]] = ()) -> Rules:
    """The rules, thresholds resolved: the config's own, then the calibration's, then the classifier's."""
    from corpus.relevance.model import load

    classifier = load(config.classifier)
    digest = identities[0]["sha256"] if identities else ""
    calibration = _calibration(config, digest)
    light, early = config.light_threshold, config.prefilter_threshold
    own = classifier.first_threshold if config.second else classifier.threshold
    threshold = own if config.threshold is None else config.threshold
    if calibration:
        if calibration.threshold is not None and threshold < calibration.threshold:
            raise UserError(
                f"calibration={config.calibration} was made for the threshold {calibration.threshold:g}, and "
                f"its early steps would lose pages that {threshold:g} is to keep; calibrate again with "
                f"threshold={threshold:g}, or raise it."
            )
        light = calibration.light_threshold if light is None else light
        early = calibration.prefilter_threshold if early is None else early
    return Rules(
        threshold=threshold,
        light_threshold=light,
        prefilter_threshold=early,
        languages=tuple(sorted(config.languages)),
        min_words=config.min_words,
        opt_out=tuple(sorted(config.opt_out)) if config.respect_opt_out else (),
        opt_out_agents=tuple(sorted(config.opt_out_agents)),
        full_extraction=config.full_extraction,
        quality=config.quality,
    )


def _calibration(config: FilterConfig, classifier: str) -> Calibration | None:
    return read_calibration(config.calibration, classifier) if config.calibration else None


def committed(archives: Sequence[Archive], work: Work) -> dict[str, Commit]:
    """What an unfinished run has done that fits this one, by the archives' names."""
    found = [read_commit(work.folder, archive, work.fingerprint) for archive in archives]
    return {commit.name: commit for commit in found if commit}


def _keep_only(done: dict[str, Commit], folder: str) -> None:
    """Remove what an unfinished run left beside its commits."""
    keep = {f.path for commit in done.values() for f in (commit.pages, commit.ledger)}
    keep |= {f"{COMMITS}/{key_of(name)}.json" for name in done} | {CLAIM} | files_in(folder)
    _remove_all_but(folder, keep)


def filter_all(spark: SparkSession, archives: Sequence[Archive], work: Work) -> list[Commit | Failure]:
    """One task per archive. Larger archives start first, so that the last task to end is a short one.

    Where a task's process ends without a word, as the system's memory killer has it, Spark gives up the
    whole job. Each archive that is left then gets a job of its own; what ends its process again fails alone.
    """

    def task(archive: Archive) -> Commit | Failure:
        # an attempt whose worker was lost behind its commit has done the work
        earlier = read_commit(work.folder, archive, work.fingerprint)
        try:
            return earlier or filter_archive(archive, work)
        except ArchiveError as error:
            return failure_of(archive, str(error))
        except (
            Exception
        ) as error:  # no archive's trouble, whatever it is, may stop the others: `run` raises it
            path = storage.redact(archive.file.path)
            return failure_of(
                archive, f"{path}: {type(error).__name__}: {error}"[:500], traceback.format_exc()
            )

    def alone(archive: Archive) -> Commit | Failure:
        try:
            found: Commit | Failure = context.parallelize([archive], 1).map(task).collect()[0]
            return found
        except Py4JJavaError:
            said = "the process that read it ended without a word; it may have run out of memory"
            return failure_of(archive, f"{storage.redact(archive.file.path)}: {said}.")

    if not archives:
        return []
    context = spark.sparkContext
    ordered = sorted(archives, key=lambda archive: (-archive.file.bytes, archive.name))
    try:
        return list(context.parallelize(ordered, len(ordered)).map(task).collect())
    except Py4JJavaError:
        with ThreadPoolExecutor(context.defaultParallelism) as pool:
            return list(pool.map(alone, ordered))


def _publish(
    stage: Stage, spark: SparkSession, commits: Sequence[Commit], failures: Sequence[Failure], work: Work
) -> Manifest:
    """Write `files/`, the manifest and `_SUCCESS`."""
    with PartWriter(storage.join(stage.folder, FILES.name), "part-00000.parquet", FILES.schema) as writer:
        writer.write(file_rows(commits, failures))
    assert writer.result
    stage.tables[PAGES.name] = sorted((commit.pages for commit in commits), key=lambda file: file.path)
    stage.tables[LEDGER.name] = sorted((commit.ledger for commit in commits), key=lambda file: file.path)
    result = writer.result
    stage.tables[FILES.name] = [
        OutputFile(f"{FILES.name}/{result.path}", result.rows, result.bytes, result.sha256)
    ]
    finished = stage.finish(
        spark,
        records_in=sum(commit.responses for commit in commits),
        kept_rows=sum(commit.pages.rows for commit in commits),
        facts=facts(commits, failures, work.rules.thresholds()),
    )
    written = {f.path for files in stage.tables.values() for f in files}
    _remove_all_but(stage.folder, written | {manifest.MANIFEST, manifest.SUCCESS})
    return finished


def _remove_all_but(folder: str, keep: set[str]) -> None:
    root = storage.resolve(folder)[1].rstrip("/")
    for info in storage.list_files(folder):
        if info.path[len(root) + 1 :] not in keep:
            storage.remove(storage.with_scheme(folder, info.path))
    for left in (COMMITS, FOLDER):
        if not any(path.startswith(left) for path in keep):
            storage.remove(storage.join(folder, left))
