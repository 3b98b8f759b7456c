"""While the logs are applied, what is unknown may yet turn up."""

import trio

from tests.api.http.harness import node_of, serving


async def test_a_stat_that_may_be_in_the_log_is_not_said_to_be_missing() -> None:
    async with serving() as server:
        partition = node_of(server)._partitions[0]
        partition.ready = trio.Event()
        reply = await server.send("GET", "/v1/stats/st_zz/data")
        assert (reply.status, reply.code) == (503, "not_ready")
        assert reply.headers["retry-after"]
        partition.ready.set()
        reply = await server.send("GET", "/v1/stats/st_zz/data")
        assert (reply.status, reply.code) == (404, "not_found")
