"""Every file under conf/ is one that its job accepts."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import pytest

from corpus.engine.config import build, load_yaml, to_dict

JOBS = {
    "seeds": ("corpus.seeds.config", "SeedsConfig"),
    "classifier": ("corpus.relevance.config", "ClassifierConfig"),
    "filter": ("corpus.crawl.config", "FilterConfig"),
    "dedup": ("corpus.dedup.config", "DedupConfig"),
    "hygiene": ("corpus.hygiene.config", "HygieneConfig"),
    "match": ("corpus.match.config", "MatchConfig"),
    "shard": ("corpus.shards.config", "ShardConfig"),
    "label": ("corpus.labels.config", "LabelConfig"),
    "harvest": ("corpus.harvest.config", "HarvestConfig"),
    "rounds": ("corpus.rounds.config", "RoundsConfig"),
    "report": ("corpus.report.config", "ReportConfig"),
    "status": ("corpus.status.config", "StatusConfig"),
    "verify": ("corpus.verify.config", "VerifyConfig"),
    "inspect": ("corpus.browse.config", "InspectConfig"),
    "forge": ("corpus.forge.config", "ForgeConfig"),
}
REQUIRED = {
    "start": ["https://docs.example.org/"],
    "input": ["x"],
    "output": "out",
    "seeds": "seeds",
    "classifier": "classifier",
}


def required(config_type: type, data: dict[str, object]) -> dict[str, object]:
    """Values for the keys without default: those of the file, else stand-ins."""
    missing = dataclasses.MISSING
    fields = dataclasses.fields(config_type)
    names = [f.name for f in fields if f.default is missing and f.default_factory is missing]
    stand_ins = {**REQUIRED, "input": {"agent": "x"}} if config_type.__name__ == "ShardConfig" else REQUIRED
    return {name: data.get(name, stand_ins.get(name)) for name in names}


@pytest.mark.parametrize("job", sorted(JOBS))
def test_yaml_of_a_job_holds_its_defaults(job: str, repository: Path) -> None:
    module, name = JOBS[job]
    config_type = getattr(importlib.import_module(module), name)
    data = load_yaml(str(repository / "conf" / f"{job}.yaml"))
    needed = required(config_type, data)
    assert to_dict(build(config_type, {**needed, **data})) == to_dict(build(config_type, needed))


def test_every_yaml_belongs_to_a_job(repository: Path) -> None:
    no_settings = {"sources"}  # the registry of public sources, held by tests/seeds/test_registry.py
    assert {path.stem for path in (repository / "conf").glob("*.yaml")} - no_settings == set(JOBS)


def test_every_job_has_a_help_page_with_each_key(repository: Path) -> None:
    from corpus.engine.cli import help_page
    from corpus.engine.config import describe_keys

    for module, name in JOBS.values():
        config_type = getattr(importlib.import_module(module), name)
        page = help_page(config_type, "x")
        assert all(key in page for key, _, _ in describe_keys(config_type))
