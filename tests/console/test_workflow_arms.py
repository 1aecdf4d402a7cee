"""Blocks with arms: built by dropping steps into slots, without a word about where a step leads."""

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
