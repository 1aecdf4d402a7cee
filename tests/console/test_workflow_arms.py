"""Workflows built by people: by steps dropped into slots, no word about where one leads, and by keys alone."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect
from tests.console.browser import axe
from tests.console.host import ConsoleHost

HOST_PLUGINS = ("text",)


class Actions:
    """What a person does, counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.done = 0

    def drop(self, block: str, where: Locator) -> None:
        """A block of the palette comes into a slot."""
        self.done += 1
        self.page.get_by_role("region", name="Blocks", exact=True).get_by_role("button", name=block).drag_to(where)

    def fill(self, field: Locator, text: str) -> None:
        """A field gets a text."""
        self.done += 1
        field.fill(text)

    def click(self, button: Locator) -> None:
        """A button is clicked."""
        self.done += 1
        button.click()


def slot(page: Page, where: str) -> Locator:
    flow = page.get_by_role("group", name="Flow of the workflow")
    return flow.get_by_role("button", name=re.compile(f"^Add a step here.*: {where}$"))


def test_if_and_else_with_a_loop_and_an_approval_take_at_most_fifteen_actions(page: Page, host: ConsoleHost) -> None:
    page.goto("/console/workflows/new")
    person = Actions(page)
    person.drop("Decide", slot(page, "at the beginning"))
    way = page.get_by_role("group", name="Case yes")
    person.fill(way.get_by_label("When"), "${ .amount > 100 }")
    person.drop("Approval", slot(page, "at the beginning, in yes of decide"))
    person.fill(page.get_by_label("Title", exact=True), "So much?")
    person.drop("For each", slot(page, "at the beginning, in otherwise of decide"))
    person.fill(page.get_by_label("List", exact=True), "${ .orders }")
    person.drop("Set data", slot(page, "at the beginning, in steps of each"))
    person.drop("Set data", slot(page, "after decide"))
    expect(page.get_by_text("No problems")).to_be_visible()
    axe(page)
    person.click(page.get_by_role("button", name="Save", exact=True))
    naming = page.get_by_role("dialog", name="Name the workflow")
    person.fill(naming.get_by_label("Name"), "armed")
    person.click(naming.get_by_role("button", name="Save"))
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()
    assert person.done <= 15
    made = host.session().get("/api/v1/workflows/armed").json()["document"]["do"]
    assert [next(iter(one)) for one in made] == ["decide", "data-2"]
    given = {"input": {"amount": 1, "orders": [1, 2]}, "wait_s": 30}
    run = host.session().post("/api/v1/workflows/armed/runs", json=given).json()
    assert run["status"] == "completed", run
    names = [one["name"] for one in host.session().get(f"/api/v1/runs/{run['id']}/steps").json()["items"]]
    assert names.count("data") == 2
    assert "approval" not in names
    much = host.session().post("/api/v1/workflows/armed/runs", json={"input": {"amount": 200}}).json()["id"]
    page.goto(f"/console/workflows/armed/edit?run={much}&panel=run")
    page.get_by_role("article", name="So much?").get_by_role("button", name="Approve").click()
    expect(page.get_by_role("button", name="Run of version 1: Done")).to_be_visible()


def test_what_leaves_an_arm_leaves_it_whole_and_what_is_moved_into_one_is_there(page: Page, host: ConsoleHost) -> None:
    page.goto("/console/workflows/new")
    person = Actions(page)
    person.drop("Decide", slot(page, "at the beginning"))
    person.drop("Set data", slot(page, "at the beginning, in yes of decide"))
    flow = page.get_by_role("group", name="Flow of the workflow")
    flow.get_by_role("button", name="Set data data").drag_to(slot(page, "at the beginning, in otherwise of decide"))
    expect(slot(page, "after data, in otherwise of decide")).to_be_visible()
    expect(slot(page, "at the beginning, in yes of decide")).to_be_visible()
    flow.get_by_role("button", name="Set data data").click()
    page.keyboard.press("Delete")
    expect(slot(page, "at the beginning, in otherwise of decide")).to_be_visible()
    expect(page.get_by_text("No problems")).to_be_visible()
    flow.get_by_role("button", name="Decide decide").click()
    page.get_by_role("button", name="Add a case").click()
    expect(slot(page, "at the beginning, in case2 of decide")).to_be_visible()
    page.get_by_role("button", name="Remove yes").click()
    expect(slot(page, "at the beginning, in yes of decide")).to_have_count(0)


