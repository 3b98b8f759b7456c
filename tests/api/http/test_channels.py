"""Channels and deliveries over HTTP: made, tried, confirmed, and what becomes of messages."""

import pytest
import trio
from standardwebhooks import Webhook
from trio.testing import MockClock

from api.notify.breaker import ALARM_AT
from api.notify.outgoing import Answered, Failed
from tests.api.http.browser import PASSWORD, Browser, token_of
from tests.api.http.harness import Server, serving
from tests.api.http.test_alerts import HOOK, alert, channel, point

ADDRESSES = (
    "http://127.0.0.1.", "http://2130706433", "http://[::ffff:169.254.169.254]",
    "http://[64:ff9b::a9fe:a9fe]", "https://inside.example/", "https://10.1.2.3/",
)  # fmt: skip
FORMS = (
    "https://user:pw@host.example/", "ftp://host.example/", "file:///etc/passwd", "gopher://h/",
    "https://host.example:22/", "http://host.example/",
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "code"),
    [*((url, "webhook_address") for url in ADDRESSES), *((url, "webhook_url") for url in FORMS)],
)
async def test_a_webhook_that_must_not_be_called_is_refused(
    autojump_clock: MockClock, url: str, code: str
) -> None:
    async with serving() as server:
        body = {"type": "webhook", "name": "ops", "url": url}
        answer = await server.send("POST", "/v1/channels", json=body)
        assert (answer.status, answer.code) == (422, code)
        assert answer.json["errors"][0]["field"] == "url"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "email", "address": "a@b.c\r\nBcc: x@y"}, "address"),
        ({"type": "email", "address": "nobody"}, "address"), ({"type": "email"}, "address"),
        ({"type": "webhook"}, "url"), ({"type": "pigeon"}, "type"),
        ({"type": "webhook", "url": HOOK, "secret": "x"}, "secret"),
        ({"type": "webhook", "url": HOOK, "body": "pagerduty"}, "routing_key"),
        ({"type": "apprise", "url": "mailto://x"}, "type"),
        ({"type": "webhook", "url": HOOK, "name": " "}, "name"),
        ({"type": "webhook", "url": HOOK, "token": "x"}, "token"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(
    autojump_clock: MockClock, body: dict[str, object], field: str
) -> None:
    async with serving() as server:
        answer = await server.send("POST", "/v1/channels", json={"name": "ops", **body})
        assert answer.status == 422, answer.body
        assert field in [error["field"] for error in answer.json["errors"]]
        assert server.post.mails == []


async def test_a_secret_is_shown_once_and_can_be_replaced(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        path = f"/v1/channels/{made['id']}"
        assert made["secret"].startswith("whsec_")
        assert "secret" not in (await server.send("GET", path)).json
        rotated = (await server.send("PATCH", path, json={"rotate_secret": True})).json
        assert rotated["secret"] != made["secret"]
        await server.send("POST", f"{path}/test")
        signatures = server.post.sent[0].headers["webhook-signature"].split()
        assert len(signatures) == 2
        for secret, signature in zip((rotated["secret"], made["secret"]), signatures, strict=True):
            sent = server.post.sent[0]
            from datetime import UTC, datetime

            at = datetime.fromtimestamp(int(sent.headers["webhook-timestamp"]), tz=UTC)
            text = sent.body.decode()
            assert Webhook(secret).sign(sent.headers["webhook-id"], at, text) == signature


async def test_channels_belong_to_their_account(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        path = f"/v1/channels/{made['id']}"
        for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
            assert (await server.send(method, path + tail, key="other")).status == 404
        assert (await server.send("GET", "/v1/channels", key="other")).json["channels"] == []
        assert (await server.send("DELETE", path, key="write")).status == 403
        assert (await server.send("DELETE", path)).status == 204
        assert (await server.send("GET", path)).status == 404


async def test_an_address_hears_nothing_before_it_has_confirmed(autojump_clock: MockClock) -> None:
    async with serving() as server:
        body = {"type": "email", "name": "me", "address": "ann@example.org"}
        made = (await server.send("POST", "/v1/channels", json=body)).json
        assert made["confirmed"] is False
        refused = await server.send("POST", f"/v1/channels/{made['id']}/test")
        assert (refused.status, refused.code) == (409, "channel_blocked")
        asked = server.post.mails.pop()
        assert asked.to == "ann@example.org"
        token = asked.text.partition("?token=")[2].split()[0]
        path = "/v1/channels/confirm"
        looked = await server.send("GET", path, key=None, query={"token": token})
        assert b"ann@example.org" in looked.body
        assert (await server.send("GET", f"/v1/channels/{made['id']}")).json["confirmed"] is False
        assert (await server.send("POST", path, key=None, query={"token": token})).status == 200
        assert (await server.send("POST", path, key=None, query={"token": "x"})).status == 410
        tried = (await server.send("POST", f"/v1/channels/{made['id']}/test")).json
        assert tried["ok"] is True
        mail = server.post.mails[0]
        assert mail.subject == "[TEST] test message"
        assert mail.html is not None


async def test_a_member_who_has_proved_an_address_need_not_confirm_it(
    autojump_clock: MockClock,
) -> None:
    async with serving() as server:
        ann = Browser(server)
        assert (await ann.sign_up("ann@example.org")).status == 201
        body = {"type": "email", "name": "me", "address": "Ann@Example.org"}
        # Whoever signs up where nothing is mailed has proved nothing yet.
        assert (await ann.send("POST", "/v1/channels", body)).json["confirmed"] is False
        await ann.send("POST", "/v1/auth/reset", {"email": "ann@example.org"})
        proof = {"token": token_of(server.posted[-1].text), "password": PASSWORD}
        assert (await ann.send("POST", "/v1/auth/reset/confirm", proof)).status == 204
        assert (await ann.log_in("ann@example.org")).status == 200
        mails = len(server.post.mails)
        assert (await ann.send("POST", "/v1/channels", body)).json["confirmed"] is True
        assert len(server.post.mails) == mails
        other = {**body, "address": "bob@example.org"}
        assert (await ann.send("POST", "/v1/channels", other)).json["confirmed"] is False


async def test_nobody_is_asked_again_and_again(autojump_clock: MockClock) -> None:
    async with serving() as server:
        body = {"type": "email", "name": "me", "address": "ann@example.org"}
        answers = [await server.send("POST", "/v1/channels", json=body) for _ in range(5)]
        assert [answer.status for answer in answers] == [201, 201, 201, 429, 429]
        assert len(server.post.mails) == 3
        await trio.sleep(3_601)
        assert (await server.send("POST", "/v1/channels", json=body)).status == 201


async def test_a_message_that_failed_can_be_seen_and_sent_again(autojump_clock: MockClock) -> None:
    async with serving() as server:
        made = await channel(server)
        server.post.answer = Failed("connection", "refused")
        await point(server, 1)
        await alert(server, stat="orders.failed", window="1h", channels=[made["id"]])
        await trio.sleep(2)
        await point(server, 12)
        await trio.sleep(60)
        listed = (await server.send("GET", "/v1/deliveries")).json["deliveries"]
        assert [(one["state"], one["tries"]) for one in listed] == [("pending", 4)]
        assert {attempt["said"] for attempt in listed[0]["attempts"]} == {"refused"}
        server.post.answer = Answered(200)
        path = f"/v1/deliveries/{listed[0]['id']}/retry"
        assert (await server.send("POST", path, key="other")).status == 404
        assert (await server.send("POST", path)).status == 202
        await trio.sleep(1)
        listed = (await server.send("GET", "/v1/deliveries")).json["deliveries"]
        assert [one["state"] for one in listed] == ["delivered"]
        assert (await server.send("POST", path)).status == 404
        assert len({sent.headers["webhook-id"] for sent in server.post.sent}) == 1


async def test_a_dead_channel_is_told_to_the_others(autojump_clock: MockClock) -> None:
    async with serving() as server:
        dead = await channel(server)
        other = await channel(server, url="https://other.example/hook", name="spare")
        stats = [f"s{number}" for number in range(ALARM_AT)]
        for name in stats:
            await point(server, 1, name)
        await alert(server, match="s*", window="2d", channels=[dead["id"]])
        await trio.sleep(3)
        server.post.dead = HOOK
        for name in stats:
            await point(server, 12, name)
        # Five fail at once; then one tries after 30 s, 60 s, and so on up to 480 s.
        await trio.sleep(1_200)
        told = [sent for sent in server.post.sent if sent.url != HOOK]
        assert [sent.json["alerts"][0]["alert"]["id"] for sent in told] == ["al_channel"]
        assert told[0].headers["webhook-id"].endswith(other["id"])
        assert server.context.office.alarms.warnings() == [f"channel {dead['id']} fails: refused"]


async def test_a_mail_has_the_last_values_as_a_picture(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await confirmed(server)
        made = (await server.send("GET", "/v1/channels")).json["channels"][0]
        for value in (1, 4, 2):
            await point(server, value)
            await trio.sleep(60)
        rule = {"name": "<b>", "stat": "orders.failed", "channels": [made["id"]]}
        await alert(server, **rule)
        await trio.sleep(2)
        await point(server, 30)
        await trio.sleep(2)
        mail = server.post.mails[-1]
        assert mail.subject == "[FIRING] <b>: orders.failed"
        assert "█" in mail.text
        assert mail.html is not None
        assert 'role="img"' in mail.html
        assert "<b>" not in mail.html
        assert "/ack?token=" in mail.text


async def test_beyond_twenty_mails_an_hour_the_rest_come_as_one(autojump_clock: MockClock) -> None:
    async with serving() as server:
        await confirmed(server)
        made = (await server.send("GET", "/v1/channels")).json["channels"][0]
        for number in range(30):
            await point(server, 1, f"s{number}")
        await alert(server, match="s*", window="2d", channels=[made["id"]])
        await trio.sleep(3)
        server.post.mails.clear()
        for number in range(30):
            await point(server, 20, f"s{number}")
        await trio.sleep(60)
        assert len(server.post.mails) == 20
        await trio.sleep(3_700)
        assert len(server.post.mails) == 21
        assert server.post.mails[-1].subject.endswith("and 9 more")


async def confirmed(server: Server) -> None:
    """A mail channel that may be used."""
    body = {"type": "email", "name": "me", "address": "ann@example.org"}
    await server.send("POST", "/v1/channels", json=body)
    token = server.post.mails.pop().text.partition("?token=")[2].split()[0]
    await server.send("POST", "/v1/channels/confirm", key=None, query={"token": token})


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-", "-1", "1-2-3", "٣-٤", "9" * 16 + "-1"])
async def test_a_page_begins_at_a_cursor_of_ours(cursor: str) -> None:
    async with serving() as server:
        answer = await server.send("GET", "/v1/deliveries", query={"cursor": cursor})
        assert (answer.status, answer.code) == (422, "cursor_invalid")
