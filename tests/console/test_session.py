"""Getting in and out: the log-in page, passwords, and what happens when a session is over."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import ADMIN, Account, ConsoleHost

LEA, LOU, PAT, KIM = (Account(name, "operator") for name in ("lea", "lou", "pat", "kim"))


def log_in(page: Page, name: str, password: str) -> None:
    """Fills the form of the log-in page and sends it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page, name: str) -> None:
    """Chooses it in the menu of the account."""
    page.get_by_role("button", name=f"Account of {name}").click()
    page.get_by_role("menuitem", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_one_comes_back_to_where_one_wanted_to_go(host: ConsoleHost, visitor: Page, messages: Messages) -> None:
    host.session(LEA)
    messages.allow("status of 401")
    visitor.goto("/console/events?topic=task")
    log_in(visitor, LEA.name, "not the password")
    expect(visitor.get_by_role("alert")).to_contain_text("wrong-credentials")
    axe(visitor)
    log_in(visitor, LEA.name, LEA.password)
    expect(visitor.get_by_role("heading", level=1, name="Events")).to_be_visible()
    assert visitor.url.endswith("/console/events?topic=task")


def test_a_reload_in_the_middle_of_logging_in_does_no_harm(host: ConsoleHost, visitor: Page) -> None:
    host.session(LEA)
    visitor.goto("/console/plugins")
    visitor.get_by_label("Name").fill(LEA.name)
    visitor.reload()
    expect(visitor.get_by_label("Name")).to_have_value("")
    log_in(visitor, LEA.name, LEA.password)
    expect(visitor).to_have_url(re.compile("/console/plugins$"))


def test_many_wrong_passwords_lock_the_name_and_say_for_how_long(
    host: ConsoleHost, visitor: Page, messages: Messages
) -> None:
    host.session(LOU)
    messages.allow("status of 401", "status of 429")
    visitor.goto("/console/login")
    for number in range(6):
        with visitor.expect_response("**/api/v1/session") as told:
            log_in(visitor, LOU.name, f"wrong {number}")
        told.value.finished()
    alert = visitor.get_by_role("alert")
    expect(alert).to_contain_text("too many failed logins")
    expect(alert).to_contain_text(re.compile(r"Wait for \d+ s"))
    log_in(visitor, LOU.name, LOU.password)
    expect(alert).to_contain_text("too many failed logins")


def test_logging_out_ends_the_session_on_the_host_too(host: ConsoleHost, visitor: Page, messages: Messages) -> None:
    host.session(LEA)
    visitor.goto("/console/login")
    log_in(visitor, LEA.name, LEA.password)
    expect(visitor.get_by_role("heading", name="Home")).to_be_visible()
    kept = visitor.context.cookies()
    messages.allow("status of 401", "WebSocket")
    log_out(visitor, LEA.name)
    visitor.context.add_cookies(kept)
    assert visitor.request.get("/api/v1/plugins").status == 401
    visitor.goto("/console/plugins")
    expect(visitor.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_session_that_an_administrator_ends_leads_to_the_log_in_page_and_back(
    host: ConsoleHost, page_as: Callable[[Account], Page], messages: Messages
) -> None:
    page = page_as(KIM)
    messages.allow("status of 401", "WebSocket")
    page.goto("/console/settings/tokens")
    expect(page.get_by_text("No tokens")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("Live", exact=True)).to_be_visible()
    mine = [one for one in host.session().get("/api/v1/sessions").json()["items"] if one["user"] == KIM.name]
    for one in mine:
        assert host.session().delete(f"/api/v1/sessions/{one['id']}").is_success
    log_in(page, KIM.name, KIM.password)  # its live connection ends with the session, so the page asks by itself
    expect(page).to_have_url(re.compile("/settings/tokens$"))
    page.get_by_role("tab", name="Sessions").click()
    expect(page.get_by_role("cell", name="this one")).to_be_visible()


def test_a_password_is_changed_with_the_old_one_only(
    host: ConsoleHost, page_as: Callable[[Account], Page], messages: Messages
) -> None:
    page = page_as(PAT)
    messages.allow("status of 4(01|22)", "WebSocket")
    page.get_by_role("button", name=f"Account of {PAT.name}").click()
    page.get_by_role("menuitem", name="Change password").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Current password")).to_be_focused()
    dialog.get_by_label("Current password").fill("wrong")
    dialog.get_by_label("New password", exact=True).fill("a new and longer one")
    dialog.get_by_label("New password again").fill("another")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("The passwords do not match.")).to_be_visible()
    dialog.get_by_label("New password again").fill("a new and longer one")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("wrong-credentials")
    dialog.get_by_label("Current password").fill(PAT.password)
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("Your password was changed.")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()

    expect(dialog).to_be_hidden()
    log_out(page, PAT.name)
    log_in(page, PAT.name, "a new and longer one")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Log in")


def test_the_keyboard_alone_leads_from_the_log_in_page_to_any_page(visitor: Page) -> None:
    visitor.goto("/console/login")
    expect(visitor.get_by_label("Name")).to_be_focused()
    visitor.keyboard.type(ADMIN.name)
    visitor.keyboard.press("Tab")
    visitor.keyboard.type(ADMIN.password)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="Home")).to_be_visible()
    visitor.keyboard.press("Control+k")
    expect(visitor.get_by_role("dialog")).to_be_visible()
    visitor.keyboard.type("audit")
    expect(visitor.get_by_role("option", name="Show the audit log")).to_be_visible()
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name="Audit")).to_be_visible()
    expect(visitor.get_by_role("dialog")).to_be_hidden()
    visitor.keyboard.press("g")
    visitor.keyboard.press("p")
    expect(visitor).to_have_url(re.compile("/console/plugins$"))
