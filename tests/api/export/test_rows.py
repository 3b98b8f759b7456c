"""Rows of an export say what a bucket is, to the last bit."""

import numpy as np

from api.export.rows import HEADER, bucket_rows, histogram_rows
from engine.histogram import Histograms, count_up
from engine.rollup import Rollups, roll_up

AT_MS = 1_795_302_000_000


def test_a_bucket_is_a_line() -> None:
    stat = np.array([1, 1, 1])
    at_ms, value = AT_MS + np.array([1250, 40_000, 50_000]), np.array([1.5, 4.0, 2.0])
    assert HEADER == (
        b"resolution,t,count,sum,min,max,last,histogram,first,first_ms,last_ms,squares,rest\r\n"
    )
    assert bucket_rows(roll_up(stat, at_ms, value, 60), "1m") == (
        b"1m,1795302000,3,7.5,1.5,4,2,,1.5,1795302001250,1795302050000,3.5,0\r\n"
    )
    assert histogram_rows(count_up(stat, at_ms, value), "1m") == (
        b"1m,1795302000,,,,,,5 34419:1 34432:1 34464:1,,,,,\r\n"
    )


def test_numbers_are_told_exactly() -> None:
    stat = np.array([1, 1])
    value = np.array([2.0**53, -0.1])
    rows = roll_up(stat, AT_MS + np.array([0, 1]), value, 60)
    cells = bucket_rows(rows, "1m").decode().split(",")
    assert (float(cells[3]), float(cells[12])) == (2.0**53, -0.1)
    assert (cells[4], cells[5]) == ("-0.1", "9007199254740992")


def test_nothing_is_no_line() -> None:
    assert bucket_rows(Rollups.empty(), "1m") == b""
    assert histogram_rows(Histograms.empty(), "1m") == b""
