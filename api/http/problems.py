"""Every problem that this server answers with: one table, one body (RFC 9457).

Law: whatever goes wrong is a `Problem` with a code from `TABLE`; nothing else makes an error body.
A code, once published, keeps its meaning and its status.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from api.http.messages import Header, RawReply, reply

MEDIA: Final = b"application/problem+json"
TYPE_BASE: Final = "https://statflow.dev/problems/"

ERRORS_LIMIT: Final = 50
"""A problem lists at most this many single errors; `detail` says how many there are."""

TABLE: Final[dict[str, tuple[int, str]]] = {
    # the request as a whole
    "invalid_json": (400, "The body is not valid JSON"),
    "invalid_msgpack": (400, "The body is not valid MessagePack"),
    "invalid_encoding": (400, "The text is not valid UTF-8"),
    "invalid_gzip": (400, "The body is not valid gzip data"),
    "invalid_request": (400, "The request is not valid HTTP"),
    "key_in_url": (400, "An API key must not stand in the URL"),
    "duplicate_header": (400, "A header that must be unique came twice"),
    "idempotency_key_invalid": (400, "The Idempotency-Key is not usable"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "This address does not know that method"),
    "body_timeout": (408, "The body came too slowly"),
    "body_too_large": (413, "The body is too large"),
    "batch_too_large": (413, "The batch has too many items"),
    "url_too_long": (414, "The URL is too long"),
    "unsupported_media_type": (415, "This content type is not understood"),
    "unsupported_encoding": (415, "This content encoding is not understood"),
    "upgrade_required": (426, "Only WebSockets are answered here"),
    "headers_too_large": (431, "The headers are too large"),
    # who asks
    "missing_key": (401, "An API key is needed"),
    "invalid_key": (401, "The API key is not valid"),
    "invalid_ticket": (401, "The ticket is not valid, or no longer"),
    "insufficient_scope": (403, "The API key lacks the scope"),
    "address_not_allowed": (403, "The API key may not be used from this address"),
    "wrong_credentials": (401, "The address and the password do not belong together"),
    "totp_required": (401, "The code of the authenticator app is needed"),
    "wrong_code": (401, "The code is not valid, or was used"),
    "session_ended": (401, "The session is over"),
    "session_required": (403, "This is for people who have logged in"),
    "reauthentication_required": (403, "The password must be given once more"),
    "csrf": (403, "The request does not come from a page of this server"),
    "insecure_transport": (403, "People log in over https only"),
    # accounts
    "email": (422, "The e-mail address cannot be used"),
    "email_taken": (409, "The e-mail address has an account"),
    "password": (422, "The password cannot be used"),
    "signup_closed": (403, "Nobody can sign up here"),
    "link_gone": (410, "The link is not valid, or no longer"),
    "invite_for_another": (403, "The invitation is for another address"),
    "first_account": (409, "The first account stays"),
    "last_owner": (409, "The account would have no owner"),
    "totp_active": (409, "The authenticator app is not in the state for that"),
    "foreign_origin": (403, "This origin may not connect"),
    # changes by several at once
    "precondition_failed": (412, "It was changed meanwhile"),
    # repeats
    "idempotency_key_expired": (409, "The Idempotency-Key is too old to be remembered"),
    "idempotency_key_reused": (422, "The Idempotency-Key was used with another body"),
    # values
    "field_required": (422, "A field is missing"),
    "field_type": (422, "A field has the wrong type"),
    "field_invalid": (422, "A field has a value that is not allowed"),
    "unknown_field": (422, "A field is not known"),
    "duplicate_field": (422, "A field came twice"),
    "unknown_parameter": (422, "A query parameter is not known"),
    "parameter_invalid": (422, "A query parameter has a value that is not allowed"),
    "too_many_parameters": (400, "There are too many query parameters"),
    "too_many_stats": (422, "Too many stats are asked for at once"),
    "range_invalid": (422, "The time range is empty or turned round"),
    "resolution_invalid": (422, "This resolution is not offered"),
    "too_many_points": (422, "The answer would have too many points"),
    "percentiles_off": (422, "The stat counts no percentiles"),
    "expression_invalid": (422, "The expression is not valid"),
    "csv_invalid": (422, "The text is not CSV as it is written here"),
    "format": (422, "This format is not offered"),
    "cursor_invalid": (422, "The cursor is not one of ours"),
    # points
    "batch_empty": (422, "The batch has no items"),
    "batch_rejected": (422, "No item of the batch was taken"),
    "item_type": (422, "An item is not an object"),
    "value_type": (422, "The value is not a number"),
    "value_out_of_range": (422, "The value is too large"),
    "stat_name_length": (422, "The stat name is empty or too long"),
    "stat_name_chars": (422, "The stat name has characters that cannot be shown"),
    "stat_name_prefix": (422, "The API key may not write to this stat"),
    "stat_name_taken": (409, "Another stat has this name"),
    "stat_type": (422, "The type is neither counter nor value"),
    "stat_type_conflict": (422, "The stat has another type"),
    "stat_in_trash": (422, "The stat is in the trash"),
    "id_invalid": (422, "The item id is not usable"),
    "timestamp_invalid": (422, "The time is not understood"),
    "timestamp_too_old": (422, "The time is too long ago"),
    "timestamp_in_future": (422, "The time is too far ahead"),
    # alerts
    "webhook_url": (422, "The URL cannot be called from here"),
    "webhook_address": (422, "The address is not one that may be called from here"),
    "channel_blocked": (409, "Nothing is sent to this channel"),
    "rule_invalid": (422, "The rule cannot be judged"),
    "link_expired": (410, "The link is no longer good"),
    # imports
    "import_invalid": (422, "There is nothing in it that can be imported"),
    "import_auth": (422, "The other server does not know the token"),
    "import_source": (422, "The other server does not answer as it should"),
    "import_running": (409, "The account has an import under way"),
    # limits
    "plan_limit": (403, "The plan does not allow more"),
    "plan_not_sold": (403, "The plan cannot be bought"),
    "billing_off": (403, "Plans are not changed here"),
    "billing_down": (502, "The payment service does not answer"),
    "signature_invalid": (400, "The signature is not valid"),
    "rate_limited": (429, "Too many requests"),
    "month_spent": (429, "The points of the month are used up"),
    "too_many_streams": (429, "Too many live streams are open"),
    # ours
    "internal": (500, "Something went wrong on our side"),
    "store_damaged": (500, "Something that is stored cannot be read"),
    "overloaded": (503, "The server has more work than it can take"),
    "store_unavailable": (503, "The store does not answer"),
    "outcome_unknown": (503, "It is not known whether the request was carried out"),
    "read_only": (503, "The store takes no new data at the moment"),
    "not_ready": (503, "The server is starting"),
    "stopping": (503, "The server is stopping"),
}


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that is wrong: with which item of a batch, which field, and why."""

    code: str
    message: str
    index: int | None = None
    field: str | None = None


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a problem looks like on the wire (`application/problem+json`)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


