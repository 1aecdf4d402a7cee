"""Markup in what plugins say, return and log, and in the names of files, is text on every page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.api.conftest import MANY
from tests.attack.test_scripts import manifest
from tests.console.host import ConsoleHost

HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>{{7*7}}"
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


def test_no_page_runs_markup_that_a_plugin_wrote_and_all_of_it_is_shown_as_it_was_written(
    page: Page, host: ConsoleHost
) -> None:
    for path in PAGES:
        page.goto(f"/console/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("[aria-busy=true], .ant-skeleton-active")).to_have_count(0)
        assert page.evaluate("window.hacked") is None, path
        assert page.locator("main img[src=x], main script, main svg[onload]").count() == 0, path
    page.goto("/console/plugins/loud")
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    page.goto("/console/plugins")
    expect(page.get_by_text(FILE).first).to_be_visible()
