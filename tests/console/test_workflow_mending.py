"""A workflow that failed is fixed where it failed and its run continues; parts of it run with the data of a run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect
from tests.api.conftest import until
from tests.console.browser import Messages, axe
from tests.console.host import ConsoleHost


class _Counting(ThreadingHTTPServer):
    """Answers each path with its name, and `broken` with a failure; counts what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: _Counting

    def do_GET(self) -> None:
        name = self.path.strip("/")
        self.server.asked[name] += 1
        self.send_response(404 if name == "broken" else 200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(f'{{"name": "{name}"}}'.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[_Counting]:
    with _Counting() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host that may ask services of this machine."""
    host = ConsoleHost(tmp_path_factory.mktemp("mending"), OMNICORE_WORKFLOWS__HTTP_PRIVATE='["127.0.0.1:*"]')
    try:
        yield host.start().check_console().set_up()
    finally:
        host.close()


def five_steps(service: _Counting, name: str, third: str = "three") -> str:
    """A workflow of five calls. Its third one can be one that fails."""
    names = ("one", "two", third, "four", "five")
    tasks = "".join(
        f"  - {step}: {{call: http, with: {{method: get, endpoint: '{service.url}/{asked}'}}}}\n"
        for step, asked in zip(("one", "two", "three", "four", "five"), names, strict=True)
    )
    return f"document: {{dsl: 1.0.3, namespace: default, name: {name}, version: 0.1.0}}\ndo:\n{tasks}"


def failed(host: ConsoleHost, service: _Counting, name: str) -> str:
    """The id of a run whose third of five steps failed."""
    service.asked.clear()
    text = five_steps(service, name, "broken")
    host.session().post("/api/v1/workflows", json={"text": text}).raise_for_status()
    run = str(host.session().post(f"/api/v1/workflows/{name}/runs", json={"input": {}}).json()["id"])
    until(lambda: host.session().get(f"/api/v1/runs/{run}").json()["status"] == "faulted")
    return run


ONCE = {"one": 1, "two": 1, "broken": 1, "three": 1, "four": 1, "five": 1}


def test_a_run_goes_on_with_the_fixed_version_and_asks_nobody_twice(
    host: ConsoleHost, service: _Counting, page: Page
) -> None:
    run = failed(host, service, "orders")
    page.goto(f"/console/workflows/runs/{run}")
    expect(page.get_by_role("region", name="Reason")).to_contain_text("Not Found")
    expect(page.get_by_role("button", name=re.compile("^Continue with version"))).to_have_count(0)
    fixed = {"text": five_steps(service, "orders")}
    host.session().put("/api/v1/workflows/orders", json=fixed).raise_for_status()
    page.get_by_role("button", name="Continue with version 2").click()
    question = page.get_by_role("dialog", name="Continue with version 2?")
    kept, again = question.get_by_role("region", name="Kept: 2"), question.get_by_role("region", name="Run again: 1")
    expect(kept.get_by_role("listitem")).to_have_count(2)
    expect(again.get_by_role("listitem")).to_contain_text("three /do/2/three – it was changed, moved or removed")
    axe(page)
    assert "three" not in service.asked, "the question alone does nothing"
    question.get_by_role("button", name="Continue", exact=True).click()
    expect(page).not_to_have_url(re.compile(run))
    expect(page.get_by_role("heading", level=1).locator("..")).to_contain_text("Done")
    assert service.asked == ONCE


def test_the_editor_saves_the_fix_and_continues_the_failed_run(
    host: ConsoleHost, service: _Counting, page: Page
) -> None:
    run = failed(host, service, "parcels")
    page.goto(f"/console/workflows/parcels/edit?run={run}&panel=run")
    expect(page.get_by_role("button", name="Run of version 1: Failed")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("continue the run", re.IGNORECASE))).to_have_count(0)
    flow = page.get_by_role("group", name="Flow of the workflow")
    flow.get_by_role("button", name="Call three").click()
    page.get_by_role("tab", name="Step", exact=True).click()
    page.get_by_label("Address", exact=True).fill(f"{service.url}/three")
    page.get_by_role("tab", name="Run", exact=True).click()
    page.get_by_role("button", name="Save and continue the run").click()
    question = page.get_by_role("dialog", name="Continue with version 2?")
    expect(question.get_by_role("region", name="Kept: 2")).to_be_visible()
    question.get_by_role("button", name="Continue", exact=True).click()
    expect(question).to_be_hidden()
    expect(page.get_by_role("button", name="Run of version 2: Done")).to_be_visible()
    axe(page)
    assert service.asked == ONCE


def test_what_cannot_be_kept_is_said_before_it_is_done_again(host: ConsoleHost, service: _Counting, page: Page) -> None:
    run = failed(host, service, "letters")
    other = five_steps(service, "letters").replace("  - one:", "  - first:")
    host.session().put("/api/v1/workflows/letters", json={"text": other}).raise_for_status()
    page.goto(f"/console/workflows/runs/{run}")
    page.get_by_role("button", name="Continue with version 2").click()
    question = page.get_by_role("dialog", name="Continue with version 2?")
    expect(question.get_by_role("region", name="Kept: 0")).to_contain_text("No step can be kept")
    again = question.get_by_role("region", name="Run again: 3").get_by_role("listitem")
    expect(again.nth(0)).to_contain_text("it was changed, moved or removed")
    expect(again.nth(1)).to_contain_text("it follows a step that runs again")
    question.get_by_role("button", name="Cancel").click()
    assert service.asked["one"] == 1


def test_a_decision_is_given_in_the_editor(host: ConsoleHost, page: Page) -> None:
    text = (
        "document: {dsl: 1.0.3, namespace: default, name: asks, version: 0.1.0}\n"
        "do:\n  - ask: {host: {approval: {title: Go on?}}}\n  - last: {set: {b: 2}}\n"
    )
    host.session().post("/api/v1/workflows", json={"text": text}).raise_for_status()
    run = host.session().post("/api/v1/workflows/asks/runs", json={"input": {}}).json()["id"]
    page.goto(f"/console/workflows/asks/edit?run={run}")
    page.get_by_role("button", name="Run of version 1: Waiting").click()
    page.get_by_role("article", name="Go on?").get_by_role("button", name="Approve").click()
    expect(page.get_by_role("button", name="Run of version 1: Done")).to_be_visible()
    expect(page.get_by_role("article", name="Go on?")).to_have_count(0)


SUMS = """document: {dsl: 1.0.3, namespace: default, name: sums, version: 0.1.0}
do:
  - fetch: {call: http, with: {method: get, endpoint: 'URL/price'}}
  - plain: {set: {v: 1}}
  - tell: {set: {told: '${ .v }', of: '${ $steps.fetch.output.name }'}}
"""


def test_a_step_runs_alone_with_the_data_of_a_run_or_pinned_or_says_what_it_lacks(
    host: ConsoleHost, service: _Counting, page: Page, messages: Messages
) -> None:
    messages.allow("status of 422")
    service.asked.clear()
    text = SUMS.replace("URL", service.url)
    host.session().post("/api/v1/workflows", json={"text": text}).raise_for_status()
    page.goto("/console/workflows/sums/edit")
    flow = page.get_by_role("group", name="Flow of the workflow")
    flow.get_by_role("button", name="Set data tell").click()
    page.get_by_role("button", name="Run this step").click()
    dialog = page.get_by_role("dialog", name="Test run")
    dialog.get_by_label("Input as JSON").fill('{"v": 5}')
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("/do/2/tell/set/of needs the output of 'fetch'")
    axe(page)
    dialog.get_by_role("button", name="Cancel").click()
    run = host.session().post("/api/v1/workflows/sums/runs", json={"input": {}, "wait_s": 30}).json()["id"]
    page.goto(f"/console/workflows/sums/edit?run={run}")
    flow.get_by_role("button", name="Set data tell").click()
    page.get_by_role("button", name="Run this step").click()
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Test run: Done")).to_be_visible()
    expect(page.get_by_role("region", name="Output")).to_contain_text('"of": "price"')
    assert service.asked["price"] == 1, "the step before it was not called again"
    page.goto(f"/console/workflows/sums/edit?run={run}&panel=run")
    flow.get_by_role("button", name="Call fetch").click()
    page.get_by_role("button", name="Pin this output").click()
    expect(flow.get_by_role("button", name="Call fetch")).to_contain_text("pinned")
    page.get_by_role("button", name="Test run", exact=True).click()
    expect(dialog).to_contain_text("Pinned, and not called: fetch")
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("button", name="Test run: Done")).to_be_visible()
    assert service.asked["price"] == 1, "a pinned step is not called"