class Problem(Exception):
    """Ends a request with the reply that `TABLE` has for `code`.

    `close` asks the server to close the connection because the rest of the request is not read.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        errors: Sequence[FieldError] = (),
        headers: Sequence[Header] = (),
        *,
        close: bool = False,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status, self.title = TABLE[code]
        self.detail = detail or f"{self.title}."
        self.errors = tuple(errors[:ERRORS_LIMIT])
        self.headers = (*headers, (b"connection", b"close")) if close else tuple(headers)

    def reply(self, request_id: str) -> RawReply:
        """The problem as bytes."""
        body = ProblemBody(
            TYPE_BASE + self.code,
            self.title,
            self.status,
            self.code,
            self.detail,
            request_id,
            self.errors,
        )
        headers = [*self.headers]
        if self.status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="statflow"'))
        return reply(request_id, self.status, MEDIA, msgspec.json.encode(body), headers)


def wrong_field(field: str, text: str, code: str = "field_invalid") -> Problem:
    """The problem of one field: what it should be."""
    detail = f"{field}: {text}."
    return Problem(code, detail, [FieldError(code, detail, field=field)])


def unavailable(code: str, retry_after_s: float, detail: str = "") -> Problem:
    """A refusal that is ours or the caller's rate: says after how many seconds to come back."""
    seconds = max(1, math.ceil(retry_after_s))
    return Problem(code, detail, headers=[(b"retry-after", str(seconds).encode())])
