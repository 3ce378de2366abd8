"""Running the road: fill in what was not given, start where it stopped, say what each stage did."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from corpus.engine import manifest, storage
from corpus.engine.claim import CLAIM
from corpus.engine.config import to_dict
from corpus.engine.errors import ForgeError, UserError
from corpus.forge.config import EMBEDDED, STAGES, ForgeConfig, Workspace
from corpus.forge.stages import Step, steps
from corpus.forge.trainer import train
from corpus.report.run import Report

# What a stage leaves in its own folder, finished or not: only a folder with one of them is ever removed.
_TRACES = (manifest.MANIFEST, CLAIM, "stats.json", "stage1/config.yaml", "stage1/metrics.jsonl")


def run(config: ForgeConfig) -> str:
    """Run what is not yet done and return the closing line."""
    started, space = time.monotonic(), Workspace(config.output.rstrip("/"))
    demonstration = config.is_demonstration
    steps(config, space)  # refuses a wrong setting before anything is written or removed
    if config.from_stage:
        clear_from(space, config.from_stage, given_paths(config))
    config = with_embedded_data(config, space)
    todo: dict[str, Step] = {**steps(config, space), "train": partial(train, config, space)}
    say(f"progress, from another terminal: {watch_command(config, space)}")
    warned = ""
    for stage in config.stages:
        say(f"\n== {stage} -> {space[stage]}")
        try:
            result = todo[stage]()
            if isinstance(result, Report):  # its warnings are the last thing that is said
                say(f"report: {result.path}")
                warned = result.brief(most=5)
            else:
                say(str(result))
        except ForgeError as error:
            error.args = (f"{error} The road stopped at '{stage}'; --from {stage} starts again from there.",)
            raise
    if demonstration:
        from corpus.demo.road import score_against_truth

        say("\n== recall and precision against the planted truth")
        stages = ("filter", "dedup", "hygiene", "match")
        say(score_against_truth(config.input[0], *(space[stage] for stage in stages)))
    said = f"\nthe whole road took {time.monotonic() - started:.0f} s; {look_at(config, space)}\n{warned}"
    return said.rstrip()


def plan(config: ForgeConfig) -> str:
    """What the command would do, stage by stage, without doing it."""
    space = Workspace(config.output.rstrip("/"))
    steps(config, space)
    lines = [f"input: {', '.join(config.input) or 'the embedded crawl'}", mix_note(config)]
    for stage in config.stages:
        again = config.from_stage and STAGES.index(stage) >= STAGES.index(config.from_stage)
        done = manifest.is_finished(space[stage]) and not again
        lines.append(f"  {stage:<11} {space[stage]}: {'finished, is checked and kept' if done else 'runs'}")
    return "\n".join(line for line in lines if line)


def clear_from(space: Workspace, stage: str, inputs: list[str]) -> None:
    """Remove the folders of `stage` and all behind it, but none that no stage has made or that is read."""
    folders = [space[later] for later in STAGES[STAGES.index(stage) :]]
    read = [storage.absolute(path) for path in inputs]
    for folder in folders:
        whole = storage.absolute(folder)
        if any(path == whole or path.startswith(whole + "/") for path in read):
            raise UserError(f"{folder} is an input of this run and would be removed; choose another output=.")
        foreign = storage.list_files(folder) and not any(
            storage.exists(storage.join(folder, trace)) for trace in _TRACES
        )
        if foreign:
            raise UserError(f"{folder} was not made by the road and is not removed; choose another output=.")
    for folder in folders:
        storage.remove(folder)


def given_paths(config: ForgeConfig) -> list[str]:
    """Every word of the config that may name something to read, in the settings of single stages too."""

    def words(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from (word for one in value.values() for word in words(one))
        elif isinstance(value, Sequence):
            yield from (word for one in value for word in words(one))

    unread = {"output", "from_stage", "skip", "master", "launcher"}
    return [word for key, value in to_dict(config).items() if key not in unread for word in words(value)]


def with_embedded_data(config: ForgeConfig, space: Workspace) -> ForgeConfig:
    """Put the embedded data, written into the workspace, where they are named or nothing is given at all.

    With a crawl of the user's own, code and text that are not given stay out of the mix: nobody wants a
    demonstration's text in a real corpus.
    """
    from corpus.demo.road import embedded

    def filled(given: tuple[str, ...], part: str, default: bool) -> tuple[str, ...]:
        paths = given or ((EMBEDDED,) if default else ())
        return tuple(embedded(part, space.root) if path == EMBEDDED else path for path in paths)

    if mix_note(config):
        say(mix_note(config))
    demonstration = config.is_demonstration
    return replace(
        config,
        input=filled(config.input, "crawl", True),
        seeds=filled(config.seeds, "seeds", True),
        benchmarks=filled(config.benchmarks, "benchmarks", demonstration),
        code=filled(config.code, "code", demonstration),
        text=filled(config.text, "text", demonstration),
    )


def mix_note(config: ForgeConfig) -> str:
    """What stage I lacks, in a sentence; empty if nothing."""
    missing = [name for name in ("code", "text") if not getattr(config, name)]
    if config.is_demonstration or not missing:
        return ""
    given, without = "= and no ".join(missing), " and ".join(missing)
    return f"note: no {given}= was given, so stage 1 is mixed without {without}."


def watch_command(config: ForgeConfig, space: Workspace) -> str:
    skip = f" skip={','.join(config.skip)}" if config.skip else ""
    return f"python jobs/status.py input={shlex.quote(space.root)} watch=5{skip}"


def look_at(config: ForgeConfig, space: Workspace) -> str:
    if "report" in config.skip:
        return f"the shards are in {space['shard']}"
    return f"look at {storage.join(space['report'], 'index.html')}"


def say(text: str) -> None:
    print(text, flush=True)
