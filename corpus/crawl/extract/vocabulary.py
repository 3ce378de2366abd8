"""What class names, ids and roles say of an element: the words that page generators and themes share.

Sphinx and its themes, MkDocs, Docusaurus, VitePress, GitBook, Hugo and Jekyll themes, DocBook, AsciiDoctor,
Texinfo, Doxygen, Javadoc, JSDoc, TypeDoc, rustdoc, pdoc, pydoctor, gtk-doc, YARD, MediaWiki and others.
No site is named.
"""

from __future__ import annotations

import re
from functools import lru_cache


def names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


DROP = 1  # never content: permalinks, copy buttons, edit links
NAV = 2  # navigation, if it is link-dense or small
JUNK = 4  # widgets, adverts, comment forms: dropped unless they hold much of the page
FOOT = 8  # footers
HIDDEN = 16
TOC = 32  # a table of contents: dropped where it repeats the page's own headings
LINE_NUMBER = 64
CODE = 128  # a block that shows code without `pre`
MAIN = 256  # the author marks the main area
LIKELY_MAIN = 512  # the name of a main area in some generator
ARTICLE = 1024
TITLE = 2048  # holds the page's title, often outside the main area
SIGNATURE = 16384  # a declaration, laid out as a table in some generators
NOTES = 32768  # footnotes, which some generators set behind the main area
DATA = 4096  # a data table by its class
PANEL = 8192  # a tab's panel: content even while hidden

CONTAINERS = names(
    "div ul ol dl aside section header footer nav table td th tr form main article center details "
    "figure body menu dir tbody blockquote dd span p address"
)
_ID_TAGS = names("div aside header footer table td form ul ol main article nav section center span")

