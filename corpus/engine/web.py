"""Reading from the web: one request at a time, what may be tried again told from what is final.

Statuses 408, 425, 429 and 5xx, timeouts and broken connections pass; all else that a server says is its last
word.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import urllib3

from corpus.engine.attempts import ACCESS, LISTING, Access, Attempts, WebError, seconds_of
from corpus.engine.slots import slot

_CHUNK = 1 << 20
_LEAST_RATE = 1024  # bytes per second; a connection that brings less over a whole timeout is taken for dead
_PASSING = frozenset({408, 425, 429})  # and 5xx, but for methods and versions that a server does not know
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True)
class Answer:
    """What came of a GET: the file from byte `start` on. `size` is that of the whole file, -1: unknown."""

    start: int
    size: int
    version: str  # a strong ETag or a date, empty where there is none
    _response: urllib3.BaseHTTPResponse
    _timeout: float

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they come. Raises WebError where the connection ends early or hardly brings any."""
        began, came = time.monotonic(), 0
        with errors_told():
            while chunk := self._response.read1(_CHUNK):
                yield chunk
                came += len(chunk)
                if (spent := time.monotonic() - began) > self._timeout:
                    if came < _LEAST_RATE * spent:
                        raise WebError(f"only {came:,} bytes came in {spent:.0f} seconds")
                    began, came = time.monotonic(), 0


