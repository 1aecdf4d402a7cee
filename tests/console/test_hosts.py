"""The page of hosts: what each does, what it is told, and what it has logged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import ConsoleHost


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host with a name and a label."""
    named = {"OMNICORE_FLEET__NAME": "host-a", "OMNICORE_FLEET__LABELS": "gpu=yes"}
    host = ConsoleHost(tmp_path_factory.mktemp("hosts"), **named)
    try:
        yield host.add("text").start().set_up()
    finally:
        host.close()


def test_a_host_is_shown_cordoned_and_lets_work_again(host: ConsoleHost, page: Page) -> None:
    page.goto("/console/hosts")
    row = page.get_by_role("table", name="Hosts").get_by_role("row").filter(has_text="host-a")
    expect(row).to_contain_text("Ready")
    expect(row).to_contain_text("gpu=yes")
    axe(page)
    row.get_by_role("button", name="host-a").press("Enter")
    panel = page.get_by_role("dialog", name="Host")
    expect(panel.get_by_role("table", name="Plugins")).to_contain_text("text")
    expect(panel.get_by_role("heading", name="Log of the host")).to_be_visible()
    panel.get_by_role("button", name="Cordon").click()
    expect(row).to_contain_text("Cordoned")
    assert host.session().get("/api/v1/fleet").json()["items"][0]["state"] == "cordoned"
    axe(page)
    panel.get_by_role("button", name="Let it work").click()
    expect(row).to_contain_text("Ready")


def test_a_host_does_not_throw_itself_out(host: ConsoleHost, page: Page, messages: Messages) -> None:
    messages.allow(r"status of 409")
    page.goto("/console/hosts")
    page.get_by_role("button", name="host-a").click()
    page.get_by_role("button", name="Throw out").click()
    dialog = page.get_by_role("dialog", name="Throw host-a out?")
    dialog.get_by_role("textbox").fill("host-a")
    dialog.get_by_role("button", name="Throw out").click()
    expect(dialog).to_contain_text("cannot throw itself out")
