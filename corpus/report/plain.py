"""Numbers as plain data, fit for JSON."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any) -> Any:
    """Plain JSON data: numbers that are not finite become null, keys become strings."""
    if isinstance(value, dict):
        return {str(key): finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
