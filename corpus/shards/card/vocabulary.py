"""What the hub calls licences and sizes of data sets."""

from __future__ import annotations

import re

_SIZES = [
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
    (10_000_000_000, "1B<n<10B"),
    (100_000_000_000, "10B<n<100B"),
    (1_000_000_000_000, "100B<n<1T"),
]
# SPDX identifiers, in small letters, that the hub knows by the same or another name.
_LICENCES = {
    *("apache-2.0", "mit", "mpl-2.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "isc", "zlib", "unlicense"),
    *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
    *(
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "gfdl",
        "odc-by",
        "odbl",
        "pddl",
        "artistic-2.0",
    ),
    *("gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "epl-1.0", "epl-2.0", "ecl-2.0", "wtfpl"),
}
_ALSO_CALLED = {"odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "pddl-1.0": "pddl"}


def licence_name(name: str) -> str:
    plain = _ALSO_CALLED.get(name.lower(), re.sub("-(only|or-later)$", "", name.lower()))
    return plain if plain in _LICENCES else "other"


def size_name(rows: int) -> str:
    return next((name for most, name in _SIZES if rows < most), "n>1T")
