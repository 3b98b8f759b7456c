"""CSV: what is written is RFC 4180, safe to open, and reads back as the same buckets."""

import csv
from io import StringIO
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.csvout import (
    CsvRow,
    csv_header,
    csv_rows,
    file_name,
    plain_text,
    read_csv,
    safe_text,
)
from api.query.errors import QueryError
from api.query.series import Series

PARIS = ZoneInfo("Europe/Paris")


def series(*columns: list[float], start: int = 1_774_735_200) -> Series:
    size = len(columns[0])
    starts = start + 3600 * np.arange(size)
    names = ("value", "count", "p99.9")
    return Series(
        starts, starts + 3600, np.ones(size, np.int64), np.zeros(size, np.bool_),
        {name: np.array(column, float) for name, column in zip(names, columns, strict=False)},
    )  # fmt: skip


def test_a_file_has_a_header_crlf_iso_times_and_empty_cells() -> None:
    text = csv_header(["value", "count"]) + csv_rows(
        series([812, 0.1, float("nan")], [3, 1, 0]), PARIS
    )
    assert text.decode() == (
        "time,timestamp,value,count\r\n"
        "2026-03-28T23:00:00+01:00,1774735200,812,3\r\n"
        "2026-03-29T00:00:00+01:00,1774738800,0.1,1\r\n"
        "2026-03-29T01:00:00+01:00,1774742400,,0\r\n"
    )


def test_several_stats_have_a_column_for_their_name() -> None:
    text = csv_header(["value"], with_stat=True) + csv_rows(series([1]), PARIS, "a,b")
    assert text.decode() == (
        'stat,time,timestamp,value\r\n"a,b",2026-03-28T23:00:00+01:00,1774735200,1\r\n'
    )


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://x")', "+1", "-1", "@sum", "'quoted", "''", "'=x", "\t=1", "plain"]
)
def test_no_name_is_a_formula_and_every_name_comes_back(name: str) -> None:
    text = (csv_header(["value"], with_stat=True) + csv_rows(series([-1]), PARIS, name)).decode()
    cell = next(iter(csv.DictReader(StringIO(text, newline=""))))["stat"]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    (row,) = read_csv(StringIO(text, newline=""))
    assert row.stat == name
    assert row.values == {"value": -1}


@given(st.text())
def test_any_text_survives(text: str) -> None:
    assert plain_text(safe_text(text)) == text


@given(
    st.lists(st.floats(allow_infinity=False), min_size=1, max_size=20),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
)
def test_numbers_read_back_as_the_same_doubles(values: list[float], name: str) -> None:
    written = series(values)
    text = csv_header(["value"], with_stat=True) + csv_rows(written, PARIS, name)
    rows = list(read_csv(StringIO(text.decode(), newline="")))
    assert [row.start for row in rows] == written.start.tolist()
    assert {row.stat for row in rows} == {name}
    for row, value in zip(rows, values, strict=True):
        found = row.values["value"]
        if value != value:
            assert found is None
        else:
            assert found is not None
            assert found.hex() == value.hex()  # a negative zero too


def test_what_was_read_is_written_as_it_was() -> None:
    first = csv_header(["value", "count"]) + csv_rows(series([0.1, 1e300], [1, 2]), PARIS)
    rows = list(read_csv(StringIO(first.decode(), newline="")))
    again = series(*([row.values[name] or 0 for row in rows] for name in ("value", "count")))
    assert csv_header(["value", "count"]) + csv_rows(again, PARIS) == first


def test_lines_of_other_programs_are_read_too() -> None:
    text = "\ufefftimestamp,value\n60,1e3\n\n120,\n"
    assert list(read_csv(StringIO(text, newline=""))) == [
        CsvRow(None, 60, {"value": 1000}),
        CsvRow(None, 120, {"value": None}),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1: the file is empty"),
        ("time,value\r\n", "line 1: there is no column timestamp"),
        ("timestamp,value,value\r\n", "line 1: a column occurs twice"),
        ("timestamp,value\r\n60,1,2\r\n", "line 2: 3 cells under 2 columns"),
        ("timestamp,value\r\n60,1\r\nx,1\r\n", 'line 3: timestamp "x" is not whole seconds'),
        ("timestamp,value\r\n60,much\r\n", 'line 2: value "much" is not a number'),
        ("timestamp,value\r\n60,nan\r\n", 'line 2: value "nan" is not a number'),
        ("timestamp,value\r\n60,1e999\r\n", 'line 2: value "1e999" is not a number'),
        ('timestamp,value\r\n60,"1\r\n', "line 2: unexpected end of data"),
        ('timestamp,value\r\n60,"1"2\r\n', "line 2: "),
    ],
)
def test_the_first_bad_line_is_named(text: str, why: str) -> None:
    with pytest.raises(QueryError) as caught:
        list(read_csv(StringIO(text, newline="")))
    assert caught.value.code == "csv_invalid"
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("page.views", "page.views_20260328_20260329_1h.csv"),
        ("../../etc/passwd", "etc_passwd_20260328_20260329_1h.csv"),
        ('a"b\r\nc', "a_b_c_20260328_20260329_1h.csv"),
        ("...", "stat_20260328_20260329_1h.csv"),
        ("é" * 300, "stat_20260328_20260329_1h.csv"),
        ("x" * 300, "x" * 80 + "_20260328_20260329_1h.csv"),
    ],
)
def test_a_file_name_is_plain(name: str, file: str) -> None:
    assert file_name(name, 1_774_735_200, 1_774_742_400, "1h", "csv") == file
