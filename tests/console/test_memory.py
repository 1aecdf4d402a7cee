"""Memory in the console: stored, found by meaning with its score explained, looked at, corrected and forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import Account, ConsoleHost

HOST_PLUGINS: tuple[str, ...] = ()
AT = "/api/v1/memory"
VIEWER = Account("vera", "viewer")
MEAL = "Lunch is served at noon"
OTHERS = ("The printer is out of toner", "Deploys happen on Tuesday mornings", "The library is on the third floor")


def store(host: ConsoleHost, text: str, **more: Any) -> str:
    made = host.session().post(AT, json={"text": text, "tier": "semantic", **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture(scope="module", autouse=True)
def known(host: ConsoleHost) -> None:
    for text in (MEAL, *OTHERS):
        store(host, text, source="the handbook")


def test_what_is_stored_by_hand_is_listed_and_counted(page: Page) -> None:
    page.goto("/console/memory")
    expect(page.get_by_role("heading", name="Working memory")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^List "))).to_have_count(12)
    page.get_by_role("button", name="Store a memory").click()
    dialog = page.get_by_role("dialog", name="Store a memory")
    dialog.get_by_role("button", name="Store", exact=True).click()
    expect(dialog.get_by_text("Enter a text.")).to_be_visible()
    dialog.get_by_label("Text of the memory").fill("Ann prefers tea to coffee")
    dialog.get_by_label("Importance").fill("0.7")
    dialog.get_by_role("button", name="Store", exact=True).click()
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name=re.compile("^List Episodic: [1-9]")).click()
    expect(page).to_have_url(re.compile(r"/memory/list\?tier=episodic$"))
    expect(page.get_by_role("row", name=re.compile("Ann prefers tea to coffee Episodic 0.70"))).to_be_visible()


def test_search_finds_by_meaning_and_explains_the_score(page: Page, screenshot: Callable[..., None]) -> None:
    page.goto("/console/memory/search")
    page.get_by_label("Search query").fill("when do we eat")
    page.get_by_label("Search query").press("Enter")
    first = page.get_by_role("list", name="Results").get_by_role("article").first
    expect(first).to_contain_text(MEAL)
    expect(first).to_contain_text("from the handbook")
    score = first.get_by_role("img", name=re.compile(r"^Score 0\.\d\d: meaning 0\.\d\d"))
    expect(score).to_be_visible()
    axe(page)
    screenshot(page, "memory")
    page.reload()
    expect(first).to_contain_text(MEAL)
    first.get_by_role("button", name="Show this memory").click()
    drawer = page.get_by_role("dialog", name="Memory")
    expect(drawer).to_contain_text("Written by")
    expect(drawer).to_contain_text("the handbook")
    axe(page)


def test_a_search_is_narrowed_by_tier_and_by_time(page: Page) -> None:
    page.goto("/console/memory/search?q=lunch&tiers=procedural")
    expect(page.get_by_text("No results")).to_be_visible()
    page.goto("/console/memory/search?q=lunch&tiers=semantic&within=3600")
    expect(page.get_by_role("article").first).to_contain_text(MEAL)


def test_a_corrected_memory_leads_to_what_took_its_place(page: Page, host: ConsoleHost) -> None:
    item = store(host, "The door is blue")
    page.goto(f"/console/memory/list?memory={item}")
    drawer = page.get_by_role("dialog", name="Memory")
    drawer.get_by_role("button", name="Correct").click()
    dialog = page.get_by_role("dialog", name="Correct this memory")
    dialog.get_by_label("Corrected text").fill("The door is green")
    dialog.get_by_role("button", name="Correct").click()
    expect(drawer.get_by_text("The door is green")).to_be_visible()
    expect(drawer.get_by_text("replaces")).to_be_visible()
    drawer.get_by_role("button", name=item).click()
    expect(drawer.get_by_text("Replaced by", exact=True)).to_be_visible()


def test_a_memory_is_forgotten_only_with_its_name_typed(page: Page, host: ConsoleHost, messages: Messages) -> None:
    messages.allow(r"status of 404")  # the event that it is gone may come before the answer does
    text = "What nobody needs to know"
    item = store(host, text)
    page.goto(f"/console/memory/list?tier=semantic&memory={item}")
    page.get_by_role("dialog", name="Memory").get_by_role("button", name="Forget").click()
    dialog = page.get_by_role("dialog", name="Forget this memory?")
    expect(dialog.get_by_role("button", name="Forget")).to_be_disabled()
    dialog.get_by_label(f"Type {item[-6:]} to confirm").fill(item[-6:])
    dialog.get_by_role("button", name="Forget").click()
    expect(page).not_to_have_url(re.compile("memory="))
    expect(page.get_by_role("row", name=re.compile(MEAL))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(text))).to_have_count(0)
    assert host.session().get(f"{AT}/{item}").status_code == 404


def test_consolidation_says_what_it_did(page: Page, host: ConsoleHost) -> None:
    host.session().post(AT, json={"text": "the task is done", "tier": "short_term", "importance": 0.2})
    page.goto("/console/memory")
    page.get_by_role("button", name="Consolidate now").click()
    report = page.get_by_role("dialog", name="Consolidated")
    expect(report.get_by_text("From short term to session")).to_be_visible()


def test_who_only_reads_is_offered_nothing_that_changes(page_as: Callable[[Account], Page]) -> None:
    page = page_as(VIEWER)
    page.goto("/console/memory/list?tier=semantic")
    page.get_by_role("row", name=re.compile(MEAL)).press("Enter")
    drawer = page.get_by_role("dialog", name="Memory")
    expect(drawer.get_by_text("the handbook")).to_be_visible()
    expect(drawer.get_by_role("button", name="Forget")).to_have_count(0)
    expect(page.get_by_role("button", name="Store a memory")).to_have_count(0)


def test_each_owner_is_listed_with_what_it_has(page: Page) -> None:
    page.goto("/console/memory/quotas")
    expect(page.get_by_role("row", name=re.compile(r"The host \d+ .*bytes no quota"))).to_be_visible()


def test_all_that_is_known_of_a_name_is_a_timeline_also_on_a_phone(page: Page, host: ConsoleHost) -> None:
    said = 1_600_000_000
    store(host, "Mira moved to Rome", said_at=said)
    moved = store(host, "Mira moved to Paris", said_at=said + 86_400 * 400)
    store(host, "Mira turned 40", said_at=said + 1000)
    store(host, "Mira turned 41", said_at=said + 1000)
    store(host, "The garden of Mira is wild", said_at=said - 86_400)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/console/memory")
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_text("All that is known of somebody")).to_be_visible()
    page.get_by_label("Name").fill("Nobody Known")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("Nothing is known of Nobody Known")).to_be_visible()
    page.get_by_label("Name").fill("mira")
    page.get_by_label("Name").press("Enter")
    lines = page.get_by_role("list", name="All that is known of mira").get_by_role("listitem")
    expect(lines).to_have_count(5)
    expect(lines.first).to_contain_text("The garden of Mira is wild")
    expect(lines.nth(1)).to_contain_text(re.compile(r"13 Sept? 2020.*home: Rome.*Ended.*until 18 Oct 2021"))
    expect(lines.nth(2)).to_contain_text(re.compile("age: 4[01].*Disputed"))
    expect(lines.last).to_contain_text(re.compile("home: Paris.*Holds"))
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, f"the page is {wide} px wide"
    axe(page)
    lines.last.get_by_role("button", name="Show this memory").click()
    drawer = page.get_by_role("dialog", name="Memory")
    expect(drawer.get_by_text("Mira moved to Paris")).to_be_visible()
    expect(page).to_have_url(re.compile(f"name=mira&memory={moved}"))
