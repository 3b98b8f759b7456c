"""What the read routes have in common: their parameters, understood.

Law: everything that can be wrong with a question is found here, before anything is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from api.accounts.keys import Identity
from api.http.context import Context
from api.http.messages import RawRequest
from api.http.problems import FieldError, Problem
from api.plans.allowances import Allowance
from api.query.aggregates import AGGREGATES, QUANTILES, Fill, parse_fill
from api.query.calendar import Resolution
from api.query.resolution import parse_points, parse_resolution
from api.query.times import Range, iso, parse_range, parse_zone
from engine.rollup import Ints
from engine.stats import Stat, public_id

FORMATS: Final = ("json", "columns", "csv", "ndjson", "msgpack")

READ_PROBLEMS: Final = (
    "parameter_invalid", "range_invalid", "resolution_invalid", "too_many_points", "format",
    "plan_limit",
)  # fmt: skip
"""What every question may be refused for."""

TIME_FORMS: Final = ("s", "ms", "iso")


DURATION: Final = "^[1-9][0-9]{0,4}(s|m|h|d|w|M|y)$"

When = Annotated[
    str,
    Meta(
        description="Epoch seconds to nanoseconds, ISO 8601, or relative: now-1h, -15m, now/d.",
        examples=["-2h"],
        extra_json_schema={"maxLength": 64, "pattern": "^[0-9A-Za-z:.+/ -]+$"},
    ),
]
StatNames = Annotated[
    tuple[str, ...], Meta(description="Ids or names of stats.", examples=[["st_1"]])
]
StatPatterns = Annotated[
    tuple[str, ...], Meta(description="Patterns of names.", examples=[["web.*"]])
]
Aggregates = Annotated[
    tuple[str, ...],
    Meta(
        description=f"What of each bucket, with commas: {', '.join(AGGREGATES)}.",
        examples=[["sum", "count"]],
        extra_json_schema={
            "items": {"type": "string", "enum": list(AGGREGATES)},
            "explode": False,
        },
    ),
]


class RangeParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A range (`from`, `to`, or `last`) and how finely (`resolution`, or about `points` points);
    `tz` is the zone of days and of times without one.
    """

    from_: When | None = field(default=None, name="from")
    to: When | None = None
    last: Annotated[
        str | None,
        Meta(
            description="The range up to now, instead of `from`.",
            examples=["2h"],
            extra_json_schema={"pattern": DURATION},
        ),
    ] = None
    resolution: Annotated[
        str | None,
        Meta(
            description="auto, or the width of a bucket, 1s to 1y: one that divides a day, or 1w,"
            " 1M, 1y.",
            examples=["1m"],
            extra_json_schema={"pattern": f"{DURATION}|^auto$"},
        ),
    ] = None
    points: Annotated[
        str | None,
        Meta(
            description="About how many buckets; the resolution follows from it.",
            examples=["300"],
            extra_json_schema={"pattern": "^[1-9][0-9]{0,3}$"},
        ),
    ] = None
    tz: Annotated[
        str, Meta(description="A zone of the IANA time zone database.", examples=["Europe/Berlin"])
    ] = "UTC"


