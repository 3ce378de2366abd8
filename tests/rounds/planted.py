"""A crawl whose second kind of wanted page no first classifier can know, in archives of the demo's writer.

References (A) and prose (N) are labelled. Pages of tooling in plain sentences (B) have the shape of prose: a first
classifier takes them for it. They stand beside references under `docs` of mixed sites, and alone on `tool.example`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from corpus.demo.html import Site
from corpus.demo.page import Page
from corpus.demo.warc import write_warc

NOUNS = ("wren", "lamp", "harbour", "violet", "stone", "kettle", "meadow", "anchor", "velvet", "timber")
TOOLS = ("folder", "branch", "remote", "archive", "packet", "cluster", "volume", "sensor", "socket", "cursor")
MIXED = 4  # sites with both kinds of wanted page
SITE = Site("planted.example", "train", "Planted", "plain", "plain")
ODD = "https://mix0.example/docs/%2e%2e/..%2f..%2fetc/$(touch pwned)/b{}?x=1;rm -rf&y=`id`"


def _two(words: tuple[str, ...], number: int) -> tuple[str, str]:
    """Another pair for each number below 90: pages of the same words count as one."""
    return words[number % 10], words[(number + 1 + number // 10) % 10]


def reference(number: int) -> str:
    a, b = _two(NOUNS, number)
    one = (
        f"<h2>{a}_{b}</h2><pre>{a}_{b}(name, size={number}) -> {a}</pre><p>Returns the {a}. Parameter name (str), "
        f"required. Parameter size (int), default {number}. Raises {b.title()}Error.</p>"
    )
    return one * 3


def tooling(number: int) -> str:
    a, b = _two(TOOLS, number)
    return (
        f"<p>The command lists each {a} of the workspace and prints its {b} to the terminal. An option keeps the "
        f"{b} hidden while the command runs, and another option writes the {a} to a backup. Run the command again "
        f"after a configuration of the {b} has changed, and it reports {number} changes of the {a} to the shell.</p>"
    )


def prose(number: int) -> str:
    a, b = _two(NOUNS, number)
    return (
        f"<p>The {a} lay in the evening sun, and she thought of the {b} that her mother had kept by the window. A "
        f"neighbour walked along the river with {number} children, and they spoke of the {a} and of the long winter. "
        f"Nobody remembered the {b} when the summer came, but the {a} was still there in the garden.</p>"
    )


def page(url: str, inner: str) -> Page:
    body = f"<html><head><title>{url[8:40]}</title></head><body><main>{inner}</main></body></html>"
    return Page(url, SITE, "agent", "planted", body.encode(), "kept")


def pages() -> list[Page]:
    found = [
        page(f"https://ref{s}.example/api/a{n}.html", reference(10 * s + n))
        for s in range(4)
        for n in range(8)
    ]
    found += [
        page(f"https://tale{s}.example/p{n}.html", prose(10 * s + n)) for s in range(6) for n in range(8)
    ]
    for site in range(MIXED):
        docs = f"https://mix{site}.example/docs"
        found += [page(f"{docs}/a{n}.html", reference(50 + 8 * site + n)) for n in range(8)]
        found += [page(f"{docs}/b{n}.html", tooling(8 * site + n)) for n in range(8)]
        found += [
            page(f"https://mix{site}.example/news/n{n}.html", prose(60 + 4 * site + n)) for n in range(4)
        ]
    found += [page(ODD.format(n), tooling(40 + n)) for n in range(2)]
    found += [page(f"https://tool.example/docs/b{n}.html", tooling(50 + n)) for n in range(12)]
    return found


def write_crawl(folder: Path) -> str:
    """Two archives; returns the pattern that finds them."""
    found = pages()
    for number in range(2):
        write_warc(folder / f"crawl-{number}.warc.gz", found[number::2], version="1.0", first=500 * number)
    return str(folder / "crawl-*.warc.gz")


def write_labels(folder: Path) -> str:
    """Labels of two sites of references and of three of prose."""
    path = folder / "labels.csv"
    with open(path, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["url", "label"])
        writer.writerows(
            (f"https://ref{s}.example/api/a{n}.html", "positive") for s in range(2) for n in range(8)
        )
        writer.writerows(
            (f"https://tale{s}.example/p{n}.html", "negative") for s in range(3) for n in range(8)
        )
    return str(path)
