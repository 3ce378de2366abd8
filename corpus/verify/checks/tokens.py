"""The tokens of a mix counted again with the tokenizer that lies beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from corpus.browse.rows import Row, draw
from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.shards.conversations.render import token_counter
from corpus.shards.tokenizer import DocumentTokenizer, load
from corpus.verify.context import Context
from corpus.verify.report import Check, plain

_COLUMNS = ("id", "text", "num_tokens", "input_ids", "messages", "tools")
_MOST_GROUPS = 4
_AT_ONCE = 256  # documents that are encoded in one batch
Counter = Callable[[Any, Any], int | None]


def tokens(context: Context) -> Check:
    """num_tokens and input_ids of a sample of each table (`deep`: of all rows)."""
    tables = [table for table in context.main if context.has(table, "num_tokens")]
    if context.found.stage != "shard" or not tables:
        return Check("tokens", "", skipped="only shards have tokens")
    said = context.found.facts.get("tokenizer", {})
    folder = storage.join(context.found.folder, str(said.get("path", "tokenizer")))
    try:
        tokenizer = load(folder)
        counter = token_counter(folder)
    except (UserError, OSError) as error:
        return Check("tokens", "", (f"the tokenizer cannot be used: {error}",))
    problems = list(_other_tokenizer(context, tokenizer, said))
    rows = 0
    for table in tables:
        for batch in _batches(_rows(context, table)):
            rows += len(batch)
            if counter is not None and context.has(table, "messages"):
                problems += _unlike_turns(counter, table, batch)
            else:
                problems += _unlike(tokenizer, table, batch)
    what = f"{rows:,} documents have the tokens that the tokenizer gives, one separator each"
    return Check("tokens", what, tuple(problems))


def _other_tokenizer(
    context: Context, tokenizer: DocumentTokenizer, said: Mapping[str, Any]
) -> Iterator[str]:
    """Whether the folder's tokenizer is the one that the facts name."""
    there = {one.file.path: one.sha256 for one in context.gathered.scans.get("tokenizer", ())}
    wanted = {f"tokenizer/{name}": digest for name, digest in said.get("files", {}).items()}
    wanted.setdefault("tokenizer/tokenizer.json", str(said.get("sha256", "")))
    for path, digest in sorted(wanted.items()):
        if there.get(path, digest) != digest:
            found = there[path][:16]
            yield f"{path} is not the run's own: sha256 {found}..., the facts say {digest[:16]}..."
    end = said.get("eos_token_id")
    if end is not None and tokenizer.eos_id != end:
        yield f"the tokenizer's separator is {tokenizer.eos_id}, the facts say {end}"


def _rows(context: Context, table: str) -> Iterator[Row]:
    count = sum(one.rows or 0 for one in context.gathered.scans[table])
    if not context.config.deep:
        count = min(count, context.config.sample)
    groups = 0 if context.config.deep else _MOST_GROUPS
    return draw(context.paths(table), count, context.config.seed, _COLUMNS, most_groups=groups)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _AT_ONCE)):
        yield batch


def _unlike(tokenizer: DocumentTokenizer, table: str, rows: list[Row]) -> Iterator[str]:
    wanted = tokenizer.encode([row.values["text"] or "" for row in rows]).to_pylist()
    special = frozenset(tokenizer.special_ids)
    for row, ids in zip(rows, wanted):
        name = f"{plain(str(row.values['id']))} in {table}"
        if row.values["num_tokens"] != len(ids):
            yield f"{name} has num_tokens {row.values['num_tokens']}, its text gives {len(ids):,}"
        found = row.values.get("input_ids")
        if found is None:
            continue
        if problem := _wrong_specials(found, tokenizer, special):
            yield f"{name} {problem}"
        elif found != ids:
            at = next((n for n, (a, b) in enumerate(zip(found, ids)) if a != b), min(len(found), len(ids)))
            yield f"{name} has other input_ids than its text gives, from token {at:,} on"


def _unlike_turns(counter: Counter, table: str, rows: list[Row]) -> Iterator[str]:
    """Conversations, whose length is that of the chat template's text."""
    for row in rows:
        length = counter(row.values["messages"], row.values["tools"])
        if row.values["num_tokens"] != length:
            name = f"{plain(str(row.values['id']))} in {table}"
            yield f"{name} has num_tokens {row.values['num_tokens']}, the chat template gives {length}"


def _wrong_specials(ids: list[int], tokenizer: DocumentTokenizer, special: frozenset[int]) -> str:
    if not ids or ids[-1] != tokenizer.eos_id:
        return "does not end with the separator"
    start = 0 if tokenizer.bos_id is None else 1
    if start and ids[0] != tokenizer.bos_id:
        return "does not begin with the beginning token"
    body = ids[start:-1]
    if tokenizer.eos_id in body:
        return f"has {body.count(tokenizer.eos_id):,} separators inside"
    if inside := special.intersection(body):
        return f"has the special token {min(inside)} inside"
    return ""
