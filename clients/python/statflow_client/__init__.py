"""Counts and measures in your program, and sends it to StatFlow in the background.

    import statflow_client as statflow

    statflow.counter("page.views")
    statflow.value("page.load_ms", 84.5)

Points go to `STATFLOW_URL` with the key `STATFLOW_KEY`. No call waits for the network or raises.
"""

from statflow_client.client import Client
from statflow_client.outbox import Statistics
from statflow_client.program import counter, flush, statistics, timed, timer, value
from statflow_client.troubles import Trouble
from statflow_client.version import __version__

__all__ = [
    "Client",
    "Statistics",
    "Trouble",
    "__version__",
    "counter",
    "flush",
    "statistics",
    "timed",
    "timer",
    "value",
]
