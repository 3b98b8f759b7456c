"""How much StatHat's clients ask for, and what it is called."""

import pytest

from api.http.problems import Problem
from api.query.resolution import clock_resolution
from api.stathat.timeframes import read_summary, read_timeframe


@pytest.mark.parametrize(
    ("t", "told"),
    [
        ("1w3h", "1 week @ 3 hours"),
        ("1h1m", "1 hour @ 1 minute"),
        ("30m1m", "30 minutes @ 1 minute"),
        ("7d24h", "1 week @ 1 day"),
        ("1M1d", "1 month @ 1 day"),
        ("1y1w", "1 year @ 1 week"),
        ("24M1M", "2 years @ 1 month"),
        ("18M1y", "18 months @ 1 year"),
        ("90m90m", "90 minutes @ 90 minutes"),
        # Seven hours fill no day, eight do; two days are told one by one.
        ("1w7h", "1 week @ 8 hours"),
        ("2w2d", "2 weeks @ 1 day"),
        ("1w13h", "1 week @ 1 day"),
    ],
)
def test_words_say_what_there_is(t: str, told: str) -> None:
    timeframe = read_timeframe(t)
    assert timeframe.told(timeframe.step) == told


def test_steps_that_are_no_longer_kept_are_called_by_what_stands_for_them() -> None:
    assert read_timeframe("1M1m").told(clock_resolution(900)) == "1 month @ 15 minutes"


def test_summaries_are_daily() -> None:
    timeframe = read_summary("7d")
    assert timeframe.told(timeframe.step) == "1 week @ 1 day"


@pytest.mark.parametrize("t", ["", "1w", "w3h", "1w3x", "0w3h", "1w0h", "1w3h1m", "-1w3h", "1w 3h"])
def test_what_says_nothing_is_refused(t: str) -> None:
    with pytest.raises(Problem, match="1w3h"):
        read_timeframe(t)


@pytest.mark.parametrize("summary", ["", "7", "d", "0d", "1w3h", "7s"])
def test_summaries_that_say_nothing_are_refused(summary: str) -> None:
    with pytest.raises(Problem, match="7d"):
        read_summary(summary)
