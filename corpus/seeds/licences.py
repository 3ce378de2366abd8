"""Licences under one name each: the SPDX identifier where a source names a known licence, else its words.

A remark in brackets does not change the name (`MIT (GPT-4 generated)` is MIT). A text that names several
licences is left as it is: which of them covers an item is not for a program to decide.
"""

from __future__ import annotations

import re
from functools import lru_cache

from corpus.crawl.rules.licences import name_of, name_said

_IDENTIFIERS = (
    "0BSD AFL-3.0 AGPL-3.0 Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 CC-BY-2.0 "
    "CC-BY-3.0 CC-BY-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-3.0 "
    "CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 EPL-2.0 "
    "GFDL-1.3 GPL-2.0 GPL-3.0 ISC LGPL-2.1 LGPL-3.0 MIT MPL-2.0 ODC-By-1.0 ODbL-1.0 PDDL-1.0 PSF-2.0 "
    "Python-2.0 Unlicense WTFPL Zlib"
)
# what hubs and packages write instead of the identifier
_ALIASES = {
    "apache 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "mit license": "MIT",
    "cc0": "CC0-1.0",
    "odc-by": "ODC-By-1.0",
    "odbl": "ODbL-1.0",
    "psf": "PSF-2.0",
    "the unlicense": "Unlicense",
}
_BY_NAME = {name.lower(): name for name in _IDENTIFIERS.split()} | _ALIASES
_MOST = 500  # characters of a statement
_SUFFIX = re.compile(r"-(?:only|or-later)$")
_REMARK = re.compile(r"\s*\([^()]*\)")


@lru_cache(maxsize=4096)
def spdx(licence: str) -> str:
    """The SPDX identifier that a statement names, or the statement itself without outer white space."""
    said = " ".join(licence[:_MOST].split())
    plain = _REMARK.sub("", said).strip().rstrip(".")
    found = _BY_NAME.get(plain.lower()) or _BY_NAME.get(_SUFFIX.sub("", plain.lower()))
    if found:
        return found
    if re.search(r"[;,/&+]|\b(?:and|or)\b", plain, re.IGNORECASE) and "://" not in plain:
        return said
    return (name_of(plain) if "://" in plain else name_said(plain)) or said
