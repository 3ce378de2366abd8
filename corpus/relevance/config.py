"""Settings of the classifier job."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.crawl.inputs.asked import CrawlInput
from corpus.engine.config import option


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(CrawlInput):
    """What to learn from, and how."""

    # the content of the seeds is an input, their place is not
    seeds: tuple[str, ...] = option("folders of finished stages with seeds (seeds, harvest)", volatile=True)
    labels: tuple[str, ...] | None = option(
        "Parquet or CSV files, or finished stages of labels, with url and label (positive, negative, "
        "ambiguous) or verdict (yes, no, stub) of the page itself; origin or site groups",
        None,
    )
    mixed_genres: tuple[str, ...] = option(
        "genres, as the labels name them, of negative sites that hold wanted pages too: of those, only pages "
        "that were read one by one are measured on",
        ("forum", "policy", "install-guide", "tech-blog", "tech-faq", "tech-magazine", "blog"),
    )
    prefixes: tuple[str, ...] = option("YAML files of vetted prefixes, of which the recall is measured", ())
    prevalence: float = option(
        "share of wanted pages on the web, for the precision there", 0.01, least=0.00001, most=0.9
    )
    second: str = option(
        "second scorer of what passes the first, trained where labels are given: none; structure (the layout "
        "of the extracted text); or beside it an encoder: packaged (MiniLM), or a sentence-transformers name "
        "or folder",
        "structure",
    )
    second_tokens: int = option("tokens of a page that the encoder sees", 256, least=16, most=8192)
    target_fpr: float = option(
        "share of the negatives that may pass the threshold, on held-out sites", 0.01, least=0, most=0.5
    )
    strength: float = option(
        "weight of the examples against the penalty on the words' weights; more follows the examples closer",
        0.2,
        least=0.0001,
        most=1000,
    )
    evidence: float = option(
        "how clearly a word must tell the classes apart from site to site to be learnt: Welch's t",
        1.5,
        least=0,
    )
    least_sites: int = option("words of fewer sites are not learnt, small sets apart", 4, least=1)
    read_weight: float = option("how many pages a page counts for that was judged itself", 3.0, least=0.1)
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
