"""The pages for people: complete, whole in themselves, and what they show runs as shown."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from api.http.docs.markdown import code_blocks
from api.http.docs.reference import KEY, curl, reference
from api.http.openapi import describe, operation_id
from api.http.pages import ICON, PAGE_HEADERS
from api.http.routes.docs import EXAMPLE_ADDRESS, addresses, guide_text, offered
from api.http.routes.table import ROUTES
from tests.api.cli.running import Running, running
from tests.api.http.harness import Server, serving
from tests.source_tree import ROOT

SHOWN = code_blocks(offered(guide_text(), addresses(ROUTES)))
RUN_LIMIT_S = 20
COMPILE_LIMIT_S = 240
"""The first program in Go may compile all that comes with it, some 20 s of one core."""


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    async with serving() as server:
        yield server


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/reference", "/nowhere", "/readyz/x"])
async def test_pages_are_whole_in_themselves(server: Server, path: str) -> None:
    answer = await server.send("GET", path, key=None, headers={"accept": "text/html,*/*;q=0.8"})
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for name, value in PAGE_HEADERS:
        assert answer.headers[name.decode()] == value.decode()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in answer.headers
    assert not re.search(r"<script|<style|style=|\bon\w+=|src=", page)
    assert set(re.findall(r'<link[^>]* href="([^"]*)"', page)) == {ICON, "/docs/style.css"}


async def test_the_style_sheet_loads_nothing(server: Server) -> None:
    answer = await server.send("GET", "/docs/style.css", key=None)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert not re.search(r"url\(|@import", answer.body.decode())
    assert "prefers-color-scheme: dark" in answer.body.decode()


async def test_links_lead_somewhere(server: Server) -> None:
    pages = {}
    for path in ("/docs", "/docs/reference"):
        pages[path] = (await server.send("GET", path, key=None)).body.decode()
    for path, page in pages.items():
        for link in set(re.findall(r'href="([^"]+)"', page)) - {ICON}:
            place, _, mark = link.partition("#")
            if mark:
                assert f'id="{mark}"' in pages[place or path], link
            else:
                assert (await server.send("GET", link, key=None)).status == 200, link


async def test_every_route_has_its_place(server: Server) -> None:
    page = (await server.send("GET", "/docs/reference", key=None)).body.decode()
    for route in ROUTES:
        assert f'<article id="{operation_id(route)}">' in page


def test_sections_about_what_there_is_not_are_left_out() -> None:
    text = "# T\n\n## A\n<!-- needs GET /a -->\n\none\n\n## B\n\ntwo"
    assert offered(text, frozenset({"GET /a"})) == "# T\n\n## A\n\none\n\n## B\n\ntwo"
    assert offered(text, frozenset()) == "# T\n\n## B\n\ntwo"


def test_what_is_described_is_text() -> None:
    hostile = describe(ROUTES, "1")
    hostile["info"]["description"] = "<script>alert(1)</script>"
    assert "<script" not in reference(hostile, "http://x/<b>")


async def test_over_tls_browsers_are_told_to_stay(server: Server) -> None:
    server.context.public_url = "https://stats.example"
    answer = await server.send("GET", "/", key=None)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_programs_get_problems_and_browsers_pages(server: Server) -> None:
    plain = await server.send("GET", "/nowhere", key=None, headers={"accept": "*/*"})
    assert (plain.status, plain.code) == (404, "not_found")
    page = await server.send("POST", "/docs", key=None, headers={"accept": "text/html"})
    assert (page.status, page.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert page.headers["x-request-id"] in page.body.decode()
    shown = await server.send("GET", "/<b>x", key=None, headers={"accept": "text/html"})
    assert b"<b>x" not in shown.body
    api = await server.send("GET", "/v1/stats", key=None, headers={"accept": "text/html"})
    assert api.code == "missing_key"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with running(Path(tmp_path_factory.mktemp("docs"))) as live:
        # Whoever reads on has sent the first point.
        assert live.statflow("send", "my_first_metric", "1", "--counter").code == 0
        yield live


def mine(text: str, live: Running) -> str:
    """An example with an address and a key that work."""
    return text.replace(EXAMPLE_ADDRESS, live.url).replace(KEY, live.key)


COMMANDS = {
    "sh": ["sh", "-e", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}
PROGRAMS = {"sh": "curl", "python": sys.executable, "javascript": "node"}
"""What must be here for a language, where it is not called like that."""


@pytest.mark.real
@pytest.mark.parametrize(
    ("language", "text"),
    [
        pytest.param(
            *one,
            id=f"{place}-{one[0]}",
            marks=[pytest.mark.slow, pytest.mark.timeout(300)] if one[0] == "go" else [],
        )
        for place, one in enumerate(SHOWN)
    ],
)
def test_what_the_guide_shows_runs(live: Running, tmp_path: Path, language: str, text: str) -> None:
    program = PROGRAMS.get(language, language)
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    code = mine(text, live).replace("curl ", "curl --silent --show-error --fail-with-body ")
    command = [compiled(code, tmp_path)] if language == "go" else [*COMMANDS[language], code]
    assert told(command, RUN_LIMIT_S, PYTHONPATH=str(ROOT / "clients" / "python"))


def compiled(code: str, folder: Path) -> str:
    """The program of a text in Go, which has its time to run for itself; nothing is fetched."""
    source, program = folder / "main.go", folder / "main"
    source.write_text(code)
    command = ["go", "build", "-p", "2", "-o", str(program), str(source)]
    told(command, COMPILE_LIMIT_S, GOTOOLCHAIN="local", GOPROXY="off")
    return str(program)


def told(command: list[str], limit_s: float, **environment: str) -> str:
    """What a command says that succeeds."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def words(command: str) -> list[str]:
    """A command as the shell understands it."""
    return shlex.split(command.replace("\\\n", ""))


def test_commands_of_the_reference_are_whole() -> None:
    description = describe(ROUTES, "1")
    send = description["paths"]["/v1/ingest"]["post"]
    assert words(curl("post", "/v1/ingest", send, "http://x")) == [
        "curl", "-X", "POST", "http://x/v1/ingest", "-H", f"Authorization: Bearer {KEY}",
        "-H", "Content-Type: application/json",
        "-d", '{"stat":"my_first_metric","value":1,"type":"counter"}',
    ]  # fmt: skip
    ask = description["paths"]["/v1/stats/{id}/data"]["get"]
    assert words(curl("get", "/v1/stats/{id}/data", ask, "http://x"))[:2] == [
        "curl", "http://x/v1/stats/st_1/data?from=-2h&resolution=1m",
    ]  # fmt: skip
