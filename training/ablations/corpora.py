"""The corpus of each cell, built by the jobs of the road as commands; cells share what they have alike."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from corpus.engine import manifest
from corpus.engine.errors import EXIT_DATA, EXIT_USER, ForgeError
from training.ablations import exam
from training.ablations.config import AblationConfig, CellConfig

JOBS = Path(__file__).resolve().parents[2] / "jobs"
EXAM = "seeds.jsonl"
EMBEDDED = "embedded"  # in place of a path: what the workspace took from what the project brings along
_REPEAT = 100  # passes over a source at most: the mix is what the shares say, whatever a source holds
# Neither classifier nor rules on content: what is left are pages that can be read.
_UNFILTERED = {
    "threshold": 0.0,
    "prefilter_threshold": 0.0,
    "light_threshold": 0.0,
    "second": False,
    "min_words": 1,
}


class JobError(ForgeError):
    """A job ended before its end; the exit code is its own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code if code in (EXIT_USER, EXIT_DATA) else 1


@dataclass(frozen=True)
class Step:
    """A job with its settings. Its config and its log lie beside its output folder, under that one's name."""

    job: str
    folder: Path
    settings: Mapping[str, Any]

    def run(self, launcher: str) -> None:
        """Once: with the same settings again nothing is done, and with others the job itself refuses."""
        config, log = (self.folder.with_name(f"{self.folder.name}.{kind}") for kind in ("yaml", "log"))
        asked = str(yaml.safe_dump({**self.settings, "output": str(self.folder)}, sort_keys=True))
        if (self.folder / "_SUCCESS").is_file() and config.is_file() and config.read_text("utf-8") == asked:
            return
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(asked, "utf-8")
        program = [*(shlex.split(launcher) or [sys.executable]), str(JOBS / f"{self.job}.py")]
        program += ["--config", str(config)]
        with open(log, "a", encoding="utf-8") as stream:
            code = subprocess.run(
                program, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
            ).returncode
        if code:
            said = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
            reason = next((line for line in reversed(said) if line.startswith("error:")), " ".join(said[-1:]))
            raise JobError(f"{self.job} of {self.folder.name} ended with code {code}: {reason} ({log})", code)


@dataclass
class Corpora:
    """The steps that the cells need, in order, each once; `shards` by cell."""

    config: AblationConfig
    steps: dict[Path, Step] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return Path(self.config.output) / "corpora"

    @property
    def exam(self) -> Path:
        return Path(self.config.output) / EXAM

    def shards(self, cell: CellConfig) -> Path:
        """Plan what this cell needs; returns the folder of its shards."""
        sources = self._sources(cell)
        share = self.config.agent_share if cell.agent_share is None else cell.agent_share
        name = f"{self._name(cell)}-{share:g}"
        values: dict[str, Any] = {"input": sources, "tokens": self.config.tokens, "heldout_fraction": 0.0}
        values["tokenizer"] = f"{self.config.workspace}/shards/tokenizer"
        if any(source in sources for source in ("code", "text")):
            values["agent_share"] = share
        return self._add("shard", Path(self.config.output) / "shards" / name, values)

    def _sources(self, cell: CellConfig) -> dict[str, dict[str, Any]]:
        seeds, part = self._seeds(), self.config.seeds_share
        agent = {"group": "agent", "repeat": _REPEAT}
        found = {"examples": {"path": [str(seeds)], "set": "stage2", "repeat": _REPEAT}}
        if cell.retrieved:
            found["retrieved"] = {"path": self._pages(cell), "weight": round(1 - part, 6), **agent}
        if part or not cell.retrieved:
            found["seeds"] = {"path": [str(seeds)], "weight": part or 1.0, **agent}
        for name, paths in (("code", self.config.code), ("text", self.config.text)):
            if paths:
                places = [
                    f"{self.config.workspace}/embedded/{name}" if path == EMBEDDED else path for path in paths
                ]
                found[name] = {"path": places, "repeat": _REPEAT}
        return found

    def _name(self, cell: CellConfig) -> str:
        if not cell.retrieved:
            return "seeds"
        if cell.corpus:
            return f"corpus-{manifest.hash_of(list(cell.corpus))[:8]}"
        parts = (("all", "filtered")[cell.filtered], *(["unique"] * cell.deduplicated))
        return "-".join((*parts, *(["matched"] * cell.matched)))

    def _seeds(self) -> Path:
        return self._clean("seeds", [f"{self.config.workspace}/clean_seeds"])

    def _pages(self, cell: CellConfig) -> list[str]:
        """The pages of a cell behind each step that it has, decontaminated in every case."""
        if cell.corpus:
            return self._foreign(cell)
        workspace = Path(self.config.workspace)
        name, pages = "filtered", workspace / "pages"
        if not cell.filtered:
            crawl = manifest.read(str(workspace / "pages")).config
            values = {"input": list(crawl["input"]), "base": crawl.get("base", ""), **_UNFILTERED}
            values |= {"classifier": f"{workspace}/classifier", "quality": _no_rules(self.config.spark)}
            name, pages = "all", self._add("filter", self.root / "all", values)
        if cell.deduplicated:
            pages = workspace / "unique" if cell.filtered else self._add(
                "dedup", self.root / f"{name}-unique",
                {"input": [str(pages)], "index": [f"{workspace}/clean_seeds"]})  # fmt: skip
            name = f"{name}-unique"
        pages = self._clean(name, [str(pages)])
        if cell.matched:
            values = {"seeds": [str(self._seeds())], "input": [str(pages)]}
            pages = self._add("match", self.root / f"{name}-matched", values)
        return [str(pages)]

    def _foreign(self, cell: CellConfig) -> list[str]:
        if all(path.endswith(".parquet") or any(Path(path).rglob("*.parquet")) for path in cell.corpus):
            return [str(self._clean(self._name(cell), list(cell.corpus)))]
        return list(cell.corpus)

    def _clean(self, name: str, paths: list[str]) -> Path:
        """Without items of the benchmarks, and for the seeds that means without the held-out ones."""
        items = [str(self.exam)] if self.config.held_out else []
        items += [of.path for of in self.config.benchmarks.values()]
        return self._add("hygiene", self.root / f"{name}-clean", {"input": paths, "benchmarks": items})

    def _add(self, job: str, folder: Path, values: Mapping[str, Any]) -> Path:
        self.steps.setdefault(folder, Step(job, folder, {**values, **self.config.set.get(job, {})}))
        return folder


@cache
def _no_rules(launcher: str) -> dict[str, None]:
    """All quality rules of the filter, switched off; the job itself says which there are."""
    program = [*(shlex.split(launcher) or [sys.executable]), str(JOBS / "filter.py")]
    program += ["--print-config", "input=x", "classifier=x", "output=x"]
    said = subprocess.run(program, capture_output=True, text=True, check=False)
    if said.returncode:
        raise JobError(f"filter does not tell its settings: {said.stderr.strip()}", said.returncode)
    return dict.fromkeys(yaml.safe_load(said.stdout)["quality"])


def build(config: AblationConfig, cells: Mapping[str, CellConfig], say: Any) -> dict[str, Path]:
    """Build the corpora of these cells; returns the folder of each one's shards."""
    corpora = Corpora(config)
    Path(config.output).mkdir(parents=True, exist_ok=True)
    if config.held_out:
        exam.write_exam(Path(config.workspace), config.held_out, corpora.exam)
    folders = {name: corpora.shards(cell) for name, cell in cells.items()}
    for number, step in enumerate(corpora.steps.values(), 1):
        say(f"{number} of {len(corpora.steps)}: {step.job} -> {step.folder}")
        step.run(config.spark)
    return folders
