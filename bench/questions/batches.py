"""How many points a second, in batches of 1,000 over 1,000 stats, no two bodies alike?"""

from typing import Final

from bench import words
from bench.peers import carbon, influx, pushgateway, statflow, statsd, victoria
from bench.peers.carbon import CARBON
from bench.peers.influx import INFLUX
from bench.peers.peer import Way
from bench.peers.pushgateway import PUSHGATEWAY
from bench.peers.statflow import STATFLOW, STATFLOW_SPLIT
from bench.peers.statsd import STATSD
from bench.peers.victoria import VICTORIA
from bench.report import Row
from bench.throughput import Plan, compare, ratio, rows

CONNECTIONS: Final = 16
BODIES: Final = 256
"""More than a server could remember: what it knows of one must be of use for others."""

GOAL: Final = 1.5

WAYS: Final = (
    Way("StatFlow", STATFLOW, words.statflow_batch, statflow.ACKNOWLEDGED, STATFLOW_SPLIT),
    Way(
        "StatFlow, points without time", STATFLOW, words.statflow_batch_timeless,
        statflow.ACKNOWLEDGED, STATFLOW_SPLIT,
    ),
    Way(
        "StatFlow, stats in another order each time", STATFLOW, words.statflow_batch_mixed,
        statflow.ACKNOWLEDGED,
    ),
    Way("VictoriaMetrics, JSON import", VICTORIA, words.victoria_json, victoria.ACKNOWLEDGED),
    Way("VictoriaMetrics, Influx line", VICTORIA, words.influx_lines, victoria.ACKNOWLEDGED),
    Way("InfluxDB", INFLUX, words.influx_lines, influx.ACKNOWLEDGED),
    Way("Graphite carbon", CARBON, words.graphite_lines, carbon.ACKNOWLEDGED, streamed=True),
    Way("StatsD", STATSD, words.statsd_lines, statsd.ACKNOWLEDGED, streamed=True),
    Way("Pushgateway", PUSHGATEWAY, words.pushed, pushgateway.ACKNOWLEDGED),
)  # fmt: skip


def measure() -> list[Row]:
    """Each way in turn, then how StatFlow compares."""
    found = compare(WAYS, Plan(words.batches(BODIES), CONNECTIONS))
    ours = found["StatFlow"]
    return [
        *rows(WAYS, found),
        ratio(
            "StatFlow to VictoriaMetrics' JSON import", ours,
            found.get("VictoriaMetrics, JSON import"), GOAL,
        ),
        ratio(
            "StatFlow to VictoriaMetrics' Influx line", ours,
            found.get("VictoriaMetrics, Influx line"), None,
        ),
        ratio("StatFlow to InfluxDB", ours, found.get("InfluxDB"), None),
    ]  # fmt: skip
