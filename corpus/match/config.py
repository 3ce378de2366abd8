"""The keys of `jobs/match.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option
from corpus.match.encoding.encoder import BACKENDS, PRECISIONS
from corpus.match.index.files import AUTO, SEARCHES
from corpus.match.map.project import METHODS, TSNE


@dataclass(frozen=True, kw_only=True)
class MatchConfig(JobConfig):
    """`min_score`, thresholds and weights belong to the encoder: another encoder has another scale."""

    seeds: tuple[str, ...] = option("finished stage folders with seeds (seeds, hygiene, harvest)")
    input: tuple[str, ...] = option("finished stage folders with a table pages (dedup or filter)")
    encoder: str = option(
        "sentence-transformers model by name or folder; 'packaged' is the MiniLM of the extra 'embed'",
        "packaged",
    )
    device: str = option("torch device that encodes: cpu, cuda, mps", "cpu")
    backend: str = option(
        "what computes vectors: torch, openvino (CPU only, twice as fast), or auto: openvino where it is "
        "installed, takes the model and agrees with torch",
        "auto",
        choices=BACKENDS,
    )
    precision: str = option(
        "numbers that the encoder computes with; auto: bfloat16 where the processor has it, float16 on older "
        "GPUs, else float32",
        "auto",
        choices=PRECISIONS,
    )
    query_prompt: str | None = option(
        "what is put before a seed's text; null: what the model's own configuration says", None
    )
    document_prompt: str | None = option("the same before a page's text", None)
    max_tokens: int = option("tokens of a text that the encoder sees at once", 256, least=16, most=32768)
    max_chunks: int = option(
        "pieces of a page that are encoded: its start, and the parts densest in code and definitions; the "
        "one most like a seed counts",
        1,
        least=1,
        most=64,
    )
    embeddings: tuple[str, ...] = option(
        "finished runs of this job whose embeddings are taken for the same texts, so that other seeds cost "
        "no second encoding",
        (),
    )
    max_seeds_per_source: int = option(
        "seeds that stand for one source (medoids, dealt out evenly to its kinds), so that none owns the "
        "result",
        150,
        least=1,
    )
    seed_near: float = option(
        "seeds of a source that are as alike (cosine) are one", 0.98, least=0.5, most=1.01
    )
    search: str = option(
        "how seeds are searched: exact, approximate (IVF-PQ, needs faiss-cpu), or auto: exact up to 50,000 "
        "seeds",
        AUTO,
        choices=SEARCHES,
    )
    seeds_per_page: int = option("nearest seeds that are kept of each page", 10, least=1, most=100)
    coarse_sample: int = option(
        "pages that are encoded in full (at most a tenth of all) to teach the coarse pass and to measure its "
        "loss; 0 encodes every page",
        5000,
        least=0,
        most=5000,
    )
    coarse_loss: float = option(
        "share of the pages which the encoder would select that the coarse pass may lose",
        0.03,
        least=0.001,
        most=0.5,
    )
    coarse_selects: float | None = option(
        "share of the pages, the best matches, that count as selected where the coarse pass is measured; "
        "null: those that pass min_score, min_margin and thresholds",
        None,
        least=0.0001,
        most=0.9,
    )
    min_score: float = option(
        "pages less alike (cosine) to the seed that they resemble most are dropped", 0.25, least=-1, most=1
    )
    min_margin: float = option(
        "pages whose similarity lies less than this above what general pages reach with that seed are "
        "dropped; for the kinds of seeds without a threshold of their own",
        -1.0,
        least=-2,
        most=2,
    )
    thresholds: dict[str, float] = option("the same by kind of seed, in place of what is calibrated", {})
    recall: float | None = option(
        "calibrate the margins of the kinds so that this share passes of the labelled pages that are wanted, "
        "and of the seeds whose source is left out; null calibrates nothing",
        0.98,
        least=0.5,
        most=1,
    )
    general: int = option(
        "pages with low agent_score that seeds are held against, to know what each finds too easily; 0 takes "
        "the similarity as it is",
        2000,
        least=0,
        most=100_000,
    )
    weights: dict[str, float] = option(
        "of the combined score: classifier, second (logits), match, margin, bias, host (of the mean over the "
        "host's other pages), offset; empty: fitted to the labels, without labels those for the packaged one",
        {},
    )
    host_weight: float = option(
        "weight of the host's other pages where weights are fitted", 0.6, least=0, most=5
    )
    min_combined: float | None = option(
        "pages with a lower combined score are dropped; null: with labels the score that target_fpr of the "
        "negatives reach, without labels no limit",
        None,
        least=0,
        most=1,
    )
    labels: tuple[str, ...] | None = option(
        "Parquet or CSV files or finished stages of labels, as jobs/classifier.py has them; thresholds and "
        "weights are fitted to them, and measured by whole sites held out",
        None,
    )
    classifier: str | None = option(
        "finished classifier whose held-out scores replace those of labelled pages that it was trained on",
        None,
    )
    mixed_genres: tuple[str, ...] = option(
        "genres, as the labels name them, of negative sites that hold wanted pages too: of those, only pages "
        "that were read one by one are measured on",
        ("forum", "policy", "install-guide", "tech-blog", "tech-faq", "tech-magazine", "blog"),
    )
    target_fpr: float = option("share of the negatives that may pass min_combined", 0.01, least=0, most=0.5)
    folds: int = option("parts that the sites of the labels are dealt out to", 4, least=2, most=20)
    max_per_site: int = option("labelled pages taken from one site", 150, least=1)
    per_seed: int | None = option(
        "most pages that a seed keeps, the most similar ones; null for all", None, least=1
    )
    per_host: int | None = option("most pages of a host that are kept; null for all", None, least=1)
    quotas: dict[str, int] = option("most pages by kind of seed", {})
    near: float | None = option(
        "cosine from which kept pages are near-duplicates in meaning; null looks for none",
        0.95,
        least=0.5,
        most=1,
    )
    near_probes: int = option("cells in which a page is looked for its near-duplicates", 4, least=1, most=64)
    per_cluster: int | None = option(
        "most pages of a cluster of near-duplicates that are kept; null marks them only", None, least=1
    )
    crowded: float = option(
        "share of the pages from which on a seed is flagged as crowded", 0.05, least=0, most=1
    )
    map_points: int = option(
        "seeds, kept and other pages on the map, of each at most this many", 200, least=0, most=5000
    )
    map_method: str = option(
        "how the map is drawn: tsne, umap (needs umap-learn) or pca", TSNE, choices=METHODS
    )
