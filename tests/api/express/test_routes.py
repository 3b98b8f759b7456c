"""Which requests the lane answers."""

import re

import pytest

from api.express.routes import Routes
from api.http.placeholders import pattern_of

ROUTES = Routes(
    {
        b"POST /v1/ingest": "ingest",
        b"GET /v1/stats": "stats",
        b"GET /v1/stats/{id}/data": "data",
        b"GET /v1/{one}/{other}.csv": "two",
    }
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (b"POST /v1/ingest", "ingest"),
        (b"GET /v1/ingest", None),
        (b"POST /v1/ingest/", None),
        (b"GET /v1/stats", "stats"),
        (b"GET /v1/stats/st_7Gk/data", "data"),
        (b"GET /v1/stats/st-7Gk/data", "data"),
        (b"GET /v1/stats//data", None),
        (b"GET /v1/stats/a/b/data", None),
        (b"GET /v1/stats/st%5F7/data", None),
        (b"GET /v1/stats/st.7/data", None),
        (b"GET /v1/stats/st_7/data\n", None),
        (b"GET /v1/stats/{id}/data", None),
        (b"GET /v1/a/b.csv", "two"),
        (b"GET /v1/a/bxcsv", None),
    ],
)
def test_a_request_is_known_by_method_and_path(asked: bytes, found: str | None) -> None:
    assert ROUTES.find(asked) == found
    assert (asked in ROUTES) is (found is not None)


def test_how_all_of_them_begin() -> None:
    assert ROUTES.starts == (b"POST /v1/ingest", b"GET /v1/stats", b"GET /v1/stats/", b"GET /v1/")
    assert len(ROUTES) == 4
    assert repr(ROUTES) == "<Routes 2 exact, 2 with placeholders>"


def test_placeholders_are_groups() -> None:
    found = re.fullmatch(pattern_of("/a.b/{id}/c/{name}"), "/a.b/st_1/c/x-y")
    assert found is not None
    assert found.groupdict() == {"id": "st_1", "name": "x-y"}
    assert re.fullmatch(pattern_of("/a.b/{id}"), "/axb/1") is None
