"""The data set card: a YAML header that loaders read, and what people ask of a data set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from corpus.shards.card.composition import OTHERS, UNSTATED
from corpus.shards.card.vocabulary import licence_name, size_name

FILE = "README.md"
# Splits by the loaders' usual names; a set is a configuration of its own.
_SPLITS = {"heldout": "test"}
_MEANINGS = {
    "stage1": "the mix for the first stage of training, shares by tokens",
    "stage2": "high-quality seeds for the second stage",
    "sft": "conversations with roles and tools",
    "heldout": "held out by whole hosts or source files; no other set holds any of these documents",
}
_TAGS = {"tool_doc": "api-documentation", "function_call": "function-calling", "trajectory": "agents"}
_TAGS |= {"code": "code"}
_LEAST_LANGUAGE_SHARE = 0.01
_MOST_ROWS = 20  # of a table in the card; the manifest has all


def card(facts: Mapping[str, Any], settings: Mapping[str, Any], funnel: str) -> str:
    """README.md of a data set: `facts` of its manifest, `settings` its config, `funnel` its counts."""
    sets = facts["sets"]
    header = yaml.safe_dump(
        _header(sets, bool(settings.get("tokenize"))), sort_keys=False, allow_unicode=True
    )
    parts = [f"---\n{header}---", "# " + _title(sets), _summary(sets, facts["tokenizer"], settings)]
    parts += [_composition(sets), _licences(sets), _loading(sets), _files()]
    parts += [_making(facts, settings, funnel), _heldout(settings), _LIMITS]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _header(sets: Mapping[str, Any], tokenised: bool) -> dict[str, Any]:
    licences = _tally(sets, "licences")
    known = sorted({licence_name(name) for name in licences})
    header: dict[str, Any] = {"pretty_name": _title(sets)}
    if not set(licences) - {UNSTATED}:
        header["license"] = "unknown"
    elif len(known) == 1 and known[0] != "other":
        header["license"] = known[0]
    else:
        header |= {"license": "other", "license_name": "various", "license_link": "README.md"}
    languages = _languages(sets)
    if languages:
        header["language"] = languages
    header["size_categories"] = [size_name(sum(content["rows"] for content in sets.values()))]
    header["task_categories"] = ["text-generation"]
    kinds = set(_tally(sets, "kinds"))
    tags = ["pre-training", *(tag for kind, tag in _TAGS.items() if kind in kinds)]
    header["tags"] = [*tags, *(["tokenized"] if tokenised else [])]
    header["configs"] = [config for name in _ordered(sets) for config in _configs(name, sets[name])]
    header["configs"][0]["default"] = True
    return header


def _configs(name: str, content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A configuration for the set; two where it holds documents and conversations, whose columns differ."""
    filled = {source: entry for source, entry in content["sources"].items() if entry["rows"]}
    schemas = sorted({entry["schema"] for entry in filled.values()}, reverse=True)  # documents first
    for number, schema in enumerate(schemas):
        mine = [source for source, entry in filled.items() if entry["schema"] == schema]
        paths = [f"{name}/{source}/*.parquet" for source in mine]
        yield {
            "config_name": f"{name}_{schema}" if number else name,
            "data_files": [{"split": _SPLITS.get(name, "train"), "path": paths}],
        }


def _ordered(sets: Iterable[str]) -> list[str]:
    known = list(_MEANINGS)
    return sorted(sets, key=lambda name: (known.index(name) if name in known else len(known), name))


def _title(sets: Mapping[str, Any]) -> str:
    names = {name for content in sets.values() for name in content["sources"]}
    return f"Pre-training corpus of {', '.join(sorted(names))}"


