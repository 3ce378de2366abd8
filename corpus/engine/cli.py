"""The command line that every job shares.

    JOB [--config FILE] [--help | --print-config | --dry-run | --plan] [key=value ...]

A job is a config dataclass and a function from that config to a result whose `str` is worth printing.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from corpus.engine.config import build, describe_keys, load_yaml, to_yaml
from corpus.engine.errors import EXIT_BUG, EXIT_OK, EXIT_PIPE, ForgeError, UserError, nearest
from corpus.engine.overrides import with_overrides

ConfigT = TypeVar("ConfigT")
_MODES = ("--help", "--print-config", "--dry-run", "--plan")


@dataclass(frozen=True)
class Words:
    """A command line, parted into its kinds of word."""

    config_file: str | None
    mode: str  # run | help | print-config | dry-run | plan
    overrides: tuple[str, ...]


def run_job(
    config_type: type[ConfigT],
    run: Callable[[ConfigT], object],
    *,
    description: str,
    plan: Callable[[ConfigT], str] | None = None,
    forecast: Callable[[ConfigT], str] | None = None,
    argv: Sequence[str] | None = None,
) -> int:
    """Run one job from its command line and return the exit code: 0, 1 (bug), 2 (user), 3 (data).

    `plan` answers --dry-run: what the job would read, do and write, found without doing it. `forecast`
    answers --plan, for jobs that have one: what the job would cost, from a sample of its input.
    """
    try:
        words = parse(sys.argv[1:] if argv is None else argv, config_type)
        if words.mode == "help":
            print(help_page(config_type, description, forecast=forecast is not None))
            return EXIT_OK
        where = f"{words.config_file} or the command line" if words.config_file else "the command line"
        config = build(config_type, with_overrides(_file(words), words.overrides), where=where)
        if words.mode == "print-config":
            print(to_yaml(config), end="")
        elif words.mode == "dry-run":
            print(plan(config) if plan else to_yaml(config), end="\n" if plan else "")
        elif words.mode == "plan":
            if forecast is None:
                raise UserError("this job has no --plan; --dry-run says what it would read, do and write.")
            print(forecast(config))
        else:
            result = run(config)
            if result is not None:
                print(result)
        return EXIT_OK
    except ForgeError as error:
        if error.exit_code == EXIT_BUG:
            traceback.print_exc()
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except KeyboardInterrupt:
        print("interrupted; the same command continues.", file=sys.stderr)
        return 130
    except Exception:
        traceback.print_exc()
        print("error: this is a fault of the program; please report the lines above.", file=sys.stderr)
        return EXIT_BUG


def parse(argv: Sequence[str], config_type: type[Any]) -> Words:
    """Part the words of a command line. Raises UserError for a flag that does not exist."""
    flags = {f.metadata["flag"]: f.name for f in fields(config_type) if f.metadata.get("flag")}
    known = ["--config", *_MODES, *flags]
    config_file, mode, overrides = None, "run", []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, sign, value = word.partition("=")
        if word in _MODES or word == "-h":
            mode = "help" if word == "-h" else word[2:]
        elif name == "--config" or name in flags:
            if not sign:
                if not rest:
                    raise UserError(f"{name} needs a value.")
                value = rest.pop(0)
            if name == "--config":
                config_file = value
            else:
                overrides.append(f"{flags[name]}={value}")
        elif word.startswith("-"):
            raise UserError(f"unknown flag '{name}': {nearest(name, known)}")
        else:
            overrides.append(word)
    return Words(config_file, mode, tuple(overrides))


def help_page(config_type: type[Any], description: str, *, forecast: bool = False) -> str:
    """The text of --help: what the job is for, its flags, and each key with type, bounds and default."""
    modes = " | ".join(["--dry-run", *(["--plan"] if forecast else []), "--print-config", "--help"])
    usage = f"usage: [--config FILE] [{modes}] [key=value ...]"
    lines = [description.strip(), "", usage, ""]
    for key, kind, text in describe_keys(config_type):
        lines += [f"  {key}   [{kind}]", f"      {text}"]
    return "\n".join(lines)


def _file(words: Words) -> dict[str, Any]:
    return load_yaml(words.config_file) if words.config_file else {}
