"""From a decoder's complaint about a body or a query to a problem that names the field. Pure."""

import re
from typing import Final

import msgspec

from api.http.codecs import JSON
from api.http.problems import FieldError, Problem

AT: Final = re.compile(r" - at `\$\.?(?P<path>.*)`$")
NAMED: Final = re.compile(r"field `(?P<name>[^`]*)`")


def body_problem(body: bytes, error: Exception) -> Problem:
    """The problem of a JSON body that `error` was raised for."""
    JSON.check(body)
    if isinstance(error, UnicodeDecodeError):
        return Problem("invalid_encoding", "A text in the body is not UTF-8.")
    field, text = _where(error)
    code = "field_invalid"
    if "unknown field" in text:
        code = "unknown_field"
    elif "missing required field" in text:
        code = "field_required"
    elif text.startswith("Expected `") and ", got `" in text:
        code = "field_type"
    return Problem(code, f"{field}: {text}." if field else f"{text}.", _errors(code, field, text))


def parameter_problem(error: Exception) -> Problem:
    """The problem of a query that `error` was raised for."""
    field, text = _where(error)
    text = text.replace("field `", "parameter `").replace("Object contains", "The query contains")
    code = "unknown_parameter" if "unknown" in text else "parameter_invalid"
    text = text.replace("Object missing required", "The query lacks the")
    return Problem(code, f"{field}: {text}." if field else f"{text}.", _errors(code, field, text))


def _where(error: Exception) -> tuple[str, str]:
    """The field that is wrong, and what is wrong with it."""
    text = str(error) if isinstance(error, msgspec.ValidationError) else "This is not understood"
    found = AT.search(text)
    path = found["path"] if found else ""
    text = AT.sub("", text)
    if named := NAMED.search(text):
        path = f"{path}.{named['name']}" if path else named["name"]
    return path, text


def _errors(code: str, field: str, text: str) -> list[FieldError]:
    return [FieldError(code, f"{text}.", field=field)] if field else []
