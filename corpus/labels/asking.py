"""The part that costs money: pages to models, one after the other model, on the driver alone.

One place holds the budget and the cache; the requests wait for the network, so threads are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.engine import storage
from corpus.engine.endpoint.cache import Cache
from corpus.engine.endpoint.client import Client
from corpus.engine.endpoint.prompt import Ask
from corpus.engine.progress import Progress
from corpus.labels.config import LabelConfig, LabellerConfig
from corpus.labels.rubric import Rubric, question
from corpus.labels.votes import ENDPOINT, Vote, from_answer

Shown = Mapping[str, Any]  # url and text of a page


@dataclass
class Asked:
    """What came of it. `reasons` says of each page without an answer why the first model gave none."""

    votes: list[tuple[str, Vote]] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def ask_all(
    pages: Callable[[], Iterable[Shown]], total: int, rubrics: Mapping[str, Rubric], config: LabelConfig
) -> Asked:
    """Each model about each page. `pages` gives them anew for each model, in the order of their worth: where
    a budget ends, it is the last ones that go without. Raises UserError where a model cannot be asked."""
    asked = Asked()
    with Cache(cache_folder(config)) as cache:
        for name, labeller in config.labellers.items():
            client = Client(labeller, cache, f"labellers.{name}")
            with Progress(f"label {name}") as progress:
                asks = _asks(pages(), rubrics[name], labeller)
                for done, answer in enumerate(client.answers(asks), 1):
                    progress.update(done, total, "pages")
                    if answer.value is None:
                        asked.reasons.setdefault(answer.key, answer.reason)
                        continue
                    vote = from_answer(
                        answer.value, f"{ENDPOINT}:{name}", least=config.min_confidence, stubs=config.stubs
                    )
                    asked.votes.append((answer.key, vote))
            asked.facts[name] = {**client.facts(), "rubric": rubrics[name].version}
    return asked


def _asks(pages: Iterable[Shown], rubric: Rubric, labeller: LabellerConfig) -> Iterator[Ask]:
    for page in pages:
        yield question(rubric, page["url"], page["url"], page["text"], labeller.page_tokens)


def cache_folder(config: LabelConfig) -> str:
    """Runs of one workspace share their answers."""
    return config.cache or storage.join(storage.absolute(config.output).rpartition("/")[0] or "/", "answers")
