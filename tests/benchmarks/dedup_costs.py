"""What a run costs, as measured: processor seconds, bytes that Spark shuffled, memory; and a whole crawl from that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import SparkSession

from corpus.engine.manifest import Manifest
from tests.benchmarks import cpu


@dataclass(frozen=True)
class Cost:
    """`shuffled`: bytes written to shuffles, compressed as they move; `spilled`: bytes that sorts wrote to disk."""

    seconds: float
    shuffled: int
    spilled: int


class Meter:
    """The cost from its making on: of this process and all it has started, and of the stages of the session."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark, self._seconds = spark, cpu.seconds()
        self._seen = set(self._stages())

    def read(self) -> Cost:
        spent = cpu.seconds() - self._seconds
        found = [cost for stage, cost in self._stages().items() if stage not in self._seen]
        return Cost(spent, sum(written for written, _ in found), sum(spilled for _, spilled in found))

    def _stages(self) -> dict[tuple[int, int], tuple[int, int]]:
        """(shuffle bytes written, bytes spilled) of each stage attempt, from Spark's own status store.

        The store is there without the web interface; Spark's REST service answers from it.
        """
        context = self._spark.sparkContext
        jvm, gateway = context._jvm, context._gateway
        assert jvm is not None and gateway is not None
        nothing, no_tasks = gateway.new_array(jvm.double, 0), jvm.java.util.ArrayList()
        stages = context._jsc.sc().statusStore().stageList(None, False, False, nothing, no_tasks)
        rows = (stages.apply(at) for at in range(stages.size()))
        return {
            (row.stageId(), row.attemptId()): (row.shuffleWriteBytes(), row.diskBytesSpilled())
            for row in rows
        }


def keep_all_stages() -> str:
    """The option under which Spark's status store forgets no stage of a bench."""
    return "--conf spark.ui.retainedStages=100000"


def heap_bytes(spark: SparkSession) -> int:
    """The limit of the heap under which driver and executor run, as the virtual machine itself states it."""
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    return int(jvm.java.lang.Runtime.getRuntime().maxMemory())


def projection(made: Manifest, pages: int, cost: Cost) -> Iterator[str]:
    """On paper: shuffled bytes, core-hours and index of whole crawls, in proportion to what this run measured.

    Memory does not grow with the number of pages: a task holds one batch of texts, two shingle sets, and what
    Spark gives it to sort.
    """
    index = sum(file.bytes for file in made.tables["index"]) / max(
        sum(f.rows for f in made.tables["index"]), 1
    )
    yield (
        f"measured for a page: {1000 * cost.seconds / pages:.2f} CPU ms, {cost.shuffled / pages:,.0f} B shuffled, "
        f"{made.facts['pairs_compared'] / pages:.1f} pairs compared, {index:,.0f} B of index; on paper from that:"
    )
    for count in (100_000_000, 3_000_000_000):
        yield (
            f"  {count:>13,} pages: {cost.shuffled / pages * count / 1e12:,.1f} TB shuffled, "
            f"{cost.seconds / pages * count / 3600:,.0f} core-hours, index {index * count / 1e12:,.1f} TB, "
            "executors of 2 GiB a core"
        )
