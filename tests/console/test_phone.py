"""The console on a phone, in a wide window, and before its scripts have come."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import ConsoleHost

HOST_PLUGINS = ("text",)


def test_a_phone_has_the_pages_at_its_lower_edge_and_cards_for_tables(page: Page, host: ConsoleHost) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/console/plugins")
    navigation = page.get_by_role("navigation", name="Pages").bounding_box()
    assert navigation is not None
    assert navigation["y"] > 740
    assert navigation["width"] == 390
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, f"the page is {wide} px wide"
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Workflows").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Workflows")
    axe(page)


def test_something_is_seen_before_the_scripts_have_come(visitor: Page, host: ConsoleHost, messages: Messages) -> None:
    messages.allow("ERR_FAILED")
    visitor.route("**/*.js", lambda route: route.abort())
    visitor.goto("/console/")
    expect(visitor.get_by_role("status", name="Loading")).to_be_visible()
    expect(visitor.get_by_text("OmniCore", exact=True)).to_be_visible()


def test_the_address_of_the_host_leads_a_browser_to_the_login(visitor: Page, host: ConsoleHost) -> None:
    visitor.goto("/")
    expect(visitor.get_by_role("heading", name="Log in")).to_be_visible()
