"""The keys of `jobs/label.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option
from corpus.engine.endpoint.config import EndpointConfig
from corpus.labels.votes import AMBIGUOUS, GIVERS, NEGATIVE

CHECK, UNCERTAIN, TOP, DRAWN = "check", "uncertain", "top", "random"
ORDER, LEAVE_OUT = "order", "ambiguous"


@dataclass(frozen=True, kw_only=True)
class LabellerConfig(EndpointConfig):
    """A model with a rubric."""

    rubric: str = option("name of a rubric of corpus/labels/rubrics/, or path of one of your own", "agent-v1")
    page_tokens: int = option("longest part of a page that is shown, in tokens, about", 3_000, least=50)


@dataclass(frozen=True, kw_only=True)
class SampleConfig:
    """Which pages the models are asked about."""

    uncertain: int = option(
        "pages with a score between uncertain_from and uncertain_to, evenly by site", 0, least=0
    )
    top: int = option("pages with a score of uncertain_to and above, evenly by site", 0, least=0)
    random: int = option("pages drawn without regard to site and score", 0, least=0)
    check: int = option("pages that a file or a rule has labelled, to measure agreement", 0, least=0)
    uncertain_from: float = option("lowest score of the uncertain ones", 0.1, least=0, most=1)
    uncertain_to: float = option("score from which pages count as top", 0.9, least=0, most=1)
    per_site: int = option("most pages of one site, but for random ones", 20, least=1)

    def sizes(self) -> dict[str, int]:
        return {CHECK: self.check, UNCERTAIN: self.uncertain, TOP: self.top, DRAWN: self.random}


@dataclass(frozen=True, kw_only=True)
class LabelConfig(JobConfig):
    """Label pages, and say who gave which label."""

    input: tuple[str, ...] = option(
        "pages: finished stage folders, Parquet with url and text, or crawl archives", ()
    )
    base: str = option("prefix of relative paths in lists, such as https://data.commoncrawl.org/", "")
    labels: tuple[str, ...] = option(
        "Parquet or CSV with url and label or verdict, or finished label stages", ()
    )
    rules: tuple[str, ...] = option("YAML files of URL prefixes that a person has looked at", ())
    seeds: str | None = option(
        "folder of a finished seeds stage; its documentation is positive", None, volatile=True
    )
    labellers: dict[str, LabellerConfig] = option("models that are asked, by a name of your choice", {})
    sample: SampleConfig = option("which pages the models are asked about", SampleConfig())
    unlabelled: int = option("random pages without any label that are handed on as unlabelled", 0, least=0)
    order: tuple[str, ...] = option("whose label counts where several differ", GIVERS, choices=GIVERS)
    conflicts: str = option(
        "where two of the same kind differ: the first by the order of the config, or ambiguous",
        ORDER,
        choices=(ORDER, LEAVE_OUT),
    )
    stubs: str = option("label of the verdict stub", NEGATIVE, choices=(NEGATIVE, AMBIGUOUS))
    min_confidence: float = option("what a model is less sure of is labelled ambiguous", 0.6, least=0, most=1)
    cache: str | None = option(
        "local folder of answers that were paid for; null: `answers` beside the output", None, volatile=True
    )
    seed: int = option("seed of the samples", 7, least=0)
    page_seconds: float = option("time that one page of an archive may take", 20.0, least=0.1, volatile=True)
