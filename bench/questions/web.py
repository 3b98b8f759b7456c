"""How heavy is the web interface, and how soon does a dashboard stand?"""

from bench.report import Missing, Row


def measure() -> list[Row]:
    """Nothing yet: this version has no web interface."""
    return [Missing("bytes until a dashboard stands", "not built yet")]
