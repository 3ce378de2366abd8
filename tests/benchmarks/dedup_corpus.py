"""A collection with planted duplicates for the benchmark of deduplication: real pages where they are at hand.

Each page is a dict with id, url, text, agent_score, payload_digest and `part`: which part of the plan it belongs to.
The truth is not taken from the plan, it is counted by brute force; the plan only sees to it that every case is there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Page = dict[str, Any]
VOWELS, CONSONANTS = "aeiou", "bcdfghklmnprstvz"
HAN = [chr(0x4E00 + n) for n in range(2500)]
KANA = [chr(0x3041 + n) for n in range(80)] + HAN[:300]
LONG_WORDS = 1_000_000


def vocabulary(rng: random.Random, size: int) -> list[str]:
    """Invented words, so that a text without real pages still has shingles of its own."""
    parts = [c + v for c in CONSONANTS for v in VOWELS]
    return ["".join(rng.choices(parts, k=rng.randint(1, 4))) for _ in range(size)]


def real_texts(folder: Path, most: int) -> list[tuple[str, str]]:
    """(url, text) of real pages, in the order of their archives."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    found: list[tuple[str, str]] = []
    for path in sorted(folder.glob("*-0*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                body = record.reader.read()
                html = bytes_to_str(body, detect_encoding(body))
                url = record.headers.get("WARC-Target-URI", "")
                found.append((url, extract_plain_text(html, main_content=True)))
                if len(found) == most:
                    return found
    return found
    return found


def made_texts(rng: random.Random, words: list[str], count: int) -> list[tuple[str, str]]:
    sizes = [int(rng.lognormvariate(6, 0.8)) + 20 for _ in range(count)]
    return [
        (f"https://site{n % 97}.example/{n}", paragraphs(rng.choices(words, k=size)))
        for n, size in enumerate(sizes)
    ]


def paragraphs(words: list[str]) -> str:
    return "\n\n".join(" ".join(words[at : at + 60]) for at in range(0, len(words), 60))


def edited(rng: random.Random, text: str, similarity: float, fresh: list[str], glue: str = " ") -> str:
    """The text with a run of words exchanged in the middle, so that 5-gram Jaccard is about `similarity`.

    Of n shingles each side has e of its own: J = (n - e) / (n + e).
    """
    words = text.split() if glue else list(text)
    shingles = max(len(words) - 4, 1)
    count = max(round(shingles * (1 - similarity) / (1 + similarity)) - 4, 1)
    start = rng.randrange(max(len(words) - count, 1))
    return glue.join([*words[:start], *rng.choices(fresh, k=count), *words[start + count :]])


class Plan:
    """Draws pages one part after the other, all from one generator."""

    def __init__(self, texts: list[tuple[str, str]], seed: int) -> None:
        self.rng = random.Random(seed)
        self.words = vocabulary(self.rng, 20_000)
        self.long = [(url, text) for url, text in texts if 150 <= len(text.split()) <= 5000]
        self.count = 0

    def page(self, part: str, text: str, url: str = "", payload: str = "") -> Page:
        self.count += 1
        name = f"{self.count:06d}"
        return {
            "id": name,
            "url": url or f"https://{part}.example/{name}",
            "text": text,
            "agent_score": round(self.rng.random(), 4),
            "payload_digest": payload or name,
            "part": part,
        }

    def edits(self, count: int) -> Iterator[Page]:
        for _ in range(count):
            url, text = self.rng.choice(self.long)
            yield self.page("edit", edited(self.rng, text, self.rng.uniform(0.5, 0.98), self.words), url)

    def chains(self, count: int) -> Iterator[Page]:
        """Five versions of a page, each about 0.87 to the next; the first and the last are far apart."""
        for _ in range(count // 5):
            words = self.rng.choices(self.words, k=self.rng.randint(150, 600))
            step = max(round(len(words) * 0.07), 1)
            for _ in range(5):
                yield self.page("chain", " ".join(words))
                words = words[step:] + self.rng.choices(self.words, k=step)

    def contained(self, count: int) -> Iterator[Page]:
        for _ in range(count // 2):
            words = self.rng.choices(self.words, k=self.rng.randint(200, 500))
            share = self.rng.uniform(0.3, 0.95)
            yield self.page("containment", " ".join(words))
            yield self.page("containment", " ".join(words[: int(len(words) * share)]))

    def short(self, count: int) -> Iterator[Page]:
        forms = ["Error {}", "Page {} not found", "a {} b", "version {}", "{}", "第{}页", "see also {}"]
        for number in range(count - 40):
            text = self.rng.choice(forms).format(self.rng.randrange(count))
            yield self.page("short", text if number % 9 else text.upper())
        for number in range(40):
            yield self.page("short", "" if number % 2 else " \n")

    def boilerplate(self, count: int) -> Iterator[Page]:
        """One template. Most pages are .72 to each other and no duplicates; some are, and have to be found."""
        template = self.rng.choices(self.words, k=250)
        own: list[str] = []
        for number in range(count):
            kind = number % 10
            if kind < 7 or not own:
                text = " ".join(template + self.rng.choices(self.words, k=45))
                own.append(text)
            elif kind < 9:  # a few words of its own: .93 to its like
                text = " ".join(template + self.rng.choices(self.words, k=5))
            else:
                text = edited(self.rng, self.rng.choice(own), 0.88, self.words)
            yield self.page("boilerplate", text, f"https://boilerplate.example/{number}")

    def unspaced(self, count: int) -> Iterator[Page]:
        for number in range(count // 2):
            alphabet = HAN if number % 2 else KANA
            text = "".join(self.rng.choices(alphabet, k=self.rng.randint(80, 600)))
            yield self.page("unspaced", text)
            similarity = self.rng.uniform(0.6, 0.97)
            yield self.page("unspaced", edited(self.rng, text, similarity, HAN, glue=""))

    def copies(self, count: int) -> Iterator[Page]:
        for number in range(count):
            url, text = self.rng.choice(self.long)
            dressed = (text, text.upper() if text.isascii() else text, "\n ".join(text.split()))[number % 3]
            address = (url + "?utm_source=x", f"https://mirror.example/{number}")[number % 2]
            yield self.page("copy", dressed, address)

    def giants(self) -> Iterator[Page]:
        words = self.rng.choices(self.words, k=LONG_WORDS)
        yield self.page("long", " ".join(words))
        yield self.page(
            "long", " ".join(words[:500_000] + self.rng.choices(self.words, k=20_000) + words[520_000:])
        )


def build(shared: Path | None, size: int, seed: int = 11) -> list[Page]:
    """`size` pages, shuffled. Shares are those of 12,000: 3,000 of one boilerplate, 1,500 edits and so on."""
    rng = random.Random(seed)
    part = size / 12_000
    texts = real_texts(shared / "web", size // 2) if shared else []
    if not texts:
        texts = made_texts(rng, vocabulary(rng, 30_000), size // 2)
    plan = Plan(texts, seed)
    pages = [
        *plan.giants(),
        *plan.edits(int(1500 * part)),
        *plan.chains(int(300 * part)),
        *plan.contained(int(400 * part)),
        *plan.short(int(600 * part)),
        *plan.boilerplate(int(3000 * part)),
        *plan.unspaced(int(400 * part)),
        *plan.copies(int(300 * part)),
    ]
    rest = size - len(pages)
    pages += [plan.page("real", text, url) for url, text in texts[:rest]]
    rng.shuffle(pages)
    return pages
