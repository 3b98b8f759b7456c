"""StatHat's embeds: old pages go on showing stats, and nothing else gets out."""

import json
import shutil
import subprocess
from collections.abc import AsyncGenerator

import pytest
from trio.testing import MockClock

from api.accounts.desk import WRONG_KEYS_A_MINUTE
from api.stathat.embeds import LOADER, read_embed, script_of
from api.stathat.pictures import PICTURES, Shown, Size
from engine.stats import public_id
from tests.api.http.asking import Asking
from tests.api.http.harness import Answer, Server, serving

DAY_MS = 86_400_000
HOSTILE = "</script><b onload='x()'>\"&\u2028"


@pytest.fixture
async def server(autojump_clock: MockClock) -> AsyncGenerator[Server]:
    async with serving() as server:
        ask = Asking(server)
        await ask.count("hits", [(-DAY_MS, 3), (-1_000, 4), (-8 * DAY_MS, 5)])
        await ask.measure(HOSTILE, [(-DAY_MS, 1.5), (-1_000, 2.5)])
        yield server


async def key_of(server: Server, name: str) -> str:
    """What shows a stat."""
    return (await server.context.stathat.of(1)).embed_key(server.stat(name).id)


async def load(server: Server, path: str) -> Answer:
    """What a page elsewhere loads."""
    return await server.send("GET", path, key=None)


def inside(answer: Answer) -> str:
    """What a script puts into its place."""
    text = answer.body.decode()
    return str(json.loads(text.split("e.innerHTML=")[1].rpartition(";e.style")[0]))


async def test_a_graph_is_drawn_into_the_place_that_the_page_made(server: Server) -> None:
    key = await key_of(server, "hits")
    answer = await load(server, f"/embed/graph/{key}?w=760&h=235&tf=week_compare&title=Hits")
    assert (answer.status, answer.headers["content-type"]) == (
        200,
        "text/javascript; charset=utf-8",
    )
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    place = f"statd_embed_graph_{key}___760_235_week_compare_"
    assert answer.body.startswith(
        f'(function(){{var e=document.getElementById("{place}");if(e){{e.innerHTML="'.encode()
    )
    picture = inside(answer)
    assert picture.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="760" height="235"')
    assert "Hits" in picture
    assert picture.count("<path") == 2
    assert picture.count("stroke-dasharray") == 1


async def test_figures_and_tables(server: Server) -> None:
    key, other = await key_of(server, "hits"), await key_of(server, HOSTILE)
    assert "<span>7</span>" in inside(await load(server, f"/embed/text/{key}"))
    assert "<dd>7</dd>" in inside(await load(server, f"/embed/data/{key}?w=100"))
    table = inside(await load(server, f"/embed/table/{key}/{other}"))
    assert "<td>7</td><td>0</td><td>4</td>" in table
    assert "<td>2</td><td>1.5</td><td>2.5</td><td>2.5</td>" in table
    several = inside(await load(server, f"/embed/graph/{key}/{other}/{key}/{key}"))
    assert (several.count("<path"), "dasharray" in several) == (3, False)


async def test_nothing_that_users_wrote_runs(server: Server) -> None:
    key = await key_of(server, HOSTILE)
    for kind in PICTURES:
        answer = await load(server, f"/embed/{kind}/{key}?title=%3C/script%3E%22%3Cimg%20src=x%3E")
        text = answer.body.decode()
        assert "<" not in text.replace("\\u003c", "")
        assert "\u2028" not in text
        shown = inside(answer)
        assert "<b" not in shown
        assert "<img" not in shown
        assert "</script" not in shown
    style = "%22);alert(1);(%22"
    answer = await load(server, f"/embed/graph/{key}?style={style}")
    assert b'_\\");alert(1);(\\"");' in answer.body


@pytest.mark.parametrize("key", ["st_1", "1", "1-x", "lxoC", "-", "1-é", "zzzzzzzzzzzzz-a"])
async def test_what_is_no_key_shows_nothing(server: Server, key: str) -> None:
    await server.context.stathat.of(1)
    answer = await load(server, f"/embed/graph/{key}")
    assert (answer.status, answer.code) == (404, "not_found")


