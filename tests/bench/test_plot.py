"""Plots: whole SVG documents in which lengths are in proportion and nothing sticks out."""

from xml.etree.ElementTree import Element, fromstring

import pytest

from bench.plot import BAR_WIDTH, Bar, plot, shown

SVG = "{http://www.w3.org/2000/svg}"


def drawn(bars: list[Bar]) -> Element:
    return fromstring(plot("a < b & c", bars))


def widths(root: Element) -> list[float]:
    return [float(bar.attrib["width"]) for bar in root.iter(f"{SVG}rect")]


def test_bars_of_a_unit_are_in_proportion_and_others_have_a_scale_of_their_own() -> None:
    root = drawn([Bar("a", "ms", 1, 1, 1), Bar("b", "MiB", 100, 100, 100), Bar("c", "ms", 4, 4, 4)])
    assert widths(root) == [BAR_WIDTH / 4, BAR_WIDTH, BAR_WIDTH]
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert words == ["a < b & c", "ms", "a", "1", "c", "4", "MiB", "b", "100"]


def test_a_spread_and_a_goal_beyond_the_bar_stay_within_the_drawing() -> None:
    root = drawn([Bar("a", "ms", 1, 0.5, 2, goal=4)])
    assert widths(root) == [BAR_WIDTH / 4]
    assert [path.attrib["class"] for path in root.iter(f"{SVG}path")] == ["spread", "goal"]


def test_names_are_text_and_no_markup() -> None:
    words = [text.text for text in drawn([Bar("<x> & y", "ms", 1, 1, 1)]).iter(f"{SVG}text")]
    assert words == ["a < b & c", "ms", "<x> & y", "1"]


@pytest.mark.parametrize("bars", [[], [Bar("nothing", "ms", 0, 0, 0)]])
def test_nothing_can_be_drawn_too(bars: list[Bar]) -> None:
    assert widths(drawn(bars)) == [0.0] * len(bars)


def test_it_is_drawn_for_light_and_for_dark() -> None:
    assert "prefers-color-scheme: dark" in plot("x", [])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.65612, "0.6561"), (99.996, "100"), (276_600.4, "276,600"), (-2e3, "-2,000")],
)
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    assert shown(value) == text