class Keys:
    """What a person presses, counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.done = 0

    def press(self, *keys: str) -> None:
        """One key after the other; those held together are one."""
        for key in keys:
            self.done += 1
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Each letter is a key."""
        self.press(*text)


def test_the_main_journey_takes_at_most_forty_keys(page: Page, host: ConsoleHost) -> None:
    flow = page.get_by_role("group", name="Flow of the workflow")
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    keys = Keys(page)
    keys.press("/")
    expect(page.get_by_role("combobox", name=re.compile("^Type the name"))).to_be_focused()
    keys.type("new")
    expect(page.get_by_role("option", selected=True)).to_contain_text("New workflow")
    keys.press("Enter")
    expect(flow.get_by_role("button", name=re.compile("^Add a step here"))).to_be_visible()
    for kind, typed in (("Approval", "app"), ("Set data", "set")):
        keys.press("/")
        expect(page.get_by_role("combobox", name="Search for a step")).to_be_focused()
        keys.type(typed)
        expect(page.get_by_role("option", selected=True)).to_contain_text(kind)
        keys.press("Enter")
        expect(flow.get_by_role("button", name=re.compile(f"^{kind}"))).to_be_focused()
    keys.press("ArrowUp", "Enter")
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    keys.press("Control+a")
    keys.type("Ok?")
    keys.press("Control+s")
    expect(page.get_by_role("dialog", name="Name the workflow").get_by_label("Name")).to_be_focused()
    keys.type("k")
    keys.press("Enter")
    expect(page).to_have_url(re.compile("/workflows/k/edit"))
    expect(page.get_by_text("No problems")).to_be_visible()
    keys.press("Control+Enter")
    expect(page.get_by_role("dialog", name="Test run").get_by_label("Input as JSON")).to_be_focused()
    keys.press("Control+Enter")
    approve = page.get_by_role("article", name="Ok?").get_by_role("button", name="Approve")
    expect(approve).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    for _ in range(10):
        keys.press("Tab")  # to what the run asks, over the choice of the run
        if approve.evaluate("(one) => one === document.activeElement"):
            break
    keys.press("Enter")
    expect(flow.get_by_role("button", name=re.compile("^Set data .*Done"))).to_be_visible()
    assert keys.done <= 40, keys.done
    kept = host.session().get("/api/v1/workflows/k").json()["document"]["do"]
    assert kept[0]["approval"]["host"]["approval"]["title"] == "Ok?"


def test_few_tabs_lead_to_each_place_and_names_tell_where_it_is(page: Page, host: ConsoleHost) -> None:
    page.goto("/console/workflows/new")
    person = Actions(page)
    person.drop("Decide", slot(page, "at the beginning"))
    flow = page.get_by_role("group", name="Flow of the workflow")
    flow.get_by_role("button", name="Decide decide").focus()
    page.keyboard.press("Tab")
    expect(slot(page, "at the beginning, in yes of decide")).to_be_focused()
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search for a step").fill("approval")
    page.keyboard.press("Enter")
    expect(flow.get_by_role("button", name=re.compile("^Approval"))).to_be_focused()
    expect(slot(page, "after approval, in yes of decide")).to_be_visible()
    palette = page.get_by_role("region", name="Blocks", exact=True).get_by_role("button")
    page.get_by_role("searchbox", name="Search for a step").press("ArrowDown")
    expect(palette.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(palette.nth(1)).to_be_focused()
    page.keyboard.press("Tab")
    expect(flow).to_be_focused()