def _summary(sets: Mapping[str, Any], tokenizer: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    rows = [[f"`{name}`", _number(sets[name]["rows"]), _number(sets[name]["tokens"]), _MEANINGS.get(name, "")]
            for name in _ordered(sets)]  # fmt: skip
    ids = (
        "`input_ids` holds the ids of each document with exactly one separator at its end; names of special "
        "tokens inside a text are encoded as text."
        if settings.get("tokenize")
        else "Texts come without ids."
    )
    named = f"`{tokenizer['name']}`" + (f" at {tokenizer['revision']}" if tokenizer.get("revision") else "")
    about = (
        f"Tokens are counted with the tokenizer {named}, which lies in `tokenizer/` (vocabulary "
        f"{_number(tokenizer['vocab_size'])}, separator {tokenizer['eos_token_id']}, sha256 of "
        f"tokenizer.json `{tokenizer['sha256']}`). {ids}"
    )
    return _table(["set", "documents", "tokens", "what it is"], rows) + "\n\n" + about


def _composition(sets: Mapping[str, Any]) -> str:
    rows = []
    for name in _ordered(sets):
        for source, entry in sets[name]["sources"].items():
            share = f"{entry['share']:.2%}"
            apis = _number(entry["apis"]) if "apis" in entry else ""
            counts = [_number(entry["rows"]), _number(entry["tokens"]), share, f"{entry['weight']:g}", apis]
            rows.append([f"`{name}`", _cell(source), *counts, _top(entry["kinds"])])
    titles = ["set", "source", "documents", "tokens", "share of tokens", "weight", "APIs", "kinds"]
    return "## Composition\n\n" + _table(titles, rows)


def _licences(sets: Mapping[str, Any]) -> str:
    rows = []
    for name in _ordered(sets):
        for source, entry in sets[name]["sources"].items():
            for licence, counts in list(entry["licences"].items())[:_MOST_ROWS]:
                numbers = [_number(counts["rows"]), _number(counts["tokens"])]
                rows.append([f"`{name}`", _cell(source), _cell(licence), *numbers])
    said = (
        "Each document keeps the licence that its source states or its page links to, in the column "
        "`licence`; null where none is stated. Documents of the web remain under their authors' rights."
    )
    titles = ["set", "source", "licence", "documents", "tokens"]
    return f"## Licences\n\n{said}\n\n" + _table(titles, rows)


def _loading(sets: Mapping[str, Any]) -> str:
    name = _ordered(sets)[0]
    split = _SPLITS.get(name, "train")
    lines = [
        "from datasets import load_dataset",
        f'data = load_dataset("PATH_OR_NAME", "{name}", split="{split}")',
        f'rows = load_dataset("PATH_OR_NAME", "{name}", split="{split}", streaming=True)',
    ]
    return "## Loading\n\n```python\n" + "\n".join(lines) + "\n```"


def _files() -> str:
    return (
        "## Files\n\nFiles lie in `SET/SOURCE/`. Rows have one seeded order (a hash of `id`) that goes on "
        "from file to file, so that each file, and each run of rows, is a random sample of its source. "
        "`manifest.json` lists each file with its rows, bytes and sha256."
    )


def _making(facts: Mapping[str, Any], settings: Mapping[str, Any], funnel: str) -> str:
    said = ["## How it was made"]
    stages = facts.get("lineage", {}).get("stages") or []
    if stages:
        said.append(
            "Stages, each with its config, inputs, counts and versions in `lineage.json`, "
            "back to the archives:"
        )
        rows = [
            [s["stage"], _number(s["records_in"]), _number(s["kept"]), f"`{s['fingerprint'][:16]}`"]
            for s in stages
        ]
        said.append(_table(["stage", "records in", "kept", "fingerprint"], rows))
    said.append(f"Of the documents that came into this data set (seed {settings.get('seed', 0)}):")
    said.append(f"```\n{funnel}\n```")
    return "\n\n".join(said)


def _heldout(settings: Mapping[str, Any]) -> str:
    fraction = float(settings.get("heldout_fraction") or 0.0)
    if not fraction:
        return "## Held-out data\n\nNothing is held out."
    return (
        f"## Held-out data\n\nUp to {fraction:.1%} of each source's tokens are held out, by whole hosts or "
        "source files and never by random rows; of a host that is larger than that, single documents. What "
        "one source holds out is held out in all."
    )


_LIMITS = """
## Limits

Languages, kinds and agent scores are the estimates of classifiers. Licences are what sources and pages state,
and are not legal advice. Removal of personal data, secrets, benchmark items and duplicates is as good as the
stages that `lineage.json` names: a stage that it does not name was not run. Texts may hold errors, opinions
and offensive words.
"""


def _tally(sets: Mapping[str, Any], key: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for content in sets.values():
        for entry in content["sources"].values():
            for name, counts in entry[key].items():
                sums[name] = sums.get(name, 0) + counts["tokens"]
    return sums


def _languages(sets: Mapping[str, Any]) -> list[str]:
    sums = _tally(sets, "languages")
    total = sum(sums.values())
    codes = [name for name in sums if re.fullmatch("[a-z]{2,3}", name)]
    wanted = [name for name in codes if sums[name] >= _LEAST_LANGUAGE_SHARE * total]
    return sorted(wanted, key=lambda name: (-sums[name], name))


def _top(counts: Mapping[str, Mapping[str, int]], most: int = 4) -> str:
    names = [name for name in counts if name not in (UNSTATED, OTHERS)]
    return ", ".join(_cell(name) for name in names[:most])


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines: Iterator[Sequence[str]] = iter([titles, ["---"] * len(titles), *rows])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """A value out of the data, harmless inside a table: on one line, without markup, not too long."""
    plain = "".join(char if char.isprintable() else " " for char in text)[:80]
    return re.sub(r"([\\`*_{}\[\]<>|#!&])", r"\\\1", plain)


def _number(value: int) -> str:
    return f"{value:,}"
