"""The first page: whether all is well, at a glance and without a reload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.api.conftest import MANY, until
from tests.console.browser import axe
from tests.console.host import ConsoleHost


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host with a plugin that traps."""
    host = ConsoleHost(tmp_path_factory.mktemp("home"))
    (host.plugins / "many.wat").write_text(MANY)
    try:
        yield host.add("text").start().set_up()
    finally:
        host.close()


def test_a_plugin_that_goes_into_quarantine_shows_up_with_its_reason(
    host: ConsoleHost, page: Page, screenshot: Callable[..., None]
) -> None:
    plugins = part(page, "Plugins")
    expect(plugins.get_by_role("listitem").filter(has_text="Enabled")).to_contain_text("2")
    expect(part(page, "Health")).to_contain_text("Healthy")
    trap_until_quarantined(host)
    quarantined = plugins.get_by_role("listitem").filter(has=page.get_by_role("link", name="many"))
    expect(quarantined).to_contain_text("Quarantined")
    expect(quarantined).to_contain_text(re.compile(r"fail|trap", re.IGNORECASE))
    expect(part(page, "Calls in the last hour").get_by_text("Errors").first).to_be_visible()
    axe(page)
    screenshot(page, "home")
    quarantined.get_by_role("link", name="many").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("many")


def trap_until_quarantined(host: ConsoleHost) -> None:
    """Calls that trap, made by three: a user, the owner and a task. One caller alone would be refused alone."""
    user, owner = host.session(), httpx.Client(base_url=host.url, headers=host.owner)

    def quarantined() -> bool:
        for client in (user, owner):
            client.post("/api/v1/plugins/many/functions/trap")
        user.post("/api/v1/tasks", json={"function": "many.trap", "attempts": 1})
        return bool(user.get("/api/v1/plugins/many").json()["state"] == "quarantined")

    with owner:
        until(quarantined)


def test_what_runs_what_failed_and_what_happened_are_shown_as_they_come(host: ConsoleHost, page: Page) -> None:
    expect(part(page, "Health")).to_contain_text("storage")
    expect(part(page, "Running tasks")).to_contain_text("No task runs")
    order = {"function": "none.such", "attempts": 1}
    task = host.session().post("/api/v1/tasks", json=order).json()["id"]
    tasks = part(page, "Running tasks")
    expect(tasks.get_by_role("link", name="none.such")).to_be_visible()
    expect(tasks).to_contain_text("there is no plugin 'none'")
    expect(part(page, "Latest events").get_by_role("link", name="task.failed").first).to_be_visible()
    tasks.get_by_role("link", name="none.such").click()
    expect(page).to_have_url(re.compile(rf"/tasks/dead-letters\?task={task}"))
    expect(page.get_by_role("dialog", name="Task")).to_be_visible()
