"""The pages that people open: one document for every address of theirs, and its files.

Law: a page carries no data and needs no key; its script asks the API as anybody else does. Nothing
runs or is drawn but what this server sent, and no other site may frame it.
"""

from typing import Final

from api.http.accepting import CODINGS, takes
from api.http.context import Context
from api.http.messages import Header, RawRequest, Reply, reply
from api.http.problems import Problem
from api.http.route import Nothing, Route
from api.http.site import LASTING, START, File

POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none';"
    b" frame-ancestors 'none'"
)
SAFE: Final[tuple[Header, ...]] = (
    (b"content-security-policy", POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)

FROM_ANYWHERE: Final = (b"cross-origin-resource-policy", b"cross-origin")
ASKED_AGAIN: Final = (b"cache-control", b"no-cache")
KEPT: Final = (b"cache-control", b"public, max-age=31536000, immutable")

NOT_BUILT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>StatFlow</title>
<h1>StatFlow</h1>
<p>This is a StatFlow server at <code>ADDRESS</code>. Programs send points, charts move at once.</p>
<p>Its pages are not built yet. <code>make run</code> does that beside the server (reload this in a
minute); <code>make web</code> does it alone and says what is missing. The API serves:</p>
<pre>curl -X POST ADDRESS/v1/ingest \\
  -H "Authorization: Bearer sf_your_key_here" \\
  -H "Content-Type: application/json" \\
  -d '{"stat":"my_first_metric","value":1,"type":"counter"}'</pre>
<p>Look: <code>GET /v1/stats</code>, <code>GET /v1/stats/{id}/data?from=-5m</code>,
<code>GET /v1/live?stats={id}</code>. Is it well: <a href="/healthz">/healthz</a>,
<a href="/readyz">/readyz</a>.</p>
</html>
"""


async def page(context: Context, request: RawRequest) -> Reply:
    """The document; without a build, a plain page that says how to make one."""
    found = await context.site.file(START)
    if found is None:
        text = NOT_BUILT.replace("ADDRESS", context.public_url)
        return reply(request.id, 200, b"text/html; charset=utf-8", text.encode(), SAFE)
    return _sent(request, found)


async def asset(context: Context, request: RawRequest) -> Reply:
    """One of the document's files."""
    found = await context.site.file(request.path.removeprefix("/"))
    if found is None:
        raise Problem("not_found", "There is no such file; perhaps there is a newer build.")
    return _sent(request, found)


def _sent(request: RawRequest, file: File) -> Reply:
    """The file in the best form that the client takes, or that it has the file already."""
    coding = next((one for one in CODINGS if one in file.forms and takes(request, one)), "")
    tag = b'"%s%s"' % (file.tag, coding.encode())
    safe = [header for header in SAFE if header[0] != FROM_ANYWHERE[0] or not file.lasting]
    headers = [
        *safe,
        KEPT if file.lasting else ASKED_AGAIN,
        (b"etag", tag),
        (b"vary", b"accept-encoding"),
    ]
    if file.lasting:
        # A page in a sandboxed frame has an origin of its own.
        headers += [(b"access-control-allow-origin", b"*"), FROM_ANYWHERE]
    if tag in (request.header(b"if-none-match") or b""):
        return reply(request.id, 304, file.media, b"", headers)
    if coding:
        headers.append((b"content-encoding", coding.encode()))
    return reply(request.id, 200, file.media, file.forms[coding], headers)


PATHS: Final = (
    "/", "/login", "/signup", "/claim", "/verify", "/reset", "/join",
    "/stats", "/stats/{id}", "/explore", "/dashboards", "/dashboards/{id}",
    "/alerts", "/alerts/{id}", "/settings", "/settings/{id}",
)  # fmt: skip
"""Addresses of the pages; the script that draws them has the same list."""

ROUTES: Final = (
    *(
        Route("GET", path, "A page", None, {200: "text/html"}, Nothing, Nothing, raw=page)
        for path in PATHS
    ),
    Route(
        "GET", f"/{LASTING}{{id}}", "A file of the pages", None,
        {200: "application/octet-stream"}, Nothing, Nothing, raw=asset,
    ),
)  # fmt: skip
