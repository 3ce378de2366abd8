"""Whether what lies in the folder of a run is what its settings make now."""

from __future__ import annotations

import json
from collections.abc import Iterable

from corpus.engine.config import build, load_yaml
from corpus.engine.errors import UserError
from corpus.engine.overrides import with_overrides
from training.config import TrainConfig
from training.plan import check_fingerprint, make_plan
from training.run_folder import RECORD
from training.trials.launch import Trial


def settings_of(one: Trial) -> TrainConfig:
    """What the trainer makes of the run's words."""
    recipe = one.words[one.words.index("--config") + 1]
    rest = [word for word in one.words if word not in ("--config", recipe)]
    return build(TrainConfig, with_overrides(load_yaml(recipe), rest), where=recipe)


def check_same(trials: Iterable[Trial]) -> None:
    """Raises UserError where a finished run was made with other settings or inputs than it has now.

    The trainer itself refuses to go on with one that is not finished.
    """
    for one in trials:
        if not one.finished:
            continue
        try:
            begun = json.loads((one.folder / RECORD).read_text("utf-8"))["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"{one.folder} has no readable {RECORD}; remove that run.") from None
        now = make_plan(settings_of(one)).fingerprint()
        try:
            check_fingerprint(one.folder, begun, json.loads(json.dumps(now)))
        except UserError as error:
            raise UserError(f"{error} Give the command another output, or remove that run.") from error
