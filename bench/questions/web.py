"""How fast are the pages? From a stored point to the drawn one, frames with twenty charts, the
first load and its size; in a real browser beside a real server."""

import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Page, sync_playwright

from api.http.site import BUILT, START
from bench.effort import whole_or_quick
from bench.report import Missing, Row, of_samples, once
from tests.browser.running import browser_arguments, chromium_path, running_server

PIXEL_MS: Final = 100.0
LOAD_MS: Final = 1_000.0
BUNDLE_KB: Final = 120.0
SAMPLES: Final = whole_or_quick(20, 5)
CHARTS: Final = 20
FRAMES_S: Final = 5.0

WATCH = """
() => void (window.__drawn = new Promise((resolve) => {
  const chart = document.querySelector('.chart');
  const observer = new MutationObserver(() => {
    if (!chart.getAttribute('aria-label').includes('WANTED')) return;
    observer.disconnect();
    requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
  });
  observer.observe(chart, {attributes: true});
}))
"""

COUNT_FRAMES = """
(seconds) => new Promise((resolve) => {
  const began = performance.now();
  let frames = 0;
  const next = (now) => {
    frames += 1;
    if (now - began >= seconds * 1000) resolve(frames / ((now - began) / 1000));
    else requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})
"""


def measure() -> list[Row]:
    """Open the pages and look."""
    path = chromium_path()
    if path is None:
        return [
            Missing("the pages", "no browser: apt-get install chromium, or name one in CHROMIUM")
        ]
    if not (BUILT / START).exists():
        return [Missing("the pages", "not built: make web")]
    with (
        tempfile.TemporaryDirectory() as place,
        running_server(Path(place) / "data") as (address, key),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=browser_arguments())
        context = browser.new_context(viewport={"width": 1600, "height": 1200})
        context.add_init_script(f"sessionStorage.setItem('statflow.key', '{key}')")
        client = httpx.Client(base_url=address, headers={"authorization": f"Bearer {key}"})
        _send(client, ["a", *(f"s{n}" for n in range(CHARTS))], 1)
        page = context.new_page()
        loads = [_load_ms(page, f"{address}/stats") for _ in range(7)]
        page.goto(f"{address}/stats/st_1?range=5m")
        page.locator(".chart canvas").wait_for()
        pixels = [_pixel_ms(page, client, n) for n in range(SAMPLES)]
        rate = _frames(page, client, address)
        browser.close()
    size_kb = sum(path.stat().st_size for path in BUILT.rglob("*.gz")) / 1000
    return [
        of_samples("point to pixel", pixels, "ms", PIXEL_MS),
        once(f"frames a second, {CHARTS} charts", rate, "/s"),
        of_samples("first load", loads, "ms", LOAD_MS),
        once("all files, gzip", size_kb, "kB", BUNDLE_KB),
    ]


def _pixel_ms(page: Page, client: httpx.Client, turn: int) -> float:
    """From before the request to the frame that shows its value."""
    # In a second of its own, so that its bucket has this value and no other.
    time.sleep(1.1 - time.time() % 1)
    value = 101 + turn
    page.evaluate(WATCH.replace("WANTED", f"last {value},"))
    began_s = time.time()
    _send(client, ["a"], value)
    drawn_ms: float = page.evaluate("window.__drawn")
    return drawn_ms - began_s * 1000


def _load_ms(page: Page, address: str) -> float:
    """Until the list stands there, in a window that has nothing yet."""
    page.context.clear_cookies()
    began_s = time.perf_counter()
    page.goto(address)
    page.locator("tbody tr").first.wait_for()
    return (time.perf_counter() - began_s) * 1000


def _frames(page: Page, client: httpx.Client, address: str) -> float:
    """Frames a second while every chart of a board moves ten times a second."""
    panels = [
        {
            "id": f"p{n}", "kind": "line", "stats": [f"s{n}"],
            "place": {"x": n % 5 * 4, "y": n // 5 * 5, "w": 4, "h": 5},
        }
        for n in range(CHARTS)
    ]  # fmt: skip
    board = {"title": "bench", "panels": panels, "range": "5m"}
    made = client.post("/v1/dashboards", json=board).json()
    page.goto(f"{address}/dashboards/{made['id']}")
    page.locator(".chart canvas").nth(CHARTS - 1).wait_for()
    page.evaluate(f"() => void (window.__rate = ({COUNT_FRAMES})({FRAMES_S}))")
    ends_s = time.monotonic() + FRAMES_S
    while time.monotonic() < ends_s:
        _send(client, [f"s{n}" for n in range(CHARTS)], 1)
        time.sleep(0.1)
    rate: float = page.evaluate("window.__rate")
    return rate


def _send(client: httpx.Client, stats: list[str], value: float) -> None:
    items = [{"stat": name, "value": value, "type": "counter"} for name in stats]
    assert client.post("/v1/ingest/batch", json={"items": items}).status_code == 202
