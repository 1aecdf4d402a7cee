"""What holds for every page of the console: it opens from its address, it is accessible, and it is safe and light."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe, settle
from tests.console.host import ADMIN, Account, ConsoleHost

# The tabs of plugins and of settings have such a test beside their others.
PAGES = (
    *("", "plugins", "gallery", "tasks", "tasks/schedules", "tasks/alarms", "memory", "memory/list", "memory/search"),
    *("memory/about", "memory/quotas"),
    *("workflows", "workflows/new", "runs", "approvals", "searches"),
    *("connectors", "connectors/webhooks", "hosts", "events", "nowhere-at-all"),
)
FOR_READERS = (*PAGES, "plugins/text", "plugins/counter/permissions", "settings", "settings/audit", "settings/users")
WIDTHS = (390, 768, 1920)
VIEWER = Account("vera", "viewer")
FIRST_LOAD_BYTES = 250 * 1024


def opened(page: Page, path: str) -> Page:
    """The page at an address, once it has its heading and what it loads."""
    page.goto(f"/console/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true], .ant-skeleton-active")).to_have_count(0)
    return page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_from_its_address_and_is_accessible_in_both_themes_and_all_widths(page: Page, path: str) -> None:
    opened(page, path)
    assert re.search(r"\w+ .*OmniCore", page.title()), page.title()
    axe(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        settle(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"the page is {wide} px wide in a window of {width}"
        axe(page, themes=("light",))


def test_the_page_to_log_in_is_accessible_in_both_themes(visitor: Page) -> None:
    axe(opened(visitor, "login"))


def test_every_page_opens_in_german_for_somebody_who_only_reads_and_asks_no_other_machine(
    host: ConsoleHost, page_as: Callable[[Account], Page]
) -> None:
    page = page_as(VIEWER)
    speak(page, "de")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in FOR_READERS:
        opened(page, path)
        axe(page, themes=("light",))
    own = (host.url, host.url.replace("http", "ws", 1), "data:", "blob:")
    assert asked
    assert [url for url in asked if not url.startswith(own)] == []


def test_a_language_is_chosen_by_the_browser_and_changed_in_the_account_menu_and_on_the_login_page(
    page: Page, visitor: Page
) -> None:
    expect(page.locator("html[lang=en][dir=ltr]")).to_be_attached()
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Language").hover()
    page.get_by_role("menuitem", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1, name="Start")).to_be_visible()
    expect(page.locator("html[lang=de][dir=ltr]")).to_be_attached()
    expect(page.get_by_role("region", name="Aufrufe der letzten Stunde")).to_be_visible()
    page.get_by_role("navigation", name="Seiten").get_by_role("link", name="Aufgaben").click()
    expect(page.get_by_role("heading", level=1, name="Aufgaben")).to_be_visible()
    page.get_by_role("button", name="Aufgabe einstellen").click()
    expect(page.get_by_role("dialog", name="Aufgabe einstellen")).to_be_visible()

    opened(visitor, "login").get_by_role("button", name="Deutsch").click()
    expect(visitor.get_by_role("heading", level=1, name="Anmelden")).to_be_visible()
    axe(visitor, themes=("light",))


@pytest.mark.parametrize("path", ["", "plugins/text", "workflows", "settings/users"])
def test_a_page_is_mirrored_for_languages_that_are_written_from_right_to_left(page: Page, path: str) -> None:
    speak(page, "ar-XB")
    opened(page, path)
    expect(page.locator("html[dir=rtl]")).to_be_attached()
    width = page.evaluate("document.documentElement.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sider = page.get_by_role("navigation", name="Pages").bounding_box()
    heading = page.get_by_role("heading", level=1).bounding_box()
    assert sider
    assert heading
    assert sider["x"] + sider["width"] == width
    assert heading["x"] + heading["width"] <= sider["x"]
    axe(page, themes=("light",))


def speak(page: Page, tag: str) -> None:
    """From the next page on the console speaks this language, as if it had been chosen in the menu."""
    page.evaluate("tag => localStorage.setItem('omnicore-language', tag)", tag)


@pytest.mark.parametrize("start", ["login", ""])
def test_what_is_loaded_first_is_light(
    host: ConsoleHost, contexts: Callable[..., object], start: str, messages: Messages
) -> None:
    context = contexts(host, None if start == "login" else ADMIN)
    page: Page = context.new_page()  # type: ignore[attr-defined]
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    scripts: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.responseReceived", lambda told: scripts.update(_script(told)))
    session.on("Network.dataReceived", lambda told: sizes.update(_with(sizes, told)))
    page.goto(f"/console/{start}", wait_until="load")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)
    loaded = {url: sizes.get(number, 0) for number, url in scripts.items()}
    assert loaded
    assert sum(loaded.values()) < FIRST_LOAD_BYTES, loaded


def _with(sizes: dict[str, float], told: dict[str, Any]) -> dict[str, float]:
    """Bytes of the body as they were sent; the headers are the host's own and no script."""
    name = str(told["requestId"])
    return {name: sizes.get(name, 0) + told["encodedDataLength"]}


def _script(told: dict) -> dict[str, str]:
    is_script = told["type"] == "Script"
    return {told["requestId"]: told["response"]["url"]} if is_script else {}
