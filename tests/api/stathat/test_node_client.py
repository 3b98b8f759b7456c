"""The official client for node, unmodified, against a server on real sockets.

Its host is hard-coded: the process that runs it connects to the server under test instead, as a
hosts entry would make it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import trio

from api.express.lane import ExpressLane
from api.http.app import express_handlers, routes_by_characters
from tests.api.http.harness import NOW_S, Server, serving
from tests.api.http.sockets import served

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs node"),
]

RELEASE = "stathat@0.0.8"

SCRIPT = """
const net = require('net'), http = require('http');
http.globalAgent.createConnection = () => net.connect(PORT, '127.0.0.1');
const stathat = require('stathat'), calls = CALLS, heard = [];
const next = () => {
  if (!calls.length) { console.log(JSON.stringify(heard)); process.exit(0); }
  const [name, ...given] = calls.shift();
  stathat[name](...given, (status, body) => { heard.push([status, String(body)]); next(); });
};
next();
"""


async def test_its_points_arrive_and_it_hears_so(tmp_path: Path) -> None:
    await _install(tmp_path)
    async with serving() as server:
        access = await server.context.stathat.of(1)
        ezkey, ukey = access.secrets.ezkey, access.secrets.user_key
        await server.send("POST", "/v1/ingest", json={"stat": "old", "value": 1})
        key = access.stat_key(server.stat("old").id)
        calls = [
            ["trackEZCount", ezkey, "messages sent - female to male", 2],
            # It encodes nothing, and counts characters where bytes are meant.
            ["trackEZValue", ezkey, "größe der 統計 😀", 12.5],
            ["trackEZCountWithTime", ezkey, "sent~total,female", 1, NOW_S - 30],
            ["trackCount", ukey, key, 3],
            ["trackValueWithTime", ukey, key, 4, NOW_S - 30],
            ["trackEZCount", "nobody", "x", 1],
        ]
        heard = await _run(tmp_path, server, calls)
        stored = await server.stored()
    assert heard[:5] == [[200, '{"status":200,"msg":"ok"}']] * 5
    assert heard[5][0] == 200
    assert json.loads(heard[5][1])["status"] == 500
    assert stored == {
        "messages sent - female to male": (1, 2.0), "größe der 統計 😀": (1, 12.5),
        "sent total": (1, 1.0), "sent female": (1, 1.0), "old": (3, 8.0),
    }  # fmt: skip


async def _install(folder: Path) -> None:
    words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", RELEASE]
    with trio.move_on_after(90):
        done = await trio.run_process(words, cwd=folder, check=False, capture_stdout=True)
        if done.returncode == 0:
            return
    pytest.skip("the client cannot be had")


async def _run(folder: Path, server: Server, calls: list[list[object]]) -> list[Any]:
    context = server.context
    lane = ExpressLane(
        express_handlers(context), context.room, context.meters, routes_by_characters()
    )
    async with served(server.app, lane) as at:
        script = SCRIPT.replace("PORT", str(at.port)).replace("CALLS", json.dumps(calls))
        with trio.fail_after(30):
            done = await trio.run_process(["node", "-e", script], cwd=folder, capture_stdout=True)
    return list(json.loads(done.stdout))
