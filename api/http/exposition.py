"""What this server tells of itself, in Prometheus' text format. Read when it is asked for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from api.http.context import Context
from api.http.meters import ACK_BUCKETS_S
from engine.node import NodeStatistics

Labels = Mapping[str, object]

# Of every metric: its type and what it says.
HELP: Final[dict[str, tuple[str, str]]] = {
    "points_accepted_total": ("counter", "Points that were acknowledged as stored."),
    "points_duplicate_total": ("counter", "Points that were recognised as sent before."),
    "points_applied_total": ("counter", "Points that the partitions have counted."),
    "points_ahead": ("gauge", "Points in the log that are not counted yet."),
    "dead_letters_total": ("counter", "Log entries that could not be counted."),
    "refusals_total": ("counter", "Requests and items that were refused, by problem code."),
    "http_requests_total": ("counter", "Requests that were answered, by route and status."),
    "ack_seconds": ("histogram", "Time from a request to its durable acknowledgement."),
    "log_lag_seconds": ("gauge", "Age of the oldest point that is not counted yet."),
    "checkpoint_age_seconds": ("gauge", "Time since the oldest last checkpoint."),
    "checkpoints_total": ("counter", "Checkpoints that were committed."),
    "uncommitted_bytes": ("gauge", "Counted points that no checkpoint holds yet."),
    "intake_waiting_bytes": ("gauge", "Requests that wait for the store."),
    "store_commits_total": ("counter", "Group commits to the store."),
    "store_commit_seconds_total": ("counter", "Time that group commits took."),
    "store_memory_bytes": ("gauge", "Memory that the store uses."),
    "store_memory_limit_bytes": ("gauge", "Memory that the store may use."),
    "stats_registered": ("gauge", "Stats that exist."),
    "stats_active": ("gauge", "Stats with an open bucket."),
    "stats_awake": ("gauge", "Stats that somebody listens to."),
    "deliveries_waiting": ("gauge", "Messages that have not reached their channels yet."),
    "deliveries_running": ("gauge", "Attempts to deliver that are under way."),
    "deliveries_total": ("counter", "Deliveries that ended, by how."),
    "live_clients": ("gauge", "Open live streams."),
    "live_events_total": ("counter", "Events sent to live clients."),
    "partitions": ("gauge", "Partitions of the log."),
    "partitions_ready": ("gauge", "Partitions that have applied their log."),
    "read_only": ("gauge", "1 while no points are taken because the store is full."),
}


def exposition(context: Context) -> str:
    """The whole answer of `/metrics`."""
    lines: list[str] = []
    for name, samples in _metrics(context):
        kind, text = HELP[name]
        lines += (f"# HELP statflow_{name} {text}", f"# TYPE statflow_{name} {kind}")
        lines += (_line(f"statflow_{name}{end}", labels, value) for end, labels, value in samples)
    return "\n".join(lines) + "\n"


Sample = tuple[str, Labels, float]


def _metrics(context: Context) -> Iterator[tuple[str, Iterable[Sample]]]:
    meters = context.meters
    yield "points_accepted_total", _one(meters.accepted)
    yield "points_duplicate_total", _one(meters.duplicates)
    yield "refusals_total", [("", {"code": c}, n) for c, n in sorted(meters.refusals.items())]
    requests = sorted(meters.requests.items())
    yield "http_requests_total", [("", {"route": r, "status": s}, n) for (r, s), n in requests]
    yield "ack_seconds", _ack(meters.ack_counts, meters.ack_sum_s)
    deliveries = context.office.dispatcher.statistics()
    yield "deliveries_waiting", _one(deliveries.waiting)
    yield "deliveries_running", _one(deliveries.running)
    yield "deliveries_total", [("", {"state": s}, n) for s, n in sorted(deliveries.ended.items())]
    yield "live_clients", _one(len(context.streams))
    yield "live_events_total", _one(meters.live_events)
    yield "stats_registered", _one(len(context.directory))
    yield from _node(context.node.statistics(), context.clock.now_ms())


def _node(statistics: NodeStatistics, now_ms: int) -> Iterator[tuple[str, Iterable[Sample]]]:
    parts = statistics.partitions
    yield "points_applied_total", _one(sum(p.applied_points for p in parts))
    yield "points_ahead", _one(sum(p.points_ahead for p in parts))
    behind = [p.position.ms for p in parts if p.points_ahead]
    yield "log_lag_seconds", _one(max(0, now_ms - min(behind)) / 1000 if behind else 0)
    yield "dead_letters_total", _one(sum(p.dead_letters for p in parts))
    yield "checkpoints_total", _one(sum(p.checkpoints for p in parts))
    last = [p.checkpoint_ms for p in parts if p.checkpoint_ms and p.uncommitted_bytes]
    yield "checkpoint_age_seconds", _one(max(0, now_ms - min(last)) / 1000 if last else 0)
    yield "uncommitted_bytes", _one(sum(p.uncommitted_bytes for p in parts))
    yield "intake_waiting_bytes", _one(statistics.bytes_waiting)
    yield "store_commits_total", _one(statistics.commits)
    yield "store_commit_seconds_total", _one(statistics.commit_s)
    if statistics.memory is not None:
        yield "store_memory_bytes", _one(statistics.memory.used)
        yield "store_memory_limit_bytes", _one(statistics.memory.limit)
    yield "stats_active", _one(sum(p.active for p in parts))
    yield "stats_awake", _one(sum(p.awake for p in parts))
    yield "partitions", _one(len(parts))
    yield "partitions_ready", _one(sum(p.ready for p in parts))
    yield "read_only", _one(statistics.read_only is not None)


def _one(value: float) -> list[Sample]:
    return [("", {}, float(value))]


def _ack(counts: list[int], sum_s: float) -> list[Sample]:
    samples: list[Sample] = []
    total = 0
    for bound, count in zip((*ACK_BUCKETS_S, "+Inf"), counts, strict=True):
        total += count
        samples.append(("_bucket", {"le": bound}, total))
    return [*samples, ("_sum", {}, sum_s), ("_count", {}, total)]


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(str(text))}"' for key, text in labels.items())
    number = f"{value:.0f}" if value == int(value) else repr(value)
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
