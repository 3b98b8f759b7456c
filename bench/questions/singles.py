"""How many points a second, each in a request of its own on keep-alive connections?"""

from typing import Final

from bench import words
from bench.peers import influx, pushgateway, statflow, victoria
from bench.peers.influx import INFLUX
from bench.peers.peer import Way
from bench.peers.pushgateway import PUSHGATEWAY
from bench.peers.statflow import STATFLOW, STATFLOW_SPLIT
from bench.peers.victoria import VICTORIA
from bench.report import Row
from bench.throughput import Plan, compare, ratio, rows

CONNECTIONS: Final = 64
INFLUX_GOAL: Final = 3.0
QUART_GOAL: Final = 15.0
VICTORIA_GOAL: Final = 0.75

QUART: Final = "StatFlow, its Quart route"

WAYS: Final = (
    Way("StatFlow", STATFLOW, words.statflow_single, statflow.ACKNOWLEDGED, STATFLOW_SPLIT),
    Way(QUART, STATFLOW, words.statflow_single, statflow.ACKNOWLEDGED, handed_over=True),
    Way("VictoriaMetrics, JSON import", VICTORIA, words.victoria_json, victoria.ACKNOWLEDGED),
    Way("VictoriaMetrics, Influx line", VICTORIA, words.influx_lines, victoria.ACKNOWLEDGED),
    Way("InfluxDB", INFLUX, words.influx_lines, influx.ACKNOWLEDGED),
    Way("Pushgateway", PUSHGATEWAY, words.pushed, pushgateway.ACKNOWLEDGED),
)


def measure() -> list[Row]:
    """Each way in turn, then how StatFlow compares."""
    found = compare(WAYS, Plan(words.singles(), CONNECTIONS))
    ours = found["StatFlow"]
    influx_line = found.get("VictoriaMetrics, Influx line")
    return [
        *rows(WAYS, found),
        ratio("StatFlow to InfluxDB", ours, found.get("InfluxDB"), INFLUX_GOAL),
        ratio("StatFlow to its Quart route", ours, found.get(QUART), QUART_GOAL),
        ratio("StatFlow to VictoriaMetrics' Influx line", ours, influx_line, VICTORIA_GOAL),
    ]
