"""How a route is declared: once, with every model it reads and writes.

Law: what a route accepts and answers stands in its `Route` and nowhere else, so that the program
and its description cannot differ. Handlers get decoded models and return models or raw replies;
they never see the web framework.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from api.accounts.keys import Identity, Permission
from api.http.context import Context
from api.http.explain import body_problem, parameter_problem
from api.http.head import PARAMETERS_LIMIT
from api.http.messages import Header, RawRequest, Reply, json_reply
from api.http.problems import TABLE, FieldError, Problem

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

# What every route may answer, besides what it declares.
ALWAYS: Final = (
    "invalid_request", "key_in_url", "duplicate_header", "not_found", "method_not_allowed",
    "too_many_parameters", "url_too_long", "headers_too_large", "internal", "store_damaged",
    "stopping", "overloaded", "body_too_large", "body_timeout",
)  # fmt: skip
WITH_KEY: Final = (
    "missing_key", "invalid_key", "insufficient_scope", "store_unavailable", "rate_limited",
    "address_not_allowed", "session_ended", "session_required", "csrf",
)  # fmt: skip
WITH_PARAMS: Final = ("unknown_parameter", "parameter_invalid")
WITH_BODY: Final = (
    "invalid_json", "invalid_encoding", "invalid_gzip", "unsupported_media_type",
    "unsupported_encoding", "field_required", "field_type", "field_invalid", "unknown_field",
)  # fmt: skip


class Nothing(Struct, forbid_unknown_fields=True):
    """No parameters, or no body."""


NOTHING: Final = Nothing()

P = TypeVar("P", bound=Struct)
B = TypeVar("B", bound=Struct)


@dataclass(frozen=True, slots=True)
class Call(Generic[P, B]):
    """One request to a route: who asks, what stands in the path, the query and the body."""

    context: Context
    request: RawRequest
    asker: Identity | None
    ids: Mapping[str, str]
    params: P
    body: B

    @property
    def caller(self) -> Identity:
        """Who asks; only for routes with a scope."""
        assert self.asker is not None, "BUG: a route without scope asks who calls"
        return self.asker

    def json(self, status: int, body: object, headers: Iterable[Header] = ()) -> Reply:
        """A JSON reply to this request."""
        return json_reply(self.request.id, status, body, headers)


Handler = Callable[[Call[P, B]], Awaitable[Reply]]
RawHandler = Callable[[Context, RawRequest], Awaitable[Reply]]

Shape = type[Any] | str
"""A model, or a media type."""


@dataclass(frozen=True, slots=True)
class Route(Generic[P, B]):
    """A method and a path (`/v1/stats/{id}`) with all that it reads and answers.

    `replies` maps a status to the model of its body, or to a media type when it is no JSON, or to
    all of those that can be asked for. `scope` None means that nobody needs to say who they are,
    `person` that no key will do. A route has either a `handler`, which gets what was decoded, or a
    `raw` one, which does all of it itself and whose models only describe it. An `express` one is
    answered on the express lane, too; there the Content-Length of one `by_characters` may count
    those.

    Into one that takes an `upload` anything but JSON comes in parts, as `request.upload`.

    `headers` describes the request headers that matter, `media` what the body may be written in;
    `example` is a body that works, `example_query` a query.
    """

    method: Method
    path: str
    summary: str
    scope: Permission | None
    replies: Mapping[int, Shape | tuple[Shape, ...]]
    params: type[P]
    body: type[B]
    handler: Handler[P, B] | None = None
    raw: RawHandler | None = None
    problems: tuple[str, ...] = ()
    body_required: bool = True
    headers: type[Struct] = Nothing
    media: tuple[str, ...] = ("application/json",)
    example: object = None
    example_query: str = ""
    express: bool = False
    upload: bool = False
    by_characters: bool = False

    @property
    def all_problems(self) -> tuple[str, ...]:
        """Every problem code that this route may answer."""
        codes = [*ALWAYS, *self.problems]
        codes += WITH_KEY if self.scope is not None else ()
        codes += WITH_PARAMS if self.params is not Nothing else ("unknown_parameter",)
        codes += WITH_BODY if self.body is not Nothing else ()
        return tuple(sorted(set(codes), key=lambda code: (TABLE[code][0], code)))


def read_params(model: type[P], query: bytes) -> P:
    """The query as the model, or Problem."""
    given: dict[str, Any] = {}
    lists = _list_names(model)
    for name, value in query_pairs(query):
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise _wrong_parameter(name, "given twice.")
        else:
            given[name] = value
    try:
        params = msgspec.convert(given, model, strict=False)
    except msgspec.ValidationError as error:
        raise parameter_problem(error, model) from None
    # The decoder takes the text null for nothing, where a text is not what is expected.
    for field in msgspec.structs.fields(model) if "null" in map(_lower, given.values()) else ():
        if field.encode_name in given and getattr(params, field.name) is None:
            raise _wrong_parameter(field.encode_name, "null is no value here; leave it out.")
    return params


def read_body(model: type[B], body: bytes) -> B:
    """A JSON body as the model, or Problem."""
    try:
        return msgspec.json.decode(body, type=model)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise body_problem(body, error, model) from None


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Names and values of a query, decoded; Problem when there are too many or they are no text."""
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=PARAMETERS_LIMIT,
        )
    except UnicodeDecodeError:
        raise Problem("invalid_encoding", "The query is not valid UTF-8.") from None
    except ValueError:
        raise Problem("too_many_parameters", f"At most {PARAMETERS_LIMIT}.") from None


def _wrong_parameter(name: str, text: str) -> Problem:
    error = FieldError("parameter_invalid", text.capitalize(), field=name)
    return Problem("parameter_invalid", f"{name}: {text}", [error])


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _list_names(model: type[Struct]) -> frozenset[str]:
    """Parameters that may be given more than once."""
    names = _LISTS.get(model)
    if names is None:
        fields = msgspec.structs.fields(model)
        found = (field.encode_name for field in fields if _is_list(field.type))
        names = _LISTS[model] = frozenset(found)
    return names


# By the models of the routes, of which there are some dozens.
_LISTS: dict[type[Struct], frozenset[str]] = {}


def _is_list(shape: object) -> bool:
    return any(_origin(part) in {list, tuple} for part in (shape, *get_args(shape)))


def _origin(shape: object) -> object:
    return get_origin(shape) or shape
