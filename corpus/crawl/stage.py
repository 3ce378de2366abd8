"""The filter stage on Spark: one task per archive commits its own output, the driver publishes the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from corpus.crawl.archive import (
    COMMITS,
    STAGE,
    Commit,
    Work,
    filter_archive,
    key_of,
    read_commit,
)
from corpus.crawl.cascade import Rules
from corpus.crawl.config import FilterConfig
from corpus.crawl.fetch import ArchiveError
from corpus.crawl.sources import Archive, find_archives
from corpus.engine import manifest, storage
from corpus.engine.claim import CLAIM
from corpus.engine.config import to_dict
from corpus.engine.errors import UserError
from corpus.engine.ledger import DROPPED, FAILED, KEPT
from corpus.engine.manifest import Manifest, OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.stage import Stage
from corpus.engine.tables import FILES, LEDGER, PAGES

_NAMED = 3  # failed archives that the last sentence of a run names


@dataclass(frozen=True)
class Failure:
    """An archive that could not be read; nothing is committed for it."""

    name: str
    sentence: str


def run(config: FilterConfig) -> Manifest:
    """Filter all archives of `config.input`, but for those that an earlier, unfinished run committed.

    Raises UserError at the end if some could not be read; the others are committed by then.
    """
    archives = find_archives(config.input, config.base)
    classifier = classifier_identity(config.classifier)
    identities: list[dict[str, Any]] = [classifier, *(archive.file.identity() for archive in archives)]
    folder = storage.absolute(config.output)
    if manifest.is_finished(folder):
        stage = Stage.open(STAGE, config, identities)  # refuses a run of something else
        storage.remove(storage.join(folder, COMMITS))  # left by a run that was killed behind `_SUCCESS`
        assert stage.finished
        return stage.finished
    work = make_work(config, classifier, folder)
    done = committed(archives, work)
    # without commits of its own, the stage clears what another run left, and refuses what is none of it
    stage = Stage.open(STAGE, config, identities, keep_unfinished=bool(done))
    if done:
        _keep_only(done, folder)
    waiting = [archive for archive in archives if archive.name not in done]
    with stage.spark() as spark:
        results = _filter(spark, waiting, work, storage.absolute(config.classifier))
        done.update({result.name: result for result in results if isinstance(result, Commit)})
        failures = [result for result in results if isinstance(result, Failure)]
        if failures:
            raise UserError(sentence_of(failures, len(archives)))
        return _publish(stage, spark, [done[archive.name] for archive in archives])


def plan(config: FilterConfig) -> str:
    """What the job would read and how it would judge, found without reading any archive."""
    archives = find_archives(config.input, config.base)
    classifier_identity(config.classifier)
    size = sum(max(archive.file.bytes, 0) for archive in archives)
    kept = "its own threshold" if config.threshold is None else f"threshold {config.threshold:g}"
    return "\n".join(
        [
            f"read    {len(archives):,} archives, {size / 1e9:,.3f} GB",
            f"judge   with the classifier in {config.classifier} at {kept}",
            f"write   {config.output}/{PAGES.name}, {FILES.name}, {LEDGER.name}",
        ]
    )


def classifier_identity(folder: str) -> dict[str, Any]:
    """The classifier as an input: by its content. Raises UserError where the stage is not finished."""
    return {"path": "classifier", "bytes": 0, "sha256": manifest.read(folder).digest()}


def make_work(config: FilterConfig, classifier: dict[str, Any], folder: str) -> Work:
    """What executors need: the part of the config that decides what becomes of an archive, and `folder`."""
    from corpus.relevance.model import AgentClassifier

    settings = {k: v for k, v in to_dict(config, with_volatile=False).items() if k not in ("input", "base")}
    threshold = (
        AgentClassifier.load(config.classifier).threshold if config.threshold is None else config.threshold
    )
    return Work(
        folder=folder,
        fingerprint=manifest.fingerprint(STAGE, settings, [classifier]),
        rules=Rules(
            threshold=threshold,
            languages=frozenset(config.languages),
            min_words=config.min_words,
            respect_opt_out=config.respect_opt_out,
            full_extraction=config.full_extraction,
        ),
        source=config.source,
        page_bytes=config.page_bytes,
        page_seconds=config.page_seconds,
        page_memory_mb=config.page_memory_mb,
    )


def committed(archives: Sequence[Archive], work: Work) -> dict[str, Commit]:
    """What an unfinished run has done that fits this one, by the archives' names."""
    found = [read_commit(work.folder, archive, work.fingerprint) for archive in archives]
    return {commit.name: commit for commit in found if commit}


