"""StatHat's readers and a whole server: byte for byte what StatHat answered."""

from base64 import b64encode
from collections.abc import AsyncGenerator

import msgspec
import pytest
from trio.testing import MockClock

from api.accounts.desk import WRONG_KEYS_A_MINUTE
from api.http.routes.stathat_reading import STATS_A_PAGE
from api.plans.plan import UNLIMITED
from engine.stats import Kind, public_id
from tests.api.http.asking import Asking
from tests.api.http.harness import NOW_S, Answer, Server, serving

HOUR_S = 3_600
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


async def token_of(server: Server, account: int = 1) -> str:
    """The access token of an account."""
    return (await server.context.stathat.of(account)).secrets.access_token


async def read(server: Server, path: str, method: str = "GET", form: str | None = None) -> Answer:
    """A request below the token of account 1."""
    body = None if form is None else form.encode()
    return await server.send(
        method, f"/x/{await token_of(server)}/{path}", key=None, body=body, headers=FORM
    )


async def command(
    server: Server, path: str, form: str | None = None, token: str | None = None
) -> Answer:
    """A request of the command line."""
    user = await token_of(server) if token is None else token
    headers = {"authorization": f"Basic {b64encode(f'{user}:'.encode()).decode()}", **FORM}
    method, body = ("GET", None) if form is None else ("POST", form.encode())
    return await server.send(method, f"/a1/{path}", key=None, body=body, headers=headers)


