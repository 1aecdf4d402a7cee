"""The pages of workflows: made from an example, started with a form, watched, mended where they failed, and decided."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.api.conftest import until
from tests.console.browser import Messages, axe
from tests.console.host import ADMIN, Account, ConsoleHost

OPERATOR = Account("otto", "operator")
VIEWER = Account("vera", "viewer")

HELLO = """
document: {dsl: '1.0.3', namespace: default, name: hello, version: '1.0.0', title: Greet people}
input:
  schema:
    document:
      type: object
      required: [name]
      properties:
        name: {type: string, title: Name}
host:
  triggers: [{cron: '0 8 * * 1-5', timezone: Europe/Berlin}, {webhook: orders}]
do:
  - greet: {set: {text: '${ "Hello " + .name }'}}
  - rest: {listen: {to: {one: {with: {type: go.on}}}}}
  - thank: {set: {text: Thanks}}
"""
RISKY = """
document: {dsl: '1.0.3', namespace: default, name: risky, version: '1.0.0'}
do:
  - first: {set: {a: 1}}
  - each:
      for: {each: item, in: '[1, 2]'}
      do:
        - shout: {call: text.slug, with: 'Item ${ $item }'}
  - divide: {call: counter.add, with: {name: x}}
  - last: {set: {b: 2}}
"""
PUBLISH = """
document: {dsl: '1.0.3', namespace: default, name: publish, version: '1.0.0', title: Publish}
do:
  - ask:
      host:
        approval:
          title: Publish this text?
          text: It is about cats.
          form: {type: object, required: [reason], properties: {reason: {type: string, title: Reason}}}
  - done: {set: '${ . }'}
"""
MANY = """
document: {dsl: '1.0.3', namespace: default, name: many, version: '1.0.0'}
do:
  - hold: {listen: {to: {one: {with: {type: go.on}}}}}
  - each:
      for: {each: item, in: '[range(2500)]'}
      do:
        - note: {set: {a: 1}}
  - last: {set: {b: 2}}
"""
EMIT = """
document: {dsl: '1.0.3', namespace: default, name: emit, version: '1.0.0'}
do:
  - tell: {emit: {event: {with: {type: go.on, source: 'urn:test'}}}}
"""
NODES = {
    "workflow": {
        "id": "flow-x",
        "name": "Flow X",
        "start_node": "a",
        "nodes": [{"id": "a", "type": "task", "name": "A", "plugin": "text.slug", "next": []}],
    }
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host with these workflows, and with a plugin that asks for a grant it has not."""
    host = ConsoleHost(tmp_path_factory.mktemp("workflows"))
    try:
        host.add("text", "counter").start().set_up()
        for text in (HELLO, RISKY, PUBLISH, EMIT):
            apply(host, text)
        yield host
    finally:
        host.close()


def apply(host: ConsoleHost, text: str) -> None:
    answer = host.session().post("/api/v1/workflows", json={"text": text})
    assert answer.status_code == 201, answer.text


def start(host: ConsoleHost, workflow: str, given: Any = None) -> str:
    answer = host.session().post(f"/api/v1/workflows/{workflow}/runs", json={"input": given})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def stands(host: ConsoleHost, run: str, status: str) -> None:
    until(lambda: host.session().get(f"/api/v1/runs/{run}").json()["status"] == status)


def row(page: Page, table: str, name: str) -> Locator:
    return page.get_by_role("table", name=table).get_by_role("row", name=re.compile(name))


def test_a_host_without_workflows_offers_some_to_begin_with_that_run(
    new_host: Callable[..., ConsoleHost],
    contexts: Callable[..., Any],
    messages: Messages,
    screenshot: Callable[..., None],
) -> None:
    messages.allow("status of 404")  # what is shown is removed
    host = new_host().start().set_up()
    page: Page = contexts(host, ADMIN).new_page()
    shipped = host.session().get("/api/v1/workflows/examples").json()["items"]
    page.goto("/console/workflows")
    expect(page.get_by_text("No workflows yet")).to_be_visible()
    offers = page.get_by_role("list", name="Starting points").get_by_role("listitem")
    expect(offers).to_have_count(2 + len(shipped))
    for one in shipped:
        expect(offers.filter(has=page.get_by_role("heading", name=one["title"], exact=True))).to_contain_text(
            one["summary"]
        )
    axe(page)
    screenshot(page, "workflows-first")
    page.get_by_role("button", name="Start empty").click()
    expect(page.get_by_text("Add a first step")).to_be_visible()
    page.goto("/console/workflows")
    uptime = next(one for one in shipped if one["name"] == "uptime")
    page.get_by_role("button", name=f"Use this example: {uptime['title']}").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog", name="Name the workflow").get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("/workflows/uptime/edit$"))
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()
    assert host.session().get("/api/v1/workflows/uptime").json()["text"] == uptime["text"]


