"""Edits of a workflow that are not saved: no session's end, reload, crash, restart or second window loses them."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import ADMIN, Account, ConsoleHost
from tests.console.test_workflow_editor import document, kept, opened, step

HOST_PLUGINS = ("text",)
BEN = Account("ben", "admin")
CLEO = Account("cleo", "admin")
"""Whose session ends: no other test has hers."""
_DRAFT_OF = "/api/v1/drafts/{}"


@pytest.fixture(autouse=True)
def quiet(messages: Messages) -> None:
    messages.allow("status of 401", "status of 409", "WebSocket", "ERR_CONNECTION", "Failed to load resource")


def edited(page: Page, value: str) -> None:
    step(page, "first").click()
    page.get_by_role("textbox", name="Value a").fill(value)


def with_text(page: Page, value: str) -> None:
    """The editor shows the edit and says that it is not saved."""
    expect(page.get_by_text("Not saved")).to_be_visible()
    step(page, "first").click()
    expect(page.get_by_role("textbox", name="Value a")).to_have_value(value)


def is_kept(page: Page) -> None:
    expect(page.get_by_text("Draft kept", exact=True)).to_be_visible()


def a_workflow(host: ConsoleHost, name: str) -> str:
    return kept(host, name, "  - first: {set: {a: old}}\n")


def log_in(page: Page, account: Account = ADMIN) -> None:
    page.get_by_label("Name").fill(account.name)
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Log in", exact=True).click()


def end_sessions(host: ConsoleHost, account: Account) -> None:
    admin = host.session()
    for one in admin.get("/api/v1/sessions").json()["items"]:
        if one["user"] == account.name:
            admin.delete(f"/api/v1/sessions/{one['id']}").raise_for_status()


def test_an_edit_is_there_after_the_session_ended_before_it_was_saved(
    host: ConsoleHost, page_as: Callable[[Account], Page]
) -> None:
    a_workflow(host, "ended")
    page = page_as(CLEO)
    opened(page, "ended")
    edited(page, "kept over the end")
    # At once: whether the host has the draft by then, and whether the page has heard of the end, is chance.
    end_sessions(host, CLEO)
    page.evaluate("document.querySelector('button[aria-label=Save]')?.click()")
    expect(page.get_by_text("Your session ended. Log in to continue where you were")).to_be_visible()
    axe(page)
    log_in(page, CLEO)
    expect(page).to_have_url(re.compile("/workflows/ended/edit"))
    with_text(page, "kept over the end")
    expect(page.get_by_text("Your draft of version 1 is restored.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()
    expect(page.get_by_text("Draft kept", exact=True)).to_be_hidden()


def test_an_edit_is_there_after_a_reload_and_gone_once_it_is_discarded(page: Page, host: ConsoleHost) -> None:
    a_workflow(host, "reloaded")
    opened(page, "reloaded")
    edited(page, "typed")
    page.reload()  # at once: the host need not have it
    with_text(page, "typed")
    is_kept(page)
    page.reload()
    with_text(page, "typed")
    axe(page)
    page.get_by_role("link", name="Tasks").click()
    expect(page).to_have_url(re.compile("/tasks"))
    opened(page, "reloaded")
    with_text(page, "typed")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("textbox", name="Value a")).to_have_value("old")
    expect(page.get_by_text("Not saved")).to_be_hidden()
    page.get_by_role("button", name="Redo").click()
    is_kept(page)
    page.get_by_role("button", name="Discard the draft").click()
    page.get_by_role("dialog", name="Discard the draft?").get_by_role("button", name="Discard the draft").click()
    expect(page.get_by_text("Not saved")).to_be_hidden()
    page.reload()
    step(page, "first").click()
    expect(page.get_by_role("textbox", name="Value a")).to_have_value("old")
    assert host.session().get(_DRAFT_OF.format("reloaded")).json()["draft"] is None


def test_an_edit_is_there_after_host_and_browser_were_killed(
    new_host: Callable[..., ConsoleHost], contexts: Callable[[ConsoleHost, Account | None], BrowserContext]
) -> None:
    host = new_host().start().set_up()
    a_workflow(host, "killed")
    page = contexts(host, ADMIN).new_page()
    opened(page, "killed")
    edited(page, "with the host")
    is_kept(page)
    host.stop(signal.SIGKILL)
    edited(page, "typed while it was away")
    expect(page.get_by_text("Draft in this browser", exact=True)).to_be_visible()
    host.start()
    is_kept(page)
    page = contexts(host, ADMIN).new_page()
    opened(page, "killed")  # another browser, which has nothing of its own
    with_text(page, "typed while it was away")


def test_two_windows_are_told_of_each_other_and_one_chooses(page: Page, host: ConsoleHost) -> None:
    a_workflow(host, "twice")
    other = page.context.new_page()
    opened(page, "twice")
    opened(other, "twice")
    edited(page, "of the first")
    is_kept(page)
    edited(other, "of the second")
    told = other.get_by_role("alert").filter(has_text="other changes from another window")
    expect(told).to_be_visible()
    expect(other.get_by_text("Draft in this browser", exact=True)).to_be_visible()
    assert "of the first" in host.session().get(_DRAFT_OF.format("twice")).json()["draft"]["text"]
    told.get_by_role("button", name="Compare").click()
    dialog = other.get_by_role("dialog", name=re.compile("other changes from another window"))
    expect(dialog).to_contain_text("of the first")
    expect(dialog).to_contain_text("of the second")
    axe(other)
    dialog.get_by_role("button", name="Keep mine").click()
    is_kept(other)
    edited(page, "of the first again")
    told = page.get_by_role("alert").filter(has_text="other changes from another window")
    told.get_by_role("button", name="Compare").click()
    page.get_by_role("dialog").get_by_role("button", name="Take the other one").click()
    with_text(page, "of the second")
    other.reload()
    with_text(other, "of the second")


def test_two_people_have_a_draft_each_and_a_version_saved_meanwhile_is_told(
    page: Page, page_as: Callable[[Account], Page], host: ConsoleHost
) -> None:
    digest = a_workflow(host, "ours")
    opened(page, "ours")
    edited(page, "ada's")
    is_kept(page)
    ben = page_as(BEN)
    opened(ben, "ours")
    expect(ben.get_by_text("ada has a draft of this workflow too.")).to_be_visible()
    text = document("ours", "  - first: {set: {a: ben's}}\n")
    host.session(BEN).put("/api/v1/workflows/ours", json={"text": text, "digest": digest}).raise_for_status()
    page.evaluate("window.dispatchEvent(new Event('focus'))")  # else it asks in half a minute
    expect(page.get_by_text("Version 2 was saved by ben meanwhile.")).to_be_visible()
    axe(page)
    page.reload()
    dialog = page.get_by_role("dialog", name="Another version was saved in the meantime")
    expect(dialog).to_contain_text("ben's")
    expect(dialog).to_contain_text("ada's")
    dialog.get_by_role("button", name="Continue editing").click()
    with_text(page, "ada's")
    page.get_by_role("alert").get_by_role("button", name="Compare").click()
    dialog.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_text("Version 3", exact=True)).to_be_visible()
    expect(page.get_by_text("Not saved")).to_be_hidden()
    ben.reload()
    step(ben, "first").click()
    expect(ben.get_by_role("textbox", name="Value a")).to_have_value("ada's")


def test_a_new_workflow_is_continued_where_it_was_left(page: Page) -> None:
    page.goto("/console/workflows/new")
    page.get_by_role("region", name="Blocks", exact=True).get_by_role("button", name="Set data").click()
    expect(page).to_have_url(re.compile(r"new\?.*draft="))
    is_kept(page)
    page.reload()
    expect(step(page, "Set data")).to_be_visible()
    page.get_by_role("link", name="Tasks").click()
    page.goto("/console/workflows/new")
    waiting = page.get_by_role("region", name="Drafts of new workflows")
    axe(page)
    waiting.get_by_role("link", name="Continue the draft").click()
    expect(step(page, "Set data")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog", name="Name the workflow").get_by_label("Name").fill("continued")
    page.get_by_role("dialog", name="Name the workflow").get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("/workflows/continued/edit$"))
    page.wait_for_function("fetch('/api/v1/drafts').then((kept) => kept.json()).then((kept) => !kept.items.length)")
    page.goto("/console/workflows/new")
    expect(page.get_by_text("Add a first step")).to_be_visible()
    expect(waiting).to_be_hidden()
