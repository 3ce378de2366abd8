"""A look-ahead buffer over a stream of bytes that may be damaged below."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_NEWLINES = re.compile(rb"[\r\n]*")
_STEP = 1 << 20


class StreamDamageError(Exception):
    """The bytes below the records cannot be read on; raised by chunk iterators, kept by Window."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Window:
    """Damage below ends the stream and is kept in `damage`.

    `chunks(n)` gives the bytes of the stream from the n-th on, as often as it is asked.
    """

    def __init__(self, chunks: Callable[[int], Iterator[bytes]]) -> None:
        self._open = chunks
        self._chunks = chunks(0)
        self._buffer = b""
        self._at = 0
        self.position = 0  # bytes taken or skipped so far
        self.damage: str | None = None

    def peek(self, n: int) -> bytes:
        """Up to `n` bytes; fewer only at the end of the stream."""
        self._fill(n)
        return self._buffer[self._at : self._at + n]

    def take(self, n: int) -> bytes:
        data = self.peek(n)
        self._at += len(data)
        self.position += len(data)
        return data

    def take_until(self, ends: tuple[bytes, ...], limit: int) -> bytes | None:
        """Take what comes up to and with the first of `ends`; None if there is none within the limit."""
        size = min(4 << 10, limit)
        while True:
            ahead = self._fill(size)
            stop = self._at + min(ahead, size)
            found = [at + len(end) for end in ends if (at := self._buffer.find(end, self._at, stop)) >= 0]
            if found:
                return self.take(min(found) - self._at)
            if ahead < size or size >= limit:
                return None
            size = min(4 * size, limit)

    def skip(self, n: int) -> int:
        """Pass over `n` bytes without holding them; the number that were there."""
        left = n
        while left > 0 and (step := min(left, self._fill(1))):
            self._at += step
            self.position += step
            left -= step
        return n - left

    def skip_newlines(self) -> None:
        while True:
            newlines = _NEWLINES.match(self._buffer, self._at)
            end = newlines.end() if newlines else self._at
            self.position += end - self._at
            self._at = end
            if end < len(self._buffer) or not self._fill(1):
                return

    def skip_to(self, pattern: re.Pattern[bytes], overlap: int, limit: int | None = None) -> bool:
        """Pass over everything before the next match, or over all (`limit` bytes) that is left.

        A match may be up to `overlap` bytes long, and end behind the limit. Returns whether there was one.
        """
        left = limit
        while left is None or left > 0:
            wanted = _STEP if left is None else min(_STEP, left + overlap)
            data = self.peek(wanted)
            found = pattern.search(data)
            if found and (left is None or found.start() < left):
                self.skip(found.start())
                return True
            passed = self.skip(len(data) - overlap if len(data) == wanted else min(len(data), left or wanted))
            if not passed:
                return False
            left = None if left is None else left - passed
        return False

    def distance_to(self, pattern: re.Pattern[bytes], overlap: int, limit: int) -> int | None:
        """How many bytes, fewer than `limit`, lie before the next match, found without holding many more."""
        size = 0
        while size < limit:
            size = min(limit, max(4 << 10, 4 * size))
            data = self.peek(size + overlap)
            if found := pattern.search(data):
                return found.start() if found.start() < limit else None
            if len(data) < size:
                break
        return None

    def rewind(self, position: int) -> None:
        """Go back to where the stream was at `position`, by reading it again."""
        self._chunks, self._buffer, self._at = self._open(position), b"", 0
        self.position, self.damage = position, None

    def drain(self) -> None:
        while self.skip(_STEP):
            pass

    def push_back(self, data: bytes) -> None:
        """Undo the last `take` for its final `len(data)` bytes."""
        self._buffer = data + self._buffer[self._at :]
        self._at = 0
        self.position -= len(data)

    def _fill(self, n: int) -> int:
        """Have at least `n` bytes ahead, if there are so many; the number that are ahead."""
        ahead = len(self._buffer) - self._at
        if ahead >= n:
            return ahead
        parts = [self._buffer[self._at :]] if ahead else []
        while ahead < n:
            try:
                chunk = next(self._chunks, b"")
            except StreamDamageError as damage:
                self.damage, chunk = damage.reason, b""
                self._chunks = iter(())
            if not chunk:
                break
            parts.append(chunk)
            ahead += len(chunk)
        self._buffer, self._at = b"".join(parts) if len(parts) != 1 else parts[0], 0
        return ahead
