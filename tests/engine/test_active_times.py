"""When messages may be sent: weekdays, nights, and clocks that change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from engine.active_times import DAY_MINUTES, ActiveTime, closed_until_ms

WORK = ActiveTime((0, 1, 2, 3, 4), 9 * 60, 17 * 60)
NIGHT = ActiveTime((4,), 22 * 60, 6 * 60)
WEEKEND = ActiveTime((5, 6), 0, DAY_MINUTES)


def ms(text: str, tz: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("times", "now", "opens"),
    [
        ([WORK], "2026-11-30 09:00", None),
        ([WORK], "2026-11-30 16:59:59", None),
        ([WORK], "2026-11-30 17:00", "2026-12-01 09:00"),
        ([WORK], "2026-12-04 17:00", "2026-12-07 09:00"),
        ([WORK, WEEKEND], "2026-12-04 17:00", "2026-12-05 00:00"),
        ([WORK, WEEKEND], "2026-12-06 23:59", None),
        ([NIGHT], "2026-12-04 21:59", "2026-12-04 22:00"),
        ([NIGHT], "2026-12-05 05:59", None),
        ([NIGHT], "2026-12-05 06:00", "2026-12-11 22:00"),
        # The clocks go forward in the night before: nine o'clock is nine o'clock.
        ([ActiveTime((6,), 9 * 60, 17 * 60)], "2026-03-28 20:00", "2026-03-29 09:00"),
        # And this half past two does not exist: it is when it would have been.
        ([ActiveTime((6,), 150, 200)], "2026-03-29 01:00", "2026-03-29 03:30"),
        ([], "2026-12-05 06:00", None),
    ],
)
def test_they_open_by_the_wall_clock(times: list[ActiveTime], now: str, opens: str | None) -> None:
    expected = 0 if opens is None else ms(opens, "Europe/Berlin")
    assert closed_until_ms(tuple(times), "Europe/Berlin", ms(now, "Europe/Berlin")) == expected
