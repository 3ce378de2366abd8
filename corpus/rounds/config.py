"""Settings of the rounds job, and of the stages that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus.crawl.inputs.asked import CrawlInput
from corpus.engine import storage
from corpus.engine.config import JobConfig, build, option
from corpus.engine.errors import UserError
from corpus.relevance.config import ClassifierConfig

REVIEW, AUTO = "review", "auto"
_OWN = ("seeds", "input", "index", "where", "base", "labels", "output", "max_archives", "seed")


@dataclass(frozen=True, kw_only=True)
class RoundsConfig(JobConfig):
    """The same command again goes on where the rounds stand."""

    crawl: tuple[str, ...] = option("crawl archives, in every form that input= of the filter takes", ())
    base: str = option("prefix of relative paths in lists and of the archives that an index names", "")
    index: tuple[str, ...] = option("columnar index of a crawl in place of crawl=", ())
    where: str = option("SQL filter on the columns of the index", "")
    index_columns: dict[str, str] = option("columns of the index that go by other names", {})
    connections: int = option("connections to one web host at the same time", 2, least=1, most=64)
    seeds: tuple[str, ...] = option("folders of finished stages with seeds (seeds, harvest)")
    labels: tuple[str, ...] = option(
        "labels to learn from in all rounds, as labels= of the classifier takes them; they go before those "
        "of the rounds",
        (),
    )
    classifier: str | None = option(
        "folder of a finished classifier to begin with; null trains one from seeds and labels", None
    )
    scored: tuple[str, ...] = option(
        "finished filter stages whose ledgers give the scores, in place of a pass over the light text; each "
        "round looks for the one that used its classifier",
        (),
    )
    train: dict[str, Any] = option("settings of the classifier job, such as train.target_fpr=0.005", {})
    max_rounds: int = option("rounds after which it ends in any case", 8, least=1, most=99)
    max_archives: int | None = option("most archives that are read, a fixed sample; null: all", None, least=1)
    seed: int = option("seed of samples and of the training", 7, least=0)
    min_words: int = option(
        "pages with fewer words are stubs, and neither scored nor learnt from", 30, least=0
    )
    page_seconds: float = option("time that one page may take", 20.0, least=0.1)
    min_pages: int = option("pages that a prefix needs to be proposed", 10, least=1)
    min_hits: int = option("pages over the threshold that a prefix needs", 5, least=1)
    min_share: float = option(
        "share of a prefix's pages over the threshold that it needs", 0.1, least=0, most=1
    )
    max_depth: int = option("most segments of a path in a proposed prefix", 5, least=0, most=30)
    most_prefixes: int = option("most prefixes that are proposed in a round", 200, least=1)
    accept: str = option(
        "review: a person decides in review.yaml; auto: what passes auto_share and auto_hits is accepted",
        REVIEW,
        choices=(REVIEW, AUTO),
    )
    auto_share: float = option("share of hits from which auto accepts a prefix", 0.5, least=0, most=1)
    auto_hits: int = option("hits from which auto accepts a prefix", 20, least=1)
    sample: int = option(
        "collected pages outside all reviewed prefixes that a round asks about, to tell its precision",
        20,
        least=0,
        most=1000,
    )
    most_per_prefix: int = option("most pages of one prefix that are learnt from", 2_000, least=1)
    clean_share: float = option(
        "sites with at most this share of hits give background negatives", 0.02, least=0, most=1
    )
    cleaned: float = option(
        "share of the background with the highest scores that is left out: wanted pages that nobody knows of "
        "yet lie there",
        0.02,
        least=0,
        most=0.9,
    )
    negatives: float = option("background negatives to a positive, at most", 2.0, least=0)
    stop_pages: float = option(
        "end when at most this share of the collected pages is new", 0.02, least=0, most=1
    )
    stop_hosts: float = option("... and at most this share of their sites", 0.02, least=0, most=1)

    def __post_init__(self) -> None:
        taken = sorted(set(self.train) & set(_OWN))
        if taken:
            raise UserError(
                f"train.{taken[0]} is set by the rounds themselves; give {taken[0]}= where there is one."
            )

    def crawl_keys(self) -> dict[str, Any]:
        """What reads the crawl, under the names of the other jobs."""
        names = ("base", "index", "where", "index_columns", "connections")
        shared = {name: getattr(self, name) for name in (*names, "master", "max_failed_fraction")}
        return {**shared, "input": self.crawl}

    def training(self, folder: str, labels: Sequence[str]) -> ClassifierConfig:
        """The config of a round's classifier, which learns from these labels and from the user's own."""
        every = [*labels, *self.labels]  # of two labels the later file's counts
        own: dict[str, Any] = {"seeds": self.seeds, "output": folder, "seed": self.seed}
        own["labels"] = every or None
        if self.max_archives is not None:
            own["max_archives"] = self.max_archives
        return build(ClassifierConfig, {**self.crawl_keys(), **self.train, **own}, where="train")

    def reading(self) -> LightConfig:
        """The config of the stage that reads the crawl once for all rounds."""
        own = {"output": storage.join(self.output, "light"), "min_words": self.min_words}
        more = {"page_seconds": self.page_seconds, "max_archives": self.max_archives, "seed": self.seed}
        return build(LightConfig, {**self.crawl_keys(), **own, **more})


@dataclass(frozen=True, kw_only=True)
class LightConfig(CrawlInput):
    min_words: int = option("pages with fewer words are dropped", 30, least=0)
    page_seconds: float = option("time that one page may take", 20.0, least=0.1, volatile=True)
    max_archives: int | None = option("most archives that are read, a fixed sample", None, least=1)
    seed: int = option("seed of that sample", 7, least=0)


@dataclass(frozen=True, kw_only=True)
class ScoreConfig(JobConfig):
    # their content is an input, their place is not
    pages: str = option("folder with the light pages, or of a finished filter", volatile=True)
    classifier: str = option("folder of the finished classifier", volatile=True)
