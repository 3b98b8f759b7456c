"""What StatFlow takes at most, in batches: half of it, or threefold, is what questions send."""

from typing import Final

from bench import wrk
from bench.effort import RUN_S, WARM_S
from bench.peers.peer import Serving
from bench.words import Request, batches, put_in, statflow_batch_timeless, timed

CONNECTIONS: Final = 16
PATH: Final = "/v1/ingest/batch"


def requests() -> list[Request]:
    """Batches at the server's time, so that none is late when it waited."""
    return put_in(statflow_batch_timeless, batches())


def bodies() -> list[bytes]:
    """Their bodies."""
    return [timed(request.body, 0) for request in requests()]


def capacity_s(serving: Serving) -> float:
    """Batches a second that StatFlow accepts when every connection waits for its answer."""
    sent = requests()
    wrk.load(serving.port, sent, WARM_S, CONNECTIONS, serving.headers)
    return wrk.load(serving.port, sent, RUN_S, CONNECTIONS, serving.headers).rate_s
