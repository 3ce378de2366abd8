"""HTML of the demo's sites: five skeletons with navigation and clutter, four ways to draw a block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from corpus.demo.doc import Block, Doc


@dataclass(frozen=True)
class Site:
    """One host: its design and the words of its frame. `split` is train or test for the site as a whole."""

    host: str
    split: str
    name: str
    skeleton: str
    style: str
    nav: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    footer: str = ""
    genre: str = ""


def page_html(site: Site, doc: Doc, *, meta: str = "") -> str:
    """The whole page. `meta` is put into the head as it stands (charset, robots, licence links)."""
    return SKELETONS[site.skeleton](site, doc, "\n".join(_block(site.style, b) for b in doc.blocks), meta)


def _block(style: str, block: Block) -> str:
    text = escape(block.text, quote=False)
    if block.kind == "sig":
        return _signature(style, text)
    if block.kind == "params":
        return _table(style, block)
    if block.kind == "code":
        return _code(style, text)
    if block.kind == "h":
        return f"<h3>{text}</h3>" if style == "boxes" else f"<h2>{text}</h2>"
    if block.kind in ("list", "steps"):
        tag = "ul" if block.kind == "list" else "ol"
        items = "\n".join(f"<li>{escape(' '.join(row), quote=False)}</li>" for row in block.rows)
        return f"<{tag}>\n{items}\n</{tag}>"
    return f"<blockquote><p>{text}</p></blockquote>" if block.kind == "quote" else f"<p>{text}</p>"


def _signature(style: str, text: str) -> str:
    name = text.split("(", maxsplit=1)[0]
    if style == "sphinx":
        return f'<dl class="py function"><dt class="sig sig-object" id="{name}"><code>{text}</code></dt></dl>'
    if style == "javadoc":
        short = name.rsplit(".", 1)[-1]
        return f'<h3 class="member">{short}</h3>\n<pre class="signature">{text}</pre>'
    if style == "boxes":
        syntax = f'<div class="syntax"><pre><code>{text}</code></pre></div>'
        return f'<section class="api"><h2>{name}</h2>{syntax}</section>'
    return f"<h3><tt>{text}</tt></h3>"


def _table(style: str, block: Block) -> str:
    if style == "javadoc" and all(len(row) > 1 for row in block.rows):
        items = "".join(f"<dt>{escape(r[0])}</dt><dd>{escape(' '.join(r[1:]))}</dd>\n" for r in block.rows)
        return f'<dl class="params">\n{items}</dl>'
    cells = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in block.rows]
    frame = ' border="1" cellpadding="3"' if style == "plain" else ' class="docutils"'
    return f"<table{frame}>\n" + "\n".join(f"<tr>{row}</tr>" for row in cells) + "\n</table>"


def _code(style: str, text: str) -> str:
    if style == "sphinx":
        return f'<div class="highlight-python"><div class="highlight"><pre>{text}\n</pre></div></div>'
    if style == "boxes":
        button = '<button class="copy" type="button">Copy</button>'
        return f'<div class="code-example">{button}<pre><code>{text}</code></pre></div>'
    return f"<pre>{text}</pre>"


def _links(names: tuple[str, ...]) -> str:
    return "\n".join(
        f'<li><a href="/{name.lower().replace(" ", "-")}">{escape(name)}</a></li>' for name in names
    )


def _semantic(site: Site, doc: Doc, body: str, meta: str) -> str:
    title = escape(doc.title, quote=False)
    return f"""<!DOCTYPE html>
<html lang="{doc.language}">
<head>{meta}
<title>{title} - {escape(site.name)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/site.css">
</head>
<body>
<header><a class="logo" href="/">{escape(site.name)}</a>
<nav aria-label="main"><ul>
{_links(site.nav)}
</ul></nav></header>
<main><article>
<h1>{title}</h1>
{body}
</article></main>
<aside><ul>
{_links(site.aside)}
</ul></aside>
<footer><p>{escape(site.footer)}</p></footer>
</body>
</html>
"""


def _divs(site: Site, doc: Doc, body: str, meta: str) -> str:
    title = escape(doc.title, quote=False)
    return f"""<!DOCTYPE html>
<html lang="{doc.language}">
<head>{meta}<title>{escape(site.name)} | {title}</title>
<script>window.dataLayer = window.dataLayer || []; function track(e) {{ dataLayer.push(e); }}</script>
<style>.sidebar {{ float: left; width: 18em }} .content {{ margin-left: 20em }}</style></head>
<body class="page">
<div class="topbar"><div class="brand">{escape(site.name)}</div>
<form class="search" action="/search"><input name="q"></form></div>
<div class="sidebar"><div class="menu"><ul>
{_links(site.nav)}
</ul></div></div>
<div class="content" role="main"><div class="breadcrumbs"><a href="/">Home</a> / <span>{title}</span></div>
<h1 class="title">{title}</h1>
<div class="body">
{body}
</div></div>
<div class="related"><ul>
{_links(site.aside)}
</ul></div>
<div class="foot">{escape(site.footer)}</div>
<script src="/js/app.js" async></script>
</body></html>
"""


def _tables(site: Site, doc: Doc, body: str, meta: str) -> str:
    title, menu = escape(doc.title, quote=False), " | ".join(f'<a href="#">{escape(n)}</a>' for n in site.nav)
    return f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">
<HTML><HEAD>{meta}<TITLE>{title}</TITLE></HEAD>
<BODY BGCOLOR="#ffffff" TEXT="#000000">
<TABLE WIDTH="100%"><TR><TD><FONT SIZE="+2">{escape(site.name)}</FONT></TD></TR>
<TR><TD>{menu}</TD></TR></TABLE>
<HR>
<TABLE><TR><TD VALIGN="top" WIDTH="80%">
<H1>{title}</H1>
{body}
</TD></TR></TABLE>
<HR><ADDRESS>{escape(site.footer)}</ADDRESS>
</BODY></HTML>
"""


def _bare(site: Site, doc: Doc, body: str, meta: str) -> str:
    title = escape(doc.title, quote=False)
    open_paragraphs = body.replace("</p>", "").replace("</li>", "")  # as in hand-written pages of old
    return f"""<html>
<head>{meta}
<title>{title}</title>
<body>
<h1>{title}</h1>
{open_paragraphs}
<hr>
{escape(site.footer)}
"""


def _modern(site: Site, doc: Doc, body: str, meta: str) -> str:
    title = escape(doc.title, quote=False)
    return f"""<!doctype html>
<html lang="{doc.language}" data-theme="light">
<head>{meta}<title>{title} · {escape(site.name)}</title>
<meta property="og:title" content="{escape(doc.title)}">
<script type="application/ld+json">
{{"@context": "https://schema.example", "@type": "WebPage", "inLanguage": "{doc.language}"}}
</script>
</head>
<body>
<div id="cookie-banner" role="dialog"><p>We use cookies to remember your settings.</p>
<button>Accept all</button><button>Only what is needed</button></div>
<header><nav><ul>
{_links(site.nav)}
</ul></nav><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="/img/logo.svg" alt=""></header>
<div id="root"><main class="layout"><section class="hero"><h1>{title}</h1></section>
<div class="markdown">
{body}
</div>
<div class="feedback"><p>Was this page helpful?</p><button>Yes</button> <button>No</button></div>
</main></div>
<footer><ul>
{_links(site.aside)}
</ul><small>{escape(site.footer)}</small></footer>
</body>
</html>
"""


SKELETONS: dict[str, Callable[[Site, Doc, str, str], str]] = {
    "semantic": _semantic,
    "divs": _divs,
    "tables": _tables,
    "bare": _bare,
    "modern": _modern,
}
