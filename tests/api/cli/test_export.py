"""`export`: one file, whole, that can be read back."""

import io
from typing import Final

import httpx
import pytest
from trio.testing import MockClock

from api.cli import export
from api.cli.client import Unreached, open_client
from api.query.csvout import read_csv
from tests.api.cli.transport import TARGET, Script, app_target, app_transport, streamed
from tests.api.http.harness import NOW_S, serving

STAT: Final = '{"id":"st_1","name":"a","type":"counter"}'
FOUND: Final = f'{{"series":[{{"stat":{STAT}}}]}}'


def found() -> httpx.Response:
    return httpx.Response(200, content=FOUND.encode())


async def test_several_stats_are_one_file_with_a_column_for_their_names(
    autojump_clock: MockClock,
) -> None:
    names = ["a", "=SUM(A1)", 'with "quotes", and comma']
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        for place, name in enumerate(names):
            await client.send(
                [{"stat": name, "value": n, "t": NOW_S - 60 * n} for n in range(1, 4 + place)]
            )
        file = io.BytesIO()
        assert await export.write(client, names, {}, file) == 3 + 4 + 5
        rows = list(read_csv(io.StringIO(file.getvalue().decode(), newline="")))
        alone = io.BytesIO()
        await export.write(client, ["a"], {}, alone)
    assert {row.stat for row in rows} == set(names)
    assert sum(row.values["sum"] or 0 for row in rows if row.stat == names[2]) == 15
    assert alone.getvalue().startswith(b"time,timestamp,value,count,sum,min,max\r\n")
    assert all(row.stat is None for row in read_csv(io.StringIO(alone.getvalue().decode())))


async def test_the_range_and_the_aggregates_are_those_asked_for(
    autojump_clock: MockClock,
) -> None:
    async with (
        serving() as server,
        open_client(app_target(server), app_transport(server)) as client,
    ):
        await client.send([{"stat": "a", "t": NOW_S - 60 * n} for n in range(30)])
        file = io.BytesIO()
        params = {"last": "10m", "resolution": "1m", "agg": "sum"}
        await export.write(client, ["a"], params, file)
    header, *rows = file.getvalue().decode().splitlines()
    assert header == "time,timestamp,value,sum"
    assert 10 <= len(rows) <= 11


@pytest.mark.parametrize(
    "broken",
    [
        streamed(b"time,timestamp,value\r\n2026-11-22T00:00:00+00:00,5,", httpx.ReadError("")),
        streamed(b"time,timestamp,value\r\n2026-11-22T00:00:00+00:00,5,"),
        streamed(),
    ],
)
async def test_a_file_that_breaks_off_is_an_error(broken: httpx.Response) -> None:
    async with open_client(TARGET, Script(found(), broken)) as client:
        with pytest.raises(Unreached, match="broke off"):
            await export.write(client, ["a"], {}, io.BytesIO())


def test_the_share_that_is_done_follows_the_times_of_rows() -> None:
    steps: list[float] = []
    share = export.Share(steps.append, now_s=1_000)
    for at_s in (0, 1, 500, 999, 2_000):
        share.at(b"x,%d,1\r\n" % at_s)
    share.done()
    assert sum(steps) == pytest.approx(1)
    assert steps[0] == pytest.approx(0.5)
