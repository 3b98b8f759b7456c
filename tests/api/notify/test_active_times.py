"""Spans of the week in the words of people."""

import pytest

from api.notify.active_times import active_time_of
from engine.active_times import DAY_MINUTES, ActiveTime

ALL = (0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon-Fri 09:00-17:00", ActiveTime((0, 1, 2, 3, 4), 540, 1_020)),
        ("mon..fri 9:00-17:30", ActiveTime((0, 1, 2, 3, 4), 540, 1_050)),
        ("Sat,Sun", ActiveTime((5, 6), 0, DAY_MINUTES)),
        (" Friday-Monday  22:00-06:00 ", ActiveTime((0, 4, 5, 6), 1_320, 360)),
        ("22:00-06:00", ActiveTime(ALL, 1_320, 360)),
        ("00:00-24:00", ActiveTime(ALL, 0, DAY_MINUTES)),
    ],
)
def test_they_are_understood(text: str, expected: ActiveTime) -> None:
    assert active_time_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "always", "Mo-Fr", "Mon-Fri 9-17", "Mon 25:00-26:00", "Mon 24:00-06:00",
        "Mon 09:60-10:00", "09:00", "09:00-09:00", "Mon 24:30-24:45", "Mon 09:00-17:00 Tue",
        "Mon,,Tue", "Mon-", "٠٩:٠٠-١٧:٠٠",
    ],
)  # fmt: skip
def test_what_says_no_span_is_refused(text: str) -> None:
    assert active_time_of(text) is None
