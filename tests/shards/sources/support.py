"""Small records in the layouts of public corpora, and data sets on disk as the library `datasets` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

# One record per layout with the fields that the corpus publishes, and what becomes of it.
CORPORA: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fineweb": (
        {
            "text": "a page",
            "id": "<urn:uuid:1>",
            "dump": "CC-MAIN-2024-10",
            "url": "https://A.example/x",
            "date": "2024-02-20T00:00:00Z",
            "file_path": "s3://c/w.warc.gz",
            "language": "en",
            "language_score": 0.9,
            "token_count": 2,
        },
        {"language": "en", "source": "fineweb", "kind": "text", "group": "a.example"},
    ),
    "redpajama-v2": (
        {
            "raw_content": "a page",
            "doc_id": "2023-06/0000/en_head.json.gz/7",
            "meta": '{"url": "http://b.example/y", "language": "en", "source_domain": "b.example"}',
            "quality_signals": "{}",
        },
        {"url": "http://b.example/y", "language": "en", "source": "redpajama-v2", "group": "b.example"},
    ),
    "redpajama": (
        {
            "text": "a paper",
            "meta": "{'timestamp': '2023', 'yymm': '2301', 'arxiv_id': '2301.1', 'language': 'en', 'url': 'https://c.example/abs'}",
            "red_pajama_subset": "arxiv",
        },
        {"source": "redpajama/arxiv", "kind": "text", "language": "en", "group": "c.example"},
    ),
    "slimpajama": (
        {"text": "a repository", "meta": {"redpajama_set_name": "RedPajamaGithub"}},
        {"source": "slimpajama/redpajamagithub", "kind": "code"},
    ),
    "pile": (
        {"text": "an answer", "meta": {"pile_set_name": "StackExchange"}},
        {"source": "pile/stackexchange", "kind": "text"},
    ),
    "dolma": (
        {
            "id": "http://d.example/z",
            "text": "a page",
            "source": "common-crawl",
            "added": "2023-04-11",
            "created": "2020-01-01",
            "metadata": {"url": "http://d.example/z", "license": "CC-BY-4.0"},
        },
        {"source": "dolma/common-crawl", "licence": "CC-BY-4.0", "group": "d.example"},
    ),
    "the-stack": (
        {
            "content": "print(1)",
            "hexsha": "a" * 40,
            "ext": "py",
            "lang": "Python",
            "max_stars_repo_path": "src/a.py",
            "max_stars_repo_name": "o/r",
            "max_stars_repo_head_hexsha": "b" * 40,
            "max_stars_repo_licenses": ["MIT", "Apache-2.0"],
        },
        {
            "source": "the-stack/python",
            "kind": "code",
            "licence": "Apache-2.0, MIT",
            "group": "the-stack/python:o/r",
            "url": f"https://github.com/o/r/blob/{'b' * 40}/src/a.py",
            "language": None,
        },
    ),
    "the-stack-v2": (
        {
            "blob_id": "c" * 40,
            "content": "fn main() {}",
            "language": "Rust",
            "path": "/main.rs",
            "repo_name": "o/s",
            "revision_id": "d" * 40,
            "detected_licenses": [],
            "license_type": "no_license",
        },
        {"source": "the-stack-v2/rust", "kind": "code", "licence": None, "group": "the-stack-v2/rust:o/s"},
    ),
    "starcoder": (
        {
            "max_stars_repo_path": "a.c",
            "max_stars_repo_name": "o/t",
            "max_stars_count": 4,
            "id": "17",
            "content": "int x;",
        },
        {"source": "starcoder", "kind": "code", "group": "starcoder:o/t"},
    ),
    "github-code": (
        {
            "code": "x = 1",
            "repo_name": "o/u",
            "path": "x.py",
            "language": "Python",
            "license": "mit",
            "size": 5,
        },
        {"source": "github-code/python", "kind": "code", "licence": "mit"},
    ),
    "code": (
        {"content": "x", "path": "x.go", "lang": "Go", "licenses": ["bsd"]},
        {"source": "code/go", "kind": "code", "licence": "bsd", "group": "code/go:x.go"},
    ),
    "oscar": (
        {
            "content": "ein Text",
            "warc_headers": {"warc-record-id": "<urn:uuid:2>", "warc-target-uri": "https://e.example/"},
            "metadata": {"identification": {"label": "de", "prob": 0.9}},
        },
        {"language": "de", "url": "https://e.example/", "group": "e.example"},
    ),
    "dclm": (
        {
            "text": "a page",
            "url": "https://f.example/",
            "language_id_whole_page_fasttext": {"en": 0.9},
            "metadata": {},
        },
        {"source": "dclm", "group": "f.example"},
    ),
    "c4": (
        {"text": "a page", "timestamp": "2019-04-25T12:57:54Z", "url": "https://g.example/a"},
        {"source": "c4", "group": "g.example"},
    ),
    "plain": (
        {"text": "words", "link": "https://h.example/", "lang": "en-GB", "license": "CC0-1.0", "score": 3},
        {"source": "mine", "kind": None, "language": "en", "licence": "CC0-1.0", "group": "h.example"},
    ),
}


def write_stream(path: Path, rows: list[dict[str, Any]], batch: int = 2) -> None:
    """An Arrow IPC stream, as `datasets` writes its files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch)


def save_to_disk(folder: Path, rows: list[dict[str, Any]], files: int = 2) -> str:
    """What `Dataset.save_to_disk` leaves: Arrow streams, `state.json` that lists them, `dataset_info.json`."""
    names = [f"data-{number:05d}-of-{files:05d}.arrow" for number in range(files)]
    for number, name in enumerate(names):
        write_stream(folder / name, rows[number::files])
    formats = {
        "_format_type": None,
        "_format_kwargs": {},
        "_format_columns": None,
        "_output_all_columns": False,
    }
    state = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": "x",
        "_split": "train",
        **formats,
    }
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")
    return str(folder)


def save_dictionary(folder: Path, splits: dict[str, list[dict[str, Any]]]) -> str:
    """What `DatasetDict.save_to_disk` leaves."""
    for name, rows in splits.items():
        save_to_disk(folder / name, rows, files=1)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(splits)}))
    return str(folder)
