"""A documentation site with planted pages, in archives of the demo's writer, and their columnar index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.warc.records import Record
from corpus.demo.html import Site
from corpus.demo.page import Page
from corpus.demo.warc import write_warc

SITE = Site("docs.alpha.example", "train", "Alpha", "plain", "plain")
API = "https://docs.alpha.example/api/"
REFERENCE = (
    "<h1>{name}</h1><pre>{name}(path, size=0, *, follow=True) -> int</pre><p>The function {name} opens the file at "
    "path and returns its number. It raises OSError where the file is not there, and ValueError where the size is "
    "less than zero.</p><h2>Parameters</h2><ul><li>path: the place of the file, as text or bytes.</li><li>size: how "
    "many bytes of {name} are read at once.</li><li>follow: whether links are followed to their end.</li></ul>"
    "<p>See the example below to learn how {name} is called from a program of your own.</p>"
)
FRENCH = (
    "<h1>Référence</h1><p>Cette fonction ouvre le fichier dont le chemin est donné et renvoie son numéro. Elle lève "
    "une erreur si le fichier n'existe pas, et une autre si la taille est plus petite que zéro. Les paramètres sont "
    "décrits dans la liste qui suit, avec leurs types et leurs valeurs par défaut pour chaque système.</p>"
)


def page(url: str, inner: str, *links: str, head: str = "", status: str = "200 OK") -> Page:
    anchors = "".join(f'<a href="{link}">see</a> ' for link in links)
    body = f"<html><head><title>{url[-12:]}</title>{head}</head><body><main>{inner}<p>{anchors}</p></main></body></html>"
    return Page(url, SITE, "agent", "reference", body.encode(), "kept", status=status)


def reference(url: str, name: str, *links: str, head: str = "") -> Page:
    return page(url, REFERENCE.format(name=name), *links, head=head)


def pages() -> list[Page]:
    site = "https://docs.alpha.example"
    return [
        page(
            API,
            "<h1>Index</h1>",
            *("one.html", "two.html#part", "../guide/start.html", "http://www.alpha.example/ref/x.html"),
            *("https://elsewhere.example/p.html", "https://friend.example/alpha/f.html", "/blog/post.html"),
        ),
        reference(f"{API}one.html", "alpha_one", "two.html"),
        reference(f"{API}two.html", "alpha_two", "/guide/start.html"),
        reference(f"{API}same.html", "alpha_one", "two.html"),
        page(f"{API}gone.html", "<p>gone</p>", status="404 Not Found"),
        page(f"{API}fr.html", FRENCH),
        reference(
            f"{API}noai.html",
            "alpha_secret",
            "/guide/secret.html",
            head='<meta name="robots" content="noai">',
        ),
        reference(f"{site}/guide/start.html", "alpha_start", "deep.html"),
        reference(f"{site}/guide/deep.html", "alpha_deep", "deeper.html"),
        reference(f"{site}/guide/deeper.html", "alpha_deeper"),
        reference(f"{site}/guide/secret.html", "alpha_hidden"),
        reference(f"{site}/blog/post.html", "alpha_post"),
        reference("https://www.alpha.example/ref/x.html", "alpha_x"),
        reference("https://friend.example/alpha/f.html", "alpha_friend"),
        reference("https://friend.example/other.html", "alpha_other"),
        reference("https://elsewhere.example/p.html", "alpha_else"),
    ]


def write_crawl(folder: Path) -> list[Path]:
    """Two archives; the second holds a page of the first once more, over http."""
    found = pages()
    again = reference("http://docs.alpha.example/api/one.html", "alpha_one_again")
    paths = [folder / "a.warc.gz", folder / "b.warc.gz"]
    write_warc(paths[0], found[::2], version="1.0", first=0)
    write_warc(paths[1], [*found[1::2], again], version="1.1", first=50)
    return paths


def write_index(paths: Sequence[Path], target: Path) -> Path:
    """The columnar index of the archives' responses, with the columns of Common Crawl's that count here."""
    rows = []
    for archive in find_archives([str(path) for path in paths]):
        for record in read_archive(archive):
            if isinstance(record, Record) and record.type == "response":
                host = record.url.split("/")[2]
                rows.append(
                    {
                        "url": record.url,
                        "url_host_name": host,
                        "url_host_registered_domain": ".".join(host.split(".")[-2:]),
                        "fetch_status": record.http_status,
                        "warc_filename": f"crawl/{archive.name}",
                        "warc_record_offset": record.offset,
                        "warc_record_length": record.length,
                    }
                )
    pq.write_table(pa.Table.from_pylist(rows), target)
    return target
