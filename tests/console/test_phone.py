"""The console on a phone, in a wide window, and before its scripts have come."""

from __future__ import annotations

import re

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
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Connectors")).to_have_count(0)
    pages.get_by_role("button", name="More").click()
    axe(page)
    pages.get_by_role("link", name="Connectors").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connectors")
    expect(pages.get_by_role("link", name="Connectors")).to_have_count(0)


def test_a_flow_is_read_made_and_approved_on_a_phone(page: Page, host: ConsoleHost) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/console/workflows/new")
    flow = page.get_by_role("group", name="Flow of the workflow")
    expect(flow.get_by_role("button", name=re.compile("^Add a step here"))).to_be_in_viewport()
    page.get_by_role("button", name="Add a step", exact=True).click()
    drawer = page.get_by_role("dialog", name="Steps to add")
    axe(page)
    drawer.get_by_role("button", name="Approval").click()
    expect(flow.get_by_role("button", name=re.compile("^Approval"))).to_be_in_viewport()
    expect(drawer).to_have_count(0)
    text = "document: {dsl: 1.0.3, namespace: default, name: asks, version: 0.1.0}\n"
    text += "do:\n  - ask: {host: {approval: {title: Pay it?}}}\n"
    host.session().post("/api/v1/workflows", json={"text": text}).raise_for_status()
    run = host.session().post("/api/v1/workflows/asks/runs", json={"input": {}}).json()["id"]
    page.goto(f"/console/workflows/runs/{run}")
    page.get_by_text("Flow", exact=True).click()
    expect(page.get_by_role("button", name=re.compile("^Approval ask"))).to_be_visible()
    approve = page.get_by_role("article", name="Pay it?").get_by_role("button", name="Approve")
    approve.click()
    expect(page.get_by_role("main").get_by_text("Done", exact=True).first).to_be_visible()


def test_the_pages_beside_give_way_when_a_window_becomes_narrow(page: Page, host: ConsoleHost) -> None:
    pages = page.get_by_role("navigation", name="Pages")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_role("button", name="Collapse the navigation")).to_be_visible()
    page.set_viewport_size({"width": 768, "height": 800})
    expect(page.get_by_role("button", name="Expand the navigation")).to_be_visible()
    expect(pages.get_by_role("link", name="Connectors")).to_be_visible()


def test_something_is_seen_before_the_scripts_have_come(visitor: Page, host: ConsoleHost, messages: Messages) -> None:
    messages.allow("ERR_FAILED")
    visitor.route("**/*.js", lambda route: route.abort())
    visitor.goto("/console/")
    expect(visitor.get_by_role("status", name="Loading")).to_be_visible()
    expect(visitor.get_by_text("OmniCore", exact=True)).to_be_visible()


def test_the_address_of_the_host_leads_a_browser_to_the_login(visitor: Page, host: ConsoleHost) -> None:
    visitor.goto("/")
    expect(visitor.get_by_role("heading", name="Log in")).to_be_visible()
