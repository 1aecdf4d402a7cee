"""The first day with OmniCore: from the link on the terminal to an upgrade, a rollback and the record of it all."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, JSHandle, Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import ADMIN, PLUGINS, ConsoleHost
from tests.console.notes import first_files, second_files

_DROPPED = """([name, coded]) => {
    const held = new DataTransfer();
    held.items.add(new File([Uint8Array.from(atob(coded), (one) => one.charCodeAt(0))], name));
    return held;
}"""


def test_from_the_printed_link_to_an_upgrade_a_rollback_and_the_record_of_it(
    new_host: Callable[..., ConsoleHost],
    contexts: Callable[..., BrowserContext],
    messages: Messages,
    screenshot: Callable[..., None],
    tmp_path: Path,
) -> None:
    host = new_host().start_on_a_terminal()
    messages.allow("status of 4(01|22)", "WebSocket connection", "ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE")
    page = contexts(host, None).new_page()
    _name_the_administrator(page, host, screenshot)
    _open_the_link_again(contexts(host, None).new_page(), host)
    _upload_and_grant(page, first_files(tmp_path / "1"), screenshot)
    _call(page, screenshot)
    _drop(page)
    _upload(page, second_files(tmp_path / "2"))
    _keep_the_old_one(page, screenshot)
    _begin_again(page, host)
    _approve(page)
    _roll_back(page, screenshot)
    _look_it_up(page, screenshot)


def _name_the_administrator(page: Page, host: ConsoleHost, screenshot: Callable[..., None]) -> None:
    page.goto("/console/setup")
    page.get_by_label("Setup key").fill("wrong")
    page.get_by_label("Password", exact=True).fill(ADMIN.password)
    page.get_by_role("button", name="Create the administrator").click()
    expect(page.get_by_role("alert")).to_contain_text("omnicore run")
    page.goto("about:blank")
    page.goto(host.setup_link)
    expect(page.get_by_role("heading", name="Set up OmniCore")).to_be_visible()
    axe(page)
    page.get_by_label("Name").fill(ADMIN.name)
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create the administrator").click()
    expect(page.get_by_text("A password has 10 to 1024 characters")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(ADMIN.password)
    screenshot(page, "setup")
    page.get_by_role("button", name="Create the administrator").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    expect(page.get_by_role("button", name=f"Account of {ADMIN.name}")).to_be_visible()
    assert "key" not in page.url


def _open_the_link_again(stranger: Page, host: ConsoleHost) -> None:
    stranger.goto(host.setup_link)
    expect(stranger.get_by_role("heading", name="Log in")).to_be_visible()
    stranger.close()


def _upload(page: Page, files: list[Path]) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Plugins").click()
    page.get_by_role("button", name="Upload", exact=True).click()
    dialog = page.get_by_role("dialog", name="Upload plugins")
    with page.expect_file_chooser() as chosen:
        dialog.get_by_role("button", name="Choose files").click()
    chosen.value.set_files(files)


def _upload_and_grant(page: Page, files: list[Path], screenshot: Callable[..., None]) -> None:
    _upload(page, files)
    expect(page).to_have_url(re.compile("/console/plugins/notes/permissions$"))
    page.reload()
    card = page.get_by_role("list", name="What it asks for").get_by_role("listitem")
    expect(card).to_contain_text("Keep data of its own")
    expect(card).to_contain_text("Keeps your notes between calls")
    expect(page.get_by_role("region", name="Not permitted")).to_contain_text("Reach the network")
    screenshot(page, "plugin-permissions")
    card.get_by_role("button", name="Grant kv").click()
    expect(card.get_by_role("button", name="Revoke kv")).to_be_visible()
    expect(page.locator("main").get_by_text("Enabled", exact=True)).to_be_visible()


def _call(page: Page, screenshot: Callable[..., None]) -> None:
    _open(page, "Functions")
    page.get_by_role("navigation", name="Functions").get_by_role("link", name="echo").click()
    page.get_by_role("textbox", name="Value").fill("good morning")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("region", name="Answer").first).to_contain_text('"value": "good morning"')
    cost = page.get_by_role("region", name="Cost")
    expect(cost).to_contain_text(re.compile(r"Time\s*[\d.]+ (ms|s)"))
    expect(cost).to_contain_text("Host calls")
    expect(page.get_by_role("region", name="Call from a shell")).to_contain_text("curl -X POST")
    expect(page.get_by_role("list", name="Your last calls here").get_by_role("listitem")).to_have_count(1)
    screenshot(page, "plugin-call")
    page.get_by_role("button", name="Input and output schemas").click()
    axe(page)


def _drop(page: Page) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Plugins").click()
    expect(page.get_by_role("link", name="notes")).to_be_visible()
    held = held_file(page, PLUGINS / "text" / "dist" / "text.wasm")
    page.dispatch_event("main", "dragenter", {"dataTransfer": held})
    expect(page.get_by_text("Drop files to upload them")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": held})
    expect(page.get_by_role("heading", level=1, name="text")).to_be_visible()


def held_file(page: Page, file: Path) -> JSHandle:
    """What is dragged, with a file in it."""
    return page.evaluate_handle(_DROPPED, [file.name, base64.b64encode(file.read_bytes()).decode()])


def _keep_the_old_one(page: Page, screenshot: Callable[..., None]) -> None:
    expect(page).to_have_url(re.compile("/console/plugins/notes/upgrade$"))
    asked = page.get_by_role("list", name="Capabilities")
    expect(asked.get_by_role("listitem")).to_have_count(2)
    expect(asked).to_contain_text("Use more of this machine")
    expect(asked).to_contain_text("Talk to servers over HTTP")
    expect(asked).to_contain_text("words.example.org")
    expect(page.get_by_role("list", name="Functions")).to_contain_text("fail")
    expect(page.get_by_role("region", name="warn after")).to_contain_text("Logs what it is told")
    expect(page.get_by_role("list", name="Limits")).to_contain_text("Time of a call")
    axe(page)
    screenshot(page, "plugin-upgrade", theme="dark")
    page.get_by_role("button", name="Keep the old version").click()
    expect(page.get_by_text("kept the version before it")).to_be_visible()


def _begin_again(page: Page, host: ConsoleHost) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Home").click()
    state = page.get_by_role("banner")
    enabled = page.get_by_role("region", name="Plugins").get_by_role("listitem").filter(has_text="Enabled")
    expect(enabled).to_contain_text("2")
    host.stop()
    expect(state.get_by_text("Reconnecting")).to_be_visible()
    host.add("markdown").start()
    expect(state.get_by_text("Live")).to_be_visible()
    expect(enabled).to_contain_text("3")
    page.go_back()


def _approve(page: Page) -> None:
    page.get_by_role("button", name="Approve and switch").click()
    page.get_by_role("dialog", name="Approve 2.0.0?").get_by_role("button", name="Approve and switch").click()
    expect(page.get_by_text("No pending upgrade")).to_be_visible()


def _roll_back(page: Page, screenshot: Callable[..., None]) -> None:
    _open(page, "Versions")
    rows = page.get_by_role("list", name="Versions").get_by_role("listitem")
    expect(rows.filter(has_text="2.0.0")).to_contain_text("Answers calls")
    page.get_by_role("button", name=re.compile("^Roll back to 1.0.0")).click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back", exact=True).click()
    expect(page.get_by_text(re.compile(r"1\.0\.0 .* is back"))).to_be_visible()
    expect(rows.filter(has_text="1.0.0")).to_contain_text("Answers calls")


def _look_it_up(page: Page, screenshot: Callable[..., None]) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Settings").click()
    _open(page, "Audit")
    record = page.get_by_role("table", name="Audit")
    for action in ("setUp", "giveGrant", "rollBack"):
        expect(record.get_by_role("row", name=re.compile(rf"ada {action}\b"))).to_have_count(1)
    expect(record.get_by_role("row", name=re.compile(r"ada uploadPlugin\b"))).to_have_count(3)
    expect(record.get_by_role("row", name=re.compile(r"ada decideUpgrade\b"))).to_have_count(2)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("The record is whole")).to_be_visible()
    screenshot(page, "audit")


def _open(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
