"""A workspace made without Spark: every stage with its tables and manifest, small, and with hostile text in it."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.engine import manifest
from corpus.engine.manifest import Manifest, OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.tables import (  # fmt: skip
    CLEAN_PAGES,
    CONTAMINATION,
    DUPLICATES,
    FILES,
    LEDGER,
    MATCHED_PAGES,
    PAGES,
    SCORES,
    SEED_HITS,
    SEEDS,
    SHARDS,
)

SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>"
REVERSED = "safe\u202egnp.exe"
FORMULA = '=HYPERLINK("http://evil.example","x")'
MATCHED = pa.schema(
    [*PAGES.schema, *(field for field in MATCHED_PAGES.schema if field.name not in PAGES.schema.names)]
)
CLEAN = pa.schema(
    [*PAGES.schema, *(field for field in CLEAN_PAGES.schema if field.name not in PAGES.schema.names)]
)
MAP = pa.schema([("id", pa.string()), ("group", pa.string()), ("source", pa.string()), ("x", pa.float32()), ("y", pa.float32()), ("nearest_seed_similarity", pa.float32())])  # fmt: skip
Rows = list[dict[str, Any]]


def identity(*words: object) -> str:
    return hashlib.blake2b(repr(words).encode(), digest_size=16).hexdigest()


def write_table(folder: Path, name: str, schema: pa.Schema, rows: Rows, parts: int = 2) -> list[OutputFile]:
    """Rows dealt out to `parts` files, columns that a row lacks as nulls."""
    files = []
    for part in range(parts):
        with PartWriter(str(folder / name), f"part-{part:05d}.parquet", schema) as writer:
            full = [{field: row.get(field) for field in schema.names} for row in rows[part::parts]]
            writer.write(pa.RecordBatch.from_pylist(full, schema=schema))
        assert writer.result is not None
        files.append(
            OutputFile(
                f"{name}/{writer.result.path}", writer.result.rows, writer.result.bytes, writer.result.sha256
            )
        )
    return files


def finish(
    folder: Path,
    stage: str,
    counts: Mapping[tuple[str, str], int],
    tables: Mapping[str, Sequence[OutputFile]],
    *,
    seconds: float,
    config: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    of = {
        name: sum(n for (outcome, _), n in counts.items() if outcome == name)
        for name in ("kept", "dropped", "failed")
    }
    by_reason = [
        {"outcome": outcome, "reason": reason, "rows": n} for (outcome, reason), n in sorted(counts.items())
    ]
    manifest.write(
        str(folder),
        Manifest(
            stage=stage,
            fingerprint=identity(stage) * 2,
            config=config or {},
            inputs=[{"table": "x", "bytes": 5_000_000, "sha256": "0"}],
            counts={"records_in": sum(of.values()), **of, "by_reason": by_reason, "funnel": ""},
            tables=tables,
            seconds=seconds,
            facts=facts or {},
            versions={"hephaestus-forge": "0.1.0", "pyarrow": "1"},
        ),
    )


def ledger_rows(counts: Mapping[tuple[str, str], int], stage: str) -> Rows:
    """A ledger that has those counts; what was not kept lies on other hosts than what was."""
    rows = []
    for (outcome, reason), number in counts.items():
        for at in range(number):
            host = f"host{at % 7}.example" if outcome == "kept" else f"lost{at % 11}{SCRIPT}.example"
            url = f"https://{host}/{reason}/{at}"
            row = {"id": identity(stage, outcome, reason, at), "url": url, "stage": stage, "outcome": outcome}
            rows.append({**row, "reason": reason, "agent_score": 0.25, "warc": "a.warc.gz", "offset": at})
    return rows


def seed_rows() -> Rows:
    kinds = {
        "ToolBench": "function_call",
        "tldr": "tool_doc",
        "ReAct": "trajectory",
        "OpenAPI": "tool_doc",
        SCRIPT: "tool_doc",
    }
    rows = []
    for at, (source, kind) in enumerate(kinds.items()):
        for item in range(300 // (at + 1)):
            apis = sorted({f"{source}.call{item % 90}", f"common.{item % 7}"})
            row = {
                "id": identity("seed", source, item),
                "url": f"{source}/{item}",
                "title": f"item {item}",
                "text": "wörd " * (item % 30 + 1),
            }
            licence = "MIT" if at % 2 == 0 else None
            rows.append(
                {
                    **row,
                    "language": "en",
                    "source": source,
                    "kind": kind,
                    "licence": licence,
                    "apis": apis,
                    "path": "f",
                    "item": item,
                }
            )
    return rows


def page_rows(number: int) -> Rows:
    rng = random.Random(7)
    hosts = [
        "docs.python.example",
        "developer.mozilla.example",
        "api.shop.example",
        f"evil{SCRIPT}.example",
        REVERSED,
    ]
    hosts += [f"host{i:03d}.example.org" for i in range(60)]
    weights = [30, 22, 9, 5, 4] + [1] * 60
    rows = []
    for at in range(number):
        host = rng.choices(hosts, weights)[0]
        code = max(0.0, min(rng.gauss(0.25, 0.2), 0.999))
        rows.append(
            {
                "id": identity("page", at),
                "url": f"https://{host}/reference/{at}?q={SCRIPT}",
                "host": host,
                "title": f"{SCRIPT} reference {at}",
                "text": "text that the report never reads",
                "language": rng.choices(["en", "de", "fr", None], [90, 5, 3, 2])[0],
                "source": "crawl",
                "kind": "tool_doc",
                "licence": rng.choices(["CC-BY-4.0", "CC-BY-SA-4.0", FORMULA, None], [5, 3, 1, 20])[0],
                "agent_score": rng.random(),
                "num_words": int(rng.lognormvariate(5.8, 1.1)),
                "code_share": code if rng.random() > 0.3 else 0.0,
                "extractor": rng.choices(["trafilatura", "resiliparse"], [8, 2])[0],
                "fidelity": None if at % 4 == 0 else (80 + at % 21) / 100,
                "mime": "text/html",
                "opt_out": rng.choices(["", "noai", "noindex"], [40, 1, 1])[0],
                "fetched_at": datetime.datetime(2024 + at % 3, 5, 1, tzinfo=datetime.timezone.utc),
                "warc": "a.warc.gz",
                "offset": at,
                "match_score": min(0.99, max(0.4, rng.gauss(0.62, 0.1))),
                "match_source": rng.choices(["ToolBench", "tldr", "OpenAPI", SCRIPT], [5, 3, 2, 1])[0],
                "match_kind": "tool_doc",
            }
        )
    return rows


def make_seeds(root: Path) -> None:
    rows = seed_rows()
    files = write_table(root / "seeds", "seeds", SEEDS.schema, rows)
    finish(root / "seeds", "seeds", {("kept", ""): len(rows), ("dropped", "too_short"): 14, ("failed", "bad_json"): 3}, {"seeds": files}, seconds=14.2)  # fmt: skip


def make_classifier(root: Path) -> None:
    rng = random.Random(3)
    rows: Rows = []
    for at in range(1500):
        agent = rng.random() < 0.4
        score = 1 / (1 + math.exp(-rng.gauss(2.6 if agent else -3.0, 1.9)))
        label = "agent" if agent else "general"
        rows.append({"url": f"u{at}", "site": f"site{at % 37}.example", "label": label, "given_by": "seed" if agent else "crawl", "agent_score": score, "fold": at % 5})  # fmt: skip
    files = write_table(root / "classifier", "scores", SCORES.schema, rows)
    held_out = {
        "pages": 1500, "agent_pages": 600, "sites": 37, "false_positive_rate": 0.03, "macro_recall": 0.88,
        "accuracy": 0.941, "precision": 0.915, "recall": 0.936, "f1": 0.9254, "auc": 0.975,
        "recall_at_fpr": {"0.001": 0.61, "0.005": 0.7, "0.01": 0.78, "0.02": 0.84},
        "worst_sites": [
            {"site": f"{SCRIPT}.example", "label": "agent", "pages": 34, "right": 0.21},
            {"site": "b.example", "label": "general", "pages": 60, "right": 0.5},
        ],
    }  # fmt: skip
    metrics = {"labels": "seeds vs crawl (unlabelled)", "threshold": 0.51, "folds": 5, "held_out": held_out}
    (root / "classifier" / "metrics.json").write_text(json.dumps(metrics))
    finish(root / "classifier", "classifier", {("kept", ""): 1500}, {"scores": files}, seconds=48)


def make_pages(root: Path, number: int = 900) -> None:
    files = write_table(root / "pages", "pages", PAGES.schema, page_rows(number))
    damage = [
        {"start": 100, "end": 4196, "reason": "bad_gzip"},
        {"start": 9000, "end": 9500, "reason": "truncated"},
    ]
    archive = {
        "bytes": 60_000_000,
        "records": 9000,
        "responses": 3000,
        "other_records": 6000,
        "kept": number,
        "dropped": 2000,
        "failed": 100,
    }
    rows = [
        {"path": f"in/{SCRIPT}.warc.gz", **archive, "damaged": damage},
        {"path": "in/b.warc.gz", **archive, "damaged": []},
    ]
    tables = {"pages": files, "files": write_table(root / "pages", "files", FILES.schema, rows, parts=1)}
    counts = {
        ("kept", ""): number,
        ("dropped", "not_agent"): 4021,
        ("dropped", "language"): 803,
        ("dropped", "too_short"): 412,
    }
    counts |= {("dropped", "not_html"): 160, ("failed", "timeout"): 7, ("failed", "charset"): 210}
    tables["ledger"] = write_table(root / "pages", "ledger", LEDGER.schema, ledger_rows(counts, "filter"))
    finish(root / "pages", "filter", counts, tables, seconds=131.7, facts={"steps": STEPS})


STEPS = [
    {
        "step": "read",
        "pages_in": 6513,
        "pages_out": 6513,
        "ms_per_page": 0.1,
        "seconds": 0.65,
        "threshold": None,
    },
    {
        "step": "agent_score",
        "pages_in": 6513,
        "pages_out": 900,
        "ms_per_page": 0.4,
        "seconds": 2.6,
        "threshold": 0.51,
    },
]


def make_clean(root: Path, number: int = 790) -> None:
    rows = [{**row, "contamination": 0, "api_keys": at % 2} for at, row in enumerate(page_rows(number))]
    found = [{"id": identity("page", at), "benchmark": SCRIPT, "item": f"{at % 4}", "part": "question", "start": 0, "end": 9, "overlap": 1.0} for at in range(10)]  # fmt: skip
    tables = {
        "pages": write_table(root / "clean", "pages", CLEAN, rows),
        "contamination": write_table(root / "clean", "contamination", CONTAMINATION.schema, found),
    }
    facts = {
        "benchmarks": {"records": 60, "indexed_by_benchmark": {SCRIPT: 40, "untouched": 20}},
        "redacted": {
            "api_keys": {"replaced": 395, "texts": 395},
            "ip_addresses": {"replaced": 3, "texts": 2},
        },
    }
    counts = {("kept", ""): number, ("dropped", "contaminated"): 10}
    finish(root / "clean", "hygiene", counts, tables, seconds=9.1, facts=facts)


def make_unique(root: Path, number: int = 800) -> None:
    rng = random.Random(5)
    rows: Rows = []
    for cluster in range(40):
        size = min(2 + int(rng.expovariate(0.5)), 24)
        for member in range(size - 1):
            relation = rng.choice(["payload", "text", "near", "near"])
            rows.append({"id": identity(cluster, member), "url": f"https://x.example/{cluster}/{member}{SCRIPT}", "kept_id": identity(cluster), "relation": relation, "jaccard": rng.uniform(0.75, 1.0) if relation == "near" else 1.0, "containment": 1.0, "cluster_id": identity("c", cluster), "cluster_size": size})  # fmt: skip
    pages = write_table(root / "unique", "pages", PAGES.schema, page_rows(number))
    tables = {
        "pages": pages,
        "duplicates": write_table(root / "unique", "duplicates", DUPLICATES.schema, rows),
    }
    curve = {f"{i / 20:.2f}": 1 - (1 - (i / 20) ** 8) ** 14 for i in range(2, 21)}
    counts = {
        ("kept", ""): number,
        **{("dropped", name): n for name, n in Counter(row["relation"] for row in rows).items()},
    }
    finish(
        root / "unique",
        "dedup",
        counts,
        tables,
        seconds=22.9,
        facts={
            "collision_curve": curve,
            "bands": 14,
            "rows": 8,
            "threshold": 0.8,
            "recall_at_threshold": 0.924,
        },
    )


def make_matched(root: Path, number: int = 700) -> None:
    rng = random.Random(11)
    pages = page_rows(number)
    files = write_table(root / "matched", "pages", MATCHED, pages)
    hits: Rows = []
    for source, n in sorted(Counter(row["match_source"] for row in pages).items()):
        half = n // 2
        for at, share in enumerate((half, n - half)):
            hits.append({"seed_id": identity(source, at), "source": source, "kind": "tool_doc", "title": f"{SCRIPT} {at}", "pages": share, "best_score": 0.9})  # fmt: skip
    points: Rows = []
    for group, (x, y, n) in {"seed": (0, 0, 400), "kept": (1.5, 0.8, 600), "dropped": (6, -3, 900)}.items():
        for at in range(n):
            points.append({"id": identity("map", group, at), "group": group, "source": group, "x": rng.gauss(x, 1.5), "y": rng.gauss(y, 1.2), "nearest_seed_similarity": rng.uniform(0.3, 0.9)})  # fmt: skip
    tables = {
        "pages": files,
        "seed_hits": write_table(root / "matched", "seed_hits", SEED_HITS.schema, hits),
        "map": write_table(root / "matched", "map", MAP, points),
    }
    counts = {("kept", ""): number, ("dropped", "far_from_seeds"): 100}
    finish(root / "matched", "match", counts, tables, seconds=61.3)


def make_shards(root: Path) -> None:
    rng = random.Random(13)
    tables: dict[str, list[OutputFile]] = {}
    facts: dict[str, Any] = {}
    for name, sources in {
        "stage1": ("agent", "code", "text"),
        "stage2": ("seeds",),
        "heldout": ("agent", "code"),
    }.items():
        entries: dict[str, dict[str, Any]] = {}
        for source in sources:
            rows = [{"id": identity(name, source, i), "source": rng.choice(["crawl", "stdlib", SCRIPT]), "kind": "text", "licence": rng.choice(["MIT", None]), "num_tokens": int(rng.lognormvariate(6, 1))} for i in range(120)]  # fmt: skip
            tables[f"{name}/{source}"] = write_table(root / "shards", f"{name}/{source}", SHARDS.schema, rows)
            entries[source] = {
                "weight": 1.0,
                "tokens": sum(row["num_tokens"] for row in rows),
                "rows": len(rows),
            }
        whole = sum(entry["tokens"] for entry in entries.values())
        facts[name] = {
            "tokens": whole,
            "sources": {key: {**entry, "share": entry["tokens"] / whole} for key, entry in entries.items()},
        }
    sets = {"sets": facts, "tokenizer": {"path": "tokenizer", "vocab_size": 4096, "sha256": "ab"}}
    finish(root / "shards", "shard", {("kept", ""): 720, ("dropped", "over_share"): 40}, tables, seconds=17.0, config={"tokenizer": "bpe:4096"}, facts=sets)  # fmt: skip


def make_training(root: Path, run: str, steps: int = 600) -> None:
    """A run that has ended: its log, and the last file of its export."""
    rng = random.Random(17)
    folder = root / "training" / run
    folder.mkdir(parents=True)
    rows: Rows = []
    for step in range(1, steps + 1):
        loss = 3.2 + 5.2 * math.exp(-step / 90) + rng.gauss(0, 0.06)
        lr = 3e-4 * min(1, step / 30) * (1 if step < 480 else 1 - math.sqrt((step - 480) / 120))
        rows.append({"event": "step", "step": step, "loss": loss, "tokens": step * 4096, "lr": lr, "grad_norm": 1.0, "tokens_per_second": 5200.0 + step, "source_tokens": {"agent": step * 1500, "code": step * 1300, "text": step * 1296}})  # fmt: skip
        if step % 100 == 0:
            for at, source in enumerate(("agent", "code", "text")):
                rows.append(
                    {
                        "event": "eval",
                        "step": step,
                        "source": source,
                        "loss": loss + 0.1 * at,
                        "bits_per_byte": loss / 4,
                        "tokens": 9000,
                    }
                )
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "export").mkdir()
    (folder / "export" / "training_history.json").write_text("{}")


def make_workspace(root: Path) -> Path:
    """The whole: every stage finished, both training runs logged."""
    for make in (make_seeds, make_classifier, make_pages, make_unique, make_clean, make_matched, make_shards):
        make(root)
    make_training(root, "stage1")
    make_training(root, "stage2", 150)
    return root
