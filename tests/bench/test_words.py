"""The same points reach every server, in the words of each."""

import json

import pytest

from bench import words
from bench.words import BATCH, Point, Request, Wording, batches, pieces, put_in, singles, timed

TWO = [Point("bench.a", 3), Point("bench.b", 4)]
NOW_MS = 1_795_302_000_123


def body(wording: Wording, points: list[Point]) -> bytes:
    return timed(wording(points).body, NOW_MS)


def test_a_batch_has_a_point_of_every_stat_and_no_batch_is_like_another() -> None:
    made = batches(3)
    assert [len({point.stat for point in batch}) for batch in made] == [BATCH] * 3
    assert len({tuple(point.value for point in batch) for batch in made}) == 3
    assert batches(3) == made


def test_batches_may_begin_at_another_stat() -> None:
    first, second = batches(1)[0], batches(1, BATCH)[0]
    assert not {point.stat for point in first} & {point.stat for point in second}


def test_single_points_are_those_of_a_batch() -> None:
    assert [group[0] for group in singles()] == batches(1)[0]


def test_statflow_gets_items_with_times() -> None:
    items = json.loads(body(words.statflow_batch, TWO))["items"]
    assert items[1] == {"stat": "bench.b", "value": 4, "type": "counter", "t": NOW_MS}
    assert json.loads(body(words.statflow_single, TWO[:1])) == items[0]
    timeless = json.loads(body(words.statflow_batch_timeless, TWO))["items"]
    assert timeless[0] == {"stat": "bench.a", "value": 3, "type": "counter"}


def test_statflow_gets_the_same_items_in_another_order_in_each_body() -> None:
    made = [json.loads(body(words.statflow_batch_mixed, one))["items"] for one in batches(2)]
    for items, points in zip(made, batches(2), strict=True):
        assert sorted((i["stat"], i["value"]) for i in items) == sorted(
            (point.stat, point.value) for point in points
        )
    assert [i["stat"] for i in made[0]] != [i["stat"] for i in made[1]]


def test_victoria_gets_a_json_line_a_series() -> None:
    lines = body(words.victoria_json, TWO).splitlines()
    assert json.loads(lines[0]) == {
        "metric": {"__name__": "bench_a"}, "values": [3], "timestamps": [NOW_MS],
    }  # fmt: skip
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("wording", "line"),
    [
        (words.influx_lines, b"bench.b value=4 1795302000123\n"),
        (words.graphite_lines, b"bench.b 4 1795302000\n"),
        (words.statsd_lines, b"bench.b:4|c\n"),
        (words.pushed, b"bench_b 4\n"),
    ],
)
def test_others_get_a_line_a_point(wording: Wording, line: bytes) -> None:
    assert body(wording, TWO).endswith(line)
    assert body(wording, TWO).count(b"\n") == len(TWO)


def test_single_points_are_pushed_into_groups_of_their_own() -> None:
    paths = [request.path for request in put_in(words.pushed, [TWO, TWO[:1], TWO[1:]])]
    assert paths == ["/metrics/job/all", "/metrics/job/bench.a", "/metrics/job/bench.b"]


def test_a_file_of_requests_says_how_long_each_is() -> None:
    assert pieces(Request("/p", "a\nb")) == "/p\n3\na\nb"
    assert pieces(Request("", "")) == "/\n0\n"
