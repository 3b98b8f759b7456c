"""The pages: what is sent of a build, what is sent without one, and how browsers may use it."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from api.http.routes.pages import PATHS
from api.http.site import Site
from tests.api.http.harness import Server, serving

SCRIPT = b"console.log(1)"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    async with serving() as server:
        server.context.site = Site(tmp_path / "static")
        yield server


def build(folder: Path, page: str = "<!doctype html><title>built</title>") -> None:
    """What a build leaves behind."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page)
    (folder / "assets" / "main-1.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-1.js.gz").write_bytes(b"packed")
    (folder / "secret.txt").write_text("not of the pages")


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_build_every_page_says_how_to_make_one(server: Server, path: str) -> None:
    answer = await server.send("GET", path.replace("{id}", "x"), key=None)
    assert answer.status == 200
    assert b"make web" in answer.body
    assert b"http://stats.example/v1/ingest" in answer.body


async def test_a_build_that_appears_is_served_at_once(server: Server) -> None:
    await server.send("GET", "/", key=None)
    build(server.context.site.folder)
    for path in ("/", "/stats/st_1", "/settings"):
        assert b"built" in (await server.send("GET", path, key=None)).body
    build(server.context.site.folder, "another")
    os.utime(server.context.site.folder / "index.html", ns=(1, 1))
    answer = await server.send("GET", "/", key=None)
    assert (answer.body, answer.headers["cache-control"]) == (b"another", "no-cache")


async def test_files_named_by_their_content_are_kept_for_ever(server: Server) -> None:
    build(server.context.site.folder)
    answer = await server.send("GET", "/assets/main-1.js", key=None)
    assert (answer.status, answer.body) == (200, SCRIPT)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    tag = {"if-none-match": answer.headers["etag"]}
    again = await server.send("GET", "/assets/main-1.js", key=None, headers=tag)
    assert (again.status, again.body) == (304, b"")


async def test_who_takes_gzip_gets_the_packed_form(server: Server) -> None:
    build(server.context.site.folder)
    takes = {"accept-encoding": "br, gzip"}
    answer = await server.send("GET", "/assets/main-1.js", key=None, headers=takes)
    assert (answer.headers["content-encoding"], answer.body) == ("gzip", b"packed")
    plain = await server.send("GET", "/assets/main-1.js", key=None)
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/assets/main-1.js.gz",
        "/assets/..%2fsecret.txt",
        "/assets/../index.html",
        "/assets/%2e%2e/secret.txt",
        "/secret.txt",
        "/index.html",
    ],
)
async def test_nothing_but_the_files_of_the_pages_is_sent(server: Server, path: str) -> None:
    build(server.context.site.folder)
    answer = await server.send("GET", path, key=None)
    assert answer.code == "not_found"


async def test_a_page_runs_only_what_this_server_sent(server: Server) -> None:
    for built in (False, True):
        if built:
            build(server.context.site.folder)
        answer = await server.send("GET", "/", key=None)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
