"""What is held out together, as far as a row of a mix tells it: host, repository, file of a source.

The shard stage groups by `host`, by repository, by `source:path`, else by a block of the input file. Of
these a shard keeps the address and the source alone. Pages have their host in the address, code its
repository, and items of a data set their file, before the `#` with their number in it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.address import host
from corpus.verify.keys import Keys, keys_of

_BEGIN = r"^(?P<begin>https?://github\.com/[^/?#]+/[^/?#]+/blob/|[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*|[^#]+#)"
_REPOSITORY = re.compile(r"https?://github\.com/([^/]+/[^/]+)/blob/")


def groups_of(batch: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The names of the groups, and for each row of `url` and `source` the number of its name or -1."""
    begins = pc.struct_field(pc.extract_regex(batch.column("url"), _BEGIN), [0])
    source = batch.column("source")
    pairs = pc.binary_join_element_wise(source, begins, "\n")
    coded = pairs.dictionary_encode()
    names = [_name(pair) for pair in coded.dictionary.to_pylist()]
    numbers = coded.indices.fill_null(len(names)).to_numpy().astype(np.int64)
    known = np.array([number if name else -1 for number, name in enumerate([*names, ""])], np.int64)
    return names, known[numbers]


def _name(pair: str) -> str:
    source, _, begin = pair.partition("\n")
    if repository := _REPOSITORY.match(begin):
        return f"{source}:{repository[1]}"
    if "://" in begin:
        return host(begin)
    return f"{source}:{begin[:-1]}" if begin else ""


def group_keys(batch: Any) -> Keys:
    """A hash for each group that occurs in a batch."""
    names, numbers = groups_of(batch)
    present = sorted({names[number] for number in np.unique(numbers).tolist() if number >= 0})
    return keys_of(pa.array(present, pa.string()))
