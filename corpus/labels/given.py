"""All that a label run is given, found and checked before anything starts: inputs, files, rules, models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.crawl.inputs import sources
from corpus.crawl.inputs.snapshot import is_snapshot
from corpus.engine import manifest, storage
from corpus.engine.endpoint.config import check
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand
from corpus.labels import files, rubric, rules
from corpus.labels.config import LabelConfig
from corpus.labels.rubric import Rubric
from corpus.labels.votes import ENDPOINT, GIVERS, Vote

PARQUET = (".parquet",)


@dataclass
class Given:
    """`file_votes` is by file, in the order of the config; `rubrics` by labeller."""

    stages: list[str] = field(default_factory=list)
    parquet: list[InputFile] = field(default_factory=list)
    archives: list[sources.Archive] = field(default_factory=list)
    label_files: list[InputFile] = field(default_factory=list)
    file_votes: dict[str, dict[str, Vote]] = field(default_factory=dict)
    rules: rules.Rules = field(default_factory=lambda: rules.Rules(()))
    rubrics: dict[str, Rubric] = field(default_factory=dict)

    def places(self) -> dict[str, int]:
        """The place of each giver among its kind: as the config names them."""
        names = [*self.file_votes, *(f"{ENDPOINT}:{name}" for name in self.rubrics)]
        return {name: place for place, name in enumerate(names)}

    def identities(self) -> list[Mapping[str, Any]]:
        """What decides the result beside the config and the stages: for the fingerprint."""
        read = [*self.parquet, *(archive.file for archive in self.archives), *self.label_files]
        asked = [
            {"labeller": name, "rubric": one.version, "sha256": one.digest}
            for name, one in self.rubrics.items()
        ]
        return [*(file.identity() for file in read), *asked]


def gather(config: LabelConfig) -> Given:
    """Raises UserError for whatever is missing or does not go together, before anything is spent."""
    if not (config.input or config.labels or config.seeds):
        raise UserError("there is nothing to label; give input= pages, or labels= files to merge.")
    if sorted(config.order) != sorted(GIVERS):
        raise UserError(f"'order' must name each of {', '.join(GIVERS)} once.")
    given = Given()
    _find_inputs(config, given)
    for path in config.labels:
        name = files.giver_of(path)
        if name in given.file_votes:
            raise UserError(f"labels= names two files {name.partition(':')[2]}; rename one of them.")
        given.label_files += files.files_of(path)
        given.file_votes[name] = files.read(path)
    given.rules = rules.read(config.rules)
    rule_files = expand(config.rules) if config.rules else []
    given.label_files += rule_files
    for name, labeller in config.labellers.items():
        check(labeller, f"labellers.{name}")
        given.rubrics[name] = rubric.load(labeller.rubric)
    if config.labellers and not any(config.sample.sizes().values()):
        raise UserError(
            "no page would be asked about; set sample.uncertain, sample.top, sample.random or sample.check."
        )
    return given


def _find_inputs(config: LabelConfig, given: Given) -> None:
    snapshots = [path for path in config.input if is_snapshot(path)]
    if snapshots:
        given.archives += sources.find_archives(snapshots, config.base)
    for path in config.input:
        if is_snapshot(path):
            continue
        if not storage.is_http(path) and manifest.is_finished(path):
            given.stages.append(path)
            continue
        found = expand([path], base=config.base, suffixes=(*PARQUET, *sources.SUFFIXES))
        given.parquet += [file for file in found if file.path.endswith(PARQUET)]
        given.archives += sources.with_names([file for file in found if not file.path.endswith(PARQUET)])
