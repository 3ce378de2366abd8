"""Pages whose relations are known by construction, of every kind that deduplication knows."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.dedup.config import DedupConfig
from corpus.dedup.stage import run
from corpus.engine.config import build

WORDS = [f"word{number}" for number in range(4000)]
HAN = [chr(0x4E00 + number) for number in range(3000)]
KANA = [chr(0x3041 + number) for number in range(80)] + HAN[:200]


def text_of(rng: random.Random, count: int, alphabet: list[str] = WORDS, glue: str = " ") -> str:
    return glue.join(rng.choice(alphabet) for _ in range(count))


def edit(rng: random.Random, text: str, count: int, *, front: bool = False, glue: str = " ") -> str:
    """The text with `count` words at one end exchanged: of n shingles, `count` are new."""
    words = text.split() if glue else list(text)
    fresh = [f"new{rng.randrange(10**9)}" for _ in range(count)] if glue else rng.choices(HAN, k=count)
    return glue.join(fresh + words[count:] if front else words[: len(words) - count] + fresh)


def planted() -> list[dict[str, object]]:
    """Pages whose relations are known by construction. All draw from one generator, in this order."""
    rng = random.Random(5)
    rows = [*edited(rng), *chains(rng), *repeats(rng), *short_texts(), *crowds(rng), *other_scripts(rng)]
    twice = page("twice", text_of(rng, 60))
    return [
        *rows,
        twice,
        dict(twice),
        {**twice, "text": "another text under the same id, which would be lost if ids alone decided"},
    ]


def page(name: str, text: str, score: float = 0.5, payload: str = "") -> dict[str, object]:
    digest = hashlib.md5((payload or name).encode()).hexdigest()
    url = f"https://a.example/{name}"
    return {"id": name, "url": url, "text": text, "agent_score": score, "payload_digest": digest}


def edited(rng: random.Random) -> Iterator[dict[str, object]]:
    """Pairs above and below the threshold; 204 words make 200 shingles: J = (200 - k) / (200 + k)."""
    for number in range(25):
        base = text_of(rng, 204)
        yield page(f"base-{number:02}", base, 0.9)
        yield page(f"near-{number:02}", edit(rng, base, 10 + number % 12), 0.8)  # from .904 to .808
        yield page(f"other-{number:02}", edit(rng, base, 26, front=True), 0.7)  # .770


def chains(rng: random.Random) -> Iterator[dict[str, object]]:
    """Three texts in a row: the ends have .887 to the middle and .785 to each other."""
    for name, scores in (("chain", (0.9, 0.8, 0.7)), ("middle", (0.7, 0.9, 0.8))):
        middle = text_of(rng, 204)
        first, last = edit(rng, middle, 12, front=True), edit(rng, middle, 12)
        for letter, text, score in zip("abc", (first, middle, last), scores):
            yield page(f"{name}-{letter}", text, score)


def repeats(rng: random.Random) -> Iterator[dict[str, object]]:
    """One payload twice, and the same text once more in another dress."""
    same = text_of(rng, 50)
    yield page("payload-1", same, 0.9, payload="p")
    yield page("payload-2", same, 0.8, payload="p")
    yield page("text-1", "  " + same.upper().replace(" ", "\n\t"), 0.7)


def short_texts() -> Iterator[dict[str, object]]:
    texts = ["", "", " \n", "Error 404", "Error 405", "a + b", "a - b", "ok", "OK", "文档", "文件"]
    for number, text in enumerate(texts):
        yield page(f"short-{number:02}", text)


def crowds(rng: random.Random) -> Iterator[dict[str, object]]:
    """Many pages of one template: each `hot` is .948 to the next, each `warm` .698."""
    template = text_of(rng, 300)
    for number in range(90):
        yield page(f"hot-{number:03}", edit(rng, template, 8), 0.4)
        yield page(f"warm-{number:03}", edit(rng, edit(rng, template, 26), 26, front=True), 0.3)


def other_scripts(rng: random.Random) -> Iterator[dict[str, object]]:
    for name, alphabet in (("zh", HAN), ("ja", KANA)):
        base = text_of(rng, 204, alphabet, "")
        yield page(f"{name}-1", base, 0.9)
        yield page(f"{name}-2", edit(rng, base, 14, glue=""), 0.8)
        yield page(f"{name}-3", edit(rng, base, 60, glue=""), 0.8)


def save(rows: list[dict[str, object]], folder: Path, files: int, seed: int) -> str:
    rows = random.Random(seed).sample(rows, len(rows))
    folder.mkdir(parents=True)
    for number in range(files):
        part = pa.Table.from_pylist(rows[number::files], schema=SCHEMA)
        pq.write_table(part, folder / f"{number:03}.parquet")
    return str(folder)


SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("id", "url", "text", "payload_digest")]
    + [pa.field("agent_score", pa.float32())]
)


def dedup(source: str, output: Path, **keys: object):
    return run(build(DedupConfig, {"input": source, "output": str(output), **keys}))


def table(folder: Path, name: str) -> list[dict[str, object]]:
    return pq.read_table(str(folder / name)).to_pylist()
