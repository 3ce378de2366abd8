"""One planted response: its address, the bytes that the server sent, what a right filter makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256

from corpus.demo.doc import Doc, plain_text
from corpus.demo.html import Site, page_html

# Per language: (codec, charset in the HTTP header, charset in a meta tag); empty where none is declared.
_WEST = (
    ("utf-8", "utf-8", "utf-8"),
    ("cp1252", "iso-8859-1", ""),
    ("cp1252", "", "iso-8859-1"),
    ("cp1252", "", ""),
)
_ENCODINGS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "en": (("utf-8", "utf-8", "utf-8"), ("utf-8", "", "utf-8"), ("utf-8", "UTF-8", ""),
           ("cp1252", "iso-8859-1", "")),
    "ru": (("utf-8", "utf-8", ""), ("cp1251", "windows-1251", ""), ("cp1251", "", "windows-1251"),
           ("cp1251", "", ""), ("cp1251", "utf-8", "windows-1251"), ("koi8-r", "koi8-r", "")),
    "ja": (("utf-8", "utf-8", "utf-8"), ("shift_jis", "Shift_JIS", ""), ("shift_jis", "", "shift_jis"),
           ("euc-jp", "euc-jp", ""), ("shift_jis", "", "")),
    "zh": (("utf-8", "utf-8", "utf-8"), ("gb2312", "gb2312", ""), ("gb2312", "", "gb2312"),
           ("gb18030", "gb18030", ""), ("gb2312", "", "")),
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """A response to be written. `text` is the plain text without navigation, empty where there is no page."""

    url: str
    site: Site
    label: str
    genre: str
    body: bytes
    expected: str
    text: str = ""
    language: str = "en"
    charset: str = "utf-8"
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    duplicate_of: str | None = None
    relation: str | None = None
    jaccard: float | None = None
    note: str = ""
    benchmark_item: str | None = None
    secret: str | None = None
    raw_http: bytes | None = None
    damage: str = ""

    def http(self) -> bytes:
        """The response as the server sent it: status line, headers, body."""
        if self.raw_http is not None:
            return self.raw_http
        headers = self.headers
        if not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers):
            headers = (*headers, ("Content-Length", str(len(self.body))))
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


def html_page(site: Site, doc: Doc, label: str, *, number: int = 0, folder: str = "", meta: str = "") -> Page:
    """A page of `site` that shows `doc`. `number` picks one of the encodings that its language is met in."""
    choices = _ENCODINGS.get(doc.language, _WEST)
    codec, header, declared = choices[number % len(choices)]
    meta = (f'<meta charset="{declared}">' if declared else "") + meta
    body = page_html(site, doc, meta=meta).encode(codec, errors="xmlcharrefreplace")
    content_type = "text/html" + (f"; charset={header}" if header else "")
    wrong = "charset in the HTTP header is wrong" if codec == "cp1251" and header == "utf-8" else ""
    return Page(
        url=f"https://{site.host}/{folder}{slug(doc)}.html",
        site=site,
        label=label,
        genre=doc.genre,
        body=body,
        expected="kept" if label == "agent" else "dropped",
        text=plain_text(doc),
        language=doc.language,
        charset=codec,
        headers=(("Server", "demo"), ("Content-Type", content_type)),
        note=wrong or ("no charset is declared" if not header and not declared else ""),
    )


def slug(doc: Doc) -> str:
    """A path from the title, with a few digits of the content's hash so that no two documents share one."""
    digest = sha256(plain_text(doc).encode()).hexdigest()[:6]
    words = re.sub(r"[^a-z0-9]+", "-", doc.title.lower().encode("ascii", "ignore").decode()).strip("-")
    return f"{words[:40]}-{digest}" if words else digest


def copy_of(page: Page, site: Site, url: str, relation: str, jaccard: float) -> Page:
    """`page` under another address, marked as a duplicate."""
    return replace(page, site=site, url=url, duplicate_of=page.url, relation=relation, jaccard=jaccard)
