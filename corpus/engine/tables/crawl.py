"""Tables of the filter job."""

from __future__ import annotations

import pyarrow as pa

from corpus.engine.tables.columns import (
    AGENT_SCORE,
    BODY,
    FLOAT,
    ID,
    INT,
    KIND,
    LANGUAGE,
    LICENCE,
    LONG,
    SOURCE,
    TEXT,
    TIME,
    URL,
    Column,
    Table,
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
        Column("second_score", FLOAT, "calibrated chance by the second scorer, null where there is none"),
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
