"""The page of events: they come by themselves, are filtered and held, and a lost connection is told and made good."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import ADMIN, ConsoleHost


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host with a queue in which tasks stay."""
    host = ConsoleHost(tmp_path_factory.mktemp("events"), OMNICORE_TASKS__QUEUES="held=0")
    try:
        yield host.add("text", "counter").start().set_up()
    finally:
        host.close()


def order(host: ConsoleHost, **more: object) -> str:
    answer = host.session().post("/api/v1/tasks", json={"function": "text.slug", "input": "Hello", **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def rows(page: Page, text: str | re.Pattern[str]) -> Locator:
    return page.get_by_role("table", name="Events").get_by_role("row").filter(has_text=text)


def live(page: Page) -> Locator:
    return page.get_by_role("status", name="Events")


def test_events_arrive_by_themselves_and_open_with_all_they_say(
    host: ConsoleHost, page: Page, screenshot: Callable[..., None]
) -> None:
    page.goto("/console/events")
    expect(live(page)).to_have_text("Live")
    task = order(host, queue="arriving")
    submitted = rows(page, task).filter(has_text="task.submitted")
    expect(submitted).to_be_visible()
    submitted.press("Enter")
    panel = page.get_by_role("dialog", name="Event")
    expect(panel.get_by_role("region", name="Data")).to_contain_text('"queue": "arriving"')
    axe(page)
    screenshot(page, "events", theme="dark")
    panel.get_by_role("button", name="Only task.submitted").click()
    expect(page).to_have_url(re.compile(r"topic=task\.submitted"))
    expect(rows(page, task)).to_have_count(1)


def test_a_pattern_filters_what_is_kept_and_what_comes(host: ConsoleHost, page: Page) -> None:
    before = order(host)
    page.goto("/console/events")
    page.get_by_label("Topic", exact=True).fill("task.*")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"topic=task"))
    expect(rows(page, before).filter(has_text="task.finished")).to_be_visible()
    expect(rows(page, "plugin.")).to_have_count(0)
    host.session().put("/api/v1/plugins/counter/state", json={"enabled": False})
    after = order(host)
    expect(rows(page, after).filter(has_text="task.finished")).to_be_visible()
    expect(rows(page, "plugin.")).to_have_count(0)
    page.get_by_role("button", name="Plugins", exact=True).click()
    expect(rows(page, "plugin.").first).to_be_visible()
    expect(rows(page, "task.")).to_have_count(0)


def test_what_is_no_pattern_is_said(page: Page) -> None:
    page.goto("/console/events")
    page.get_by_label("Topic", exact=True).fill("task..x")
    expect(page.get_by_text("Not a valid pattern")).to_be_visible()
    expect(page.get_by_role("button", name="Filter", exact=True)).to_be_disabled()


def test_a_paused_list_stands_still_and_counts_what_came(host: ConsoleHost, page: Page) -> None:
    page.goto("/console/events?topic=task.submitted")
    expect(live(page)).to_have_text("Live")
    page.get_by_role("button", name="Pause").click()
    expect(live(page)).to_have_text("Paused")
    first, second = order(host), order(host)
    show = page.get_by_role("button", name="Show 2 new events")
    expect(show).to_be_visible()
    expect(rows(page, first)).to_have_count(0)
    show.click()
    expect(rows(page, first)).to_be_visible()
    expect(rows(page, second)).to_be_visible()
    expect(live(page)).to_have_text("Live")


def test_older_events_are_read_as_one_scrolls(host: ConsoleHost, page: Page) -> None:
    oldest = order(host, queue="held")
    for _ in range(220):
        host.session().post(f"/api/v1/tasks/{oldest}/cancel")
        host.session().post(f"/api/v1/tasks/{oldest}/retry")
    page.goto("/console/events?topic=task.*")
    table = page.get_by_role("table", name="Events")
    expect(page.get_by_text(re.compile(r"^The first 2\d\d rows;"))).to_be_visible()
    table.evaluate("box => box.scrollTo({top: box.scrollHeight})")
    expect(page.get_by_text(re.compile(r"^(The first )?4\d\d rows"))).to_be_visible()
    assert table.get_by_role("row").count() < 60
    # What comes meanwhile waits: the list does not move under who reads it.
    order(host)
    expect(page.get_by_role("button", name=re.compile("Show .* new event"))).to_be_visible()


def test_a_restart_of_the_host_is_told_and_what_comes_after_it_is_live_again(
    new_host: Callable[..., ConsoleHost], contexts: Callable[..., object], messages: Messages
) -> None:
    messages.allow("WebSocket connection", "ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", r"\b503\b")
    host = new_host().add("text").start().set_up()
    page: Page = contexts(host, ADMIN).new_page()  # type: ignore[attr-defined]
    page.goto("/console/events")
    before = order(host)
    expect(rows(page, before).filter(has_text="task.finished")).to_be_visible()
    host.stop()
    expect(live(page)).to_have_text("Reconnecting")
    expect(rows(page, "Not connected since")).to_be_visible()
    host.start()
    expect(live(page)).to_have_text("Live")
    expect(rows(page, re.compile("Not connected from .* to"))).to_be_visible()
    after = order(host)
    expect(rows(page, after).filter(has_text="task.finished")).to_be_visible()
    expect(rows(page, before).filter(has_text="task.finished")).to_have_count(1)
