"""An import over HTTP, from its upload to its end."""

from typing import Any

from tests.api.http.harness import Answer, Server
from tests.api.importing.dumps import zipped


async def upload(
    server: Server, data: bytes, media: str = "application/zip", **query: str
) -> Answer:
    """Send a file; the answer is that it was taken, or why not."""
    return await server.send(
        "POST", "/v1/import/stathat", body=data, headers={"content-type": media}, query=query
    )


async def ended(server: Server, begun: Answer) -> Any:  # ruff: ignore[any-type]
    """How an import ended that was taken."""
    assert begun.status in (200, 202), begun.body
    await server.context.importing.wait_ended(1)
    found = await server.send("GET", "/v1/import/stathat/status", query={"id": begun.json["id"]})
    return found.json


async def imported(server: Server, files: dict[str, bytes | str], **query: str) -> Any:  # ruff: ignore[any-type]
    """How the import of a zip of these files ended."""
    return await ended(server, await upload(server, zipped(files), **query))