@contextlib.contextmanager
def get(
    path: str,
    access: Access = ACCESS,
    *,
    start: int = 0,
    end: int | None = None,
    version: str = "",
    token: str = "",
) -> Iterator[Answer]:
    """Ask once for bytes start..end (end excluded), on the condition that the file is still at `version`.

    The answer may begin at 0 all the same: servers need not know ranges. A `token` is sent to this host
    alone, not to one that it redirects to. Raises WebError.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if start or end is not None:
        headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        if version:
            headers["If-Range"] = version
    with _asked("GET", path, access, headers) as response:
        part = _RANGE.match(response.headers.get("Content-Range") or "") if response.status == 206 else None
        if response.status == 206 and (part is None or part[1] is None):
            raise WebError("an answer of status 206 without a range that can be read", final=True)
        if part:
            first, size = int(part[1]), _number(part[2])
        else:
            first, size = 0, _number(response.headers.get("Content-Length"))
        yield Answer(first, size, _version(response), response, access.timeout)


def head(path: str, access: Access = LISTING) -> tuple[int, str]:
    """Size (-1: unknown) and ETag or date of a file, asked for as often as need be. Raises WebError."""
    attempts = Attempts(access)
    while True:
        try:
            return _head(path, access)
        except WebError as error:
            if error.unreached:  # more often a wrong address than a host that is away, and somebody waits
                raise
            attempts.wait(error)


def _head(path: str, access: Access) -> tuple[int, str]:
    try:
        with _asked("HEAD", path, access, {}) as response:
            size, headers = _number(response.headers.get("Content-Length")), response.headers
    except WebError as error:
        if error.status not in (405, 501):  # a server that knows no HEAD
            raise
        with get(path, access, end=1) as answer:
            size, headers = answer.size, answer._response.headers
    return size, headers.get("ETag") or headers.get("Last-Modified") or ""


@contextlib.contextmanager
def _asked(
    method: str, path: str, access: Access, headers: dict[str, str]
) -> Iterator[urllib3.BaseHTTPResponse]:
    """The response to one request, if its status is a good one."""
    with errors_told():
        address, own = address_of(path)
        fixed = {"User-Agent": "hephaestus-forge/0.1", "Accept-Encoding": "identity"}
    with slot(urlsplit(address).netloc, access.connections):
        with errors_told():
            response = pool(address).request(
                method,
                address,
                headers={**fixed, **own, **headers},
                timeout=urllib3.Timeout(connect=access.timeout, read=access.timeout),
                retries=urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=5),
                preload_content=False,
                decode_content=False,
            )
        try:
            if response.status not in (200, 206):
                raise _refusal(response)
            yield response
        finally:
            if response.length_remaining == 0:
                response.drain_conn()  # nothing is left, and the connection learns that it is free
            else:
                response.close()
            response.release_conn()


def _refusal(response: urllib3.BaseHTTPResponse) -> WebError:
    status = response.status
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    note = " (some hosts, Common Crawl's among them, say so of files that do not exist)" * (status == 403)
    error = WebError(
        f"{status} {phrase}".rstrip() + note,
        final=status not in _PASSING and (status < 500 or status in (501, 505)),
    )
    error.status = status
    error.retry_after = seconds_of(response.headers.get("Retry-After") or "")
    return error


@contextlib.contextmanager
def errors_told() -> Iterator[None]:
    """The many errors of a connection as WebError, in words without the address."""
    try:
        yield
    except urllib3.exceptions.HTTPError as error:
        cause: BaseException = error
        if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
            cause = error.reason
        told = WebError(_words(cause), final=_is_final(cause))
        told.unreached = isinstance(cause, urllib3.exceptions.NewConnectionError)
        raise told from None
    except (ConnectionError, TimeoutError) as error:
        raise WebError(_words(error)) from None
    except (ValueError, UnicodeError) as error:  # an address that is none
        raise WebError(f"not an address: {_words(error)}", final=True) from None


def _is_final(error: BaseException) -> bool:
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return getattr(error.__cause__, "errno", None) != socket.EAI_AGAIN
    return isinstance(
        error,
        (
            urllib3.exceptions.SSLError,
            urllib3.exceptions.ResponseError,  # too many redirects
            urllib3.exceptions.LocationValueError,
        ),
    )


def _words(error: BaseException) -> str:
    if error.args and isinstance(error.args[-1], Exception):  # what urllib3 wraps
        return _words(error.args[-1])
    if isinstance(error, urllib3.exceptions.IncompleteRead):
        return f"the connection ended {error.expected:,} bytes early"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "timed out"
    text = str(error.args[-1] if error.args else "") or type(error).__name__
    return re.sub(r"^<.*?>: |^HTTPS?Connection(Pool)?\(.*?\): ", "", text.splitlines()[0]).rstrip(".")


def address_of(path: str) -> tuple[str, dict[str, str]]:
    """The address as it is asked for, and headers: a user and password become one that no redirect to
    another host carries along."""
    parts = urlsplit(path)
    user, at, host = parts.netloc.rpartition("@")
    address = urlunsplit((parts.scheme, host, quote(parts.path, safe="/%=:+,~!$&()@;*'"), parts.query, ""))
    if not at:
        return address, {}
    secret = base64.b64encode(unquote(user).encode()).decode()
    return address, {"Authorization": f"Basic {secret}"}


def _proxy_of(address: str) -> str:
    parts = urlsplit(address)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    return "" if not proxy or urllib.request.proxy_bypass(parts.hostname or "") else proxy


def pool(address: str, connections: int = 8) -> urllib3.PoolManager:
    """Connections that are kept and used again: an index asks one host thousands of times."""
    return _manager(os.getpid(), _proxy_of(address), connections)


@lru_cache(maxsize=8)
def _manager(process: int, proxy: str, size: int) -> urllib3.PoolManager:  # noqa: ARG001 - sockets do not survive a fork
    if not proxy:
        return urllib3.PoolManager(num_pools=32, maxsize=size)
    user = urlsplit(proxy).netloc.rpartition("@")[0]
    headers = urllib3.make_headers(proxy_basic_auth=unquote(user)) if user else None
    return urllib3.ProxyManager(proxy, num_pools=32, maxsize=size, proxy_headers=headers)


def _version(response: urllib3.BaseHTTPResponse) -> str:
    etag = response.headers.get("ETag") or ""
    strong = "" if etag.startswith("W/") else etag  # a weak one does not promise equal bytes
    return strong or response.headers.get("Last-Modified") or ""


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else -1
