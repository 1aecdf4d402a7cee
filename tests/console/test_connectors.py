"""Connectors in the console: added by a form, tested, tried; webhooks with their deliveries."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.console.browser import Messages, axe
from tests.console.host import Account, ConsoleHost

HOST_PLUGINS: tuple[str, ...] = ()
TOKEN = "tok_9f8e7d6c5b4a39281706"
SECRET = "a-secret-of-tests"
OPERATOR = Account("otto", "operator")


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers["authorization"] == f"Bearer {TOKEN}"
        body = json.dumps({"path": self.path}).encode()
        head = f"HTTP/1.1 {200 if known else 401} X\r\nContent-Type: application/json\r\n"
        self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The address of a service that wants the token."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def add(host: ConsoleHost, shop: str, name: str, token: str = TOKEN) -> None:
    order = {
        "name": name,
        "kind": "http",
        "config": {"base_url": shop, "auth": "bearer"},
        "secrets": {"token": token},
    }
    made = host.session().post("/api/v1/connectors", json=order)
    assert made.status_code == 201, made.text


def opened(page: Page, name: str) -> Any:
    page.goto(f"/console/connectors?connector={name}")
    return page.get_by_role("dialog", name=name)


def test_a_connector_is_added_by_its_form_and_tested_and_its_secret_is_never_shown_again(
    page: Page, host: ConsoleHost, shop: str, screenshot: Callable[..., None]
) -> None:
    page.goto("/console/connectors?add")
    form = page.get_by_role("dialog", name="Add a connector")
    form.get_by_label("Find a service").fill("any web")
    expect(form.get_by_role("button", name="Slack")).to_have_count(0)
    form.get_by_role("button", name=re.compile("^HTTP ?Any web service")).click()
    form.get_by_label("Name", exact=True).fill("shop")
    form.get_by_label("base_url").fill(shop)
    form.get_by_label("auth", exact=True).press("Enter")
    page.get_by_text("bearer", exact=True).click()
    secret = form.get_by_label("token", exact=True)
    expect(secret).to_have_attribute("type", "password")
    secret.fill(TOKEN)
    axe(page)
    form.get_by_role("button", name="Add a connector").click()
    drawer = page.get_by_role("dialog", name="shop")
    drawer.get_by_role("button", name="Test", exact=True).click()
    expect(drawer.get_by_text("It answers and takes the credentials")).to_be_visible()
    expect(drawer.get_by_text("kept in the vault, not shown")).to_be_visible()
    axe(page)
    screenshot(page, "connector")
    drawer.get_by_role("button", name="Change").click()
    change = page.get_by_role("dialog", name="Change shop")
    expect(change.get_by_label("base_url")).to_have_value(shop)
    expect(change.get_by_label("token", exact=True)).to_have_value("")
    told = [host.session().get(f"/api/v1/{path}").text for path in ("connectors", "connectors/shop", "audit", "events")]
    assert TOKEN not in page.content() + "".join(told)


def test_a_connector_whose_credentials_are_refused_says_so(page: Page, host: ConsoleHost, shop: str) -> None:
    add(host, shop, "closed", token="not-the-token-of-the-shop")
    drawer = opened(page, "closed")
    drawer.get_by_role("button", name="Test", exact=True).click()
    expect(drawer.get_by_role("alert")).to_contain_text("401")


def test_an_action_is_tried_by_form_and_by_json_and_leaves_a_use(page: Page, host: ConsoleHost, shop: str) -> None:
    add(host, shop, "tried")
    drawer = opened(page, "tried")
    drawer.get_by_role("tab", name="Try").click()
    drawer.get_by_label("path").fill("/orders/7")
    drawer.get_by_role("button", name="Call it").click()
    expect(drawer.get_by_role("region", name="Answer")).to_contain_text('"path": "/v1/orders/7"')
    drawer.get_by_text("JSON", exact=True).click()
    drawer.get_by_label("Input", exact=True).fill('{"path": "/orders/8"}')
    drawer.get_by_role("button", name="Call it").click()
    expect(drawer.get_by_role("region", name="Answer")).to_contain_text('"path": "/v1/orders/8"')
    drawer.get_by_role("tab", name="Uses").click()
    expect(drawer.get_by_role("row", name=re.compile("rest get .* OK"))).to_have_count(2)


def test_a_connector_is_removed_with_its_name_typed(page: Page, host: ConsoleHost, shop: str) -> None:
    add(host, shop, "short-lived")
    opened(page, "short-lived").get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("dialog", name="Remove short-lived?")
    expect(dialog.get_by_role("button", name="Remove")).to_be_disabled()
    dialog.get_by_label("Type short-lived to confirm").fill("short-lived")
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("row", name=re.compile("^short-lived "))).to_have_count(0)


def test_a_form_that_the_host_refuses_says_why(page: Page, host: ConsoleHost, shop: str, messages: Messages) -> None:
    messages.allow(r"status of 409")
    add(host, shop, "taken")
    page.goto("/console/connectors?add")
    form = page.get_by_role("dialog", name="Add a connector")
    form.get_by_role("button", name=re.compile("^SQLite")).click()
    form.get_by_label("Name", exact=True).fill("taken")
    form.get_by_label("file").fill("/nowhere.db")
    form.get_by_role("button", name="Add a connector").click()
    expect(form.get_by_role("alert")).to_contain_text("There is a connector taken already")


def deliver(address: str, body: bytes) -> None:
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    fields = {"x-hub-signature-256": signature, "x-github-delivery": "d1", "x-github-event": "push"}
    answer = httpx.post(address, content=body, headers={**fields, "content-type": "application/json"}, timeout=60)
    assert answer.status_code == 200, answer.text


def test_a_delivery_to_a_webhook_appears_and_is_published_again(page: Page) -> None:
    page.goto("/console/connectors/webhooks")
    page.get_by_role("button", name="Add a webhook").first.click()
    dialog = page.get_by_role("dialog", name="Add a webhook")
    dialog.get_by_label("Name").fill("repo")
    dialog.get_by_label("Secret", exact=True).fill(SECRET)
    dialog.get_by_role("button", name="Add", exact=True).click()
    drawer = page.get_by_role("dialog", name="repo")
    expect(drawer.get_by_text("No deliveries yet")).to_be_visible()
    address = drawer.get_by_text(re.compile(r"^http://127\.0\.0\.1:\d+/hooks/hook_\w+$")).inner_text()
    deliver(address, b'{"ref": "main"}')
    row = drawer.get_by_role("row", name=re.compile("^push Published once"))
    row.press("Enter")
    expect(drawer.get_by_role("region", name="Body")).to_contain_text('"ref": "main"')
    axe(page)
    drawer.get_by_role("button", name="Publish again").click()
    expect(drawer.get_by_text("It was published again.")).to_be_visible()
    expect(drawer.get_by_role("row", name=re.compile("^push Published 2 times"))).to_be_visible()
    assert SECRET not in page.content()


def test_an_operator_tests_connectors_and_does_not_change_them(
    page_as: Callable[[Account], Page], host: ConsoleHost, shop: str
) -> None:
    add(host, shop, "steady")
    page = page_as(OPERATOR)
    drawer = opened(page, "steady")
    drawer.get_by_role("button", name="Test", exact=True).click()
    expect(drawer.get_by_text("It answers and takes the credentials")).to_be_visible()
    expect(drawer.get_by_role("button", name="Remove")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a connector")).to_have_count(0)