def _keep_only(done: dict[str, Commit], folder: str) -> None:
    """Remove what an unfinished run left beside its commits."""
    keep = {f.path for commit in done.values() for f in (commit.pages, commit.ledger)}
    keep |= {f"{COMMITS}/{key_of(name)}.json" for name in done} | {CLAIM}
    _remove_all_but(folder, keep)


def sentence_of(failures: Sequence[Failure], archives: int) -> str:
    """What failed and how to go on. The archives are named in the order of their names."""
    ordered = sorted(failures, key=lambda failure: failure.name)
    named = "; ".join(failure.sentence.rstrip(".") for failure in ordered[:_NAMED])
    more = f"; and {len(ordered) - _NAMED:,} more" if len(ordered) > _NAMED else ""
    return (
        f"{len(ordered):,} of {archives:,} archives could not be read: {named}{more}. The others are done; "
        "the same command reads just these again."
    )


def _filter(
    spark: SparkSession, archives: Sequence[Archive], work: Work, classifier: str
) -> list[Commit | Failure]:
    """One task per archive. Larger archives start first, so that the last task to end is a short one."""

    def task(archive: Archive) -> Commit | Failure:
        from corpus.relevance.model import AgentClassifier

        # an attempt whose worker was lost behind its commit has done the work
        earlier = read_commit(work.folder, archive, work.fingerprint)
        try:
            return earlier or filter_archive(archive, work, AgentClassifier.load(classifier))
        except ArchiveError as error:
            return Failure(archive.name, str(error))

    if not archives:
        return []
    ordered = sorted(archives, key=lambda archive: (-archive.file.bytes, archive.name))
    return list(spark.sparkContext.parallelize(ordered, len(ordered)).map(task).collect())


def _publish(stage: Stage, spark: SparkSession, commits: Sequence[Commit]) -> Manifest:
    """Write `files/`, the manifest and `_SUCCESS`."""
    with PartWriter(storage.join(stage.folder, FILES.name), "part-00000.parquet", FILES.schema) as writer:
        writer.write(file_rows(commits))
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
        facts=facts(commits),
    )
    written = {f.path for files in stage.tables.values() for f in files}
    _remove_all_but(stage.folder, written | {manifest.MANIFEST, manifest.SUCCESS})
    return finished


def file_rows(commits: Sequence[Commit]) -> pa.RecordBatch:
    rows = [
        {
            "path": commit.name,
            "bytes": commit.bytes,
            "records": commit.records,
            "responses": commit.responses,
            "other_records": commit.records - commit.responses,
            "kept": commit.counts[KEPT],
            "dropped": commit.counts[DROPPED],
            "failed": commit.counts[FAILED],
            "damaged": commit.damaged,
        }
        for commit in sorted(commits, key=lambda commit: commit.name)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=FILES.schema)


def facts(commits: Sequence[Commit]) -> dict[str, Any]:
    """What the run measured of itself. Rates are per core: tasks run on one core each."""
    seconds: Counter[str] = Counter()
    for commit in commits:
        for step, spent in commit.seconds.items():
            seconds[step] += spent  # type: ignore[assignment]
    responses = sum(commit.responses for commit in commits)
    damage = [part for commit in commits for part in commit.damaged]
    return {
        "archives": len(commits),
        "bytes": sum(max(commit.bytes, 0) for commit in commits),
        "files_damaged": sum(bool(commit.damaged) for commit in commits),
        "bytes_damaged": sum(part["end"] - part["start"] for part in damage),
        "pages_per_second": round(responses / seconds["all"], 1) if seconds["all"] else 0.0,
        "seconds": {step: round(spent, 2) for step, spent in sorted(seconds.items())},
        "children_restarted": sum(max(commit.children - 1, 0) for commit in commits),
    }


def _remove_all_but(folder: str, keep: set[str]) -> None:
    root = storage.resolve(folder)[1].rstrip("/")
    for info in storage.list_files(folder):
        if info.path[len(root) + 1 :] not in keep:
            storage.remove(storage.with_scheme(folder, info.path))
    if not any(path.startswith(COMMITS) for path in keep):
        storage.remove(storage.join(folder, COMMITS))
