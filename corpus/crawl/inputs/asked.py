"""The keys by which a job says what it reads of a crawl: `input=`, or `index=` with `where=`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option


@dataclass(frozen=True, kw_only=True)
class CrawlInput(JobConfig):
    input: tuple[str, ...] = option(
        "WARC files, folders, globs, lists of paths (*.paths.gz), local, s3://, https:// or hdfs://; "
        "files of a Common Crawl snapshot: cc:CC-MAIN-2024-22[0:100], [::900] or [sample=100@7]",
        (),
    )
    base: str = option(
        "prefix of relative paths in lists and of the archives that an index names; snapshots (cc:) are read "
        "from https://data.commoncrawl.org/ unless it says another place, such as s3://commoncrawl/",
        "",
    )
    index: tuple[str, ...] = option(
        "columnar index of a crawl in place of input=: Parquet files, folders, globs, lists, or "
        "cc:CC-MAIN-2024-22",
        (),
    )
    where: str = option(
        "SQL filter on the columns of the index, as \"fetch_status = 200 AND content_languages LIKE 'eng%' "
        "AND (url_host_name LIKE 'docs.%' OR url_path LIKE '/api/%' OR url_path LIKE '/reference/%')\"",
        "",
    )
    index_columns: dict[str, str] = option(
        "columns of the index that go by other names than in Common Crawl's, as warc_filename: file", {}
    )
    index_gap: int = option(
        "records of an archive with at most so many bytes between them are fetched together",
        256 << 10,
        least=0,
        volatile=True,
    )
    index_range: int = option(
        "most bytes that are fetched together", 16 << 20, least=1 << 16, most=256 << 20, volatile=True
    )
    fetch_repeats: bool = option(
        "false fetches one record of each content_digest of an index, and drops the others for it",
        True,
    )
    connections: int = option(
        "connections to one web host at the same time, from all processes of a machine",
        2,
        least=1,
        most=64,
        volatile=True,
    )