class AskedParams(RangeParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A range (`from`, `to`, or `last`), how finely (`resolution`, or about `points` points), what
    of each bucket (`agg`), and how to write it; `tz` is the zone of days and of times without one.
    """

    agg: Aggregates = ()
    fill: Annotated[
        str | None,
        Meta(
            description="What stands where no point came: auto, null, zero, previous, linear, none"
            " (no bucket), or a number.",
            examples=["zero"],
            extra_json_schema={
                "pattern": r"^(auto|null|zero|previous|linear|none|-?[0-9]{1,12}(\.[0-9]{1,12})?)$"
            },
        ),
    ] = None
    format: Annotated[
        str | None,
        Meta(
            description="How the answer is written; else the Accept header says it.",
            extra_json_schema={"enum": list(FORMATS)},
        ),
    ] = None
    time: Annotated[
        str,
        Meta(
            description="How times are written: epoch seconds, milliseconds, or ISO 8601.",
            extra_json_schema={"enum": list(TIME_FORMS)},
        ),
    ] = "s"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question without its stats; `now_ms` is when it was asked, in epoch milliseconds."""

    range: Range
    requested: Resolution | None
    points: int
    zone: ZoneInfo
    fill: Fill
    format: str
    time: str
    now_ms: int

    @property
    def requested_name(self) -> str:
        """The resolution as it was asked for."""
        return "auto" if self.requested is None else self.requested.name

    def iso(self, at_ms: int) -> str:
        """A moment, in the zone of the asker."""
        return iso(at_ms, self.zone)

    def times(self, starts: Ints) -> list[int] | list[str] | None:
        """The starts of buckets as asked for; None when that is plain epoch seconds."""
        if self.time == "iso":
            return [iso(at * 1000, self.zone) for at in starts.tolist()]
        return (starts * 1000).tolist() if self.time == "ms" else None


def understand(
    context: Context,
    caller: Identity,
    request: RawRequest,
    params: AskedParams,
    offered: Sequence[str] = FORMATS,
    default_range: tuple[str, str] | None = None,
) -> Asked:
    """The question of a request; QueryError or Problem names the parameter that is wrong.

    `default_range` stands in when nothing is said about the range. What the caller's plan does not
    show any more is left out.
    """
    now_ms = context.clock.now_ms()
    zone = parse_zone(params.tz)
    from_, to = params.from_, params.to
    if default_range is not None and from_ is None and params.last is None:
        from_, to = default_range[0], default_range[1] if to is None else to
    form = format_of(params.format, request, offered)
    if params.time not in TIME_FORMS:
        raise refused("time", f"time: one of {', '.join(TIME_FORMS)}.")
    asked_range = parse_range(from_, to, params.last, now_ms, zone)
    return Asked(
        _shown(asked_range, context.allowances.of(caller.account), now_ms),
        parse_resolution(params.resolution),
        parse_points(params.points),
        zone,
        parse_fill(params.fill),
        form,
        params.time,
        now_ms,
    )


def _shown(asked: Range, allowance: Allowance, now_ms: int) -> Range:
    """What the plan shows of a range; Problem when that is nothing."""
    oldest_ms = allowance.oldest_ms(now_ms)
    if asked.from_ms >= oldest_ms:
        return asked
    if asked.to_ms <= oldest_ms:
        days = allowance.plan.retention_days
        raise Problem("plan_limit", f"The plan shows the last {days} days.")
    return replace(asked, from_ms=oldest_ms)


def format_of(text: str | None, request: RawRequest, offered: Sequence[str]) -> str:
    """The format that `format=` names, else one that the Accept header does, else the first."""
    if text is not None:
        if text not in offered:
            detail = f"format: one of {', '.join(offered)}."
            raise Problem("format", detail, [FieldError("format", detail, field="format")])
        return text
    accept = (request.header(b"accept") or b"").decode("latin1").lower()
    for part in accept.split(","):
        form = _BY_MEDIA.get(part.split(";")[0].strip(), "")
        if form in offered:
            return form
    return offered[0]


def percentiles_of(aggregates: Iterable[str]) -> tuple[str, ...]:
    """Those of the aggregates that need histograms."""
    return tuple(name for name in aggregates if name in QUANTILES)


def check_percentiles(stat: Stat, aggregates: Iterable[str]) -> None:
    """Raise Problem when percentiles are asked of a stat that counts none."""
    if not stat.percentiles and (asked := percentiles_of(aggregates)):
        raise refused(
            "agg",
            f"agg: no {', '.join(asked)}, the stat counts none; to count them from now on,"
            f' PATCH /v1/stats/{public_id(stat.id)} {{"percentiles":true}}.',
            "percentiles_off",
        )


def refused(field: str, detail: str, code: str = "parameter_invalid") -> Problem:
    """The problem of one parameter."""
    return Problem(code, detail, [FieldError(code, detail, field=field)])


_BY_MEDIA: Final = {
    "application/json": "json",
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/msgpack": "msgpack",
    "application/x-msgpack": "msgpack",
    "application/vnd.msgpack": "msgpack",
}
