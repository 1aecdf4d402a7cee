"""Markup in what plugins say, return and log, in the names of files, and in workflows and their runs, is text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.api.conftest import MANY, until
from tests.attack.test_scripts import manifest
from tests.console.host import ConsoleHost

HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>{{7*7}}"
TURNED = "\u202egpj.exe" + "W" * 1500
"""Turns round what follows on its line, and is longer than any screen."""
FILE = "<svg onload=hacked=1>.wat"
PAGES = (
    *("", "plugins", "plugins/loud", "plugins/loud/permissions", "plugins/loud/logs", "plugins/loud/config"),
    *("plugins/loud/versions", "tasks", "tasks/dead-letters", "events", "memory", "connectors", "settings/audit"),
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host with a plugin that says it everywhere, a rejected file that is called so, and what came of it."""
    host = ConsoleHost(tmp_path_factory.mktemp("markup"))
    try:
        (host.plugins / "loud.wat").write_text(MANY)
        (host.plugins / "loud.toml").write_text(manifest(HOSTILE))
        (host.plugins / FILE).write_text("(module (import")
        host.start().set_up().grant("loud")
        _spread(host)
        for name, said in (("marked", HOSTILE), ("turned", TURNED)):
            _run(host, name, said)
        yield host
    finally:
        host.close()


def _spread(host: ConsoleHost) -> None:
    """Has the text come back, be logged, fail, be kept, be told and be somebody's."""
    said = json.dumps(HOSTILE)
    client = host.session()
    for function in ("echo", "warn", "fail"):
        client.post(f"/api/v1/plugins/loud/functions/{function}", content=said)
    client.post("/api/v1/tasks", json={"function": "loud.fail", "input": HOSTILE, "attempts": 1})
    assert client.post("/api/v1/memory", json={"text": HOSTILE}).is_success
    client.headers["user-agent"] = HOSTILE
    client.get(f"/api/v1/plugins/{HOSTILE}")


def _run(host: ConsoleHost, name: str, said: str) -> None:
    """Has the text be a workflow's title and summary, its steps' names, data, errors, and what a person is asked."""
    asked = {"title": said, "text": said, "form": {"properties": {"answer": {"title": said, "description": said}}}}
    error = {"type": "https://example.com/loud", "status": 500, "title": said, "detail": said}
    steps = [
        {said[:90]: {"set": {said: said}, "metadata": {"title": said}}},
        {"each": {"for": {"each": "item", "in": "[1, 2]"}, "do": [{f"{said[:90]} in it": {"set": {"said": said}}}]}},
        {"ask": {"if": "${ $workflow.input.ask }", "host": {"approval": asked}}},
        {"fail": {"raise": {"error": error}}},
    ]
    head = {"dsl": "1.0.3", "namespace": "default", "name": name, "version": "1.0.0"}
    document = {"document": {**head, "title": said, "summary": said}, "do": steps}
    client = host.session()
    made = client.post("/api/v1/workflows", json={"text": json.dumps(document)})
    assert made.status_code == 201, made.text
    for ask, status in ((False, "faulted"), (True, "waiting")):
        answer = client.post(f"/api/v1/workflows/{name}/runs", json={"input": {"ask": ask, said: said}})
        run = answer.json()["id"]
        until(lambda run=run, status=status: client.get(f"/api/v1/runs/{run}").json()["status"] == status)


def harmless(page: Page, path: str) -> None:
    """Nothing of it ran, became an element, or made the page wider than the window."""
    page.goto(f"/console/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true], .ant-skeleton-active")).to_have_count(0)
    assert page.evaluate("window.hacked") is None, path
    assert page.locator("main img[src=x], main script, main svg[onload]").count() == 0, path
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path


@pytest.mark.parametrize(("name", "said"), [("marked", HOSTILE), ("turned", TURNED)])
def test_what_a_workflow_and_its_runs_say_is_text_on_every_page(
    page: Page, host: ConsoleHost, name: str, said: str
) -> None:
    runs = host.session().get("/api/v1/runs", params={"workflow": name}).json()["items"]
    for path in ("approvals", "", "workflows", f"workflows/{name}", f"workflows/{name}?start", "runs"):
        harmless(page, path)
    for panel in ("step", "text", "run"):
        harmless(page, f"workflows/{name}/edit?panel={panel}&run={runs[0]['id']}")
        expect(page.locator("[data-pointer]").first).to_be_visible()
    for run in runs:
        for view in ("steps", "flow"):
            harmless(page, f"workflows/runs/{run['id']}?view={view}&step=/do/3/fail")
    page.goto("/console/approvals")
    card = page.get_by_role("article", name=said, exact=True)
    expect(card.get_by_text(said, exact=True).first).to_be_visible()
    page.goto("/console/workflows")
    row = page.get_by_role("row", name=re.compile(re.escape(said[:40])))
    expect(row.get_by_text(said, exact=True)).to_be_visible()
    assert row.get_by_text(said, exact=True).evaluate("one => getComputedStyle(one).unicodeBidi") == "isolate"


def test_no_page_runs_markup_that_a_plugin_wrote_and_all_of_it_is_shown_as_it_was_written(
    page: Page, host: ConsoleHost
) -> None:
    for path in PAGES:
        harmless(page, path)
    page.goto("/console/plugins/loud")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.goto("/console/plugins")
    expect(page.get_by_text(FILE).first).to_be_visible()
