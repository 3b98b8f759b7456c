"""Every answer of a route by status: what it declares, and the problems it may end in. Pure."""

from http import HTTPStatus
from typing import Any, Final

from api.http.openapi_schemas import REFS, Json, Schemas
from api.http.pages import HTML_MEDIA, shown_as_page
from api.http.problems import MEDIA as PROBLEM_MEDIA
from api.http.problems import TABLE, ProblemBody
from api.http.route import Route, Shape

PROBLEM: Final = PROBLEM_MEDIA.decode()

LATER: Final = frozenset({429, 503})
"""Statuses that say when to come back."""

TOLD: Final = {
    "If-None-Match": "ETag", "If-Match": "ETag", "Idempotency-Key": "Idempotent-Replayed",
}  # fmt: skip
"""The header of an answer that belongs to one of the request."""

BINARY: Final = frozenset({"application/msgpack"})


def replies_of(route: Route[Any, Any], schemas: Schemas) -> Json:
    """The responses of an operation."""
    found: Json = {}
    for status, shapes in route.replies.items():
        several = shapes if isinstance(shapes, tuple) else (shapes,)
        content = (
            {} if status in {101, 204, 304} else dict(_content(one, schemas) for one in several)
        )
        found[str(status)] = _response(route, status, content)
    codes: dict[int, list[str]] = {}
    for code in route.all_problems:
        codes.setdefault(TABLE[code][0], []).append(code)
    for status, names in codes.items():
        response = found.setdefault(str(status), _response(route, status, {}))
        content = response.setdefault("content", {})
        content[PROBLEM] = {"schema": _problem(names)}
        if shown_as_page(route.path):
            content[HTML_MEDIA] = {"schema": {"type": "string"}}
    return dict(sorted(found.items()))


def _content(shape: Shape, schemas: Schemas) -> tuple[str, Json]:
    if isinstance(shape, str):
        return shape, {} if shape in BINARY else {"schema": {"type": "string"}}
    return "application/json", {"schema": schemas.of(shape)}


def _response(route: Route[Any, Any], status: int, content: Json) -> Json:
    headers = ["X-Request-Id"]
    if status in LATER:
        headers.append("Retry-After")
    if status < 400:
        asked = route.headers.__struct_encode_fields__
        headers += dict.fromkeys(TOLD[name] for name in asked if name in TOLD)
    found: Json = {
        "description": HTTPStatus(status).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
    }
    return {**found, "content": content} if content else found


def _problem(codes: list[str]) -> Json:
    """The body of a problem that has one of the codes."""
    titles = [f"`{code}`: {TABLE[code][1]}." for code in codes]
    return {
        "$ref": REFS + ProblemBody.__name__,
        "description": "\n".join(titles),
        "properties": {"code": {"enum": codes}},
    }
