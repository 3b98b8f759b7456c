"""What this server counts of itself, for `/metrics`. Plain numbers; one thread changes them."""

from bisect import bisect_left
from collections import Counter
from typing import Final

ACK_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the histogram of acknowledgement times, in seconds."""


class Meters:
    """Counters since the start."""

    def __init__(self) -> None:
        self.accepted = 0
        self.duplicates = 0
        self.requests: Counter[tuple[str, int]] = Counter()
        self.refusals: Counter[str] = Counter()
        self.ack_counts = [0] * (len(ACK_BUCKETS_S) + 1)
        self.ack_sum_s = 0.0
        self.live_events = 0

    def __repr__(self) -> str:
        return f"<Meters {self.accepted} points, {sum(self.refusals.values())} refusals>"

    def acknowledged(self, elapsed_s: float, requests: int = 1) -> None:
        """Ingest requests were durable after this time."""
        self.ack_counts[bisect_left(ACK_BUCKETS_S, elapsed_s)] += requests
        self.ack_sum_s += elapsed_s * requests

    def refused(self, code: str, count: int = 1) -> None:
        """Requests or items were refused with this problem code."""
        self.refusals[code] += count

    def answered(self, route: str, status: int, requests: int = 1) -> None:
        """Requests to a route (its path with placeholders) were answered."""
        self.requests[route, status] += requests
