"""How long a seed is in tokens: counted with a named tokenizer, or estimated by a named rule."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tokenizers import Tokenizer

from corpus.engine import storage
from corpus.engine.errors import UserError

ESTIMATE = "estimate: UTF-8 bytes / 4"  # what byte-pair encodings need on English text and code, roughly
_FILE = "tokenizer.json"


def rule(tokenizer: str | None) -> str:
    """The name of the rule that counts are made by, for manifests."""
    return f"tokenizer: {storage.redact(tokenizer)}" if tokenizer else ESTIMATE


def counter(tokenizer: str | None) -> Callable[[str], int]:
    """Tokens of a text. Raises UserError where `tokenizer` (a tokenizer.json or its folder) is none."""
    if not tokenizer:
        return lambda text: -(-len(text.encode("utf-8")) // 4)
    found = _load(tokenizer)
    return lambda text: len(found.encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=2)
def _load(path: str) -> Tokenizer:
    file = path if path.endswith(".json") else storage.join(path, _FILE)
    try:
        found = Tokenizer.from_str(storage.read_bytes(file).decode("utf-8"))
    except OSError as error:
        said = f"cannot read {storage.redact(file)}: {storage.reason_of(error)}"
        raise UserError(f"{said}; check tokenizer=.") from error
    except Exception as error:  # the library raises bare Exception for a file that it cannot parse
        raise UserError(f"{storage.redact(file)} is not a tokenizer: {storage.reason_of(error)}.") from error
    found.no_truncation()
    found.no_padding()
    return found
