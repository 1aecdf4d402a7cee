"""The gallery in a browser, over a signed index in a folder: from a search to a plugin that answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from host_build.release_index import release
from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import PLUGINS, ConsoleHost
from tests.console.test_markup import HOSTILE, harmless
from tests.packages.packs import MODULE, package, sidecar

from omnicore.cli.packages import packed
from omnicore.packages.keys import SecretKey
from omnicore.packages.package import Package, pack

KV = f'[[capabilities]]\nname = "kv"\nreason = {json.dumps(HOSTILE)}\n'
README = f"# {HOSTILE}\n\n{HOSTILE} [here](javascript:hacked=1) ![cat](/console/icon.svg)\n\n- {HOSTILE}\n"
ACTIVE = b'<svg xmlns="http://www.w3.org/2000/svg" onload="hacked=1"><script>top.hacked=1</script></svg>'


def loud() -> Package:
    """A package that says markup wherever it may say something, with an icon that would run."""
    manifest = f'name = "loud"\nversion = "1.0.0"\ndescription = {json.dumps(HOSTILE)}\nauthor = "{"W" * 150}"\n{KV}'
    files = {"plugin.toml": manifest.encode(), "README.md": README.encode(), "icon.svg": ACTIVE}
    return pack(MODULE, files, stem="loud")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHost]:
    """A host with an index, and an older version of one of its plugins."""
    folder = tmp_path_factory.mktemp("gallery")
    found = [packed(PLUGINS / "counter", ""), package("2.0.0", more=KV), loud()]
    digest = release(folder / "site", SecretKey.new(), found)
    indexes = [f"own={folder}/site#sha256={digest}"]
    host = ConsoleHost(folder / "host", OMNICORE_TRUST__INDEXES=json.dumps(indexes))
    try:
        (host.plugins / "echo.wasm").write_bytes(MODULE)
        (host.plugins / "echo.toml").write_bytes(sidecar("1.2.0"))
        yield host.start().check_console().set_up()
    finally:
        host.close()


def test_a_plugin_is_found_looked_at_installed_and_answers(page: Page, host: ConsoleHost, messages: Messages) -> None:
    messages.allow("status of 404")  # the icon of `loud` is not given out
    page.get_by_role("navigation").get_by_role("link", name="Gallery").click()
    cards = page.get_by_role("list", name="Plugins of the gallery").locator("> li")
    expect(cards).to_have_count(3)
    axe(page)
    page.get_by_role("searchbox", name="Search the gallery").fill("counter kv")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("Not verified: omnicore")
    expect(cards).to_contain_text("Keep data of its own")
    cards.get_by_role("link", name="counter").click()
    expect(page.get_by_role("region", name="README").get_by_role("heading").first).to_be_visible()
    expect(page.get_by_role("list", name="What it asks for")).to_contain_text("kv")
    axe(page)
    page.get_by_role("button", name="Install counter").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list", name="Capabilities")).to_contain_text("Keep data of its own")
    expect(dialog).to_contain_text("Installing grants nothing")
    install = dialog.get_by_role("button", name="Install", exact=True)
    expect(install).to_be_disabled()
    assert host.session().get("/api/v1/plugins/counter").status_code == 404  # so far nothing is written
    dialog.get_by_role("checkbox", name=re.compile("nobody whom you trust")).check()
    install.click()
    expect(page).to_have_url(re.compile("/console/plugins/counter/permissions$"))
    assert host.session().get("/api/v1/plugins/counter").json()["granted"] == []
    page.get_by_role("button", name="Grant kv").click()
    expect(page.locator("main").get_by_text("Enabled", exact=True)).to_be_visible()
    answer = host.session().post("/api/v1/plugins/counter/functions/add", json={"name": "visits", "by": 3})
    assert answer.is_success, answer.text


def test_an_update_shows_what_more_it_asks_for_and_the_old_version_goes_on(page: Page, host: ConsoleHost) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/console/gallery/echo")
    expect(page.locator("main").get_by_text("Installed: 1.2.0, newer here")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Update echo").click()
    dialog = page.get_by_role("dialog", name="Update echo from 1.2.0 to 2.0.0?")
    expect(dialog.get_by_role("list", name="Capabilities")).to_contain_text("New")
    expect(dialog).to_contain_text("The installed version goes on")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Update", exact=True).click()
    expect(page).to_have_url(re.compile("/console/plugins/echo/upgrade$"))
    answer = host.session().post("/api/v1/plugins/echo/functions/echo", content="hello")
    assert (answer.text, host.session().get("/api/v1/plugins/echo").json()["granted"]) == ("hello", [])


def test_markup_and_an_active_icon_of_a_package_do_nothing(page: Page, host: ConsoleHost, messages: Messages) -> None:
    messages.allow("status of 404")
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("gallery", "gallery/loud"):
        with page.expect_response("**/gallery/loud/icon") as icon:
            harmless(page, path)
        assert icon.value.status == 404
        assert page.locator("main img[src*='loud']").count() == 0
    readme = page.get_by_role("region", name="README")
    expect(readme.get_by_role("listitem")).to_have_text(HOSTILE)
    expect(readme.get_by_role("heading").last).to_have_text(HOSTILE)
    assert readme.get_by_role("link").count() + readme.locator("img").count() == 0
    page.get_by_role("button", name="Install loud").click()
    expect(page.get_by_role("dialog").get_by_text(HOSTILE).first).to_be_visible()
    assert page.evaluate("window.hacked") is None
