"""OpenAPI 3 and Swagger 2: one seed per operation, rendered as a page of API reference.

Follows the OpenAPI Specification 3.0.3 and Swagger 2.0. Only references within the document (`#/...`) are
followed; schemas are rendered to a bounded depth, so that recursive ones end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.adapters.schemas import Document, describe_type, example_of, field_rows
from corpus.seeds.apis import METHODS, http_api
from corpus.seeds.records import Draft, Malformed, fenced, mapping, sequence, words
from corpus.seeds.render import Example, Parameter, Tool, tool_doc

MOST_RESPONSES = 8


def accepts(_path: str, value: Any) -> bool:
    return isinstance(value, Mapping) and ("openapi" in value or "swagger" in value)


def render(_path: str, value: Any) -> Iterator[Draft]:
    """Drafts of all operations in the order of the document. Raises Malformed where `paths` is no mapping."""
    document = Document(mapping(value))
    paths = document.root.get("paths")
    if not isinstance(paths, Mapping):
        raise Malformed("the specification has no mapping 'paths'")
    for route, entry in paths.items():
        shared = document.resolve(entry)
        for method in METHODS:
            operation = shared.get(method)
            if isinstance(operation, Mapping):
                yield _operation(document, method, str(route), operation, sequence(shared.get("parameters")))


def _operation(
    document: Document, method: str, route: str, operation: Mapping[str, Any], shared: list[Any]
) -> Draft:
    info = mapping(document.root.get("info"))
    api = words(info.get("title")) or "API"
    title = (
        words(operation.get("summary")) or words(operation.get("operationId")) or f"{method.upper()} {route}"
    )
    base = base_url(document)
    parameters, body = _parameters(document, operation, shared)
    about = words(operation.get("description"))
    version = words(info.get("version"))
    deprecated = "Deprecated: this operation should no longer be used."
    fields, form = _body(document, body)
    sections = (("Request body", form), ("Responses", _responses(document, operation)))
    example = _request(base, method, route, body and example_of(document, body))
    return tool_doc(
        Tool(
            title,
            "\n\n".join([deprecated] * (operation.get("deprecated") is True) + [about] * (about != title)),
            f"{method.upper()} {route}",
            tuple(pair for pair in (("API", api), ("Version", version), ("Base URL", base)) if pair[1]),
            tuple(_parameter(document, one) for one in parameters) + fields,
            tuple(pair for pair in sections if pair[1]),
            (Example(example, "bash", "Example request"),),
            title=f"{api}: {title}",
            apis=(http_api(base or api, method, route),),
        )
    )


def base_url(document: Document) -> str:
    """The address of the API; empty where unnamed.

    OpenAPI 3 has the first server's address, Swagger 2 scheme, host and base path.
    """
    servers = sequence(document.root.get("servers"))
    if servers:
        url = words(mapping(servers[0]).get("url"))
        for name, variable in mapping(mapping(servers[0]).get("variables")).items():
            url = url.replace("{" + str(name) + "}", words(mapping(variable).get("default")))
        return url.rstrip("/") if "://" in url else ""
    host = words(document.root.get("host"))
    if not host:
        return ""
    schemes = [words(s) for s in sequence(document.root.get("schemes"))]
    scheme = "https" if "https" in schemes or not schemes else schemes[0]
    return f"{scheme}://{host}{words(document.root.get('basePath')).rstrip('/')}"


def _parameters(
    document: Document, operation: Mapping[str, Any], shared: list[Any]
) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
    """Parameters without the body, and the schema of the body (empty where there is none)."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for raw in [
        *shared,
        *sequence(operation.get("parameters")),
    ]:  # the operation's own replace the shared ones
        parameter = document.resolve(raw)
        found[(words(parameter.get("in")), words(parameter.get("name")))] = parameter
    bodies = [p for (where, _), p in found.items() if where == "body"]
    plain = [p for (where, name), p in found.items() if where != "body" and name]
    if bodies:
        return plain, document.resolve(bodies[0].get("schema"))
    request = document.resolve(operation.get("requestBody"))
    return plain, _content_schema(document, request)


def _content_schema(document: Document, holder: Mapping[str, Any]) -> Mapping[str, Any]:
    content = mapping(holder.get("content"))
    media = mapping(content.get("application/json") or next(iter(content.values()), None))
    schema = document.resolve(media.get("schema"))
    return {**schema, "example": media["example"]} if "example" in media else schema


def _parameter(document: Document, found: Mapping[str, Any]) -> Parameter:
    schema = document.resolve(found.get("schema")) or found
    about = words(found.get("description")) or words(schema.get("description"))
    kind = describe_type(document, schema)
    name, where = words(found.get("name")), words(found.get("in"))
    return Parameter(name, about, kind, found.get("required") is True, where)


def _body(document: Document, schema: Mapping[str, Any]) -> tuple[tuple[Parameter, ...], str]:
    """The fields of the body; for a body without fields, what it is in words."""
    rows = field_rows(document, schema)
    if not rows:
        return (), describe_type(document, schema) if schema else ""
    return tuple(Parameter(name, about, kind, needed, "body") for name, kind, needed, about in rows), ""


def _responses(document: Document, operation: Mapping[str, Any]) -> str:
    parts, shown = [], False
    for code, raw in list(mapping(operation.get("responses")).items())[:MOST_RESPONSES]:
        response = document.resolve(raw)
        about = words(response.get("description")) or "no description"
        schema = document.resolve(response.get("schema")) or _content_schema(document, response)
        kind = f" ({describe_type(document, schema)})" if schema else ""
        parts.append(f"- {code}: {' '.join(about.split())}{kind}")
        if schema and not shown and str(code).startswith("2"):
            example = example_of(document, schema)
            if example not in (None, {}, [], ""):
                shown = True
                parts.append("\n" + fenced(_json(example), "json") + "\n")
    return "\n".join(parts)


def _request(base: str, method: str, route: str, body: Any) -> str:
    lines = [f"curl --request {method.upper()} '{base}{route}'"]
    if body not in (None, {}, [], "") and not isinstance(body, str):
        lines += ["  --header 'Content-Type: application/json'", f"  --data '{_json(body)}'"]
    return " \\\n".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)[:4000]
