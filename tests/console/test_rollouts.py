"""Rollouts of new versions: found in the list of plugins, watched while they go on, promoted and rolled back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.console.browser import THEMES, Theme, axe, settle
from tests.console.host import Account, ConsoleHost
from tests.plugins.guests import module, says, with_manifest

HOST_PLUGINS = ("text",)
VIEWER = Account("vera", "viewer")
OLD = with_manifest(says("1"), {"version": "1.0.0"})
NEW = with_manifest(
    module("""(func (export "say") (result i32)
      (if (i64.ne (call $length) (i64.const 0)) (then (return (i32.const 1))))
      (call $say (i32.const 50)) (i32.const 0))"""),
    {"version": "2.0.0"},
)
"""Answers an empty input and fails with any other."""
NARROW = {"width": 390, "height": 844}
GUARDS = ["errors<1%", "p95<2s"]


def begun(host: ConsoleHost, name: str, *, percent: int = 5) -> str:
    """The address of a plugin with a rollout under way."""
    client = host.session()
    wasm = {"content-type": "application/wasm"}
    for content, hold in ((OLD, "false"), (NEW, "true")):
        told = client.post(
            "/api/v1/plugins", content=content, params={"filename": f"{name}.wasm", "hold": hold}, headers=wasm
        )
        assert told.is_success, told.text
    order = {"version": "2.0.0", "shares": [percent, 100], "every_s": 3600, "guards": GUARDS}
    told = client.post(f"/api/v1/plugins/{name}/rollout", json=order)
    assert told.is_success, told.text
    return f"/api/v1/plugins/{name}"


def test_a_rollout_is_found_in_the_list_watched_and_promoted(page: Page, host: ConsoleHost) -> None:
    at = begun(host, "talk")
    page.goto("/console/plugins")
    under = page.get_by_role("region", name="Rollouts under way")
    expect(under.get_by_role("listitem").filter(has_text="talk")).to_contain_text("5 % to 2.0.0")
    under.get_by_role("link", name="talk").click()
    expect(page.get_by_role("tab", name="Rollout")).to_have_attribute("aria-selected", "true")
    part = page.get_by_role("region", name="Rollout", exact=True)
    expect(part.get_by_role("list", name="Steps").get_by_role("listitem")).to_have_text(["5 %", "100 %"])
    expect(part.locator("[aria-current=step]")).to_have_text("5 %")
    for text in ("1.0.0", "2.0.0", "step 1 of 2", "at the soonest", "by rest:ada", "waits for 100 calls"):
        expect(part).to_contain_text(text)
    guards = page.get_by_role("table", name="Guards")
    expect(guards.get_by_role("row").filter(has_text="errors<1%")).to_contain_text("Waits for calls")
    expect(guards.get_by_role("row").filter(has_text="p95<2s")).to_contain_text("2 s")
    axe(page)
    part.get_by_role("button", name="Pause").click()
    expect(part).to_contain_text("Paused")
    expect(part).to_contain_text("paused by rest:ada")
    part.get_by_role("button", name="Resume").click()
    expect(part).to_contain_text("Running")
    part.get_by_role("button", name="Promote to 100 %").click()
    dialog = page.get_by_role("dialog", name="Give 2.0.0")
    axe(page)
    dialog.get_by_role("button", name="Promote to 100 %").click()
    expect(part).to_contain_text("promoted by rest:ada")
    expect(part).to_contain_text("Done")
    expect(part.get_by_role("button")).to_have_count(0)
    assert host.session().get(at).json()["serving"] == hashlib.sha256(NEW).hexdigest()
    page.goto("/console/plugins")
    expect(page.get_by_role("row").filter(has_text="talk")).to_be_visible()
    expect(under.get_by_role("link", name="talk")).to_have_count(0)


def test_limits_on_the_calls_of_a_plugin_are_shown(page: Page, host: ConsoleHost) -> None:
    page.goto("/console/plugins/text")
    part = page.get_by_role("region", name="Calls on all hosts")
    expect(part).to_contain_text("Not limited")
    told = host.session().put("/api/v1/plugins/text/limit", json={"concurrent": 4, "per_second": 250})
    assert told.is_success, told.text
    expect(part).to_contain_text("4, 0 held now", timeout=15_000)
    for text in ("250", "by rest:ada"):
        expect(part).to_contain_text(text)
    axe(page)


def test_figures_of_both_versions_follow_the_calls_until_a_guard_trips(page: Page, host: ConsoleHost) -> None:
    at = begun(host, "chat", percent=90)
    page.goto("/console/plugins/chat/rollout")
    calls = page.get_by_role("table", name="Calls in this step")
    expect(calls.get_by_role("row").filter(has_text="2.0.0")).to_contain_text("90 %")
    client = host.session()
    part = page.get_by_role("region", name="Rollout", exact=True)
    for _ in range(80):
        assert client.post(f"{at}/functions/say").is_success
    for row in (1, 2):
        expect(calls.get_by_role("row").nth(row)).to_contain_text("ms")
    for _ in range(300):
        if client.get(at).json()["rollout"]["state"] != "running":
            break
        client.post(f"{at}/functions/say", content=b"x")
    expect(part).to_contain_text("Rolled back")
    expect(part).to_contain_text("guard errors<1%")
    expect(page.get_by_role("table", name="Guards").get_by_role("row").filter(has_text="errors<1%")).to_contain_text(
        "Failed"
    )
    axe(page)


def test_a_rollout_is_stopped_and_the_version_before_answers(page: Page, host: ConsoleHost) -> None:
    at = begun(host, "word")
    page.goto("/console/plugins/word/rollout")
    page.get_by_role("button", name="Stop and roll back").click()
    page.get_by_role("dialog", name="Stop the rollout").get_by_role("button", name="Stop and roll back").click()
    part = page.get_by_role("region", name="Rollout", exact=True)
    expect(part).to_contain_text("stopped by rest:ada")
    assert host.session().get(at).json()["serving"] == hashlib.sha256(OLD).hexdigest()


def test_who_only_reads_sees_a_rollout_and_no_buttons(page_as: Callable[[Account], Page], host: ConsoleHost) -> None:
    begun(host, "seen")
    page = page_as(VIEWER)
    page.goto("/console/plugins/seen/rollout")
    part = page.get_by_role("region", name="Rollout", exact=True)
    expect(part).to_contain_text("5 % of the calls")
    expect(part.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("theme", THEMES)
def test_a_rollout_fits_a_narrow_window(page: Page, host: ConsoleHost, theme: Theme) -> None:
    begun(host, f"narrow-{theme}")
    page.goto(f"/console/plugins/narrow-{theme}/rollout")
    page.emulate_media(color_scheme=theme)
    expect(page.get_by_role("table", name="Guards")).to_be_visible()
    page.set_viewport_size(NARROW)
    page.reload()
    expect(page.get_by_role("table", name="Guards")).to_be_visible()
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