async def test_other_keys_show_nothing(server: Server) -> None:
    access, hits = await server.context.stathat.of(1), server.stat("hits").id
    for key in (public_id(hits), access.stat_key(hits), access.embed_key(4711)):
        assert (await load(server, f"/embed/graph/{key}")).status == 404
    key = access.embed_key(hits)
    assert (await load(server, f"/embed/film/{key}")).status == 404
    assert (await load(server, f"/embed/graph/{key}?title={'x' * 201}")).status == 422
    assert (await server.send("PATCH", "/v1/stathat", json={"renew": ["user_key"]})).status == 200
    assert (await load(server, f"/embed/graph/{key}")).status == 404


async def test_an_account_whose_keys_nobody_saw_shows_nothing_and_gets_none(server: Server) -> None:
    await load(server, f"/embed/graph/{public_id(server.stat('hits').id)[3:]}-x")
    assert await server.context.stathat.known(1) is None


async def test_who_guesses_is_slowed_down(server: Server) -> None:
    for _ in range(WRONG_KEYS_A_MINUTE):
        assert (await load(server, "/embed/graph/1-x")).status == 404
    assert (await load(server, "/embed/graph/1-x")).code == "rate_limited"


async def test_what_is_switched_off_or_thrown_away_is_shown_no_more(server: Server) -> None:
    key = await key_of(server, "hits")
    await server.send("PATCH", "/v1/stathat", json={"enabled": False})
    assert (await load(server, f"/embed/graph/{key}")).status == 404
    await server.send("PATCH", "/v1/stathat", json={"enabled": True})
    await server.send("DELETE", f"/v1/stats/{public_id(server.stat('hits').id)}")
    assert (await load(server, f"/embed/graph/{key}")).status == 404


def test_a_stat_without_points_is_drawn_too() -> None:
    nothing = [Shown("a", counter=True, values=(None, None))]
    for kind, draw in PICTURES.items():
        shown = draw(nothing, Size(20, 20), "")
        assert ("no data" in shown) == (kind != "graph")


def test_sizes_have_limits() -> None:
    assert read_embed("graph", ["k"], {"w": "9", "h": "99999"}).size == Size(20, 4_000)
    assert read_embed("graph", ["k"], {"w": "x"}).size == Size(760, 235)
    assert read_embed("graph", ["k"], {"tf": "sideways"}).frame == "week_compare"


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_an_old_page_shows_its_stat() -> None:
    page = """
    const places = {}, loaded = [];
    globalThis.window = globalThis;
    const parent = { insertBefore(div) { places[div.id] = div; } };
    globalThis.document = {
      currentScript: { src: "https://stats.example/javascripts/embed.js", parentNode: parent },
      createElement: () => ({ style: {} }), getElementById: (id) => places[id],
      getElementsByTagName: () => [], head: { appendChild: (one) => loaded.push(one.src) },
    };
    const [loader, calls, script] = JSON.parse(require("fs").readFileSync(0, "utf8"));
    (0, eval)(loader);
    for (const [name, ask] of calls) StatHatEmbed[name](ask);
    (0, eval)(script);
    const shown = Object.values(places).filter((div) => div.innerHTML).map((div) => [div.innerHTML,
      div.style.display]);
    console.log(JSON.stringify({ places: Object.keys(places), loaded, shown }));
    """
    embed = read_embed("graph", ["1-a"], {"w": "760", "h": "235", "tf": "week_compare"})
    calls = [
        ["render", {"s1": "1-a", "w": 760, "h": 235}],
        ["render_table", {"s1": "1-a", "s2": "2-b", "w": 1, "h": 2, "tf": "half_compare"}],
        ["render_text", {"s1": "1-a", "title": "a b"}],
    ]
    sent = json.dumps([LOADER, calls, script_of(embed.place, "<svg>\u2028</svg>")])
    done = subprocess.run(
        ["node", "-e", page], input=sent, capture_output=True, text=True, timeout=20, check=True
    )
    assert json.loads(done.stdout) == {
        "places": [
            "statd_embed_graph_1-a___760_235_week_compare_",
            "statd_embed_table_1-a_2-b__1_2_half_compare_",
            "statd_embed_text_1-a_",
        ],
        "loaded": [
            "https://stats.example/embed/graph/1-a?w=760&h=235&tf=week_compare",
            "https://stats.example/embed/table/1-a/2-b?w=1&h=2&tf=half_compare",
            "https://stats.example/embed/text/1-a?title=a%20b",
        ],
        "shown": [["<svg>\u2028</svg>", "block"]],
    }
