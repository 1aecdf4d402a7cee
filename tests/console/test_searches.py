"""A search for a better workflow in a browser: its scores, its candidates, its proposal, and back."""

from __future__ import annotations

from pathlib import Path

import yaml
from playwright.sync_api import Page, expect
from tests.console.browser import axe
from tests.console.host import ConsoleHost

ORDER = Path(__file__).parents[2] / "specs" / "examples" / "evolve" / "clean-records.yaml"


def test_a_search_is_followed_its_proposal_looked_at_promoted_and_taken_back(page: Page, host: ConsoleHost) -> None:
    begun = host.session().post("/api/v1/evolutions", json=yaml.safe_load(ORDER.read_text()))
    assert begun.status_code == 201, begun.text
    page.goto("/console/searches")
    row = page.get_by_role("row").filter(has_text="clean-records")
    expect(row).to_contain_text("Has a proposal", timeout=90_000)
    axe(page)
    row.click()
    expect(page.get_by_role("img", name="Scores of")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Candidate").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("region", name="Lineage")).to_contain_text("100%")
    expect(drawer).to_contain_text("Of cases held out")
    expect(drawer.get_by_text("The workflow as it was")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Promote").click()
    page.get_by_role("dialog").get_by_role("button", name="Promote").click()
    expect(page.get_by_text("Promoted")).to_be_visible()
    assert host.session().get("/api/v1/workflows/clean-records").json()["number"] == 2
    page.get_by_role("button", name="Roll back").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("button", name="Promote")).to_be_visible()