_DROP_NAMES = names(
    "headerlink anchor-link anchorlink hash-link hashlink permalink heading-anchor heading-link "
    "header-anchor anchorjs-link anchorjs header-link headeranchor headline-anchor direct-link "
    "self-link selflink doc-anchor anchor__link heading-permalink sl-anchor-link vp-anchor "
    "copy-anchor viewcode-link viewcode-back source-link sourcelink src-link srclink source_link "
    "view-source viewsource mw-editsection editsection edit-link editlink edit-page edit-this-page "
    "edit_on_github edit-on-github theme-edit-this-page page-edit edit-section mod_edit copybtn "
    "copy-btn copy-button copybutton copycode copy-code clipboard btn-clipboard clipboard-copy "
    "clipboard-button zeroclipboard-container btn-copy code-copy toolbar-item skip-link "
    "skiplink skip-to-content skip-to-main skipnav skip-nav skip-content md-skip mw-jump-link navbox "
    "vertical-navbox noprint printfooter catlinks mw-indicators jump-to-nav prev-next-area "
    "sphinxsidebar navheader navfooter nav-panel nav_panel breadcrumb breadcrumbs headnav footnav "
    "pagination pagination-nav rst-footer-buttons rst-versions related-pages prevnext prev_next "
    "prev-next page-nav pagenav nav-links post-navigation md-source-file md-content__button "
    "toc-backref-icon rustdoc-toggle collapse-toggle copy-path out-of-band footnote-backref md-tabs "
    "md-header md-footer wy-nav-side wy-nav-top bd-header bd-sidebar bd-footer bd-toc "
    "theme-doc-breadcrumbs theme-doc-toc-mobile theme-doc-footer table-of-contents__link katex-html "
    "mjx-assistive-mml MathJax_Preview MathJax_SVG d-print-none no-print hidden-print print-hidden "
    "print:hidden display-none-print robots-nocontent js-vote-count votecell"
)
_UNSEEN_NAMES = names(
    "sr-only visually-hidden visuallyhidden screen-reader-text screenreader-only assistive-text a11y-hidden"
)
_MAIN_NAMES = names("articlebody maincontentofpage mw-content-text maincontent main-content")
_LIKELY = re.compile(
    r"^(?:(?:main|page|body|doc|docs|document|documentation|article|post|entry|story|blog|single|api|site|inner|"
    r"center|primary|reference|manual|help|wiki|md|td|vp|book|chapter|section|rst|rm|theme|theme-default|wy-nav|"
    r"bd|page-inner|blob|layout|sl|content)?[-_]*(?:content|contents|body|text|main|doc|docs|article)"
    r"(?:[-_]*(?:area|body|inner|container|wrapper|wrap|block|section|pane|main|text|content|holder|panel))?|"
    r"document|documentation|markdown|markdown-body|markdown-section|markdown_body|prose|md-typeset|"
    r"theme-doc-markdown|theme-default-content|refentry|book|chapter|sect1|section-level-extent|page|pod|"
    r"mw-parser-output|wikitext|wiki-content|wikipage|manpage|man-page|col-content|displayarea|maincolumn|"
    r"main-column|column-main|yui-main|hentry|node__content|content__default|td-content|rich-?text|"
    r"mainbar|postbody|instapaper_body|story-?body|article__?content|articletext)$"
)
_LINE_NUMBERS = names(
    "linenos lineno line-number line-numbers linenumber linenumbers linenodiv line_numbers ln lnt "
    "ln-num gutter rouge-gutter hljs-ln-numbers hljs-ln-n blob-num line-no code-line-number linenr "
    "react-syntax-highlighter-line-number crayon-nums line-numbers-rows gl lnum line_number "
    "codehilite-linenos diff-line-num"
)
_SIGNATURE_NAMES = names("memname memproto funcprototype-table funcsynopsis methodsynopsis")
_CODE_NAMES = names("fragment syntaxhighlighter codemirror-code highlightlines")
_DATA_NAMES = names(
    "docutils data-table datatable wikitable informaltable tableblock table-bordered table-striped "
    "memberdecls fieldtable params doxtable summary membersummary overviewsummary typesummary "
    "fieldtable confluencetable fulltable standard-table properties table-data colwidths-auto "
    "colwidths-given markdown-table"
)
_NAV_WORDS = names(
    "nav navbar navi navigation navmenu navlinks menu menubar submenu sidebar sidenav sidemenu "
    "breadcrumb breadcrumbs crumbs crumb pagination pager paging prevnext topnav topbar subnav navcol "
    "leftnav rightnav leftbar rightbar masthead toolbar quicklinks tabbar sitemap globalnav localnav "
    "toctree tocnav gtoc linkbar"
)
_NAV_NAMES = names("header site-header siteheader top-header main-header global-header globalheader")
_DECLARES = names("monospace signature declaration")  # "header" beside one of these heads a declaration
_CARDS = names("card cards tile tiles")  # links with texts of their own
_NOT_NAV = names("toctree-wrapper")
_JUNK_WORDS = names(
    "cookie cookies consent gdpr newsletter subscribe subscription share sharing sharethis addthis "
    "social socials advert adverts advertisement advertising ads adsbygoogle promo promotion sponsor "
    "sponsors sponsored donate feedback helpful rating ratings comments disqus commentlist respond "
    "modal popup lightbox overlay login signup signin searchbox searchform search relatedposts "
    "relatedarticles recommendations trending outbrain taboola announcement announce banner "
    "versionswitcher versions dropdown tooltip byline lastupdated lastmodified contributors printonly "
    "paywall hotlinks voting votes utilities taglist toolbar"
)
_JUNK_NAMES = names(
    "last-updated last-modified page-info page-meta post-meta entry-meta article-meta post-tags "
    "post-author author-box about-author tag-list tags-links meta-info theme-last-updated "
    "version-warning-banner related-posts related-articles more-articles read-more read-next "
    "share-buttons git-revision-date edit-and-feedback was-this-helpful sitenotice usernotes "
    "back-to-top backtotop totop ad metadata page-metadata user-info post-signature crawler-post-meta "
    "crawler-post-infos comment-meta updatedat date-line dateline label-list labels-section "
    "comment-wrapper comments-area comment-list link-wrapper submitted"
)
_FOOT_WORDS = names("footer foot copyright colophon imprint subfooter license licence")
_NOTES_NAMES = names("footnotes footnote-list doc-endnotes endnotes")
_TOC_WORDS = names(
    "toc contents table-of-contents tableofcontents localtoc local-toc toc-list page-toc pagetoc "
    "on-this-page onthispage minitoc inpagetoc in-page-toc mw-toc outline toc_container shorttoc "
    "summary-contents shortcontents jumplist table_of_contents quickview"
)
_TITLE_NAMES = names(
    "title headertitle firstheading page-title pagetitle entry-title post-title article-title "
    "titlepage pageheader page-header entry-header post-header article-header doc-header titleheading "
    "doctitle docs-title"
)
_BY_NAME = (
    (LINE_NUMBER, _LINE_NUMBERS),
    (SIGNATURE, _SIGNATURE_NAMES),
    (CODE, _CODE_NAMES),
    (DATA, _DATA_NAMES),
    (MAIN, _MAIN_NAMES),
    (TITLE, _TITLE_NAMES),
    (JUNK, _JUNK_NAMES),
    (NAV, _NAV_NAMES),
    (TOC, _TOC_WORDS),
    (NOTES, _NOTES_NAMES),
)
_SECTION = re.compile(
    r"(?:^|\s)(?:section|sect\d|level\d|subsection|simplesect|refsect\d|section-level-extent)(?:\s|$)"
)
_ROLES = {
    "main": MAIN, "navigation": NAV | JUNK, "search": JUNK, "banner": NAV,
    "contentinfo": FOOT, "dialog": DROP,
    "alertdialog": DROP, "menu": NAV | JUNK, "menubar": NAV | JUNK, "toolbar": JUNK, "tablist": 0,
    "tooltip": JUNK, "complementary": NAV | JUNK, "tabpanel": PANEL, "article": ARTICLE,
    "doc-toc": TOC, "button": JUNK,
}  # fmt: skip
_TAGS = {
    "main": MAIN, "article": ARTICLE, "nav": NAV | JUNK, "footer": FOOT, "header": NAV, "aside": NAV,
    "form": JUNK, "address": FOOT}  # fmt: skip
