"""StatHat's clients and a whole server: what they send is stored, what they hear is true."""

from collections.abc import AsyncGenerator

import msgspec
import pytest
import trio

from api.accounts.deleting import delete_account
from api.accounts.desk import WRONG_KEYS_A_MINUTE
from api.accounts.records import ALL, Kept, Member, Members
from api.plans.plan import UNLIMITED
from api.stathat.access import REMEMBERED_S
from engine.ports import Refused, StoreError, Unavailable
from engine.stats import Kind
from storage.memory_documents import MemoryDocuments
from tests.api.http.harness import NOW_S, Answer, Server, serving

OK = {"status": 200, "msg": "ok"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
ANN = "ann+flow@example.com"


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


async def keys(server: Server, key: str = "all") -> dict[str, str]:
    """What `GET /v1/stathat` tells."""
    answer = await server.send("GET", "/v1/stathat", key=key)
    assert answer.status == 200
    return dict(answer.json)


async def post(server: Server, path: str, form: str) -> Answer:
    """A form as a client sends it."""
    return await server.send("POST", path, body=form.encode(), headers=FORM, key=None)


async def owned_by(server: Server, email: str) -> None:
    """Make somebody the owner of account 1."""
    place = Kept("members", 1, ALL, Members(), 0)
    await server.context.desk.write(place.becomes(Members((Member("us_1", email, "owner", 0),))))


def refused(answer: Answer, text: str, status: int = 200) -> None:
    """The answer is a refusal in the form that clients know."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["status"] == 500
    assert text in answer.json["msg"]


async def test_the_first_point_makes_the_stat_and_its_type(server: Server) -> None:
    ezkey = (await keys(server))["ezkey"]
    assert ezkey.startswith("ez_")
    assert (await post(server, "/ez", f"ezkey={ezkey}&stat=page view&count=2")).json == OK
    assert (
        await post(server, "/ez", f"ezkey={ezkey}&stat=load&value=0.5&t={NOW_S - 60}")
    ).json == OK
    assert await server.stored() == {"page view": (1, 2.0), "load": (1, 0.5)}
    assert [server.stat(name).kind for name in ("page view", "load")] == [Kind.COUNTER, Kind.VALUE]
    assert (await server.buckets("load")).count.tolist() == [1]


async def test_get_and_fan_out_and_many(server: Server) -> None:
    ezkey = (await keys(server))["ezkey"]
    query = {"ezkey": ezkey, "stat": "sent~total,female", "count": "1e+06"}
    assert (await server.send("GET", "/ez", query=query, key=None)).json == OK
    many = {"ezkey": ezkey, "data": [{"stat": "sent total", "count": 1}, {"stat": "x", "value": 3}]}
    assert (await server.send("POST", "/ez", json=many, key=None)).json == OK
    stored = {"sent total": (2, 1_000_001.0), "sent female": (1, 1e6), "x": (1, 3.0)}
    assert await server.stored() == stored


async def test_points_that_cannot_be_taken_are_told_and_the_others_stored(server: Server) -> None:
    ezkey = (await keys(server))["ezkey"]
    data: list[object] = [{"stat": "a", "count": 1}, {"stat": "", "count": 1}, {"stat": "b"}]
    answer = await server.send("POST", "/ez", json={"ezkey": ezkey, "data": data}, key=None)
    refused(answer, "stat name length")
    refused(answer, "2 points were not taken")
    assert await server.stored() == {"a": (1, 1.0)}
    refused(await post(server, "/ez", f"ezkey={ezkey}&stat=a&value=1"), "stat type conflict")
    refused(await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=nan"), "value out of range")
    refused(await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1&t=7"), "timestamp")
    refused(await post(server, "/ez", "{"), "invalid json")
    assert await server.stored() == {"a": (1, 1.0)}


async def test_an_id_counts_once(server: Server) -> None:
    ezkey = (await keys(server))["ezkey"]
    for _ in range(2):
        assert (await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1&id=7")).json == OK
    assert await server.stored() == {"a": (1, 1.0)}


async def test_classic_keys_name_one_stat(server: Server) -> None:
    ezkey = (await keys(server))["ezkey"]
    await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1")
    stat = (await server.send("GET", "/v1/stats")).json["stats"][0]["id"]
    own = (await server.send("GET", f"/v1/stats/{stat}/stathat")).json
    key, ukey = own["key"], own["ukey"]
    # Old clients send a value to a counter's path, and the other way round.
    assert (await post(server, "/c", f"key={key}&ukey={ukey}&value=2")).json == OK
    assert (await post(server, "/v", f"key={key}&ukey={ukey}&count=3&t={NOW_S}")).json == OK
    query = {"key": key, "ukey": ukey, "count": "4"}
    assert (await server.send("GET", "/c", query=query, key=None)).json == OK
    assert await server.stored() == {"a": (4, 10.0)}


async def test_wrong_classic_keys(server: Server) -> None:
    mine, other = await keys(server), await keys(server, "other")
    await post(server, "/ez", f"ezkey={mine['ezkey']}&stat=a&count=1")
    access = await server.context.stathat.of(1)
    key = access.stat_key(server.stat("a").id)
    foreign = (await server.context.stathat.of(2)).stat_key(server.stat("a").id)
    ukey = mine["user_key"]
    for form in (
        f"key={key}&ukey=uk_nobody&count=1",
        f"key={key}&ukey={mine['ezkey']}&count=1",
        f"key={key}&ukey={other['user_key']}&count=1",
        f"key={foreign}&ukey={other['user_key']}&count=1",
        f"key={access.stat_key(4711)}&ukey={ukey}&count=1",
        f"key={key[:-1]}&ukey={ukey}&count=1",
        f"key=é-é&ukey={ukey}&count=1",
        f"ukey={ukey}&count=1",
        "",
    ):
        refused(await post(server, "/c", form), "invalid keys")
    assert await server.stored() == {"a": (1, 1.0)}


async def test_an_access_token_and_a_user_key_are_no_ez_keys(server: Server) -> None:
    mine = await keys(server)
    for key in (mine["access_token"], mine["user_key"], ANN, "", "ez_" + "0" * 300):
        refused(await post(server, "/ez", f"ezkey={key}&stat=a&count=1"), "invalid keys")
    assert await server.stored() == {}


async def test_the_owners_address_is_a_key_once_they_want_that(server: Server) -> None:
    await owned_by(server, ANN)
    refused(await post(server, "/ez", f"ezkey={ANN}&stat=a&count=1"), "invalid keys")
    answer = await server.send("PATCH", "/v1/stathat", json={"email_as_ezkey": True})
    assert answer.json["emails"] == [ANN]
    # Unencoded, so that the plus arrives as a space; under another name; in capitals.
    for form in (f"ezkey={ANN}", "email=ann%2Bflow@example.com", f"email={ANN.upper()}"):
        assert (await post(server, "/ez", f"{form}&stat=a&count=1")).json == OK
    await server.send("PATCH", "/v1/stathat", json={"email_as_ezkey": False})
    refused(await post(server, "/ez", f"ezkey={ANN}&stat=a&count=1"), "invalid keys")
    assert await server.stored() == {"a": (3, 3.0)}


async def test_an_address_is_no_key_once_it_is_no_owners(
    server: Server, autojump_clock: trio.testing.MockClock
) -> None:
    await owned_by(server, ANN)
    await server.send("PATCH", "/v1/stathat", json={"email_as_ezkey": True})
    assert (await post(server, "/ez", f"ezkey={ANN}&stat=a&count=1")).json == OK
    members = await server.context.desk.members(1)
    await server.context.desk.write(members.becomes(Members()))
    await trio.sleep(REMEMBERED_S)
    refused(await post(server, "/ez", f"ezkey={ANN}&stat=a&count=1"), "invalid keys")


async def test_an_address_that_opens_another_account(server: Server) -> None:
    await owned_by(server, ANN)
    await server.context.stathat.change(2, emails=(ANN,))
    answer = await server.send("PATCH", "/v1/stathat", json={"email_as_ezkey": True})
    assert (answer.status, answer.code) == (409, "email_taken")


async def test_keys_are_drawn_anew_and_switched_off(server: Server) -> None:
    before = await keys(server)
    renewed = await server.send("PATCH", "/v1/stathat", json={"renew": ["ezkey"]})
    after = renewed.json
    assert after["ezkey"] != before["ezkey"]
    assert {**after, "ezkey": ""} == {**before, "ezkey": ""}
    refused(await post(server, "/ez", f"ezkey={before['ezkey']}&stat=a&count=1"), "invalid keys")
    await server.send("PATCH", "/v1/stathat", json={"enabled": False})
    refused(await post(server, "/ez", f"ezkey={after['ezkey']}&stat=a&count=1"), "switched off")
    await server.send("PATCH", "/v1/stathat", json={"enabled": True})
    assert (await post(server, "/ez", f"ezkey={after['ezkey']}&stat=a&count=1")).json == OK


async def test_a_new_user_key_ends_the_keys_of_stats(server: Server) -> None:
    before = await server.context.stathat.of(1)
    after = await server.context.stathat.change(1, renew=frozenset({"user_key"}))
    assert after.stat_of(after.stat_key(7)) == 7
    assert after.stat_of(before.stat_key(7)) is None
    assert after.secrets.ezkey == before.secrets.ezkey


async def test_secrets_are_kept_sealed(server: Server) -> None:
    mine = await keys(server)
    (kept,) = await server.context.documents.all("stathat", 1, server.context.clock.now_ms())
    assert not any(mine[name].encode() in kept.body for name in ("ezkey", "access_token"))
    assert mine["ezkey"] not in repr(await server.context.stathat.of(1))


async def test_guessing_is_slowed_down(server: Server) -> None:
    ezkey = (await keys(server))["ezkey"]
    for _ in range(WRONG_KEYS_A_MINUTE):
        refused(await post(server, "/ez", "ezkey=ez_guess&stat=a&count=1"), "invalid keys")
    refused(await post(server, "/ez", "ezkey=ez_guess&stat=a&count=1"), "rate limited")
    assert (await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1")).json == OK


@pytest.mark.parametrize("error", [Unavailable("gone"), Refused("oom", "full")])
async def test_the_store_is_down(server: Server, error: StoreError) -> None:
    ezkey = (await keys(server))["ezkey"]
    await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1")
    server.store.failure = error
    answer = await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1")
    refused(answer, "", 503)
    assert int(answer.headers["retry-after"]) >= 1
    server.store.failure = None


async def test_the_records_are_down(server: Server) -> None:
    documents = server.context.documents
    assert isinstance(documents, MemoryDocuments)
    documents.failure = Unavailable("gone")
    refused(await post(server, "/ez", "ezkey=ez_unknown&stat=a&count=1"), "store unavailable", 503)


async def test_the_plan_limits_stats_and_points() -> None:
    small = msgspec.structs.replace(UNLIMITED, name="small", stats=1)
    async with serving(plan=small) as server:
        ezkey = (await keys(server))["ezkey"]
        assert (await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1")).json == OK
        refused(await post(server, "/ez", f"ezkey={ezkey}&stat=b&count=1"), "plan limit")
        assert (await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1")).json == OK


async def test_the_keys_end_with_the_account(
    server: Server, autojump_clock: trio.testing.MockClock
) -> None:
    ezkey = (await keys(server, "other"))["ezkey"]
    assert (await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1")).json == OK
    await delete_account(server.context.desk, server.context.keyring, 2)
    await trio.sleep(REMEMBERED_S)
    refused(await post(server, "/ez", f"ezkey={ezkey}&stat=a&count=1"), "invalid keys")
