"""Requests to real sockets: receivers that hang, lie, flood and lead inwards."""

from ipaddress import ip_address

import pytest
import trio

from api.accounts.addresses import read_network
from api.notify import outgoing
from api.notify.addresses import Address, AddressFault, read_target
from api.notify.guard import Guard
from api.notify.outgoing import Answered, Failed, send
from tests.api.notify.receiver import floods, hangs, lies, receiving, says

pytestmark = pytest.mark.real

LOOPBACK = Guard([read_network("127.0.0.0/8")])


def resolving(*answers: str) -> tuple[Guard, list[str]]:
    """A guard whose resolver gives one answer after the other, and what it was asked."""
    asked: list[str] = []

    async def resolve(host: str) -> list[Address]:
        asked.append(host)
        return [ip_address(answers[min(len(asked), len(answers)) - 1])]

    return Guard((), resolve), asked


async def test_a_request_arrives_with_its_headers_and_body() -> None:
    async with receiving() as receiver:
        sent = await send(LOOPBACK, "POST", receiver.url, {"webhook-id": "msg_1"}, b"{}")
    assert sent == Answered(200)
    got = receiver.got[0]
    assert (got.method, got.path, got.body) == ("POST", "/hook", b"{}")
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with receiving(says(302, "location: http://169.254.169.254/")) as receiver:
        assert await send(LOOPBACK, "POST", receiver.url) == Answered(302)
    assert len(receiver.got) == 1


async def test_retry_after_is_told() -> None:
    async with receiving(says(429, "retry-after: 7")) as receiver:
        assert await send(LOOPBACK, "POST", receiver.url) == Answered(429, "7")


async def test_an_answer_without_end_is_cut() -> None:
    async with receiving(floods) as receiver:
        assert await send(LOOPBACK, "POST", receiver.url) == Answered(200)


async def test_an_answer_that_lies_about_its_length_is_a_failure() -> None:
    async with receiving(lies) as receiver:
        sent = await send(LOOPBACK, "POST", receiver.url)
    assert isinstance(sent, Failed)
    assert sent.code == "connection"


async def test_a_receiver_that_hangs_costs_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "TOTAL_S", 0.2)
    async with receiving(hangs) as receiver:
        sent = await send(LOOPBACK, "POST", receiver.url)
    assert isinstance(sent, Failed)
    assert sent.code == "timeout"


async def test_nobody_listening_is_a_failure() -> None:
    async with receiving() as receiver:
        url = receiver.url
    sent = await send(LOOPBACK, "POST", url)
    assert isinstance(sent, Failed)
    assert sent.code == "connection"


async def test_the_loopback_is_closed_unless_it_is_allowed() -> None:
    async with receiving() as receiver:
        sent = await send(Guard(), "POST", receiver.url)
    assert isinstance(sent, Failed)
    assert sent.code == "blocked_address"
    assert receiver.got == []


async def test_a_name_that_turns_private_is_blocked_when_it_is_called() -> None:
    guard, asked = resolving("8.8.8.8", "127.0.0.1")
    url = "https://rebinding.example/hook"
    await guard.check(read_target(url))
    sent = await send(guard, "POST", url)
    assert sent == Failed("blocked_address", "127.0.0.1 is blocked")
    assert asked == ["rebinding.example", "rebinding.example"]


async def test_a_private_name_is_refused_when_it_is_saved() -> None:
    guard, _ = resolving("10.0.0.1")
    with pytest.raises(AddressFault):
        await guard.check(read_target("https://inside.example/"))


async def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as receiver, receiving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert await send(LOOPBACK, "POST", receiver.url) == Answered(200)
    assert proxy.got == []


async def test_a_sender_can_be_cancelled() -> None:
    async with receiving(hangs) as receiver:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send, LOOPBACK, "POST", receiver.url)
                await receiver.wait_for(1)
                scope.cancel()
    assert scope.cancelled_caught
