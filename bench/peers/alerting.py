"""Others who judge rules, as fast as their settings allow: both look once a second, no more often.

Prometheus scrapes an exporter of ours, so that a value is there the moment it is scraped, and tells
the Alertmanager, which groups nothing and waits for nothing. vmalert asks VictoriaMetrics, whose
answers hold back no fresh points, and tells the receiver itself.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.hooks import alert_name
from bench.peers.peer import Serving, listening
from bench.processes import free_port

LOOK_EVERY: Final = "1s"

GROUPS: Final = 10
"""Groups are judged beside each other; rules of one after each other."""

PROMETHEUS: Final = ("prometheus", "prometheus-alertmanager")
VMALERT: Final = ("victoria-metrics", "vmalert")


def metric(number: int) -> str:
    """What a stat is called where names have no dots."""
    return f"bench_stat{number:06d}"


def rules_text(rules: int, threshold: float) -> str:
    """A file of rules, as both read it."""
    lines = ["groups:"]
    for group in range(GROUPS):
        lines += [f"- name: bench{group}", f"  interval: {LOOK_EVERY}", "  rules:"]
        for number in range(group, rules, GROUPS):
            lines += [
                f"  - alert: {alert_name(number)}",
                f"    expr: {metric(number)} > {threshold:g}",
            ]
    return "\n".join([*lines, ""])


@contextmanager
def prometheus(
    place: Path, rules: int, threshold: float, exporter_port: int, hook_url: str
) -> Generator[Serving]:
    """Prometheus and an Alertmanager; what the exporter shows is judged."""
    manager_port, port = free_port(), free_port()
    (place / "rules.yml").write_text(rules_text(rules, threshold))
    (place / "alertmanager.yml").write_text(
        "route: {receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{hook_url}'}}]}}]\n"
    )
    (place / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {LOOK_EVERY}, scrape_timeout: {LOOK_EVERY}, "
        f"evaluation_interval: {LOOK_EVERY}}}\n"
        "rule_files: [rules.yml]\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{manager_port}']"
        "}]}]}\n"
        f"scrape_configs: [{{job_name: bench, static_configs: [{{targets: "
        f"['127.0.0.1:{exporter_port}']}}]}}]\n"
    )
    manager = [
        "prometheus-alertmanager", "--config.file=alertmanager.yml", "--cluster.listen-address=",
        f"--storage.path={place}/alerts", f"--web.listen-address=127.0.0.1:{manager_port}",
        "--log.level=error",
    ]  # fmt: skip
    words = [
        "prometheus", "--config.file=prometheus.yml", f"--storage.tsdb.path={place}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with (
        listening(manager, place, manager_port) as beside,
        listening(words, place, port) as serving,
    ):
        yield Serving(port, (*serving.pids, *beside.pids))


@contextmanager
def vmalert(place: Path, rules: int, threshold: float, hook_port: int) -> Generator[Serving]:
    """VictoriaMetrics and vmalert; the port is that of the former, for points."""
    port, own_port = free_port(), free_port()
    (place / "rules.yml").write_text(rules_text(rules, threshold))
    store = [
        "victoria-metrics", f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={place}/data",
        "-search.latencyOffset=0s", "-search.disableCache", "-loggerLevel=ERROR",
    ]  # fmt: skip
    words = [
        "vmalert", f"-rule={place}/rules.yml", f"-datasource.url=http://127.0.0.1:{port}",
        f"-notifier.url=http://127.0.0.1:{hook_port}", f"-httpListenAddr=127.0.0.1:{own_port}",
        f"-evaluationInterval={LOOK_EVERY}", "-datasource.queryTimeAlignment=false",
        "-loggerLevel=ERROR",
    ]  # fmt: skip
    with (
        listening(store, place, port) as serving,
        listening(words, place, own_port) as beside,
    ):
        yield Serving(port, (*serving.pids, *beside.pids))