TELLING = frozenset(_TAGS)  # elements that say something without a name
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=1 << 15)
def marks(tag: str, names: str, ident: str, role: str) -> int:
    """Flags for an element, from its tag, class attribute, id (or itemprop) and role."""
    found = _TAGS.get(tag, 0) | _ROLES.get(role.strip().lower(), 0)
    words = names.split()[:20]
    for name in words:
        found |= _name(name, tag)
    if ident and tag in _ID_TAGS and tag != "section" and not _SECTION.search(names):
        found |= _name(ident, tag) & ~(DROP | CODE | LINE_NUMBER)
    if found & NAV and not _DECLARES.isdisjoint(words):
        found &= ~NAV
    if tag not in CONTAINERS:
        found &= DROP | LINE_NUMBER | TITLE | CODE | HIDDEN
    elif tag in ("span", "p"):
        found &= ~(MAIN | LIKELY_MAIN | NAV | TOC | FOOT)
    return found


@lru_cache(maxsize=1 << 15)
def _name(name: str, tag: str) -> int:
    lower = name.lower()
    if lower in _DROP_NAMES:
        return DROP
    if lower in _UNSEEN_NAMES:
        return HIDDEN
    found = sum(flag for flag, listed in _BY_NAME if lower in listed)
    if tag != "table":
        found &= ~DATA
    if _LIKELY.match(lower):
        found |= LIKELY_MAIN
    if "tabpanel" in lower or "tab-pane" in lower or "tab-content" in lower or "tabs" in lower:
        found |= PANEL
    if lower not in _NOT_NAV:
        found |= _by_words({w for w in re.split(r"[^a-z0-9]+", _CAMEL.sub("-", name).lower()) if w} | {lower})
    return found


def _by_words(words: set[str]) -> int:
    found = 0
    if words & _NAV_WORDS and not words & _CARDS:
        found |= NAV
    if words & _JUNK_WORDS:
        found |= JUNK
    if words & _FOOT_WORDS:
        found |= FOOT
    if "tag" in words and "list" in words:
        found |= JUNK
    if "toc" in words:
        found |= TOC
    return found