def refused(answer: Answer, status: int, text: str) -> None:
    """The answer is a refusal in StatHat's way."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["Error"]
    assert text in answer.json["Error"]


async def shop(server: Server) -> Asking:
    """A counter and a value with some points."""
    ask = Asking(server)
    await ask.count("page view", [(-2 * 3_600_000, 2), (-2 * 3_600_000 + 1, 1.5), (-1_000, 4)])
    await ask.measure("load", [(-3 * 3_600_000, 1), (-3 * 3_600_000 + 5_000, 2), (-2_000, 0.5)])
    return ask


async def test_the_list_of_stats(server: Server) -> None:
    ask = await shop(server)
    await server.send("PATCH", f"/v1/stats/{ask.id('load')}", json={"unit": "ms"})
    access = await server.context.stathat.of(1)
    views, load = server.stat("page view"), server.stat("load")
    answer = await read(server, "statlist")
    assert answer.body.decode() == (
        f'[{{"id":"{public_id(views.id)}","name":"page view","public":false,"counter":true,'
        f'"unit":"","classic_key":"{access.stat_key(views.id)}",'
        f'"embed_key":"{access.embed_key(views.id)}","data_received_at":{NOW_S - 1},'
        f'"created_at":{NOW_S}}},'
        f'{{"id":"{public_id(load.id)}","name":"load","public":false,"counter":false,'
        f'"unit":"ms","classic_key":"{access.stat_key(load.id)}",'
        f'"embed_key":"{access.embed_key(load.id)}","data_received_at":{NOW_S - 2},'
        f'"created_at":{NOW_S}}}]'
    )
    one = await read(server, "stat?name=page+view")
    assert one.json == answer.json[0]
    refused(await read(server, "stat?name=nobody"), 404, "no such stat")
    refused(await read(server, "stat"), 404, "no such stat")


async def test_the_list_has_pages(server: Server) -> None:
    names = [f"s{number:05}" for number in range(STATS_A_PAGE + 3)]
    await server.context.directory.register(1, dict.fromkeys(names, Kind.COUNTER))
    first = (await read(server, "statlist")).json
    second = (await read(server, f"statlist?offset={len(first)}")).json
    assert [one["name"] for one in (*first, *second)] == names
    assert len(second) == 3
    assert first[0]["data_received_at"] == 0
    assert (await read(server, "statlist?offset=99999999")).json == []
    refused(await read(server, "statlist?offset=-1"), 422, "offset")


async def test_data_of_several_stats(server: Server) -> None:
    ask = await shop(server)
    views, load = ask.id("page view"), ask.id("load")
    now_h = NOW_S - NOW_S % HOUR_S
    hour = now_h // HOUR_S % 24
    assert (NOW_S % HOUR_S, hour) == (0, 23)
    answer = await read(server, f"data/{views}/{load}?t=5h1h")
    assert answer.body.decode() == (
        '[{"name":"page view","timeframe":"5 hours @ 1 hour","points":['
        f'{{"time":{now_h - 2 * HOUR_S},"value":3.5}},{{"time":{now_h - HOUR_S},"value":4}},'
        f'{{"time":{now_h},"value":0}}]}},'
        '{"name":"load","timeframe":"5 hours @ 1 hour","points":['
        f'{{"time":{now_h - 3 * HOUR_S},"value":1.5}},{{"time":{now_h - HOUR_S},"value":0.5}}]}}]'
    )


async def test_a_summary_is_daily_and_overrules_t(server: Server) -> None:
    ask = await shop(server)
    (found,) = (await read(server, f"data/{ask.id('page view')}?summary=7d&t=1h1m")).json
    midnight = NOW_S - NOW_S % 86_400
    assert found["timeframe"] == "1 week @ 1 day"
    assert found["points"] == [{"time": midnight, "value": 7.5}]


async def test_data_from_a_start(server: Server) -> None:
    ask = await shop(server)
    start = NOW_S - 3 * HOUR_S
    (found,) = (await read(server, f"data/{ask.id('load')}?t=1h1m&start={start}")).json
    assert found["points"] == [{"time": start, "value": 1.5}]
    (found,) = (await read(server, f"data/{ask.id('load')}?t=1h1m&start={NOW_S + 10**6}")).json
    assert found["timeframe"] == "1 hour @ 1 minute"


async def test_more_than_five_stats_are_not_looked_at(server: Server) -> None:
    ask = await shop(server)
    ids = "/".join([ask.id("load")] * 5)
    answer = await read(server, f"data/{ids}/nobody/nobody?t=1h1m")
    assert [one["name"] for one in answer.json] == ["load"] * 5
    refused(await read(server, f"data/{ask.id('load')}/nobody"), 404, "no such stat")


async def test_what_data_cannot_be_asked(server: Server) -> None:
    ask = await shop(server)
    load = ask.id("load")
    refused(await read(server, f"data/{load}?t=1w"), 422, "1w3h")
    refused(await read(server, f"data/{load}?summary=x"), 422, "7d")
    refused(await read(server, f"data/{load}?start=x"), 422, "start")
    refused(await read(server, f"data/{load}?t=8d1m"), 422, "at most 11,000")


async def test_a_stat_that_is_thrown_away_is_seen_no_more(server: Server) -> None:
    ask = await shop(server)
    load = ask.id("load")
    assert (await read(server, f"stats/{load}", "DELETE")).body == b'{"msg":"stat deleted."}'
    assert server.stat("load").state == "trash"
    assert [one["name"] for one in (await read(server, "statlist")).json] == ["page view"]
    for path in (f"data/{load}", "stat?name=load"):
        refused(await read(server, path), 404, "no such stat")
    refused(await read(server, f"stats/{load}", "DELETE"), 404, "no such stat")


async def test_alerts_are_made_and_shown_in_stathats_words(server: Server) -> None:
    ask = await shop(server)
    views = ask.id("page view")
    common = f'"stat_id":"{views}","stat_name":"page view"'
    cases = (
        (
            "kind=value&time_window=1h&operator=greater+than&threshold=10",
            '"kind":"value","time_window":"1h","operator":"greater than","threshold":10',
        ),
        (
            "kind=delta&time_window=1d&operator=dt&percentage=50&time_delta=1w",
            '"kind":"delta","time_window":"1d","operator":"different than","percentage":50,'
            '"time_delta":"1w"',
        ),
        ("kind=data&time_window=3h", '"kind":"data","time_window":"3h"'),
        (
            "kind=value&time_window=1M&operator=lt&threshold=0.5",
            '"kind":"value","time_window":"1M","operator":"less than","threshold":0.5',
        ),
    )
    made = []
    for form, told in cases:
        answer = await read(server, "alerts", "POST", f"stat_id={views}&{form}")
        assert answer.body.decode() == f'{{"id":"{answer.json["id"]}",{common},{told}}}'
        assert (await read(server, f"alerts/{answer.json['id']}")).body == answer.body
        made.append(answer.json)
    assert (await read(server, "alerts")).json == made
    gone = made.pop(0)["id"]
    assert (await read(server, f"alerts/{gone}", "DELETE")).body == b'{"msg":"alert deleted."}'
    assert (await read(server, "alerts")).json == made
    refused(await read(server, f"alerts/{gone}"), 404, "no such alert")
    refused(await read(server, f"alerts/{gone}", "DELETE"), 404, "no such alert")


async def test_alerts_come_as_json_too_and_are_told_by_mail(server: Server) -> None:
    ask = await shop(server)
    channel = {"type": "email", "name": "ops", "address": "ops@example.com"}
    made = await server.send("POST", "/v1/channels", json=channel)
    assert made.status == 201, made.body
    alert = {"stat_id": ask.id("load"), "kind": "data", "time_window": "5m"}
    path = f"/x/{await token_of(server)}/alerts"
    answer = await server.send("POST", path, json=alert, key=None)
    kept = (await server.send("GET", f"/v1/alerts/{answer.json['id']}")).json
    assert (kept["name"], kept["channels"]) == ("load data", [made.json["id"]])


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("kind=value", "time_window"),
        ("kind=other&time_window=1h", "kind"),
        ("kind=value&time_window=soon&operator=gt&threshold=1", "window"),
        ("kind=value&time_window=1h&operator=gt", "threshold"),
        ("kind=value&time_window=1h&operator=gt&threshold=x", "threshold"),
        ("kind=value&time_window=1h&threshold=1", "op"),
        ("kind=delta&time_window=1h&operator=sideways&percentage=1&time_delta=1d", "direction"),
    ],
)
async def test_alerts_that_make_no_sense(server: Server, form: str, text: str) -> None:
    ask = await shop(server)
    answer = await read(server, "alerts", "POST", f"stat_id={ask.id('load')}&{form}")
    refused(answer, 422, text)
    assert (await read(server, "alerts")).json == []
    refused(await read(server, "alerts", "POST", "kind=data&time_window=1h"), 404, "stat")


async def test_alerts_that_stathat_never_had_are_left_out(server: Server) -> None:
    await shop(server)
    common = {"name": "n", "kind": "threshold", "threshold": 1, "window": "1m"}
    for more in (
        {"match": "page*", "op": ">"},
        {"stat": "page view", "op": "=="},
        {"stat": "page view", "op": ">", "aggregate": "max"},
    ):
        made = await server.send("POST", "/v1/alerts", json=common | more)
        assert made.status == 201, made.body
        refused(await read(server, f"alerts/{made.json['id']}"), 404, "StatHat's words")
    assert (await read(server, "alerts")).json == []


async def test_wrong_tokens(server: Server) -> None:
    await shop(server)
    access = await server.context.stathat.of(1)
    for token in ("at_nobody", "x", access.secrets.ezkey, access.secrets.user_key):
        refused(await server.send("GET", f"/x/{token}/statlist", key=None), 401, "no such key")
    foreign = f"/x/{await token_of(server, 2)}"
    assert (await server.send("GET", f"{foreign}/statlist", key=None)).json == []
    load = public_id(server.stat("load").id)
    refused(await server.send("GET", f"{foreign}/data/{load}", key=None), 404, "no such stat")
    refused(await server.send("DELETE", f"{foreign}/stats/{load}", key=None), 404, "no such stat")


async def test_an_account_that_is_switched_off(server: Server) -> None:
    await server.send("PATCH", "/v1/stathat", json={"enabled": False})
    refused(await read(server, "statlist"), 401, "switched off")
    assert (await command(server, "stats")).code == "invalid_key"


async def test_who_guesses_tokens_is_slowed_down_as_stathat_did(server: Server) -> None:
    for _ in range(WRONG_KEYS_A_MINUTE):
        refused(await server.send("GET", "/x/at_guess/statlist", key=None), 401, "no such key")
    answer = await server.send("GET", "/x/at_guess/statlist", key=None)
    assert (answer.status, answer.body) == (200, b'{"Error":"Rate limit exceeded."}')
    assert int(answer.headers["retry-after"]) >= 1
    assert (await command(server, "stats", token="at_guess")).code == "rate_limited"
    assert (await read(server, "statlist")).json == []


async def test_the_rate_of_the_plan_holds() -> None:
    plan = msgspec.structs.replace(UNLIMITED, name="slow", requests_s=1)
    async with serving(plan=plan) as server:
        answers = [await read(server, "statlist") for _ in range(12)]
        assert answers[0].json == []
        assert answers[-1].body == b'{"Error":"Rate limit exceeded."}'


async def test_the_command_line(server: Server) -> None:
    ask = await shop(server)
    views, load = ask.id("page view"), ask.id("load")
    assert (await command(server, "stats")).body.decode() == (
        f'[{{"id":"{views}","name":"page view","public":false,"counter":true}},'
        f'{{"id":"{load}","name":"load","public":false,"counter":false}}]'
    )
    hours = [NOW_S - back * HOUR_S for back in (3, 2, 1, 0)]
    answer = await command(server, f"stats/{load}/dataset?t=3h1h")
    assert answer.body.decode() == (
        '{"Name":"load","Timeframe":"3 hours @ 1 hour","Kind":"value","Points":['
        f'{{"Time":{hours[0]},"Value":1.5,"Rcount":2}},{{"Time":{hours[1]},"Value":0,"Rcount":0}},'
        f'{{"Time":{hours[2]},"Value":0.5,"Rcount":1}},{{"Time":{hours[3]},"Value":0,"Rcount":0}}]}}'
    )
    counted = (await command(server, f"stats/{views}/dataset?t=3h1h")).json
    assert counted["Kind"] == "count"
    # One table shows several stats: they have as many rows.
    assert [point["Time"] for point in counted["Points"]] == hours
    full = await command(server, f"stats/{views}/dataset_full")
    assert full.json["Timeframe"] == "1 week @ 3 hours"


async def test_the_command_line_makes_alerts_and_notes(server: Server) -> None:
    ask = await shop(server)
    form = f"stat_id={ask.id('load')}&kind=value&time_window=1d&threshold=1e%2B06&operator=gt"
    made = await command(server, "alerts", form)
    assert made.json["threshold"] == 1_000_000
    assert (await command(server, "alerts")).json == [made.json]
    for about in (ask.id("load"), "load", "deploys", ""):
        answer = await command(server, "comments", f"id={about}&text=version+4.2")
        assert answer.body == b'{"Message":"comment added"}'
    notes = (await server.send("GET", "/v1/annotations?to=now%2B1d")).json["annotations"]
    # They were made in the same millisecond, perhaps.
    assert sorted((one["title"], one["stats"], one["tags"]) for one in notes) == [
        ("version 4.2", [], []),
        ("version 4.2", [], ["deploys"]),
        ("version 4.2", [ask.id("load")], []),
        ("version 4.2", [ask.id("load")], []),
    ]
    assert (await command(server, "comments", "id=x")).code == "field_required"


@pytest.mark.parametrize("sent", ["", "Basic", "Basic é", "Basic /w==", "Bearer at_x"])
async def test_the_command_line_says_who_asks(server: Server, sent: str) -> None:
    headers = {"authorization": sent} if sent else {}
    answer = await server.send("GET", "/a1/stats", key=None, headers=headers)
    assert (answer.status, answer.code) == (401, "missing_key")