def test_a_new_workflow_begins_with_nothing_a_text_or_a_shipped_one(page: Page) -> None:
    page.goto("/console/workflows")
    page.get_by_role("button", name="New workflow").click()
    dialog = page.get_by_role("dialog", name="New workflow")
    expect(dialog.get_by_role("button", name=re.compile("^Use this example: ")).first).to_be_visible()
    axe(page)
    dialog.get_by_role("button", name="Paste or open a file").click()
    pasting = page.get_by_role("dialog", name="Import a workflow")
    pasting.get_by_role("button", name="Import").click()
    expect(pasting.get_by_text("Paste a text or open a file first.")).to_be_visible()
    pasting.get_by_label("Text of the workflow").fill(EMIT.replace("name: emit", "name: pasted"))
    pasting.get_by_role("button", name="Import").click()
    expect(page).to_have_url(re.compile("/workflows/pasted$"))


def test_the_steps_of_a_run_appear_as_they_end_and_are_no_events_to_be_kept(host: ConsoleHost, page: Page) -> None:
    apply(host, MANY)
    run = start(host, "many")
    with page.expect_websocket(lambda one: f"run={run}" in one.url) as told:
        page.goto(f"/console/workflows/runs/{run}")
    steps = page.get_by_role("table", name="Steps")
    expect(steps.get_by_role("row", name=re.compile("hold"))).to_contain_text("Waiting")
    with told.value.expect_event("framereceived", lambda frame: '"workflow.step.' in str(frame)):
        start(host, "emit")
    expect(page.get_by_role("heading", level=1).locator("..")).to_contain_text("Done")
    expect(page.get_by_text("2,000 of 2,506 rows are shown")).to_be_visible()
    kept = host.session().get("/api/v1/events", params={"topic": "workflow.**", "limit": 100}).json()["items"]
    assert kept
    assert not [one for one in kept if one["topic"].startswith("workflow.step.")]


def test_the_list_shows_state_and_triggers_finds_by_title_and_switches_off(host: ConsoleHost, page: Page) -> None:
    page.goto("/console/workflows")
    hello = row(page, "Workflows", "Greet people")
    expect(hello).to_contain_text("Europe/Berlin")
    expect(hello).to_contain_text("and 1 more")
    expect(hello).to_contain_text(re.compile(r"next in \d+ (hour|day|minute)"))
    axe(page)
    page.get_by_label("Search workflows").fill("PUBL")
    expect(row(page, "Workflows", "Greet people")).to_have_count(0)
    expect(page).to_have_url(re.compile("q=PUBL"))
    expect(row(page, "Workflows", "Publish publish ")).to_be_visible()
    page.get_by_label("Search workflows").fill("")
    switch = hello.get_by_role("switch")
    switch.click()
    expect(switch).not_to_be_checked()
    expect(hello.get_by_role("button", name="Run Greet people")).to_be_disabled()
    assert host.session().get("/api/v1/workflows/hello").json()["enabled"] is False
    switch.click()
    expect(switch).to_be_checked()


