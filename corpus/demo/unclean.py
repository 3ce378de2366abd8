"""Planted where hygiene has to look: benchmark items in several dresses, secrets and personal data.

Secrets are drawn at random, so that neither this file nor the crawl shows one that anybody has.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from corpus.demo.benchmarks import items
from corpus.demo.doc import Block, Doc
from corpus.demo.page import Page, html_page

_EVERY = 4  # one page in so many gets a plant
_LETTERS = string.ascii_letters + string.digits


def plant_unclean(pairs: Sequence[tuple[Page, Doc]], seed: str) -> list[tuple[Page, Doc]]:
    """The pages with some of them replaced by the same page with a plant in it, benchmark items first."""
    rng = random.Random(f"{seed}:unclean")
    plants = iter([*_items(rng), *_secrets(rng)])
    planted = []
    for number, (page, doc) in enumerate(pairs):
        found = next(plants, None) if number % _EVERY == _EVERY - 1 else None
        if found is None:
            planted.append((page, doc))
            continue
        item, secret, block = found
        at = rng.randint(1, len(doc.blocks))
        changed = replace(doc, blocks=(*doc.blocks[:at], block, *doc.blocks[at:]))
        other = html_page(page.site, changed, page.label, number=number)
        note = f"holds benchmark item {item}" if item else f"holds {secret}"
        planted.append((replace(other, benchmark_item=item, secret=secret, note=note), changed))
    return planted


def _items(rng: random.Random) -> Iterator[tuple[str | None, str | None, Block]]:
    """(item, no secret, block): as question, as record in JSON, as calls with their arguments shuffled."""
    for number, (name, question, gold) in enumerate(items()):
        record = {"id": name, "question": [[{"role": "user", "content": question}]]}
        shapes = (
            Block("p", question),
            Block("code", json.dumps(record, indent=2)),
            Block("code", "\n".join(_python(call, rng) for call in gold)),
        )
        yield name, None, shapes[number % len(shapes)]


def _python(call: dict[str, dict[str, list[Any]]], rng: random.Random) -> str:
    [(name, arguments)] = call.items()
    given = rng.sample(sorted(arguments), len(arguments))
    return f"{name}({', '.join(f'{key}={rng.choice(arguments[key])!r}' for key in given)})"


def _secrets(rng: random.Random) -> Iterator[tuple[str | None, str | None, Block]]:
    """(no item, type of secret, block)."""
    token = "ghp_" + "".join(rng.choices(_LETTERS, k=36))
    yield None, "API_KEY", Block("code", f"export DEPLOY_TOKEN={token}\nmake deploy")
    host = "".join(rng.choices(string.ascii_lowercase, k=11))
    yield None, "EMAIL_ADDRESS", Block("p", f"Questions about this page go to maria.{host[:5]}@{host}.net.")
    digits = "45" + "".join(rng.choices(string.digits[1:], k=13))
    card = next(digits + last for last in string.digits if _checks(digits + last))
    shown = " ".join(card[at : at + 4] for at in range(0, 16, 4))
    yield None, "CARD_NUMBER", Block("p", f"The last order was paid with the card {shown} by mistake.")
    body = base64.encodebytes(rng.randbytes(121)).decode().strip()
    kind = "EC PRIVATE" + " KEY"  # in two pieces, so that scanners of repositories stay calm
    yield None, "PRIVATE_KEY", Block("code", f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----")


def _checks(digits: str) -> bool:
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0
