"""How the usual corpora name their fields. The names differ, the columns of a shard do not.

A layout is told by its marks: sets of dotted field names, of which one must be there. Where several layouts
fit, the first of the table is taken; `plain` comes last and takes anything with a text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from corpus.engine.errors import UserError, nearest

AUTO, STAGE, PLAIN = "auto", "stage", "plain"
# What `columns=` may name; by one of the last three, documents are held out together.
TARGETS = (
    *("id", "url", "text", "language", "source", "kind", "licence", "agent_score"),
    *("host", "path", "repo"),
)


@dataclass(frozen=True)
class Layout:
    """For each column the paths that may hold it, the first filled one wins.

    `part` names the part of the corpus (the subset of The Pile, the language of code), which joins its name
    in the column `source`. `code` says that all is code; else the parts whose names say so are.
    """

    name: str
    marks: tuple[frozenset[str], ...]
    fields: Mapping[str, tuple[str, ...]]
    corpus: str = ""
    part: tuple[str, ...] = ()
    code: bool = False
    revision: tuple[str, ...] = field(default=())

    def top_level(self) -> set[str]:
        """The columns that the layout reads."""
        paths = [path for found in self.fields.values() for path in found]
        whole = [*paths, *self.part, *self.revision]
        return {path.split(".")[0] for path in whole} | set(whole)

    def with_columns(self, columns: Mapping[str, str]) -> Layout:
        return replace(self, fields={**self.fields, **{key: (path,) for key, path in columns.items()}})


def _layout(
    name: str,
    marks: Iterable[str],
    *,
    corpus: str | None = None,
    part: str = "",
    code: bool = False,
    revision: str = "",
    **fields: str,
) -> Layout:
    paths = {key: tuple(found.split()) for key, found in fields.items()}
    sets = tuple(frozenset(mark.split()) for mark in marks)
    named = name if corpus is None else corpus
    return Layout(name, sets, paths, named, tuple(part.split()), code, tuple(revision.split()))


_OWN = {key: (key,) for key in (*TARGETS[:8], "host", "path")}

LAYOUTS: tuple[Layout, ...] = (
    _layout(
        "fineweb",
        ["text id dump url"],
        text="text",
        id="id",
        url="url",
        language="language",
    ),
    _layout(
        "redpajama-v2",
        ["raw_content doc_id", "raw_content digest", "raw_content quality_signals"],
        text="raw_content",
        id="doc_id digest",
        url="url meta.url",
        language="language meta.language",
    ),
    _layout(
        "slimpajama",
        ["text meta.redpajama_set_name"],
        part="meta.redpajama_set_name",
        text="text",
    ),
    _layout(
        "pile",
        ["text meta.pile_set_name"],
        part="meta.pile_set_name",
        text="text",
    ),
    _layout(
        "redpajama",
        [
            *(
                "text red_pajama_subset",
                "text meta.timestamp",
                "text meta.arxiv_id",
                "text meta.question_score",
            ),
            *("text meta.short_book_title", "text meta.content_hash", "text meta.source meta.language"),
        ],
        part="red_pajama_subset meta.source",
        text="text",
        id="meta.arxiv_id meta.content_hash",
        url="meta.url",
        language="meta.language",
        licence="meta.license",
        repo="meta.repo_name",
    ),
    _layout(
        "dolma",
        ["id text source added", "id text source metadata"],
        part="source",
        text="text",
        id="id",
        url="metadata.url metadata.source_url url",
        language="metadata.language metadata.lang",
        licence="metadata.license metadata.licence metadata.max_stars_repo_licenses",
        repo="metadata.repo_name metadata.max_stars_repo_name",
    ),
    _layout(
        "the-stack",
        ["content hexsha lang", "content hexsha max_stars_repo_name", "content hexsha max_stars_repo_path"],
        part="lang",
        code=True,
        text="content",
        id="hexsha",
        repo="max_stars_repo_name",
        path="max_stars_repo_path",
        licence="max_stars_repo_licenses",
        revision="max_stars_repo_head_hexsha",
    ),
    _layout(
        "the-stack-v2",
        ["content blob_id"],
        part="language",
        code=True,
        text="content",
        id="blob_id",
        repo="repo_name",
        path="path",
        licence="detected_licenses",
        revision="revision_id",
    ),
    _layout(
        "starcoder",
        ["content max_stars_repo_name", "content max_stars_repo_path"],
        part="lang language programming_language",
        code=True,
        text="content",
        id="id",
        repo="max_stars_repo_name",
        path="max_stars_repo_path",
        licence="licenses license max_stars_repo_licenses",
    ),
    _layout(
        "github-code",
        ["code repo_name", "content repo_name"],
        part="language lang",
        code=True,
        text="code content",
        repo="repo_name",
        path="path",
        licence="license licenses",
    ),
    _layout(
        "code",
        ["content lang", "content language path", "content path licenses"],
        part="lang language",
        code=True,
        text="content",
        id="id",
        repo="repo repo_name",
        path="path",
        licence="licenses license licence",
    ),
    _layout(
        "oscar",
        ["content warc_headers"],
        text="content",
        id="warc_headers.warc-record-id",
        url="warc_headers.warc-target-uri",
        language="metadata.identification.label",
    ),
    _layout(
        "dclm",
        ["text url language_id_whole_page_fasttext", "text url warcinfo"],
        text="text",
        id="metadata.WARC-Record-ID",
        url="url metadata.WARC-Target-URI",
    ),
    _layout("c4", ["text timestamp url"], text="text", url="url"),
    _layout(
        PLAIN,
        ["text"],
        corpus="",
        text="text",
        id="id",
        url="url uri link",
        language="language lang",
        source="source",
        kind="kind",
        licence="licence license",
        agent_score="agent_score",
        host="host",
        path="path",
    ),
)
_STAGE = Layout(STAGE, (), _OWN)
BY_NAME = {layout.name: layout for layout in LAYOUTS}
FORMATS = (AUTO, *BY_NAME)


def detect(fields: Collection[str]) -> str:
    """The name of the first layout whose marks are among `fields` (dotted names); empty if none fits."""
    there = set(fields)
    return next((layout.name for layout in LAYOUTS if any(mark <= there for mark in layout.marks)), "")


def find(name: str, columns: Mapping[str, str]) -> Layout:
    """The layout of that name with `columns` over its own. Raises UserError for a column that is none."""
    for key in columns:
        if key not in TARGETS:
            raise UserError(f"columns names the unknown column '{key}': {nearest(key, TARGETS)}")
    layout = _STAGE if name == STAGE else BY_NAME[name]
    return layout.with_columns(columns) if columns else layout
