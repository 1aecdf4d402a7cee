"""The pages of settings: what holds, who may do what, tokens, the record of changes, backups, diagnostics."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import ADMIN, Account, ConsoleHost

from omnicore.config.folders import project_data

HOST_PLUGINS = ("text", "counter")
TABS = ("configuration", "users", "tokens", "sessions", "audit", "machine", "backup", "diagnostics")
VERA, OTTO, TIM, SAM, ENA = (
    *(Account("vera", "viewer"), Account("otto", "operator"), Account("tim", "viewer")),
    *(Account("sam", "operator"), Account("ena", "viewer")),
)


def opened(page: Page, tab: str) -> Page:
    """The page of settings at one of its tabs."""
    page.goto(f"/console/settings/{tab}")
    expect(page.get_by_role("tabpanel")).to_be_visible()
    expect(page.locator(".ant-skeleton-active")).to_have_count(0)
    return page


def act(page: Page, name: str, what: str) -> None:
    """Chooses an action in the menu of a row."""
    page.get_by_role("button", name=f"Actions for {name}").click()
    page.get_by_role("menuitem", name=what, exact=True).click()


def confirm(page: Page, name: str, action: str) -> None:
    """Types the name that what cannot be undone asks for."""
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=action)).to_be_disabled()
    dialog.get_by_label(f"Type {name} to confirm").fill(name)
    dialog.get_by_role("button", name=action).click()
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_opens_from_its_address_and_is_accessible(page: Page, tab: str) -> None:
    opened(page, tab)
    expect(page.get_by_role("tab", name=tab.capitalize())).to_have_attribute("aria-selected", "true")
    axe(page)


@pytest.mark.parametrize(
    ("tab", "button"), [("users", "Add a user"), ("tokens", "Create a token"), ("configuration", "Change log_lines")]
)
def test_its_forms_are_accessible(page: Page, tab: str, button: str) -> None:
    opened(page, tab).get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    axe(page)


def test_a_user_is_added_and_the_role_limits_what_is_offered_and_what_is_allowed(
    page: Page, visitor: Page, messages: Messages
) -> None:
    messages.allow("status of 4(09|22)")
    opened(page, "users").get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(ADMIN.name)
    dialog.get_by_label("Password", exact=True).fill("short")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("A password has 10 to 1024 characters")).to_be_visible()
    dialog.get_by_label("Password", exact=True).fill(VERA.password)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("is taken")
    dialog.get_by_label("Name").fill(VERA.name)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("row", name=VERA.name)).to_contain_text("Viewer")

    vera = visitor
    vera.goto("/console/settings")
    vera.get_by_label("Name").fill(VERA.name)
    vera.get_by_label("Password", exact=True).fill(VERA.password)
    vera.keyboard.press("Enter")
    expect(vera.get_by_role("tab")).to_have_text(["Tokens", "Sessions", "Machine"])
    vera.goto("/console/settings/users")
    expect(vera.get_by_text("Your role does not permit this")).to_be_visible()
    csrf = {"x-csrf-token": vera.request.get("/api/v1/session").json()["csrf"]}
    assert vera.request.get("/api/v1/users").status == 403
    assert vera.request.put("/api/v1/settings/log_lines", data={"value": 5}, headers=csrf).status == 403


def test_roles_are_changed_and_hold_at_once(host: ConsoleHost, page: Page) -> None:
    assert host.session(OTTO).post("/api/v1/plugins/counter/grants").status_code == 403
    opened(page, "users")
    act(page, OTTO.name, "Change roles")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Add a role for a plugin").click()
    dialog.get_by_label("Plugin", exact=True).fill("te")
    suggested = page.locator(".ant-select-item-option-content").get_by_text("text", exact=True)
    expect(suggested).to_be_visible()
    page.keyboard.press("Escape")  # for the suggestions alone
    expect(suggested).to_be_hidden()
    dialog.get_by_label("Plugin", exact=True).fill("text")
    dialog.get_by_role("button", name="Save the roles").click()
    expect(dialog).to_be_hidden()
    assert host.session().get(f"/api/v1/users/{OTTO.name}").json()["plugins"] == {"text": "operator"}
    expect(page.get_by_role("row", name=OTTO.name)).to_contain_text("1 plugin")


def test_the_only_administrator_stays_one_and_the_host_says_why(page: Page, messages: Messages) -> None:
    messages.allow("status of 409")
    opened(page, "users")
    act(page, ADMIN.name, "Disable")
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("is the only admin")


def test_a_user_is_disabled_gets_a_new_password_and_is_removed(host: ConsoleHost, page: Page) -> None:
    host.session(TIM)
    opened(page, "users")
    row = page.get_by_role("row", name=TIM.name)
    act(page, TIM.name, "Disable")
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    credentials = {"name": TIM.name, "password": TIM.password}
    assert httpx.post(f"{host.url}/api/v1/session", json=credentials).status_code == 401
    act(page, TIM.name, "Enable")
    page.get_by_role("dialog").get_by_role("button", name="Enable").click()
    expect(row).to_contain_text("Active")
    act(page, TIM.name, "Set a new password")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Generate").click()
    made_up = dialog.get_by_label("Password", exact=True).input_value()
    assert len(made_up) >= 20
    dialog.get_by_role("button", name="Set the password").click()
    expect(dialog).to_be_hidden()
    credentials["password"] = made_up
    assert httpx.post(f"{host.url}/api/v1/session", json=credentials).is_success
    act(page, TIM.name, "Remove")
    confirm(page, TIM.name, "Remove")
    expect(row).to_have_count(0)
    assert host.session().get(f"/api/v1/users/{TIM.name}").status_code == 404


def test_a_reload_in_the_middle_of_a_form_makes_nothing(host: ConsoleHost, page: Page) -> None:
    opened(page, "users").get_by_role("button", name="Add a user").click()
    page.get_by_role("dialog").get_by_label("Name").fill("halfway")
    page.reload()
    expect(page.get_by_role("row", name=ADMIN.name)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert host.session().get("/api/v1/users/halfway").status_code == 404


def test_a_token_is_shown_once_and_does_no_more_than_it_may(host: ConsoleHost, page: Page) -> None:
    opened(page, "tokens").get_by_role("button", name="Create a token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("nightly report")
    dialog.get_by_label("Scopes").fill("plugins")
    expect(page.get_by_title("plugins", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Create a token").click()
    shown = page.get_by_role("region", name="The token")
    expect(shown).to_be_visible()
    axe(page, within="[role=dialog]")
    secret = shown.inner_text().strip()
    page.keyboard.press("Escape")
    expect(shown).to_be_visible()
    page.get_by_role("button", name="I have copied it").click()
    expect(shown).to_have_count(0)

    row = page.get_by_role("row", name="nightly report")
    expect(row).to_contain_text("plugins")
    page.reload()
    expect(row).to_be_visible()
    assert secret not in page.content()
    with httpx.Client(base_url=host.url, headers={"authorization": f"Bearer {secret}"}) as bearer:
        assert bearer.get("/api/v1/plugins").is_success
        assert bearer.get("/api/v1/tasks").status_code == 403
        assert bearer.delete("/api/v1/plugins/text").status_code == 403
        page.get_by_role("button", name="Revoke nightly report").click()
        confirm(page, "nightly report", "Revoke")
        expect(row).to_have_count(0)
        assert bearer.get("/api/v1/plugins").status_code == 401


def test_a_viewer_makes_tokens_of_no_higher_role(page_as: Callable[[Account], Page]) -> None:
    page = opened(page_as(ENA), "tokens")
    page.get_by_role("button", name="Create a token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Role", exact=True).click()
    expect(page.get_by_role("option", name="Viewer")).to_be_attached()
    expect(page.get_by_role("option", name="Administrator")).to_have_count(0)


def test_somebody_elses_session_is_ended(host: ConsoleHost, page: Page) -> None:
    client = host.session(SAM)
    assert client.get("/api/v1/plugins").is_success
    opened(page, "sessions").get_by_role("button", name=f"End the session of {SAM.name}").click()
    page.get_by_role("dialog").get_by_role("button", name="End").click()
    expect(page.get_by_role("row", name=SAM.name)).to_have_count(0)
    assert client.get("/api/v1/plugins").status_code == 401


def test_a_setting_is_overridden_at_once_refused_when_wrong_and_reset(
    host: ConsoleHost, page: Page, messages: Messages
) -> None:
    messages.allow("status of 422")
    opened(page, "configuration").get_by_label("Search the settings").fill("log_lines kept")
    row = page.get_by_role("listitem").filter(has_text=re.compile("^log_lines"))
    expect(page.get_by_role("listitem").filter(has_text="log_")).to_have_count(1)
    row.get_by_role("button", name="Change log_lines").click()
    field = row.get_by_label("log_lines")
    expect(field).to_be_focused()
    field.fill("0")
    page.keyboard.press("Enter")
    expect(row.get_by_text("Cannot be 0: it takes at least 1.")).to_be_visible()
    field.fill("2500")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("set here · default 1000")
    expect(row.get_by_role("button", name="Change log_lines")).to_be_focused()
    setting = host.session().get("/api/v1/settings/log_lines").json()
    assert (setting["value"], setting["waiting"], setting["override"]) == (2500, False, True)
    row.get_by_role("button", name="Reset log_lines").click()
    expect(row).not_to_contain_text("set here")
    assert host.session().get("/api/v1/settings/log_lines").json()["value"] == 1000


def test_changes_that_wait_for_a_start_are_listed_and_can_be_taken_back(host: ConsoleHost, page: Page) -> None:
    opened(page, "configuration").get_by_role("button", name="Change threads").click()
    page.get_by_label("threads", exact=True).fill("6")
    page.keyboard.press("Enter")
    waiting = page.get_by_role("region", name="Pending until restart")
    expect(waiting).to_contain_text(re.compile(r"threads 8 → 6"))
    page.goto("/console/settings/configuration?show=changed&q=threads")
    expect(page.get_by_text("from the next start on: 6")).to_be_visible()
    page.get_by_role("button", name="Undo the change of threads").click()
    expect(waiting).to_have_count(0)
    assert host.session().get("/api/v1/settings/threads").json()["override"] is False


def test_secrets_are_shown_as_set_or_not(new_host: Callable[..., ConsoleHost], contexts: Callable) -> None:
    host = new_host(OMNICORE_TOKEN="hunter2-hunter2").start()
    context = contexts(host, None)
    context.set_extra_http_headers({"authorization": "Bearer hunter2-hunter2"})
    page = context.new_page()
    page.goto("/console/settings/configuration?q=bearer")
    row = page.get_by_role("listitem").filter(has_text=re.compile("^token"))
    expect(row.get_by_text("set", exact=True)).to_be_visible()
    assert "hunter2" not in page.content()


def test_the_record_tells_who_changed_what_and_is_whole(host: ConsoleHost, page: Page) -> None:
    assert host.session().put("/api/v1/settings/drain_s", json={"value": 12}).is_success
    assert host.session().delete("/api/v1/settings/drain_s").is_success
    opened(page, "audit").get_by_label("About").fill("setting:drain_s")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"target=setting%3Adrain_s"))
    expect(page.get_by_text("2 rows", exact=True)).to_be_visible()  # the list of before is gone
    page.get_by_role("row", name=re.compile(r"\bsetSetting")).press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("button", name=ADMIN.name)).to_be_visible()
    expect(drawer.get_by_role("row", name="next 10 12")).to_be_visible()
    axe(page, within="[role=dialog]")
    page.reload()
    expect(drawer.get_by_text("What changed")).to_be_visible()
    drawer.get_by_role("button", name=ADMIN.name).click()
    expect(page).to_have_url(re.compile(rf"actor={ADMIN.name}$"))
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("The record is whole")).to_be_visible()


def test_the_machine_is_shown_to_whoever_reads(page_as: Callable[[Account], Page], host: ConsoleHost) -> None:
    page = opened(page_as(ENA), "machine")
    about = page.get_by_role("region", name="This host")
    expect(about).to_contain_text(str(project_data(host.folder)))
    expect(page.get_by_role("region", name="Engines")).to_contain_text("wasmtime")


def test_a_backup_is_made_fetched_staged_taken_back_and_deleted(host: ConsoleHost, page: Page, tmp_path: Path) -> None:
    opened(page, "backup").get_by_role("button", name="Create a backup").click()
    link = page.get_by_role("link", name=re.compile("^Download omnicore-"))
    expect(link).to_be_visible()
    name = (link.get_attribute("aria-label") or "").removeprefix("Download ")
    with page.expect_download() as fetched:
        link.click()
    assert fetched.value.suggested_filename == name
    fetched.value.save_as(tmp_path / name)
    assert (tmp_path / name).stat().st_size > 1000
    act(page, name, "Restore")
    confirm(page, name, "Restore")
    expect(page.get_by_text(f"{name} is restored at the next start")).to_be_visible()
    page.get_by_role("button", name="Cancel the restore").click()
    expect(page.get_by_text("is restored at the next start")).to_have_count(0)
    act(page, name, "Delete")
    confirm(page, name, "Delete")
    expect(page.get_by_text("No backups yet")).to_be_visible()


def test_the_diagnostics_are_saved_and_hold_what_the_page_says(page: Page, tmp_path: Path) -> None:
    opened(page, "diagnostics")
    with page.expect_download() as fetched:
        page.get_by_role("button", name="Download the diagnostics").click()
    fetched.value.save_as(tmp_path / "it.zip")
    files = zipfile.ZipFile(io.BytesIO((tmp_path / "it.zip").read_bytes())).namelist()
    expect(page.get_by_role("term")).to_have_text(files)
    expect(page.get_by_role("status").filter(has_text="downloads")).to_be_visible()
