"""The description of the interface (OpenAPI 3.1), made from the table of routes. Pure.

Law: nothing is described by hand that a `Route` already says, so that a new route is described the
moment it is in the table. Whatever a client may meet stands here: every status, every media type,
every problem code.
"""

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc, getdoc
from typing import Any, Final

from api.accounts.keys import SCOPES, Permission
from api.accounts.records import GRANTS
from api.http.cookies import SAFE_METHODS
from api.http.openapi_replies import replies_of
from api.http.openapi_schemas import REFS, Json, Schemas, parameters_of, path_parameters
from api.http.problems import ProblemBody
from api.http.route import Nothing, Route

AnyRoute = Route[Any, Any]

OPENAPI: Final = "3.1.0"

ABOUT: Final = (
    "Programs send points, charts move at once. Every answer of 2xx to a write means that it is"
    " stored for good. Whatever goes wrong is answered with `application/problem+json` and a stable"
    " `code`; 429 is the caller's rate, 503 the server's capacity, both with `Retry-After`."
)

TAGS: Final[Mapping[str, tuple[str, str]]] = {
    "ingest": ("Points", "Send what happened."),
    "stat": ("Points", "Send what happened."),
    "stats": ("Stats", "Find stats, look at them, read their numbers."),
    "query": ("Questions", "Numbers of many stats, and arithmetic over them."),
    "live": ("Live", "Follow stats as they move."),
    "auth": ("Keys and accounts", "Who may do what."),
    "": ("Server", "Health, figures, and this description."),
}
"""Name and meaning of a group of routes, by what comes after `/v1/`; others are called by that."""

SCHEMES: Final[Json] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "sf_…",
        "description": "An API key. A requirement names the scope that the key must have.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sf_s",
        "description": (
            "Of somebody who has logged in; over https it is called `__Host-sf_s`. A requirement"
            " names the least role that the person must have in the account."
        ),
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": (
            "With a session whatever changes anything needs it, and an `Origin` that is ours:"
            " `csrf` of `POST /v1/auth/login` or `GET /v1/auth/session`."
        ),
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "From `POST /v1/live/tickets`: good for one live stream within a minute.",
    },
}


def describe(routes: Sequence[AnyRoute], version: str) -> Json:
    """The whole description as plain data; `version` is that of the program."""
    schemas = Schemas([ProblemBody, *_models(routes)])
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "StatFlow", "version": version, "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The server that this was read from."}],
        "tags": _tags(routes),
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": SCHEMES,
            "headers": HEADERS,
        },
    }  # fmt: skip


HEADERS: Final[Json] = {
    "X-Request-Id": {
        "description": "Names the request in the server's log.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which to come back.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {
        "description": "What `If-Match` and `If-None-Match` compare with.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "`true`: this is the first answer once more, nothing was counted again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}


def tag_of(route: AnyRoute) -> tuple[str, str]:
    """Name and meaning of the group that a route belongs to."""
    word = route.path.removeprefix("/v1/").split("/")[0] if route.path.startswith("/v1/") else ""
    return TAGS.get(word) or (word.capitalize().replace("-", " "), "")


def operation_id(route: AnyRoute) -> str:
    """A name for programs that are made from the description: `get_stats_by_id_data`."""
    words = route.path.removeprefix("/v1").replace("{", "by_").replace("}", "")
    found = re.sub(r"[^0-9A-Za-z]+", "_", f"{route.method.lower()}_{words}").strip("_")
    return found if found != route.method.lower() else f"{found}_index"


def description_of(route: AnyRoute) -> str:
    """What the route says of itself, and its models of themselves; raw handlers speak to us."""
    handler = getattr(route.handler, "func", route.handler)
    texts = [] if handler is None else [getdoc(handler)]
    texts += [model.__doc__ for model in (route.params, route.body) if model is not Nothing]
    return "\n\n".join(cleandoc(text) for text in texts if text) or route.summary


def _operation(route: AnyRoute, schemas: Schemas) -> Json:
    found: Json = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "description": description_of(route),
        "tags": [tag_of(route)[0]],
        "security": _security(route),
        "responses": replies_of(route, schemas),
    }
    parameters = [
        *path_parameters(route.path),
        *parameters_of(route.params, "query"),
        *parameters_of(route.headers, "header"),
    ]
    if parameters:
        found["parameters"] = parameters
    if route.example_query:
        found["x-example-query"] = route.example_query
    if route.body is not Nothing:
        found["requestBody"] = _body(route, schemas)
    return found


def _body(route: AnyRoute, schemas: Schemas) -> Json:
    content: Json = {media: {"schema": _written(route, media, schemas)} for media in route.media}
    if route.example is not None:
        content[route.media[0]]["example"] = route.example
    return {"required": route.body_required, "content": content}


def _written(route: AnyRoute, media: str, schemas: Schemas) -> Json:
    """The body in one media type; as lines, a list of models is one of them on each line.

    A file that is taken as it is, has no model: its content is looked at later.
    """
    if route.upload and media != "application/json":
        return {"contentMediaType": media}
    shape = schemas.of(route.body)
    if media != "application/x-ndjson":
        return shape
    model = schemas.components[shape["$ref"].removeprefix(REFS)]
    (lines,) = (field for field in model["properties"].values() if field.get("type") == "array")
    return {**lines, "description": "One item on each line."}


def _security(route: AnyRoute) -> list[Json]:
    """Ways in, any of which will do."""
    if route.scope is None:
        return [{}, {"key": []}] if "missing_key" in route.problems else []
    safe = route.method in SAFE_METHODS
    session: Json = {"session": _roles(route.scope)} | ({} if safe else {"csrf": []})
    if route.scope == "person":
        return [session]
    scope = route.scope if route.scope in SCOPES else "admin"
    ways: list[Json] = [{"key": [scope]}, session]
    return [*ways, {"ticket": []}] if "invalid_ticket" in route.problems else ways


def _roles(permission: Permission) -> list[str]:
    """The least role that gives a permission; none where being logged in is enough."""
    return [role for role, granted in GRANTS.items() if permission in granted][-1:]


def _models(routes: Sequence[AnyRoute]) -> list[type[Any]]:
    shapes: list[object] = []
    for route in routes:
        shapes.append(route.body)
        for reply in route.replies.values():
            shapes += reply if isinstance(reply, tuple) else [reply]
    models: list[Any] = [shape for shape in shapes if not isinstance(shape, str)]
    return [model for model in dict.fromkeys(models) if model is not Nothing]


def _tags(routes: Sequence[AnyRoute]) -> list[Json]:
    return [
        {"name": name, "description": text} if text else {"name": name}
        for name, text in dict.fromkeys(map(tag_of, routes))
    ]
