"""What StatHat answered, field by field, in its order. Pure."""

from msgspec import UNSET, Struct, UnsetType


class StatBrief(Struct, frozen=True, kw_only=True):
    """A stat; `public` is never true: here links show stats to the public."""

    id: str
    name: str
    public: bool = False
    counter: bool


class StatEntry(StatBrief, frozen=True, kw_only=True):
    """A stat with all that is known of it; times in epoch seconds, 0 where there was no point.

    `classic_key` is what `/c` and `/v` call it, `embed_key` what `/embed` does.
    """

    unit: str
    classic_key: str
    embed_key: str
    data_received_at: int
    created_at: int


class DataPoint(Struct, frozen=True):
    """A bucket: its start in epoch seconds, the sum of a counter or the average of values."""

    time: int
    value: float | int


class DataSet(Struct, frozen=True):
    """The buckets of a stat, without those of which nothing is known."""

    name: str
    timeframe: str
    points: list[DataPoint]


class CommandPoint(Struct, frozen=True, rename="pascal"):
    """A bucket; `Rcount` is how many points it has, 0 when it is empty."""

    time: int
    value: float | int
    rcount: int


class CommandDataset(Struct, frozen=True, rename="pascal"):
    """All buckets of a stat, so that those of several stand side by side."""

    name: str
    timeframe: str
    kind: str
    points: list[CommandPoint]


class AlertEntry(Struct, frozen=True, kw_only=True):
    """An alert of kind `value`, `delta` or `data`."""

    id: str
    stat_id: str
    stat_name: str
    kind: str
    time_window: str
    operator: str | UnsetType = UNSET
    threshold: float | int | UnsetType = UNSET
    percentage: float | int | UnsetType = UNSET
    time_delta: str | UnsetType = UNSET


class Said(Struct, frozen=True):
    """That it is done."""

    msg: str


class Fault(Struct, frozen=True, rename="pascal"):
    """What is wrong."""

    error: str
