"""What changed since a client last looked: `ETag`, `If-None-Match`, `If-Match`. Pure.

Law: a tag has two parts, `"3.f81b"`: the revision of what can be changed, and a digest of all that
was answered. A question is answered with 304 only if all is as it was; a change is refused only if
somebody else changed the record, not because a point came.
"""

import re
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, field

from api.http.messages import Header, RawRequest, Reply, json_reply, reply
from api.http.problems import Problem

TAG: Final = re.compile(r'(?:W/)?"(?:(?P<revision>\d{1,18})\.)?[!#-~]*"')

DIGEST_BYTES: Final = 8


class LookHeaders(Struct, frozen=True):
    """What a client knows already."""

    if_none_match: Annotated[
        str | None, Meta(description="The `ETag` of an earlier answer: 304 if nothing changed.")
    ] = field(default=None, name="If-None-Match")


class ChangeHeaders(Struct, frozen=True):
    """What a client thinks that it changes."""

    if_match: Annotated[
        str | None,
        Meta(description="The `ETag` of an earlier answer: 412 if it was changed since."),
    ] = field(default=None, name="If-Match")


def tagged_reply(request: RawRequest, revision: int, body: object, status: int = 200) -> Reply:
    """The JSON reply with its tag, or 304 when the client has it already."""
    encoded = msgspec.json.encode(body)
    digest = blake2b(encoded, digest_size=DIGEST_BYTES).hexdigest()
    tag = f'"{revision}.{digest}"'
    header: Header = (b"etag", tag.encode())
    if request.method in {"GET", "HEAD"} and tag in _given(request, b"if-none-match"):
        return reply(request.id, 304, b"application/json", b"", [header])
    return json_reply(request.id, status, msgspec.Raw(encoded), [header])


def wanted_revision(request: RawRequest) -> int | None:
    """The revision that `If-Match` names; None when any will do."""
    given = _given(request, b"if-match")
    if not given or given == ["*"]:
        return None
    match = TAG.fullmatch(given[0])
    if len(given) > 1 or match is None or match["revision"] is None:
        raise Problem("precondition_failed", "If-Match: one ETag, as it was answered.")
    return int(match["revision"])


def _given(request: RawRequest, name: bytes) -> list[str]:
    values = b",".join(request.all(name)).decode("latin1")
    return [value.strip().removeprefix("W/") for value in values.split(",") if value.strip()]
