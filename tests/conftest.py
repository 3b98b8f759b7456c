"""What all tests share: Hypothesis draws the same examples every time, and reports are printed."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "fast",
    derandomize=True,
    database=None,
    # A busy machine is not a slow program.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", settings.get_profile("fast"), derandomize=False, print_blob=True, max_examples=5_000
)
settings.load_profile("fast")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests left with `record_property("report", line)`, from whichever process."""
    lines = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == "report"
    ]
    if lines:
        terminalreporter.section("reports", sep="-")
    for line in lines:
        terminalreporter.write_line(str(line))