def test_a_run_is_started_with_a_form_and_watched_until_it_is_done(
    host: ConsoleHost, page_as: Callable[[Account], Page], screenshot: Callable[..., None]
) -> None:
    page = page_as(OPERATOR)
    page.goto("/console/workflows/hello")
    begins = page.get_by_role("region", name="How it begins")
    expect(begins).to_contain_text("Webhook")
    expect(begins).to_contain_text("This webhook does not exist yet.")
    expect(page.get_by_role("region", name="Versions")).to_contain_text("Version 1 (current)")
    page.get_by_role("button", name="Run", exact=True).click()
    form = page.get_by_role("dialog", name="Run Greet people")
    form.get_by_role("button", name="Start the run").click()
    expect(form.get_by_text("This field is required")).to_be_visible()
    form.get_by_label("Name").fill("Ada")
    form.get_by_role("button", name="Start the run").click()
    steps = page.get_by_role("table", name="Steps")
    expect(steps.get_by_role("row", name=re.compile("greet"))).to_contain_text("Done")
    expect(steps.get_by_role("row", name=re.compile("rest"))).to_contain_text("Waiting")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    axe(page)
    start(host, "emit")
    expect(steps.get_by_role("row", name=re.compile("thank"))).to_contain_text("Done")
    expect(page.get_by_role("heading", level=1).locator("..")).to_contain_text("Done")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    steps.get_by_role("row", name=re.compile("greet")).press("Enter")
    panel = page.get_by_role("region", name="greet")
    expect(panel.get_by_role("region", name="Output")).to_contain_text("Hello Ada")
    expect(panel.get_by_role("region", name="Input")).to_contain_text('"name": "Ada"')
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text(re.compile(r"The chain holds: \d+ rows"))).to_be_visible()
    page.get_by_text("Flow", exact=True).click()
    expect(page.get_by_text("thank", exact=True).first).to_be_visible()
    axe(page)
    screenshot(page, "workflow-run")


def test_a_run_that_waits_is_paused_resumed_and_cancelled(host: ConsoleHost, page: Page) -> None:
    run = start(host, "hello", {"name": "Bo"})
    page.goto(f"/console/workflows/runs/{run}")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("dialog", name="Cancel this run?").get_by_role("button", name="Cancel").last.click()
    stands(host, run, "cancelled")
    expect(page.get_by_role("heading", level=1).locator("..")).to_contain_text("Cancelled")


def test_a_run_that_failed_says_where_and_why_and_goes_on_once_it_is_mended(host: ConsoleHost, page: Page) -> None:
    run = start(host, "risky")
    stands(host, run, "faulted")
    page.goto("/console/runs?status=faulted")
    found = row(page, "Runs", "risky").first
    expect(found).to_contain_text("ounter has no grant for kv")
    axe(page)
    found.press("Enter")
    fault = page.get_by_role("region", name="Reason")
    expect(fault).to_contain_text("ounter has no grant for kv")
    expect(fault).to_contain_text("What to do:")
    expect(fault).to_contain_text("/do/2/divide")
    fault.get_by_role("button", name="Show the step").click()
    expect(page.get_by_role("region", name="divide").get_by_role("region", name="Input")).to_be_visible()
    steps = page.get_by_role("table", name="Steps")
    expect(steps.get_by_role("row", name=re.compile("shout round 2"))).to_contain_text("Done")
    steps.get_by_role("button", name="Fold each").click()
    expect(steps.get_by_role("row", name=re.compile("shout"))).to_have_count(0)
    axe(page)
    host.grant("counter")
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page).not_to_have_url(re.compile(run))
    expect(page.get_by_role("heading", level=1).locator("..")).to_contain_text("Done")
    expect(page.get_by_role("region", name="About this run").get_by_role("link", name=run)).to_be_visible()


def test_a_run_is_forked_behind_one_of_its_steps(host: ConsoleHost, page: Page) -> None:
    run = start(host, "emit")
    stands(host, run, "completed")
    page.goto(f"/console/workflows/runs/{run}?step=/do/0/tell")
    page.get_by_role("button", name="Fork after this").click()
    question = page.get_by_role("dialog", name="Fork after tell")
    question.get_by_label("Other input of the run, as JSON").fill('{"a": 1}')
    question.get_by_role("button", name="Fork after this").click()
    expect(page).not_to_have_url(re.compile(run))
    expect(page.get_by_role("region", name="About this run").get_by_role("link", name=run)).to_be_visible()


def test_a_decision_is_counted_in_the_navigation_and_taken_in_the_inbox(
    host: ConsoleHost, page_as: Callable[[Account], Page], screenshot: Callable[..., None]
) -> None:
    page = page_as(OPERATOR)
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    run = start(host, "publish")
    page.get_by_role("link", name="1 decision waits for you").click()
    card = page.get_by_role("article", name="Publish this text?")
    expect(card).to_contain_text("It is about cats.")
    axe(page)
    screenshot(page, "approvals")
    card.get_by_role("button", name="Approve").click()
    expect(card.get_by_text("This field is required")).to_be_visible()
    card.get_by_label("Reason").fill("It is good")
    card.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved: the run continues.")).to_be_visible()
    expect(page.get_by_text("No pending approvals")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("waits? for you"))).to_have_count(0)
    stands(host, run, "completed")
    assert "It is good" in json.dumps(host.session().get(f"/api/v1/runs/{run}").json()["output"])


