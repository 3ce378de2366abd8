"""One POST to a chat endpoint, and what its answer means: served, passing, refused, or wrong for good."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

import urllib3

from corpus.engine.attempts import RETRY_AFTER_MOST, WebError, seconds_of
from corpus.engine.endpoint.budget import Cost
from corpus.engine.web import errors_told, pool

_MOST_BYTES = 8 << 20  # of an answer; the longest texts that models write are a tenth of it
_CHUNK = 1 << 16
_PASSING = frozenset({408, 425, 429})
_FOR_THE_REQUEST = frozenset({400, 413, 422})
_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:sk|pk|key|tok|Bearer)[-_ ][\w*.-]{6,}", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - an answer about one request, not a fault
    """The endpoint does not take this request; asking again would not change that."""


class Fatal(Exception):  # noqa: N818
    """The endpoint takes no request of this kind: key, address, model or credit are wrong."""


@dataclass(frozen=True)
class Completion:
    """`cost` is None where the endpoint does not count tokens. `cut`: it ended at max_tokens."""

    text: str
    cut: bool
    cost: Cost | None


@dataclass(frozen=True)
class Line:
    """The way to one endpoint."""

    address: str
    key: str
    timeout: float
    connections: int

    def post(self, body: dict[str, Any]) -> Completion:
        """Raises WebError (its `unreached`: nothing was sent), Refused or Fatal."""
        data = json.dumps(body, ensure_ascii=True).encode("ascii")
        headers = {"Content-Type": "application/json", "User-Agent": "hephaestus-forge/0.1"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        deadline = time.monotonic() + self.timeout
        with errors_told():
            response = pool(self.address, self.connections).request(
                "POST",
                self.address,
                body=data,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(self.timeout, 30.0), read=self.timeout),
                retries=False,
                redirect=False,  # the key and the pages go to the address that was named, and to no other
                preload_content=False,
            )
            try:
                answer = _read(response, deadline)
            finally:
                if response.length_remaining == 0:
                    response.drain_conn()
                else:
                    response.close()
                response.release_conn()
        if response.status != 200:
            raise self._refusal(response.status, answer, response.headers.get("Retry-After") or "")
        return _completion(answer)

    def _refusal(self, status: int, answer: bytes, retry_after: str) -> Exception:
        said = self.clean(_message(answer))
        why = f"{status}{f': {said}' if said else ''}"
        broke = status == 429 and b"insufficient_quota" in answer
        if not broke and (status in _PASSING or (status >= 500 and status not in (501, 505))):
            error = WebError(why)
            error.status = status
            error.retry_after = min(seconds_of(retry_after), RETRY_AFTER_MOST)
            return error
        if status in _FOR_THE_REQUEST:
            return Refused(why)
        if 300 <= status < 400:
            return Fatal(f"{status}: it points to another address, which is not followed")
        return Fatal(why)

    def clean(self, text: str) -> str:
        """`text` of a server without what it may repeat of the key, on one short line."""
        if self.key:
            text = text.replace(self.key, "<key>")
        return _LOOKS_LIKE_A_KEY.sub("<key>", " ".join(text.split()))[:300].rstrip(". ")


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    data = bytearray()
    while chunk := response.read1(_CHUNK):
        data += chunk
        if len(data) > _MOST_BYTES:
            raise WebError(f"the answer has more than {_MOST_BYTES:,} bytes", final=True)
        if time.monotonic() > deadline:  # a server that sends a byte now and then never times out by itself
            raise WebError("timed out")
    return bytes(data)


def _message(answer: bytes) -> str:
    """The endpoint's own sentence about an error, whatever form it has."""
    text = answer[:20_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return re.sub(r"<[^>]*>", " ", text)
    for _ in range(3):
        if not isinstance(found, dict):
            break
        found = next((found[name] for name in ("error", "message", "detail") if found.get(name)), "")
    return found if isinstance(found, str) else json.dumps(found)


def _completion(answer: bytes) -> Completion:
    """Raises WebError where the body is no chat completion: a proxy in trouble answers so with status 200."""
    try:
        found = json.loads(answer)
        choice = found["choices"][0]
        message = choice["message"]
        text = message.get("content") or message.get("refusal") or ""
        if isinstance(text, list):  # parts, as some servers give them
            text = "".join(str(part.get("text", "")) for part in text)
        return Completion(str(text), choice.get("finish_reason") == "length", _usage(found.get("usage")))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise WebError("the answer is no chat completion") from None


def _usage(usage: Any) -> Cost | None:
    if not isinstance(usage, dict):
        return None
    counts = [usage.get("prompt_tokens"), usage.get("completion_tokens", 0)]
    if any(isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < 1 << 31 for n in counts):
        return None
    return Cost(int(counts[0] or 0), int(counts[1] or 0))
