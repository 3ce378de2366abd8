"""The declared schema of every table: names, types, order of rows, and what each column means.

Writers check against these; `docs/tables.md` and the report's glossary are made from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

TEXT, INT, LONG, FLOAT, FLAG = pa.string(), pa.int32(), pa.int64(), pa.float32(), pa.bool_()
TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Column:
    name: str
    type: pa.DataType
    doc: str


@dataclass(frozen=True)
class Table:
    """`sort_by` must order the rows totally, else equal inputs could give files that differ.

    An `open` table lets columns of its input pass through behind the declared ones: stages add, none removes.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...]
    open: bool = False

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.type) for column in self.columns])

    def plus(self, doc: str, *columns: Column) -> Table:
        return Table(self.name, doc, self.columns + columns, self.sort_by, self.open)


ID = Column("id", TEXT, "128-bit hex hash of the record's identity")
URL = Column("url", TEXT, "address of the page, or of the item within its source")
BODY = Column("text", TEXT, "the text; code blocks and tables stay verbatim")
LANGUAGE = Column("language", TEXT, "ISO 639-1 code of the detected language, null where unknown")
SOURCE = Column("source", TEXT, "name of the data set or crawl that the record comes from")
KIND = Column("kind", TEXT, "tool_doc, function_call, trajectory, code, text")
LICENCE = Column(
    "licence", TEXT, "licence stated by the source or linked from the page, null where none is stated"
)
AGENT_SCORE = Column("agent_score", FLOAT, "probability of the agent classifier, 0 to 1")
NUM_TOKENS = Column("num_tokens", INT, "length under the tokenizer that the manifest names")

LEDGER = Table(
    "ledger",
    "one row for each record that came in",
    (
        ID,
        URL,
        Column("stage", TEXT, "stage that decided"),
        Column("outcome", TEXT, "kept, dropped or failed"),
        Column("reason", TEXT, "why it was not kept; empty for kept records"),
        AGENT_SCORE,
        Column("warc", TEXT, "archive that holds the record, null behind the filter stage"),
        Column("offset", LONG, "first byte of the record in the archive"),
    ),
    ("id", "warc", "offset", "outcome", "reason"),
)

SEEDS = Table(
    "seeds",
    "examples of the wanted data, one row per item",
    (
        ID,
        URL,
        Column("title", TEXT, "name of the tool, command, task or function"),
        BODY,
        LANGUAGE,
        SOURCE,
        KIND,
        LICENCE,
        Column("apis", pa.list_(TEXT), "distinct APIs that the item documents or calls, sorted"),
        Column("path", TEXT, "file within the source"),
        Column("item", INT, "position in that file"),
    ),
    ("id",),
)

# what the rules of corpus/hygiene/quality.py measure; all but the first two and the last on prose alone
QUALITY = tuple(
    Column(f"quality_{name}", FLOAT, doc)
    for name, doc in (
        ("words", "words, those of code and tables among them"),
        ("substance", "words of sentences, declarations, code and tables"),
        ("mean_word_length", "characters to a word"),
        ("symbol_ratio", "hash signs and ellipses to a word"),
        ("bullet_lines", "share of lines that begin with a bullet"),
        ("ellipsis_lines", "share of lines that end with an ellipsis"),
        ("alphabetic_words", "share of words with a letter"),
        ("stop_words", "different function words"),
        ("duplicate_lines", "share of lines that stood there before"),
        ("duplicate_line_characters", "share of characters in lines that stood there before"),
        ("duplicate_paragraphs", "share of paragraphs that stood there before"),
        ("duplicate_paragraph_characters", "share of characters in paragraphs that stood there before"),
        ("lorem_ipsum", "1 where the filler text stands in the prose"),
        ("javascript_notice", "share of lines that ask for JavaScript or cookies"),
        ("curly_brackets", "curly brackets to a word"),
        ("punctuated_lines", "share of lines that end in punctuation"),
        ("short_lines", "share of lines of 30 characters or fewer"),
        ("top_2gram", "share of characters in the commonest pair of words"),
        ("top_3gram", "share of characters in the commonest 3 words"),
        ("top_4gram", "share of characters in the commonest 4 words"),
        ("repeated_5gram", "share of characters in 5 words that stood there before"),
        ("repeated_10gram", "share of characters in 10 words that stood there before"),
        ("substance_share", "share of all words that quality_substance counts"),
    )
)

