"""What the doctor thinks of what was measured. Pure.

Every judgement that is not `ok` comes with a remedy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from api.cli.drawing import in_bytes

Level = Literal["ok", "warn", "fail"]

MEMORY_WARN: Final = 0.7
MEMORY_FAIL: Final = 0.85
"""Of its limit; the server shortens what it keeps from the first on, takes no points from the
second.
"""

FORECAST_FROM_DAYS: Final = 1.0
FORECAST_WARN_DAYS: Final = 30.0
FORECAST_MAX_DAYS: Final = 1_000.0

DISK_FAIL_BYTES: Final = 256 * 1024 * 1024
DISK_WARN_SHARE: Final = 0.1

CLOCK_WARN_S: Final = 1.0
CLOCK_FAIL_S: Final = 60.0
"""Points further ahead of the server than this are refused."""

LAG_WARN_S: Final = 2.0
LAG_FAIL_S: Final = 30.0
CHECKPOINT_WARN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination."""

    level: Level
    what: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.level:4}  {self.what:12}  {self.text}"
        return f"{line}: {self.remedy}" if self.remedy else line


def of_modes(data: str, data_mode: int, store_mode: int | None) -> Finding:
    """Who may look into the data directory and the store's; modes as of stat."""
    if store_mode is not None and store_mode & 0o077:
        text = f"others of this machine may enter {data}/store"
        return Finding("fail", "permissions", text, f"chmod 700 {data}/store")
    if data_mode & 0o022:
        text = f"others of this machine may write into {data}"
        return Finding("fail", "permissions", text, f"chmod go-w {data}")
    return Finding("ok", "permissions", "only this user may read the store")


def of_memory(used: int, limit: int, machine: int) -> Finding:
    """The store's memory against its limit, and the limit against the machine's; in bytes."""
    share = used / max(1, limit)
    text = f"the store uses {in_bytes(used)} of {in_bytes(limit)}"
    if share >= MEMORY_FAIL:
        return Finding("fail", "memory", text, "no points are taken; raise maxmemory")
    if share >= MEMORY_WARN:
        remedy = "what is fine-grained is kept shorter; raise maxmemory"
        return Finding("warn", "memory", text, remedy)
    if limit > machine * 0.75:
        text = f"the store may take {in_bytes(limit)} of the machine's {in_bytes(machine)}"
        return Finding("warn", "memory", text, "leave a quarter for copies; lower maxmemory")
    return Finding("ok", "memory", text)


def of_growth(used: int, limit: int, age_days: float) -> Finding:
    """When memory will be short if the store goes on growing as it did on average; in bytes."""
    if age_days < FORECAST_FROM_DAYS:
        return Finding("ok", "forecast", "the store is too young for a forecast")
    room = limit * MEMORY_WARN - used
    days = room * age_days / max(1, used)
    if days > FORECAST_MAX_DAYS:
        return Finding("ok", "forecast", "memory will do for years")
    text = f"as the store grew so far, {MEMORY_WARN:.0%} is reached in {max(0, days):.0f} days"
    if days < FORECAST_WARN_DAYS:
        return Finding("warn", "forecast", text, "raise maxmemory in time")
    return Finding("ok", "forecast", text)


def of_versions(ours: str, running: str) -> Finding:
    """The version that is installed, and the one that runs."""
    if ours != running:
        text = f"version {running} runs, {ours} is installed"
        return Finding("warn", "version", text, "restart the server")
    return Finding("ok", "version", f"{ours} is installed and runs")


def of_disk(free: int, total: int, data: int) -> Finding:
    """Room beside the data: a rewrite of the append-only file needs as much again. In bytes."""
    text = f"{in_bytes(free)} free, the data takes {in_bytes(data)}"
    if free < DISK_FAIL_BYTES:
        return Finding("fail", "disk", text, "points will soon be refused; make room")
    if free < data:
        remedy = "the append-only file cannot be rewritten beside itself; make room"
        return Finding("warn", "disk", text, remedy)
    if free < total * DISK_WARN_SHARE:
        return Finding("warn", "disk", text, "the disk is nearly full; make room")
    return Finding("ok", "disk", text)


def of_clock(ahead_s: float, log_ahead_s: float) -> Finding:
    """Our clock against the store server's, and the newest log entry against our clock."""
    if abs(ahead_s) >= CLOCK_WARN_S:
        level: Level = "fail" if abs(ahead_s) >= CLOCK_FAIL_S else "warn"
        text = f"this machine's clock is {ahead_s:+.1f} s from the store server's"
        return Finding(level, "clock", text, "let both follow NTP")
    if log_ahead_s >= CLOCK_WARN_S:
        level = "fail" if log_ahead_s >= CLOCK_FAIL_S else "warn"
        text = f"the newest point was stored {log_ahead_s:.1f} s in the future"
        return Finding(level, "clock", text, "the clock was set back; let it follow NTP")
    return Finding("ok", "clock", "agrees with the store server's")


def of_readiness(status: str, read_only: str | None, warnings: Sequence[str]) -> Finding:
    """What `/readyz` says."""
    if read_only is not None:
        return Finding("fail", "readiness", f"takes no points: {read_only}", "see memory and disk")
    if status != "ready":
        return Finding("fail", "readiness", f"the server is {status}", "wait, then look again")
    if warnings:
        return Finding("warn", "readiness", "; ".join(warnings), "see the server's log")
    return Finding("ok", "readiness", "ready")


def of_lag(metrics: Mapping[str, float]) -> Finding:
    """How far counting is behind storing, by the server's own metrics."""
    lag_s = metrics.get("statflow_log_lag_seconds", 0.0)
    ahead = metrics.get("statflow_points_ahead", 0.0)
    text = f"{ahead:.0f} points are stored but not counted yet, the oldest for {lag_s:.1f} s"
    if lag_s >= LAG_WARN_S:
        level: Level = "fail" if lag_s >= LAG_FAIL_S else "warn"
        return Finding(level, "lag", text, "the machine is too slow or too busy")
    age_s = metrics.get("statflow_checkpoint_age_seconds", 0.0)
    if age_s >= CHECKPOINT_WARN_S:
        text = f"the last checkpoint is {age_s:.0f} s old"
        return Finding("warn", "lag", text, "is the store slow? see the server's log")
    return Finding("ok", "lag", "counting keeps up with storing")


def parse_metrics(text: str) -> dict[str, float]:
    """The samples without labels of Prometheus' text format."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if not line.startswith("#") and "{" not in name:
            try:
                found[name] = float(value)
            except ValueError:
                continue
    return found
