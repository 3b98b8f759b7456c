"""Dashboards: kept whole, changed by nobody's mistake, refused with the field that is wrong."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from api.boards import board as board_module
from api.boards.board import BOARD_BYTES_MAX, PANELS_MAX, Board
from api.boards.kept import Boards, KeptBoard
from engine.stats import public_id
from tests.api.http.harness import Server, serving


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


def panel(name: str = "a", **changes: object) -> dict[str, Any]:
    """A panel."""
    place = {"x": 0, "y": 0, "w": 12, "h": 6}
    return {"id": name, "kind": "line", "place": place, "stats": ["web.*"]} | changes


def board(**changes: object) -> dict[str, Any]:
    """A board of one panel."""
    return {"title": "shop", "panels": [panel()]} | changes


async def made(server: Server, **changes: object) -> dict[str, Any]:
    """A board that is kept."""
    answer = await server.send("POST", "/v1/dashboards", json=board(**changes))
    assert answer.status == 201, answer.json
    return dict(answer.json)


async def test_a_board_comes_back_as_it_was_sent(server: Server) -> None:
    kept = await made(server, variables=[{"name": "site", "match": "web.*", "value": "eu"}])
    answer = await server.send("GET", f"/v1/dashboards/{kept['id']}")
    assert answer.json == kept
    assert kept["id"].startswith("db_")
    assert kept["board"]["panels"][0]["stats"] == ["web.*"]
    assert answer.headers["etag"].startswith('"1.')
    listed = (await server.send("GET", "/v1/dashboards")).json["dashboards"]
    assert [(one["id"], one["title"], one["panels"]) for one in listed] == [(kept["id"], "shop", 1)]


async def test_who_saw_an_older_version_overwrites_nothing(server: Server) -> None:
    path = f"/v1/dashboards/{(await made(server))['id']}"
    seen = {"if-match": (await server.send("GET", path)).headers["etag"]}
    first = await server.send("PUT", path, json=board(title="first"), headers=seen)
    assert first.status == 200
    assert first.headers["etag"].startswith('"2.')
    second = await server.send("PUT", path, json=board(title="second"), headers=seen)
    assert (second.status, second.code) == (412, "precondition_failed")
    gone = await server.send("DELETE", path, headers=seen)
    assert gone.code == "precondition_failed"
    assert (await server.send("GET", path)).json["board"]["title"] == "first"
    for headers in ({}, {"if-match": "*"}, {"if-match": 'W/"3.x"'}):
        title = f"with {headers}"
        again = await server.send("PUT", path, json=board(title=title), headers=headers)
        assert again.status in {200, 412}
    assert (await server.send("PUT", path, json=board(), headers={"if-match": "x"})).status == 412


async def test_a_board_that_was_deleted_is_gone(server: Server) -> None:
    path = f"/v1/dashboards/{(await made(server))['id']}"
    assert (await server.send("DELETE", path)).status == 204
    for method in ("GET", "DELETE"):
        assert (await server.send(method, path)).code == "not_found"
    assert (await server.send("PUT", path, json=board())).code == "not_found"


async def test_a_board_of_another_account_does_not_exist(server: Server) -> None:
    kept = await made(server)
    for path in (f"/v1/dashboards/{kept['id']}", f"/v1/dashboards/{kept['id']}/shares"):
        assert (await server.send("GET", path, key="other")).code == "not_found"
    assert (await server.send("GET", "/v1/dashboards", key="other")).json["dashboards"] == []


async def test_who_only_sends_points_changes_no_board(server: Server) -> None:
    path = f"/v1/dashboards/{(await made(server))['id']}"
    for key in ("read", "write"):
        for method, at in (("POST", "/v1/dashboards"), ("PUT", path), ("POST", f"{path}/shares")):
            answer = await server.send(method, at, json=board(), key=key)
            assert answer.code == "insufficient_scope"
        assert (await server.send("DELETE", path, key=key)).code == "insufficient_scope"
    assert (await server.send("GET", path, key="read")).status == 200


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (board(panels=[panel(f"p{n}") for n in range(1_000)]), "field_invalid", "panels"),
        (board(__proto__={"x": 1}), "unknown_field", "__proto__"),
        (board(panels=[panel() | {"__proto__": 1}]), "unknown_field", "panels[0].__proto__"),
        (board(panels=[panel(), panel()]), "field_invalid", "panels[1].id"),
        (
            board(panels=[panel(place={"x": 20, "y": 0, "w": 6, "h": 2})]),
            "field_invalid",
            "panels[0].place",
        ),
        (board(panels=[panel(kind="pie")]), "field_invalid", "panels[0].kind"),
        (board(panels=[panel(thresholds=[1e300])]), "field_invalid", "panels[0].thresholds[0]"),
        (board(variables=[{"name": "a", "match": "web"}]), "field_invalid", "variables[0].match"),
        (board(variables=[{"name": "A b", "match": "*"}]), "field_invalid", "variables[0].name"),
        (board(title=""), "field_invalid", "title"),
        (board(range="ever"), "field_invalid", "range"),
        (board(schema=2), "field_invalid", "schema"),
        ({"panels": []}, "field_required", "title"),
        (
            board(panels=[panel(f"p{n}", text="x" * 9_000) for n in range(PANELS_MAX)]),
            "field_invalid",
            "panels",
        ),
    ],
)
async def test_what_is_wrong_is_named(
    server: Server, given: dict[str, Any], code: str, field: str
) -> None:
    answer = await server.send("POST", "/v1/dashboards", json=given)
    assert (answer.status, answer.code) == (422, code)
    assert answer.json["errors"][0]["field"] == field
    assert (await server.send("GET", "/v1/dashboards")).json["dashboards"] == []


async def test_a_body_of_five_megabytes_is_not_read(server: Server) -> None:
    body = b'{"title":"' + b"x" * (5 * 2**20) + b'"}'
    answer = await server.send("POST", "/v1/dashboards", body=body)
    assert (answer.status, answer.code) == (413, "body_too_large")


async def test_the_largest_board_can_be_kept(server: Server) -> None:
    text = "x" * (BOARD_BYTES_MAX // 20 - 400)
    kept = await made(server, panels=[panel(f"p{n}", text=text) for n in range(20)])
    assert len(msgspec.json.encode(kept["board"])) > BOARD_BYTES_MAX * 0.9


async def stats_of(server: Server, kept: dict[str, Any]) -> list[list[str]]:
    """The stats of each panel as they stand now."""
    found = (await server.send("GET", f"/v1/dashboards/{kept['id']}")).json["board"]
    return [one["stats"] for one in found["panels"]]


async def renamed(server: Server, before: str, after: str) -> None:
    path = f"/v1/stats/{public_id(server.stat(before).id)}"
    answer = await server.send("PATCH", path, json={"name": after})
    assert (answer.status, answer.json["name"]) == (200, after)


async def test_panels_follow_a_stat_to_its_new_name(server: Server) -> None:
    for name in ("web.a", "web.b"):
        await server.send("POST", "/v1/ingest", json={"stat": name, "value": 1})
    named = panel("b", stats=["web.b", "web.a", "$site.a"])
    kept = await made(server, panels=[panel(stats=["web.*", "web.a"]), named])
    other = await made(server)
    await renamed(server, "web.a", "site.a")
    assert await stats_of(server, kept) == [["web.*", "site.a"], ["web.b", "site.a", "$site.a"]]
    # Whoever has the name now is another stat.
    await renamed(server, "web.b", "web.a")
    assert await stats_of(server, kept) == [["web.*", "site.a"], ["web.a", "site.a", "$site.a"]]
    assert (await server.send("GET", f"/v1/dashboards/{other['id']}")).json["version"] == 1


async def test_a_panel_that_somebody_moves_meanwhile_follows_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await server.send("POST", "/v1/ingest", json={"stat": "a", "value": 1})
    kept = await made(server, panels=[panel(stats=["a"])])
    path, replace = f"/v1/dashboards/{kept['id']}", Boards.replace

    async def beaten(self: Boards, *change: Any) -> KeptBoard:  # ruff: ignore[any-type]
        monkeypatch.setattr(Boards, "replace", replace)
        moved = board(title="moved", panels=[panel(stats=["a", "c"])])
        assert (await server.send("PUT", path, json=moved)).status == 200
        return await replace(self, *change)

    monkeypatch.setattr(Boards, "replace", beaten)
    await renamed(server, "a", "b")
    assert await stats_of(server, kept) == [["b", "c"]]


def test_a_board_that_has_no_room_for_a_longer_name_keeps_the_old_one() -> None:
    crowd = [panel(str(at), stats=["a"] * 20, text="x" * 2_500) for at in range(PANELS_MAX)]
    full = msgspec.convert(board(panels=crowd), Board)
    assert board_module.renamed(full, "a", "b") is not None
    assert board_module.renamed(full, "a", "b" * 255) is None
