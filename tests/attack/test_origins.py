"""Pages of other sites, strange names, and WebSockets of nobody."""

from __future__ import annotations

import httpx
import pytest
from tests.api.hosting import Served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

LIVE = ("/ws", "/ws/logs")
STRANGE = ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example", "file://", ""]


def opened(host: Served, path: str, **headers: str) -> int:
    """The status of the answer to an upgrade; 101 when the socket opened."""
    try:
        with connect(f"ws{host.url[4:]}{path}", additional_headers=headers, open_timeout=60, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("path", LIVE)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Cookie": "omnicore=oms_" + "A" * 43}, {"Authorization": "Bearer omc_" + "A" * 43}, {"Cookie": "omnicore="}],
    ids=["nothing", "session", "token", "empty"],
)
def test_a_websocket_of_nobody_is_refused(target: Served, path: str, headers: dict[str, str]) -> None:
    assert opened(target, path, **headers) == 401


@pytest.mark.parametrize("path", LIVE)
def test_a_key_in_the_address_opens_no_websocket(target: Served, admin: httpx.Client, path: str) -> None:
    assert opened(target, f"{path}?token={admin.cookies['omnicore']}") == 401


@pytest.mark.parametrize("path", LIVE)
@pytest.mark.parametrize("origin", STRANGE)
def test_a_page_of_another_site_opens_none_on_somebodys_cookie(
    target: Served, admin: httpx.Client, path: str, origin: str
) -> None:
    assert opened(target, path, Cookie=f"omnicore={admin.cookies['omnicore']}", Origin=origin) == 403


def test_our_own_page_opens_one(target: Served, admin: httpx.Client) -> None:
    assert opened(target, "/ws", Cookie=f"omnicore={admin.cookies['omnicore']}", Origin=target.url) == 101


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "localhost.", "0x7f.1", "", "[::ffff:1]"])
def test_a_name_that_was_bent_to_this_machine_gets_nothing(target: Served, admin: httpx.Client, name: str) -> None:
    for path in ("/", "/console/", "/api/v1/plugins", "/api/v1/session", "/healthz", "/openapi.json"):
        refused = admin.get(path, headers={"host": name})
        assert (refused.status_code, refused.json()["code"]) == (421, "wrong-host")


@pytest.mark.parametrize("origin", STRANGE)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_another_site_sends_nothing(target: Served, admin: httpx.Client, origin: str, kind: str) -> None:
    headers = {"origin": origin, "content-type": kind}
    for path in ("/api/v1/session", "/api/v1/plugins", "/api/v1/users", "/api/login", "/api/v1/setup"):
        refused = admin.post(path, headers=headers, content=b"{}")
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong-origin")


def test_no_other_site_may_read_an_answer(target: Served, admin: httpx.Client) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = admin.request(method, "/api/v1/session", headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
