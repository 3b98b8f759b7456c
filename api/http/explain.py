"""From a decoder's complaint about a body or a query to a problem that names the field. Pure."""

import re
from typing import Final, Literal, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from api.http.codecs import JSON
from api.http.problems import FieldError, Problem

AT: Final = re.compile(r" - at `\$\.?(?P<path>.*)`$")
NAMED: Final = re.compile(r"field `(?P<name>[^`]*)`")


def body_problem(body: bytes, error: Exception, model: type[Struct]) -> Problem:
    """The problem of a JSON body for which, read as `model`, `error` was raised."""
    JSON.check(body)
    if isinstance(error, UnicodeDecodeError):
        return Problem("invalid_encoding", "A text in the body is not UTF-8.")
    field, text = _where(error, model)
    code = "field_invalid"
    if "unknown field" in text:
        code = "unknown_field"
    elif "missing required field" in text:
        code = "field_required"
    elif text.startswith("Expected `") and ", got `" in text:
        code = "field_type"
    return Problem(code, f"{field}: {text}." if field else f"{text}.", _errors(code, field, text))


def parameter_problem(error: Exception, model: type[Struct]) -> Problem:
    """The problem of a query for which, read as `model`, `error` was raised."""
    field, text = _where(error, model)
    text = text.replace("field `", "parameter `").replace("Object contains", "The query contains")
    code = "unknown_parameter" if "unknown" in text else "parameter_invalid"
    text = text.replace("Object missing required", "The query lacks the")
    return Problem(code, f"{field}: {text}." if field else f"{text}.", _errors(code, field, text))


def _where(error: Exception, model: type[Struct]) -> tuple[str, str]:
    """The field that is wrong, and what is wrong with it."""
    text = str(error) if isinstance(error, msgspec.ValidationError) else "This is not understood"
    found = AT.search(text)
    path = found["path"] if found else ""
    text = AT.sub("", text)
    if named := NAMED.search(text):
        path = f"{path}.{named['name']}" if path else named["name"]
    if text.startswith("Invalid enum value") and (choices := _choices(model, path)):
        text += f", one of {', '.join(choices)} is expected"
    return path, text


def _choices(model: type[Struct], path: str) -> list[str]:
    """The texts that a field, or an item of a list that it is, may have; none if it is not so."""
    name = path.partition("[")[0]
    shapes = [field.type for field in fields(model) if field.encode_name == name]
    found: list[str] = []
    while shapes:
        shape = shapes.pop()
        if get_origin(shape) is Literal:
            found += map(str, get_args(shape))
        else:
            shapes += get_args(shape)
    return found


def _errors(code: str, field: str, text: str) -> list[FieldError]:
    return [FieldError(code, f"{text}.", field=field)] if field else []
