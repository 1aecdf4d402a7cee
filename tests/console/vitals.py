"""How quickly the console's pages come: `python -m tests.console.vitals [--json FILE]`.

Each page is opened by its address with an empty cache, over a line of 10 Mbit/s and 40 ms, as Lighthouse does for a
desktop. A missed budget is marked and is no error: machines differ. What is downloaded does not, and
`test_every_page.py` fails on that.

Units: bytes as sent, milliseconds, shifts of layout without one.
Source: the Web Vitals, whose "good" values are the budgets.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from tests.console.browser import launched, settle
from tests.console.host import ADMIN, ConsoleHost

PAGES = {
    "login": "login",
    "home": "",
    "plugins": "plugins",
    "plugin": "plugins/text/functions",
    "tasks": "tasks",
    "memory": "memory",
    "connectors": "connectors",
    "events": "events",
    "settings": "settings",
}
BUDGETS = {"first_paint_ms": 1800, "largest_paint_ms": 2500, "blocked_ms": 200, "layout_shift": 0.1}

_LINE = {"offline": False, "latency": 40, "downloadThroughput": 10e6 / 8, "uploadThroughput": 10e6 / 8}
_WATCH = """
    window.vitals = {largest: 0, shift: 0, blocked: 0};
    const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
        .observe({type, buffered: true});
    watch('largest-contentful-paint', (one) => { vitals.largest = one.startTime; });
    watch('layout-shift', (one) => { if (!one.hadRecentInput) vitals.shift += one.value; });
    watch('longtask', (one) => { vitals.blocked += one.duration - 50; });
"""
_READ = """
    () => {
        const files = performance.getEntriesByType('resource');
        const scripts = files.filter((one) => new URL(one.name).pathname.endsWith('.js'));
        return {
            requests: files.length + 1,
            script_bytes: scripts.reduce((sum, one) => sum + one.encodedBodySize, 0),
            first_paint_ms: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
            largest_paint_ms: vitals.largest,
            blocked_ms: vitals.blocked,
            layout_shift: vitals.shift,
        };
    }
"""


def main() -> None:
    """Measures and prints a line for each page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = parser.parse_args()
    with _host() as host, sync_playwright() as playwright:
        browser = launched(playwright)
        found = {name: _measured(browser, host, name) for name in PAGES}
        browser.close()
    print(_table(found))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _host() -> Iterator[ConsoleHost]:
    with tempfile.TemporaryDirectory() as folder:
        host = ConsoleHost(Path(folder))
        try:
            yield host.add("text", "counter").start().set_up()
        finally:
            host.close()


def _measured(browser: Browser, host: ConsoleHost, name: str) -> dict[str, float]:
    context = browser.new_context(base_url=host.url, viewport={"width": 1280, "height": 800})
    host.check_console()
    if name != "login":
        context.add_cookies(host.cookies(ADMIN))
    page = context.new_page()
    page.add_init_script(_WATCH)
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", _LINE)
    figures = _opened(page, PAGES[name])
    context.close()
    return figures


def _opened(page: Page, path: str) -> dict[str, float]:
    page.goto(f"/console/{path}")
    page.get_by_role("heading", level=1).wait_for()
    page.locator("[aria-busy=true], .ant-skeleton-active").first.wait_for(state="detached")
    settle(page)
    figures: dict[str, Any] = page.evaluate(_READ)
    return figures


def _table(found: dict[str, dict[str, float]]) -> str:
    heads = ["requests", "script_bytes", *BUDGETS]
    lines = ["  ".join([f"{'page':<12}", *(f"{head:>16}" for head in heads)])]
    for name, figures in found.items():
        cells = [_cell(head, figures[head]) for head in heads]
        lines.append("  ".join([f"{name:<12}", *(f"{cell:>16}" for cell in cells)]))
    budgets = ", ".join(f"{head} {most:g}" for head, most in BUDGETS.items())
    return "\n".join([*lines, f"budgets: {budgets}; what is over is marked with !"])


def _cell(head: str, value: float) -> str:
    text = f"{value:.3f}" if head == "layout_shift" else f"{value:,.0f}"
    return f"{text} !" if value > BUDGETS.get(head, float("inf")) else text


if __name__ == "__main__":
    main()