PAGES = Table(
    "pages",
    "pages that the filter kept",
    (
        ID,
        URL,
        Column("host", TEXT, "lower-case host of the URL"),
        Column("title", TEXT, "title of the page"),
        BODY,
        LANGUAGE,
        SOURCE,
        KIND,
        LICENCE,
        AGENT_SCORE,
        Column(
            "light_score", FLOAT, "the same score of the light text, which spared the page a full extraction"
        ),
        Column("num_words", INT, "words separated by white space"),
        Column("code_share", FLOAT, "share of the text's characters inside fenced code blocks"),
        Column(
            "fidelity",
            FLOAT,
            "share of the code lines and table cells of the page's main area that the text kept",
        ),
        Column("extractor", TEXT, "extraction that was taken: trafilatura or resiliparse"),
        Column("payload_digest", TEXT, "128-bit hash of the decoded HTTP body"),
        Column("mime", TEXT, "media type from the HTTP header"),
        Column("charset", TEXT, "character encoding that the page was decoded with"),
        Column(
            "opt_out",
            TEXT,
            "directives that ask to be left out (noai, ccbot:noindex, ...), empty where none",
        ),
        Column("licence_url", TEXT, "address of the licence that the page links to, null where none"),
        Column("tdm_policy", TEXT, "address of the page's policy for text and data mining, null where none"),
        Column("fetched_at", TIME, "WARC-Date"),
        Column("warc", TEXT, "archive that holds the record"),
        Column("offset", LONG, "first byte of the record in the archive"),
        Column("length", LONG, "bytes of the record in the archive, compressed"),
        Column("record_id", TEXT, "WARC-Record-ID"),
        *QUALITY,
    ),
    ("id", "warc", "offset"),
)

DAMAGE = pa.struct([("start", LONG), ("end", LONG), ("reason", TEXT)])
FILES = Table(
    "files",
    "one row per input archive",
    (
        Column("path", TEXT, "name of the archive; the manifest has the whole path"),
        Column("bytes", LONG, "size of the archive"),
        Column("records", LONG, "WARC records read, of all types"),
        Column("responses", LONG, "response records: what the ledger accounts for"),
        Column("other_records", LONG, "records of other types, which hold no page"),
        Column("kept", LONG, "pages kept"),
        Column("dropped", LONG, "pages dropped with a reason"),
        Column("failed", LONG, "pages that could not be read, with a reason"),
        Column("damaged", pa.list_(DAMAGE), "byte ranges that could not be read"),
        Column("problem", TEXT, "why the archive could not be read at all; empty if it could"),
    ),
    ("path",),
)

UNIQUE_PAGES = Table(
    "pages", "survivors of deduplication, with all columns of the input", (ID, URL, BODY), ("id",), open=True
)

DUPLICATES = Table(
    "duplicates",
    "one row per removed page, with its survivor and the evidence",
    (
        ID,
        URL,
        Column("kept_id", TEXT, "id of the survivor"),
        Column("index", TEXT, "index that holds the survivor, empty where it is a page of this run"),
        Column(
            "relation",
            TEXT,
            "payload: same bytes and text; url: same address and text; text: same normalised text; "
            "near: compared by shingles",
        ),
        Column("jaccard", FLOAT, "exact Jaccard similarity of the shingle sets of both texts"),
        Column("containment", FLOAT, "share of the removed page's shingles that the survivor has"),
        Column("cluster_id", TEXT, "smallest id of the cluster in this run"),
        Column("cluster_size", INT, "pages of this run in the cluster"),
    ),
    ("id",),
)

BOILERPLATE = Table(
    "boilerplate",
    "lines that repeat over the kept pages of a host",
    (
        Column("host", TEXT, "lower-case host of the URL"),
        Column("line", TEXT, "the line, runs of white space as one space"),
        Column("pages", LONG, "kept pages of the host that have the line"),
        Column("host_pages", LONG, "kept pages of the host"),
        Column("removed_from", LONG, "pages among them where it stands as boilerplate"),
    ),
    ("host", "line"),
)

DEDUP_INDEX = Table(
    "index",
    "what later runs compare their pages with: a row for each kept page, without its text",
    (
        ID,
        URL,
        Column("score", FLOAT, "agent score, for the order of survivors"),
        Column("digest", TEXT, "payload digest"),
        Column("date", LONG, "when the page was fetched, microseconds since 1970"),
        Column("length", LONG, "characters of the text"),
        Column("text_key", TEXT, "128-bit hex hash of the normalised text"),
        Column("url_key", LONG, "64-bit hash of the normalised URL"),
        Column("shingles", INT, "distinct shingles"),
        Column("bands", pa.list_(LONG), "64-bit hashes of the MinHash bands, then of address and payload"),
        Column("hashes", pa.binary(), "the shingle set: sorted 40-bit hashes of five bytes, little-endian"),
        Column("sample_key", LONG, "hash by which samples are drawn"),
    ),
    ("id",),
)

CLEAN_PAGES = Table(
    "pages",
    "texts without benchmark items, secrets and personal data, with all columns of the input; `seeds` where "
    "the input is seeds. Of the input's columns only `text` and `num_words` change",
    (
        ID,
        BODY,
        Column("contamination", INT, "places with parts of benchmark items: cut, or left where only marked"),
        Column("private_keys", INT, "private keys replaced by <PRIVATE_KEY>"),
        Column("api_keys", INT, "API keys and tokens replaced by <API_KEY>"),
        Column("email_addresses", INT, "e-mail addresses replaced by <EMAIL_ADDRESS>"),
        Column("card_numbers", INT, "payment card numbers replaced by <CARD_NUMBER>"),
        Column("ip_addresses", INT, "public IP addresses replaced by <IP_ADDRESS>"),
        Column("phone_numbers", INT, "telephone numbers replaced by <PHONE_NUMBER>"),
    ),
    ("id",),
    open=True,
)

