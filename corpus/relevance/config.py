"""Settings of the classifier job."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(JobConfig):
    """What to learn from, and how."""

    seeds: str = option("folder of the finished seeds stage", volatile=True)  # its content is an input
    input: tuple[str, ...] = option("crawl archives (WARC files, folders, globs, lists of paths)")
    base: str = option("prefix of relative paths in lists, such as https://data.commoncrawl.org/", "")
    labels: str | None = option(
        "Parquet or CSV with url and label (positive, negative, ambiguous); origin or site groups", None
    )
    target_fpr: float = option(
        "share of the negatives that may pass the threshold, on held-out sites", 0.01, least=0, most=0.5
    )
    dim: int = option("length of the word vectors", 32, least=2, most=300)
    epoch: int = option("passes over the examples; small sets get more", 5, least=1, most=200)
    lr: float = option("learning rate", 0.3, least=0.001, most=2)
    word_ngrams: int = option("longest word n-gram", 2, least=1, most=5)
    bucket: int = option(
        "hash buckets of the n-grams; the model takes about 4 x dim x bucket bytes", 200_000, least=1000
    )
    min_count: int = option("rarer tokens are left out", 3, least=1)
    folds: int = option("parts that the sites are held out in", 4, least=2, most=20)
    wanted_share: float | None = option(
        "rough share of wanted pages in an unlabelled crawl, about 0.01 on the open web; null estimates it",
        None,
        least=0.0001,
        most=0.9,
    )
    rounds: int = option(
        "rounds of cleaning and self-training where no labels are given", 2, least=1, most=10
    )
    max_archives: int | None = option(
        "most archives that are read, a fixed sample; null takes 50 without labels and all with labels",
        None,
        least=1,
    )
    max_pages: int = option("most pages and seeds per class that are trained on", 20_000, least=10)
    max_per_site: int = option("most pages of one site, so that no large site owns the result", 150, least=1)
    max_per_source: int = option("most seeds of one source, likewise", 150, least=1)
    seed: int = option("seed of the sample, of the order and of the training", 7, least=0)
    page_seconds: float = option("time that one page may take", 20.0, least=0.1, volatile=True)
