"""The three kinds of error and the exit codes that scripts may rely on.

A user's error is answered with one sentence and no traceback; an error of the data is a ledger row
until too many of them pass a limit; everything else is ours and keeps its traceback (exit code 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

EXIT_OK = 0
EXIT_BUG = 1
EXIT_USER = 2
EXIT_DATA = 3
EXIT_PIPE = 141  # what a shell reports for a program whose reader went away


class ForgeError(Exception):
    """An error with a sentence for people; `exit_code` is what the job ends with."""

    exit_code = EXIT_BUG


class UserError(ForgeError):
    """Something that the caller can put right: a key, a path, a missing program. Says the way out."""

    exit_code = EXIT_USER


class DataError(ForgeError):
    """The data passed a limit: too many failed records, nothing kept, counts that do not add up."""

    exit_code = EXIT_DATA


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint that ends the sentence about an unknown `name`: the nearest valid one, or all of them."""
    choices = sorted(valid)
    close = get_close_matches(name, choices, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"valid are: {', '.join(choices)}."