CONTAMINATION = Table(
    "contamination",
    "one row per place in a text that holds a part of a benchmark item",
    (
        ID,
        Column("benchmark", TEXT, "name that the benchmark's records or file bear"),
        Column("item", TEXT, "id of the item, its number in the file where it has none"),
        Column("part", TEXT, "question, gold, or text where the layout is unknown"),
        Column("start", LONG, "first character of the place in the text that came in"),
        Column("end", LONG, "character behind the place"),
        Column("overlap", FLOAT, "share of the part's words found there"),
    ),
    ("id", "start", "end", "benchmark", "item", "part"),
)

MATCHED_PAGES = Table(
    "pages",
    "pages near to a seed, with all columns of the input",
    (
        ID,
        URL,
        BODY,
        Column("match_score", FLOAT, "cosine similarity to the nearest seed"),
        Column("match_seed_id", TEXT, "id of the nearest seed"),
        Column("match_source", TEXT, "source of the nearest seed"),
        Column("match_kind", TEXT, "kind of the nearest seed"),
        Column("match_rank", INT, "rank of the page among the pages nearest to that seed, from 1"),
    ),
    ("id",),
    open=True,
)

SEED_HITS = Table(
    "seed_hits",
    "seeds that found pages, and how many",
    (
        Column("seed_id", TEXT, "id of the seed"),
        SOURCE,
        KIND,
        Column("title", TEXT, "title of the seed"),
        Column("pages", INT, "pages whose nearest seed this is"),
        Column("best_score", FLOAT, "highest similarity among them"),
    ),
    ("seed_id",),
)

INDEX = Table(
    "index",
    "the seeds that pages were compared with, in the order of the rows of `embeddings.npy` beside them",
    (
        Column("seed_id", TEXT, "id of the seed"),
        SOURCE,
        KIND,
        Column("title", TEXT, "title of the seed"),
    ),
    ("seed_id",),
)

MAP = Table(
    "map",
    "a sample of seeds and pages on the plane of their first two principal components",
    (
        ID,
        Column("group", TEXT, "seed, kept or dropped"),
        SOURCE,
        Column("x", FLOAT, "first coordinate"),
        Column("y", FLOAT, "second coordinate"),
        Column("nearest_seed_similarity", FLOAT, "cosine similarity to the nearest seed other than itself"),
    ),
    ("group", "id"),
)

SCORES = Table(
    "scores",
    "scores of the pages that the classifier was measured on, each from a model that never saw its site",
    (
        URL,
        Column("site", TEXT, "host or origin that was held out as a whole"),
        Column("label", TEXT, "agent or general"),
        Column("given_by", TEXT, "who gave the label: seed, crawl, labels"),
        AGENT_SCORE,
        Column("fold", INT, "fold in which the site was held out"),
    ),
    ("site", "url", "fold", "label"),
)

SHARDS = Table(
    "shard",
    "documents of one source in one set; each part is a random sample of them, in the seeded order",
    (ID, URL, BODY, LANGUAGE, SOURCE, KIND, LICENCE, AGENT_SCORE, NUM_TOKENS),
    ("position",),
)
INPUT_IDS = Column("input_ids", pa.list_(INT), "token ids, with exactly one end-of-text token at the end")

ALL_TABLES: Sequence[tuple[str, Table]] = (
    ("every stage", LEDGER),
    ("seeds", SEEDS),
    ("classifier", SCORES),
    ("filter", PAGES),
    ("filter", FILES),
    ("dedup", UNIQUE_PAGES),
    ("dedup", DUPLICATES),
    ("dedup", BOILERPLATE),
    ("dedup", DEDUP_INDEX),
    ("hygiene", CLEAN_PAGES),
    ("hygiene", CONTAMINATION),
    ("match", MATCHED_PAGES),
    ("match", SEED_HITS),
    ("match", INDEX),
    ("match", MAP),
    ("shard", SHARDS.plus(SHARDS.doc, INPUT_IDS)),
)


def markdown() -> str:
    """The dictionary of all tables, as docs/tables.md holds it."""
    lines = [
        "# Tables",
        "",
        "Made from `corpus/engine/tables.py` by `python -m corpus.engine.tables > docs/tables.md`.",
        "",
    ]
    for stage, table in ALL_TABLES:
        rest = " Further columns of the input pass through." if table.open else ""
        lines += [f"## {stage}: `{table.name}/`", "", f"{table.doc[0].upper()}{table.doc[1:]}.{rest}", ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {_plain(c.type)} | {c.doc} |" for c in table.columns] + [""]
    return "\n".join(lines)


def _plain(kind: pa.DataType) -> str:
    return str(kind).replace("element: ", "").replace("item: ", "")


if __name__ == "__main__":
    print(markdown(), end="")
