"""What the doctor makes of figures."""

import pytest

from api.cli.findings import (
    Finding,
    Level,
    of_clock,
    of_disk,
    of_growth,
    of_lag,
    of_memory,
    of_modes,
    of_readiness,
    of_versions,
    parse_metrics,
)

MIB = 2**20
GIB = 2**30


@pytest.mark.parametrize(
    ("data", "store", "level"),
    [
        (0o40700, 0o40700, "ok"), (0o40755, 0o40700, "ok"), (0o40700, None, "ok"),
        (0o40777, 0o40700, "fail"), (0o40700, 0o40750, "fail"),
    ],
)  # fmt: skip
def test_permissions(data: int, store: int | None, level: Level) -> None:
    assert of_modes("data", data, store).level == level


@pytest.mark.parametrize(
    ("used", "limit", "machine", "level"),
    [
        (10 * MIB, GIB, 4 * GIB, "ok"), (750 * MIB, GIB, 4 * GIB, "warn"),
        (900 * MIB, GIB, 4 * GIB, "fail"), (10 * MIB, 4 * GIB, 4 * GIB, "warn"),
    ],
)  # fmt: skip
def test_memory(used: int, limit: int, machine: int, level: Level) -> None:
    assert of_memory(used, limit, machine).level == level


@pytest.mark.parametrize(
    ("used", "age_days", "level", "text"),
    [
        (500 * MIB, 0.5, "ok", "too young"),
        (100 * MIB, 100, "ok", "in 617 days"),
        (1 * MIB, 100, "ok", "for years"),
        (600 * MIB, 100, "warn", "in 19 days"),
        (900 * MIB, 100, "warn", "in 0 days"),
    ],
)
def test_forecast(used: int, age_days: float, level: Level, text: str) -> None:
    found = of_growth(used, GIB, age_days)
    assert (found.level, text in found.text) == (level, True), found


def test_versions() -> None:
    assert of_versions("1.0", "1.0").level == "ok"
    assert of_versions("1.1", "1.0").level == "warn"


@pytest.mark.parametrize(
    ("free", "total", "data", "level"),
    [
        (50 * GIB, 100 * GIB, GIB, "ok"), (5 * GIB, 100 * GIB, GIB, "warn"),
        (20 * GIB, 100 * GIB, 30 * GIB, "warn"), (100 * MIB, 100 * GIB, 0, "fail"),
    ],
)  # fmt: skip
def test_disk(free: int, total: int, data: int, level: Level) -> None:
    assert of_disk(free, total, data).level == level


@pytest.mark.parametrize(
    ("ahead_s", "log_s", "level"),
    [
        (0.01, -5, "ok"), (-2, -5, "warn"), (90, 90, "fail"), (0, 3, "warn"), (0, 3600, "fail"),
    ],
)  # fmt: skip
def test_clock(ahead_s: float, log_s: float, level: Level) -> None:
    assert of_clock(ahead_s, log_s).level == level


@pytest.mark.parametrize(
    ("status", "read_only", "warnings", "level"),
    [
        ("ready", None, [], "ok"), ("ready", None, ["memory is short"], "warn"),
        ("starting", None, [], "fail"), ("ready", "the disk is full", [], "fail"),
    ],
)  # fmt: skip
def test_readiness(status: str, read_only: str | None, warnings: list[str], level: Level) -> None:
    assert of_readiness(status, read_only, warnings).level == level


@pytest.mark.parametrize(
    ("lag_s", "age_s", "level"), [(0, 5, "ok"), (3, 5, "warn"), (40, 5, "fail"), (0, 90, "warn")]
)
def test_lag(lag_s: float, age_s: float, level: Level) -> None:
    metrics = {"statflow_log_lag_seconds": lag_s, "statflow_checkpoint_age_seconds": age_s}
    assert of_lag(metrics).level == level


def test_metrics_without_labels_are_read() -> None:
    text = '# HELP a b\nstatflow_a 1.5\nstatflow_b{c="d"} 2\nstatflow_c x\n\n'
    assert parse_metrics(text) == {"statflow_a": 1.5}


def test_what_is_not_well_comes_with_a_remedy() -> None:
    findings = [
        of_memory(9, 10, 100), of_disk(0, 9, 9), of_clock(99, 0), of_modes("d", 0o777, 0o777),
        of_readiness("starting", None, []), of_lag({"statflow_log_lag_seconds": 9}),
    ]  # fmt: skip
    assert all(finding.level != "ok" and finding.remedy for finding in findings)
    assert str(Finding("warn", "disk", "9 B free", "make room")) == (
        "warn  disk          9 B free: make room"
    )
    assert str(Finding("ok", "disk", "fine")) == "ok    disk          fine"
