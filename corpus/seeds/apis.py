"""The one rule by which the APIs that an item names are written down, so that they can be counted.

- An HTTP operation is `host METHOD /path`: lower-case host, upper-case method, the path as documented
(with the base path of its server, without query). Without a known host, the API's title stands in its place.
- A function is its dotted name without arguments: `pandas.read_csv`. Where the call loads a named model or
module from a hub, the name belongs to the API and follows in brackets:
`torch.hub.load[pytorch/vision,resnet18]`, because each such entry has a documentation page of its own.
- A shell command is its page's title: the program, with its subcommand where the page documents one.
- A tool or action of an agent is its name as it is defined or called: `Search`; of an action in words the
first one counts (`go` of `go to desk 1`), of a shell command the program.

A seed names the APIs that its text documents, defines as tools at hand, or calls. Names are compared as they
are written, within and across sources: the same name is the same API.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from corpus.seeds.records import words

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MOST_CALL = 4_000  # characters in which the name of what is called must stand
_LOADERS = {"from_pretrained", "load", "pipeline", "KerasLayer", "load_model", "from_hparams", "create_model"}
_CALL = re.compile(r"([A-Za-z_]\w*(?:(?:\.[A-Za-z_]\w*)|(?:\(\)\.[A-Za-z_]\w*))*)\s*\(")
_QUOTED = re.compile(r"""(?:\b(\w+)\s*=\s*)?(['"])([^'"\n]{1,160})\2""")
_HTTP_CALL = re.compile(r"^\s*(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH|TRACE)\s+(\S+)")  # not "put it down"


def http_api(host: str, method: str, path: str) -> str:
    """`host METHOD /path`; `host` may be an address, a bare host, or the API's title."""
    parts = urlsplit(host if "://" in host else f"//{host}")
    name = (parts.hostname or host).lower() if " " not in host else host.strip().lower()
    base = parts.path.rstrip("/") if " " not in host else ""
    inner = urlsplit(path)
    if inner.scheme and inner.netloc:
        name, base, path = inner.hostname or name, "", inner.path
    clean = "/" + path.split("?")[0].lstrip("/")
    return f"{name} {method.upper()} {base}{clean}".strip()


def api_of_call(call: str, host: str = "") -> str:
    """The API behind a call as it is written in a data set: an HTTP request line, a curl command or code."""
    call = words(call)[:_MOST_CALL]
    request = _HTTP_CALL.match(call)
    if request:
        return http_api(host, request.group(1), request.group(2))
    found = _CALL.search(call)
    if not found:
        return call if re.fullmatch(r"[A-Za-z_][\w.\-]*", call) else ""
    name = found.group(1)
    if name.rpartition(".")[2] not in _LOADERS:
        return name.replace("()", "")
    arguments = call[found.end() :]
    named = [
        value for key, _, value in _QUOTED.findall(arguments) if key in ("", "model", "repo_or_dir", "source")
    ]
    return f"{name}[{','.join(named[:2])}]" if named else name
