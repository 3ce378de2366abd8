"""Thresholds that were calibrated on labelled pages, as the filter reads them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from corpus.engine import storage
from corpus.engine.errors import UserError

CALIBRATION_FILE = "calibration.json"
_KEYS = ("prefilter_threshold", "light_threshold")


@dataclass(frozen=True)
class Calibration:
    """`classifier` is the digest of the classifier that the thresholds belong to; empty if it is not told.

    `threshold` is the final one that they were chosen for, None if it is not told.
    """

    prefilter_threshold: float | None
    light_threshold: float | None
    threshold: float | None
    classifier: str
    sha256: str

    def identity(self) -> dict[str, Any]:
        """The calibration as an input: by its content."""
        return {"path": "calibration", "bytes": 0, "sha256": self.sha256}


def read_calibration(path: str, classifier: str = "") -> Calibration:
    """The calibration in a JSON file, or in `calibration.json` of a folder. `classifier`: the digest in use.

    Raises UserError where it cannot be read, says nothing usable, or belongs to another classifier.
    """
    place = storage.join(path, CALIBRATION_FILE) if storage.is_folder(path) else path
    if not storage.exists(place):
        raise UserError(f"there is no calibration at {place}; calibrate=FOLDER of this job writes one.")
    data = storage.read_bytes(place)
    try:
        said = json.loads(data)
        values = [None if said.get(key) is None else float(said[key]) for key in (*_KEYS, "threshold")]
        owner = str(said.get("classifier") or "")
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{place} is no calibration: a JSON object with {' and '.join(_KEYS)}.") from error
    if owner and classifier and owner != classifier:
        raise UserError(f"{place} was made for another classifier than the one given; calibrate again.")
    return Calibration(values[0], values[1], values[2], owner, hashlib.sha256(data).hexdigest())
