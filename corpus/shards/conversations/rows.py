"""One record of a conversation source to the rows of the set `sft`: one for each conversation in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.shards.conversations.parts import Record
from corpus.shards.conversations.registry import conversations, unwrap
from corpus.shards.conversations.render import plain
from corpus.shards.conversations.schema import Conversation, UnfitError, dumps
from corpus.shards.sources.document import LICENCE, Place, Rules, allowed, digest
from corpus.shards.sources.values import word, words

CONVERSATION, FUNCTION_CALL = "conversation", "function_call"
_PIECE = re.compile(r"(.+)_\d+")  # ShareGPT cuts long conversations into pieces: abc_0, abc_7


def rows(record: Record, style: str, rules: Rules, place: Place) -> Iterator[dict[str, Any]]:
    """The rows; `reason` says why one is not to be used. A record without a conversation gives one row."""
    item = unwrap(record)
    source = (
        word(record.get("origin")) or word(record.get("source")) or rules.defaults.get("source") or rules.name
    )
    licence = ", ".join(words(record.get("licence") or record.get("license"))) or rules.defaults.get(
        "licence"
    )
    shared = {
        "source": source,
        "language": word(record.get("language")).lower() or rules.defaults.get("language"),
        "licence": licence or None,
    }
    file = word(record.get("file")) or word(record.get("path"))
    for number, found in enumerate(conversations(item, style)):
        if isinstance(found, UnfitError):
            own = digest("failed", place.file, str(place.offset), str(number))
            yield {**shared, "id": own, "text": "", "group": place.block, "reason": found.reason}
            continue
        reason = "" if allowed(licence, rules.licences) else LICENCE
        yield {**shared, **_row(found, reason), "group": _group(found, source, file, place)}


def _row(found: Conversation, reason: str) -> Mapping[str, Any]:
    """Its id is the hash of what is said: equal conversations are one, wherever they stand."""
    messages, tools = list(found.messages), found.tools_json
    called = any(one["tool_calls"] for one in messages)
    return {
        "id": digest(CONVERSATION, dumps(messages), tools or ""),
        "text": "" if reason else plain(messages, tools),
        "kind": FUNCTION_CALL if called else CONVERSATION,
        "messages": messages,
        "tools": tools,
        "reason": reason,
    }


def _group(found: Conversation, source: str, file: str, place: Place) -> str:
    """What is held out together: pieces of one conversation, the file in the source, a block of the input."""
    if piece := _PIECE.fullmatch(found.key):
        return f"{source}:{piece[1]}"
    return f"{source}:{file}" if file else place.block
