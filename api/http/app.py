"""The web application: the table of routes, registered with Quart behind the gate.

Quart finds the route and carries bytes; everything else is ours. Nothing runs in Quart's own
nursery: a task that died there would not be seen.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, Final, cast

from quart import Response, has_websocket_context, request, websocket
from quart.routing import QuartMap
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import WebsocketMismatch

from api.http.answer import answered
from api.http.bodies import CONTROL_CODECS, codec_of, unpacked
from api.http.callers import identify
from api.http.context import Context
from api.http.framework import raw_request, to_response
from api.http.gate import Gate
from api.http.messages import RawRequest, Reply, reply
from api.http.pages import for_people
from api.http.placeholders import pattern_of
from api.http.problems import Problem
from api.http.route import NOTHING, Call, Nothing, Route, read_body, read_params
from api.http.routes.live_socket import SOCKET_PATH, live_socket
from api.http.routes.table import PAGES, ROUTES

AnyRoute = Route[Any, Any]

SOCKET: Final = "live socket"


def create_app(context: Context, routes: Sequence[AnyRoute] = (*ROUTES, *PAGES)) -> QuartTrio:
    """The application; an ASGI callable that is ready as it is."""
    app = QuartTrio("statflow", static_folder=None)
    app.url_map = _addresses(tuple((route.method, route.path) for route in routes))
    app.config["BODY_TIMEOUT"] = None  # The gate has read the body.
    for route in routes:
        app.view_functions[_endpoint(route.method, route.path)] = partial(_view, context, route)
    for path, methods in _methods_by_path((route.method, route.path) for route in routes):
        app.view_functions[_endpoint("OPTIONS", path)] = partial(_options, methods)
    app.view_functions[SOCKET] = cast("Any", partial(live_socket, context))
    app.register_error_handler(HTTPException, partial(_unrouted, context))
    uploads = [(route.method, route.path) for route in routes if route.upload]
    gate = Gate(cast("Any", app.asgi_app), context.meters, context.room, uploads)
    app.asgi_app = cast("Any", gate)  # type: ignore[method-assign]
    return app


@lru_cache(maxsize=4)
def _addresses(routes: tuple[tuple[str, str], ...]) -> QuartMap:
    """Where every method and path is found; made once, for it takes longer than all the rest."""
    plan = QuartTrio("statflow", static_folder=None)
    plan.url_map.merge_slashes = False
    options = [("OPTIONS", path) for path, _ in _methods_by_path(routes)]
    for method, path in (*routes, *options):
        plan.add_url_rule(
            _rule(path), _endpoint(method, path), methods=[method], provide_automatic_options=False
        )
    plan.add_websocket(_rule(SOCKET_PATH), SOCKET)
    return cast("QuartMap", plan.url_map)


def _endpoint(method: str, path: str) -> str:
    return f"{method} {path}"


def _methods_by_path(routes: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """What may be asked of each path."""
    found: dict[str, list[str]] = {}
    for method, path in routes:
        found.setdefault(path, []).append(method)
    return [(path, _methods(methods)) for path, methods in found.items()]


def express_handlers(
    context: Context, routes: Sequence[AnyRoute] = ROUTES
) -> dict[bytes, Callable[[RawRequest], Awaitable[Reply]]]:
    """By method and path, what answers the routes of the express lane; the same as behind it."""
    return {
        f"{route.method} {route.path}".encode(): _express_handler(context, route)
        for route in routes
        if route.express
    }


def _express_handler(context: Context, route: AnyRoute) -> Callable[[RawRequest], Awaitable[Reply]]:
    pattern = re.compile(pattern_of(route.path))

    async def answer(raw: RawRequest) -> Reply:
        found = pattern.fullmatch(raw.path)
        assert found is not None, f"BUG: {raw.path} is not {route.path}"
        return await respond(context, route, raw, found.groupdict())

    return answer if "{" in route.path else partial(respond, context, route, ids={})


def routes_by_characters(routes: Sequence[AnyRoute] = ROUTES) -> frozenset[bytes]:
    """Routes of the express lane, by method and path, whose clients count characters."""
    return frozenset(
        f"{route.method} {route.path}".encode() for route in routes if route.by_characters
    )


async def respond(context: Context, route: AnyRoute, raw: RawRequest, ids: dict[str, str]) -> Reply:
    """Everything between the route that was found and its reply."""
    answer = await answered(context.meters, raw.id, partial(_handle, context, route, raw, ids))
    context.meters.answered(route.path, answer.status)
    return for_people(raw, context.public_url, answer)


async def _handle(context: Context, route: AnyRoute, raw: RawRequest, ids: dict[str, str]) -> Reply:
    if route.raw is not None:
        return await route.raw(context, raw)
    assert route.handler is not None, f"BUG: nothing handles {route.method} {route.path}"
    caller = None
    if route.scope is not None:
        caller = await identify(context, raw, route.scope)
        context.allowances.admit(caller.account, caller.key_id, 0)
    params = read_params(route.params, raw.query)
    body = NOTHING
    if route.body is not Nothing and raw.upload is None and (raw.body or route.body_required):
        codec_of(raw, CONTROL_CODECS)
        body = read_body(route.body, unpacked(raw))
    return await route.handler(Call(context, raw, caller, ids, params, body))


async def _view(context: Context, route: AnyRoute, **ids: str) -> Response:
    raw = raw_request(request.scope)
    answer = await respond(context, route, raw, ids)
    return to_response(answer, raw.method)


async def _options(methods: Sequence[str], **ids: str) -> Response:
    raw = raw_request(request.scope)
    allow = (b"allow", ", ".join(methods).encode())
    return to_response(reply(raw.id, 204, b"text/plain", b"", [allow]), raw.method)


async def _unrouted(context: Context, error: HTTPException) -> Response:
    """What no route was found for, be it a request or a WebSocket."""
    raw = raw_request((websocket if has_websocket_context() else request).scope)
    problem = _routing_problem(error, raw.path[:200])
    context.meters.refused(problem.code)
    return to_response(for_people(raw, context.public_url, problem.reply(raw.id)), raw.method)


def _routing_problem(error: HTTPException, path: str) -> Problem:
    """Anything else that the framework refuses is a bad request."""
    if error.code == 404:
        return Problem("not_found", f"{path} is no address of this server.")
    if has_websocket_context():
        return Problem("invalid_request", f"{path} is no WebSocket; send a plain request.")
    if isinstance(error, MethodNotAllowed):
        allow = ", ".join(_methods(error.valid_methods or ()))
        return Problem("method_not_allowed", f"Use {allow}.", headers=[(b"allow", allow.encode())])
    if isinstance(error, WebsocketMismatch):
        return Problem("upgrade_required", headers=[(b"upgrade", b"websocket")])
    if error.code is None or error.code >= 500:
        return Problem("internal")
    return Problem("invalid_request", error.description or "")


def _rule(path: str) -> str:
    # Ids are as many as there are: slashes stand between them.
    return path.replace("{ids}", "<path:ids>").replace("{", "<").replace("}", ">")


def _methods(methods: Iterable[str]) -> list[str]:
    """In the usual order, with those that come along."""
    found = {*methods, "OPTIONS"}
    if "GET" in found:
        found.add("HEAD")
    return sorted(found)
