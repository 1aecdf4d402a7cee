"""Debian's Chromium under Playwright: how it is found and started, what a page may not say, axe, screenshots."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response, WebError

__all__ = ["SHOTS", "THEMES", "WEB", "Messages", "Theme", "axe", "launched", "screenshot", "settle"]

WEB = Path(__file__).parents[2] / "web"
SHOTS = WEB / "screenshots"
_AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Whatever a page or the browser itself asks for: nothing but this machine is there.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

_AT_REST = """
    Promise.all(document.getAnimations()
        .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
        .map((one) => one.finished.catch(() => null))).then(() => true)
"""

_OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


def launched(playwright: Playwright) -> Browser:
    """The browser, started. Where it is missing the test is skipped; on CI, which installs it, it fails."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell(f"none of {', '.join(_NAMES)} is on this machine: apt install chromium")
    return playwright.chromium.launch(executable_path=found, args=list(_FLAGS), timeout=60_000)


@dataclass
class Messages:
    """What the pages of a test complained of. `allow` names what the test itself brings about."""

    seen: list[str] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow(self, *patterns: str) -> None:
        """From now on and before, messages in which one of these is found are none to fail for."""
        self.allowed += [re.compile(pattern) for pattern in patterns]

    def unexpected(self) -> list[str]:
        """All that was not allowed."""
        return [text for text in self.seen if not any(pattern.search(text) for pattern in self.allowed)]

    def listen(self, context: BrowserContext) -> None:
        """Notes messages of the console, errors of pages and answers that say the host failed."""
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self.seen.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self.seen.append(f"page error: {error.error}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.seen.append(f"answer {response.status} to {response.request.method} {response.url}")


def settle(page: Page) -> None:
    """Waits until the page's fonts are there and what moves on it has come to rest."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => true)")
    page.evaluate(_AT_REST)  # not `wait_for_function`: the console's policy forbids what that does


def axe(page: Page, *, themes: Sequence[Theme] = THEMES, within: str | None = None) -> None:
    """Fails when axe finds a violation, in either theme. `within` is a selector of the part to look at."""
    problems: list[str] = []
    for theme in themes:
        page.emulate_media(color_scheme=theme)
        page.locator(f"html[data-theme={theme}]").wait_for(state="attached")  # the page follows in its own time
        settle(page)
        if not page.evaluate("'axe' in window"):
            page.evaluate(_AXE.read_text(encoding="utf-8"))
        only = {} if theme == themes[0] else {"runOnly": _OF_COLOURS}  # the others are in no theme alone
        options = {"resultTypes": ["violations"], **only}
        result = page.evaluate("([within, options]) => axe.run(within ?? document, options)", [within, options])
        problems += [f"{theme}: {_told(one)}" for one in result["violations"]]
    page.emulate_media(color_scheme="null")
    assert not problems, f"{page.url}\n" + "\n".join(problems)


def _told(violation: dict[str, Any]) -> str:
    places = [f"    {node['html'][:200]}\n    {node.get('failureSummary', '')}" for node in violation["nodes"][:5]]
    return f"{violation['id']}: {violation['help']} ({len(violation['nodes'])} places)\n" + "\n".join(places)


def screenshot(page: Page, name: str, *, theme: Theme = "light", wanted: bool) -> None:
    """Writes what the page shows into `web/screenshots`, when that is wanted: `pytest tests/console --screenshots`."""
    if not wanted:
        return
    assert re.fullmatch(r"[a-z0-9-]+", name), f"{json.dumps(name)} is no name for a picture"
    page.emulate_media(color_scheme=theme)
    settle(page)
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", animations="disabled", caret="hide")
    page.emulate_media(color_scheme="null")
