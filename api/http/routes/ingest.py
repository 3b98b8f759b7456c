"""Points in: one, many, and under the name that an older interface used."""

from typing import Final

from msgspec import Struct

from api.http.ingest import BATCH_PATH, COUNT_PATH, BatchReply, IngestReply, ingest
from api.http.item import Batch, CountItem, Item
from api.http.route import Nothing, Route


class BatchParams(Struct, frozen=True, forbid_unknown_fields=True):
    """`atomic`: take all items or none."""

    atomic: bool = False


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


ROUTES: Final = (
    Route(
        "POST", "/v1/ingest", "Send one point", "write",
        {202: IngestReply}, Nothing, Item, raw=ingest, problems=(*ITEM_PROBLEMS, *WRITE_PROBLEMS),
    ),
    Route(
        "POST", BATCH_PATH, "Send up to 1000 points", "write",
        {202: BatchReply}, BatchParams, Batch, raw=ingest,
        problems=("batch_empty", "batch_too_large", "batch_rejected", *WRITE_PROBLEMS),
    ),
    Route(
        "POST", COUNT_PATH, "Send one point: count makes a counter, value a value", "write",
        {202: IngestReply}, Nothing, CountItem, raw=ingest,
        problems=(*ITEM_PROBLEMS, *WRITE_PROBLEMS),
    ),
)  # fmt: skip
