"""The reference: the description of the interface as a page. Pure.

Law: it says what the description says, so it is complete when that is.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import starmap
from typing import Final

import msgspec

from api.http.docs.markdown import anchor, inline
from api.http.openapi_schemas import REFS, Json

KEY: Final = "sf_your_key_here"
"""What stands in examples instead of a key."""

OPTIONAL: Final = ' <span class="small">optional</span>'

LIMITS: Final = {
    "minimum": "from", "maximum": "to", "minLength": "at least", "maxLength": "at most",
    "minItems": "at least", "maxItems": "at most", "pattern": "like", "default": "default",
}  # fmt: skip


def reference(description: Json, address: str, stat: str | None = None) -> str:
    """The inside of the page; `address` leads to the server, `stat` is one of the reader's."""
    groups: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((method, path, operation))
    parts = [
        "<h1>Reference</h1>",
        f"<p>{inline(description['info']['description'])}</p>",
        '<ul class="contents">' + "".join(map(_entry, _all(groups))) + "</ul>",
    ]
    about = {tag["name"]: tag.get("description", "") for tag in description["tags"]}
    for group, operations in groups.items():
        parts += [
            f'<h2 id="{anchor(group)}">{escape(group)}</h2>',
            f"<p>{inline(about[group])}</p>",
        ]
        parts += [_operation(*one, address, stat) for one in operations]
    parts.append('<h2 id="models">Models</h2>')
    schemas: Mapping[str, Json] = description["components"]["schemas"]
    parts += list(starmap(_model, sorted(schemas.items())))
    return "\n".join(parts)


def curl(method: str, path: str, operation: Json, address: str, stat: str | None = None) -> str:
    """A command for a shell, with the examples of what is required; what asks, asks for `stat`."""
    if stat is not None and method == "get":
        path = path.replace("/stats/{id}", f"/stats/{stat}")
    url, query = address + path, operation.get("x-example-query")
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            example = str(parameter.get("example", "ID"))
            url = url.replace(f"{{{parameter['name']}}}", example)
    url = f"{url}?{query}" if query else url
    words = ["curl", *(("-X", method.upper()) if method != "get" else ())]
    if "text/event-stream" in operation["responses"].get("200", {}).get("content", {}):
        words.append("-N")
    lines = [shlex.join([*words, url])]
    if any("key" in way for way in operation["security"]):
        lines.append(f'-H "Authorization: Bearer {KEY}"')
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        if "example" in body:
            example = msgspec.json.encode(body["example"]).decode()
            lines += [f'-H "Content-Type: {media}"', f"-d {shlex.quote(example)}"]
    return " \\\n  ".join(lines)


def _all(groups: Mapping[str, list[tuple[str, str, Json]]]) -> Iterator[tuple[str, str, Json]]:
    for operations in groups.values():
        yield from operations


def _entry(one: tuple[str, str, Json]) -> str:
    _, _, operation = one
    return f'<li><a href="#{operation["operationId"]}">{escape(operation["summary"])}</a></li>'


def _operation(method: str, path: str, operation: Json, address: str, stat: str | None) -> str:
    name = operation["operationId"]
    parts = [
        f'<article id="{name}"><h3><a href="#{name}"><span class="method {method}">'
        f"{method.upper()}</span><code>{escape(path)}</code></a></h3>",
        f"<p><strong>{escape(operation['summary'])}.</strong> {_access(operation)}</p>",
        *(f"<p>{inline(text)}</p>" for text in operation["description"].split("\n\n")),
    ]
    if parameters := operation.get("parameters"):
        parts.append(_table("Parameter", map(_parameter, parameters)))
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body: <code>{escape(media)}</code>, {_type(body['schema'])}</p>")
    example = escape(curl(method, path, operation, address, stat))
    parts.append(f'<figure><figcaption>curl</figcaption><pre tabindex="0">{example}</pre></figure>')
    parts += [_replies(operation["responses"]), "</article>"]
    return "\n".join(parts)


def _access(operation: Json) -> str:
    ways = operation["security"]
    scopes = [scope for way in ways for scope in way.get("key", ())]
    roles = [role for way in ways for role in way.get("session", ())]
    if scopes:
        return (
            f"Needs a key with the scope <code>{escape(scopes[0])}</code>,"
            f" or the role <code>{escape(roles[0])}</code>."
        )
    if any("session" in way for way in ways):
        return "For people who have logged in."
    return "From elsewhere it needs a key." if ways else "Needs no key."


def _parameter(parameter: Json) -> tuple[str, str, str]:
    need = ", required" if parameter["required"] else ""
    place = f'<span class="small">{parameter["in"]}{need}</span>'
    kind = f"{_type(parameter['schema'])} {place}"
    return (
        f"<code>{escape(parameter['name'])}</code>",
        kind,
        inline(parameter.get("description", "")),
    )


def _replies(responses: Json) -> str:
    good, bad = [], []
    for status, response in responses.items():
        for media, body in response.get("content", {"": {}}).items():
            schema = body.get("schema", {})
            if "code" in schema.get("properties", {}):
                codes = "<br>".join(map(inline, schema["description"].split("\n")))
                bad.append((status, codes, ""))
            elif int(status) < 400 or media == "application/json":
                shown = f"<code>{escape(media)}</code>" if media else ""
                good.append((status, escape(response["description"]), f"{shown} {_type(schema)}"))
    problems = f"<details><summary>Problems</summary>{_table('Status', bad)}</details>"
    return _table("Status", good) + problems


def _model(name: str, schema: Json) -> str:
    required = schema.get("required", ())
    rows = [
        (
            f"<code>{escape(field)}</code>",
            _type(shape) + ("" if field in required else OPTIONAL),
            inline(shape.get("description", "")),
        )
        for field, shape in schema.get("properties", {}).items()
    ]
    about = "".join(
        f"<p>{inline(text)}</p>" for text in schema.get("description", "").split("\n\n")
    )
    fields = _table("Field", rows) if rows else f"<p>{_type(schema)}</p>"
    return f'<article id="model-{escape(name)}"><h3>{escape(name)}</h3>{about}{fields}</article>'


def _table(first: str, rows: Iterable[Sequence[str]]) -> str:
    """Rows of three cells that are HTML already."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><tr><th>{first}</th><th></th><th></th></tr>{body}</table></div>'
    )


def _type(schema: Json) -> str:
    """What a value may be, in a few words of HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(REFS))
        return f'<a href="#model-{name}">{name}</a>'
    if "enum" in schema:
        return " · ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        kind = f"list of {_type(schema.get('items', {}))}"
    told = [
        f"{word} {escape(str(schema[name]))}"
        for name, word in LIMITS.items()
        if schema.get(name) not in (None, "", [])
    ]
    return f"{kind}, {', '.join(told)}" if told else kind