def test_a_workflow_is_duplicated_downloaded_and_removed_by_its_typed_name(
    host: ConsoleHost, page: Page, messages: Messages
) -> None:
    messages.allow("status of 404")  # what is shown is removed
    page.goto("/console/workflows")
    publish = row(page, "Workflows", "Publish publish ")
    publish.get_by_role("button", name="Actions for Publish").click()
    with page.expect_download() as told:
        page.get_by_role("menuitem", name="Download as YAML").click()
    assert Path(told.value.path()).read_text() == PUBLISH
    publish.get_by_role("button", name="Actions for Publish").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    question = page.get_by_role("dialog", name="Duplicate Publish")
    question.get_by_label("Name of the copy").fill("two words")
    expect(question.get_by_text("Write letters, digits and dashes")).to_be_visible()
    question.get_by_label("Name of the copy").fill("publish-too")
    question.get_by_role("button", name="Duplicate").click()
    expect(page).to_have_url(re.compile("/workflows/publish-too"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Publish")
    page.get_by_role("button", name="Actions for Publish").click()
    page.get_by_role("menuitem", name="Remove").click()
    sure = page.get_by_role("dialog", name="Remove the workflow publish-too?")
    expect(sure.get_by_role("button", name="Remove")).to_be_disabled()
    sure.get_by_label("Type publish-too to confirm").fill("publish-too")
    sure.get_by_role("button", name="Remove").click()
    expect(page).to_have_url(re.compile("/workflows$"))
    expect(row(page, "Workflows", "publish-too")).to_have_count(0)
    assert host.session().get("/api/v1/workflows/publish-too").status_code == 404


def test_files_are_imported_in_node_form_and_told_what_is_wrong_line_by_line(
    page: Page, tmp_path: Path, messages: Messages
) -> None:
    messages.allow("status of 422", "status of 409")
    page.goto("/console/workflows?import")
    dialog = page.get_by_role("dialog", name="Import a workflow")
    dialog.get_by_label("File").set_input_files(_file(tmp_path, "bad.yaml", EMIT.replace("emit:", "emmit:")))
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_role("list", name="Problems")).to_contain_text("Line 4")
    axe(page)
    dialog.get_by_label("File").set_input_files(_file(tmp_path, "again.yaml", f"{EMIT}# again\n"))
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_text("Opened: again.yaml")).to_be_visible()
    dialog.get_by_role("button", name="Import as a new version").click()
    expect(page).to_have_url(re.compile("/workflows/emit"))
    page.goto("/console/workflows?import")
    dialog.get_by_label("File").set_input_files(_file(tmp_path, "nodes.json", json.dumps(NODES)))
    dialog.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Flow X")


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_palette_opens_a_workflow_by_its_title(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("greet peo")
    page.get_by_role("option", name=re.compile("Greet people")).click()
    expect(page).to_have_url(re.compile("/workflows/hello$"))


def test_home_shows_what_failed_and_leads_there(host: ConsoleHost, page: Page) -> None:
    apply(host, RISKY.replace("name: risky", "name: riskier").replace("counter.add", "text.none"))
    run = start(host, "riskier")
    part = page.get_by_role("region", name="Running workflows")
    part.get_by_role("link", name="riskier").click()
    expect(page).to_have_url(re.compile(rf"/workflows/runs/{run}"))


def test_who_only_reads_is_offered_no_change(host: ConsoleHost, page_as: Callable[[Account], Page]) -> None:
    run = start(host, "emit")
    stands(host, run, "completed")
    page = page_as(VIEWER)
    for path in ("workflows", "runs?status=faulted", "approvals", "workflows/emit?start", f"workflows/runs/{run}"):
        page.goto(f"/console/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("[aria-busy=true], .ant-skeleton-active")).to_have_count(0)
        changes = re.compile("New workflow|Import|Edit|^Run|Retry|Fork|Pause|Cancel|Approve")
        expect(page.get_by_role("button", name=changes)).to_have_count(0)
        for switch in page.get_by_role("switch").all():
            expect(switch).to_be_disabled()
