"""How often a store is asked again, and after what wait.

Waits grow, are spread at random and honour Retry-After, as crawl hosts ask of their readers.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds before each further attempt, before jitter
RETRY_AFTER_MOST = 300.0  # seconds; a server that asks for more is asked again after this
_JITTER = random.SystemRandom()  # decides when, never what


@dataclass(frozen=True)
class Access:
    """How hosts on the web are asked. `connections` counts for one host and all processes of a machine."""

    connections: int = 2
    pauses: tuple[float, ...] = PAUSES
    timeout: float = 60.0  # seconds without a byte


ACCESS = Access()
LISTING = Access(connections=4, pauses=PAUSES[:4])  # questions without a body, and somebody waits for them


class WebError(OSError):
    """A request that brought nothing, or not all. `final`: asking again would bring the same answer."""

    status: int | None = None
    retry_after = 0.0  # seconds
    unreached = False  # no connection came about

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class Attempts:
    """Counts attempts at one file and waits between them."""

    def __init__(self, access: Access, sleep: Callable[[float], object] = time.sleep) -> None:
        self._access, self._sleep = access, sleep
        self._left = iter(access.pauses)

    def wait(self, error: WebError, *, progress: bool = False) -> None:
        """Wait for the next attempt, or raise `error` if it is final or was the last one.

        After `progress` the count begins anew: a long file may well break more often than a short one.
        """
        if progress:
            self._left = iter(self._access.pauses)
        pause = next(self._left, None)
        if error.final or pause is None:
            raise error
        self._sleep(max(_JITTER.uniform(0.5, 1.5) * pause, min(error.retry_after, RETRY_AFTER_MOST)))


def seconds_of(retry_after: str) -> float:
    """The wait that a Retry-After header asks for, in seconds or until a date; 0 where it says nothing."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=timezone.utc)
    return max(0.0, (until - datetime.now(timezone.utc)).total_seconds())
