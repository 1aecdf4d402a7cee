"""The pages of plugins: lists and parts of one, calls by form and by keys, the log while it is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import Account, ConsoleHost
from tests.console.notes import first_files

HOST_PLUGINS = ("text", "counter")
MARKUP = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>{{7*7}}"
VIEWER = Account("vera", "viewer")
OPERATOR = Account("otto", "operator")


def _open(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")


@pytest.fixture
def notes(host: ConsoleHost, tmp_path: Path) -> str:
    """The address of the functions of a plugin in service."""
    client, first = host.session(), first_files(tmp_path / "1")
    parts = {"file": (first[0].name, first[0].read_bytes()), "manifest": (first[1].name, first[1].read_bytes())}
    assert client.post("/api/v1/plugins", files=parts).is_success
    host.grant("notes")
    return "/api/v1/plugins/notes/functions"


def test_a_log_is_shown_live_and_stays_while_it_is_paused(page: Page, host: ConsoleHost, notes: str) -> None:
    page.goto("/console/plugins/notes/logs")
    log = page.get_by_role("log")
    expect(page.get_by_role("status").filter(has_text="Live").last).to_be_visible()
    host.session().post(f"{notes}/warn", content="one of the first")
    expect(log).to_contain_text("one of the first")
    page.get_by_role("button", name="Pause").click()
    host.session().post(f"{notes}/warn", content="while it is paused")
    expect(page.get_by_text("Paused, 1 more")).to_be_visible()
    expect(log).not_to_contain_text("while it is paused")
    page.get_by_role("button", name="Resume").click()
    expect(log).to_contain_text("while it is paused")
    page.get_by_role("textbox", name="Only lines with").fill("paused")
    expect(log).not_to_contain_text("one of the first")
    expect(page).to_have_url(re.compile("q=paused"))


def test_markup_in_what_a_plugin_is_given_gives_and_logs_is_text(page: Page, notes: str) -> None:
    page.goto("/console/plugins/notes/functions?function=echo")
    page.get_by_role("textbox", name="Value").fill(MARKUP)
    page.get_by_role("button", name="Call", exact=True).click()
    answer = page.get_by_role("region", name="Answer").first
    expect(answer).to_contain_text(MARKUP)
    page.get_by_role("navigation", name="Functions").get_by_role("link", name="warn").click()
    page.get_by_role("textbox", name="Input").fill(MARKUP)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("list", name="Your last calls here")).to_contain_text(MARKUP[:40])
    _open(page, "Overview")
    expect(
        page.get_by_role("table", name="Where the time goes").get_by_role("row").filter(has_text="echo")
    ).to_be_visible()
    _open(page, "Logs")
    expect(page.get_by_role("log")).to_contain_text(MARKUP)
    assert page.evaluate("window.hacked") is None


def test_settings_are_stored_and_forgotten_by_a_form(page: Page, notes: str) -> None:
    page.goto("/console/plugins/notes/config")
    expect(page.get_by_text("The plugin's default")).to_be_visible()
    page.get_by_role("textbox", name="Tone").fill("bright")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("list", name="Stored here")).to_contain_text("tone")
    expect(page.get_by_role("textbox", name="Tone")).to_have_value("bright")
    page.get_by_role("button", name="Forget what is stored for tone").click()
    expect(page.get_by_role("textbox", name="Tone")).to_have_value("calm")


def test_a_file_that_is_dropped_on_the_page_is_told_why_it_is_none(page: Page, messages: Messages) -> None:
    messages.allow("status of 422")
    page.goto("/console/plugins")
    expect(page.get_by_role("link", name="counter")).to_be_visible()
    held = page.evaluate_handle("""() => {
        const held = new DataTransfer();
        held.items.add(new File(["no module"], "broken.wasm"));
        return held;
    }""")
    page.dispatch_event("main", "dragenter", {"dataTransfer": held})
    expect(page.get_by_text("Drop files to upload them")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": held})
    dialog = page.get_by_role("dialog", name="Upload plugins")
    expect(dialog.get_by_role("listitem").filter(has_text="broken.wasm").get_by_role("alert")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/console/plugins\?upload"))
    axe(page)


def test_the_list_keeps_its_filter_in_the_address_and_shows_rejected_files_with_reasons(
    page: Page, host: ConsoleHost
) -> None:
    (host.plugins / "torn.wat").write_text("(module (import")
    page.goto("/console/plugins?state=rejected")
    row = page.get_by_role("row").filter(has_text="torn.wat")
    expect(row).to_be_visible()
    expect(page.get_by_role("columnheader", name="Why it cannot be used")).to_be_visible()
    row.get_by_role("link", name="torn.wat").click()
    expect(page.get_by_role("note")).to_contain_text("Its file cannot be used.")
    page.go_back()
    page.get_by_text("All", exact=True).click()
    expect(page).not_to_have_url(re.compile("state="))
    page.get_by_role("searchbox", name="Search plugins").fill("count")
    expect(page).to_have_url(re.compile("q=count"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.reload()
    expect(page.get_by_role("searchbox", name="Search plugins")).to_have_value("count")
    page.get_by_role("link", name="counter").click()
    expect(page.get_by_role("heading", level=1, name="counter")).to_be_visible()


def test_a_function_is_found_and_called_by_keys_alone(page: Page) -> None:
    page.goto("/console/plugins")
    page.get_by_role("row").filter(has=page.get_by_role("link", name="text")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="count_vowels").focus()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Input").focus()
    page.keyboard.type("a quiet evening")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("region", name="Answer").first).to_contain_text('"count": 7')


def test_a_plugin_is_removed_only_by_its_name(page: Page, host: ConsoleHost, notes: str, messages: Messages) -> None:
    messages.allow(r"status of 404.*plugins/notes")  # an event can tell of it before the page is left
    page.goto("/console/plugins/notes")
    page.get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("dialog", name="Remove notes?")
    expect(dialog.get_by_role("button", name="Remove")).to_be_disabled()
    dialog.get_by_role("textbox").fill("notes")
    dialog.get_by_role("button", name="Remove").click()
    expect(page).to_have_url(re.compile("/console/plugins$"))
    expect(page.get_by_role("link", name="counter")).to_be_visible()
    expect(page.get_by_role("link", name="notes")).to_have_count(0)


def test_who_may_not_is_not_offered_it(page_as: Callable[[Account], Page]) -> None:
    viewer = page_as(VIEWER)
    viewer.goto("/console/plugins/counter/permissions")
    expect(viewer.get_by_text("Keep data of its own")).to_be_visible()
    expect(viewer.get_by_role("button", name=re.compile("Grant|Take|Enable|Disable|Remove"))).to_have_count(0)
    operator = page_as(OPERATOR)
    operator.goto("/console/plugins/text")
    expect(operator.get_by_role("button", name="Disable")).to_be_visible()
    expect(operator.get_by_role("button", name="Remove")).to_have_count(0)


@pytest.mark.parametrize("tab", ["overview", "functions", "permissions", "upgrade", "config", "logs", "versions"])
def test_each_part_of_a_plugin_is_accessible(page: Page, notes: str, tab: str) -> None:
    page.goto(f"/console/plugins/notes/{tab}")
    expect(page.get_by_role("tabpanel")).to_be_visible()
    expect(page.locator("[aria-busy=true], .ant-skeleton-active")).to_have_count(0)
    axe(page)
