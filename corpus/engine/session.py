"""One Spark session for laptop and cluster. What spark-submit or the cluster has set is left alone."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from corpus.engine.java import require_java
from corpus.engine.progress import Progress

_ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",  # pages are large: bound a batch by rows as well
    "spark.sql.parquet.compression.codec": "zstd",
}
_LAPTOP = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "8",
}


def get_session(name: str, master: str | None = None) -> SparkSession:
    """The running session, or a new one. Without a master and outside spark-submit: all cores here."""
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    require_java()
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if submitted:
        SparkContext._ensure_initialized()  # else SparkConf is blind to what spark-submit was given
    conf = SparkConf().setAppName(f"hephaestus-forge {name}")
    conf.setIfMissing("spark.master", master or "local[*]")
    settings = dict(_ALWAYS)
    local = str(conf.get("spark.master")).startswith("local")
    if local or not submitted:  # without this, workers would be whatever python3 is on the path
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # a cluster's executors must reach the driver
        settings.update(_LAPTOP)
    for key, value in settings.items():
        conf.setIfMissing(key, value)
    session = SparkSession.builder.config(conf=conf).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def stop_session() -> None:
    """End the running session, if there is one, and give the JVM's memory back."""
    active = SparkSession.getActiveSession()
    if active is not None:
        active.stop()


@contextlib.contextmanager
def watch(spark: SparkSession, title: str, every: float = 1.0) -> Iterator[None]:
    """Show the tasks of the running Spark jobs until the block ends."""
    tracker, over = spark.sparkContext.statusTracker(), threading.Event()

    def follow(progress: Progress) -> None:
        while not over.wait(every):
            with contextlib.suppress(Exception):  # the session may stop; display must never fail a job
                stages = [tracker.getStageInfo(s) for s in tracker.getActiveStageIds()]
                running = [s for s in stages if s is not None]
                if running:
                    done, total = sum(s.numCompletedTasks for s in running), sum(s.numTasks for s in running)
                    progress.update(done, total, "tasks")

    with Progress(title) as progress:
        thread = threading.Thread(target=follow, args=(progress,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=5)
