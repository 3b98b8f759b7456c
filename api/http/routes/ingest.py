"""Points in: one, many, and under the name that an older interface used."""

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from api.http.bodies import BATCH_CODECS, INGEST_CODECS
from api.http.ingest import (
    BATCH_PATH,
    COUNT_PATH,
    INGEST_PATH,
    BatchReply,
    IngestReply,
    ingest,
)
from api.http.item import Batch, CountItem, Item
from api.http.route import Nothing, Route


class BatchParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`atomic`: take all items or none."""

    atomic: Annotated[bool, Meta(description="Take all items or none.")] = False


class SendHeaders(Struct, frozen=True):
    """What a sender may say besides the points."""

    idempotency_key: Annotated[
        str | None,
        Meta(
            description="Names the request: a repeat within the hour counts once and gets the first"
            " answer.",
            extra_json_schema={"pattern": "^[!-~]{1,255}$"},
        ),
    ] = field(default=None, name="Idempotency-Key")
    content_encoding: Annotated[
        str | None, Meta(description="gzip, if the body is packed.", examples=["identity"])
    ] = field(default=None, name="Content-Encoding")


ITEM_PROBLEMS: Final = (
    "duplicate_field", "value_type", "value_out_of_range", "stat_name_length", "stat_name_chars",
    "stat_name_prefix", "stat_type", "stat_type_conflict", "stat_in_trash", "id_invalid",
    "timestamp_invalid", "timestamp_too_old", "timestamp_in_future", "plan_limit", "item_type",
)  # fmt: skip
WRITE_PROBLEMS: Final = (
    "invalid_msgpack", "idempotency_key_invalid", "idempotency_key_expired",
    "idempotency_key_reused", "rate_limited", "month_spent", "overloaded", "store_unavailable",
    "outcome_unknown", "read_only",
)  # fmt: skip
POINT: Final = {"stat": "my_first_metric", "value": 1, "type": "counter"}
COUNT: Final = {"stat": "page.views", "count": 1}
POINTS: Final = {
    "items": [
        {"stat": "page.views", "value": 1, "type": "counter"},
        {"stat": "page.load_ms", "value": 84.5, "type": "value"},
    ]
}
ONE: Final = tuple(codec.media[0].decode() for codec in INGEST_CODECS)
MANY: Final = tuple(codec.media[0].decode() for codec in BATCH_CODECS)


ROUTES: Final = (
    Route(
        "POST", INGEST_PATH, "Send one point", "write",
        {202: IngestReply}, Nothing, Item, raw=ingest, problems=(*ITEM_PROBLEMS, *WRITE_PROBLEMS),
        headers=SendHeaders, media=ONE, example=POINT, express=True,
    ),
    Route(
        "POST", BATCH_PATH, "Send up to 1000 points", "write",
        {202: BatchReply}, BatchParams, Batch, raw=ingest,
        problems=("batch_empty", "batch_too_large", "batch_rejected", *WRITE_PROBLEMS),
        headers=SendHeaders, media=MANY, example=POINTS, express=True,
    ),
    Route(
        "POST", COUNT_PATH, "Send one point: count makes a counter, value a value", "write",
        {202: IngestReply}, Nothing, CountItem, raw=ingest,
        problems=(*ITEM_PROBLEMS, *WRITE_PROBLEMS),
        headers=SendHeaders, media=ONE, example=COUNT, express=True,
    ),
)  # fmt: skip
