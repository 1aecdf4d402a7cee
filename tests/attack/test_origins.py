"""Pages of other sites, strange names, and WebSockets of nobody."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest
from tests.api.hosting import Served
from tests.attack.conftest import proof, signed_in
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

LIVE = ("/ws", "/ws/logs")
STRANGE = ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example", "file://", ""]


def opened(host: Served, path: str, protocols: Sequence[Subprotocol] = (), **headers: str) -> int:
    """The status of the answer to an upgrade; 101 when the socket opened."""
    address = f"ws{host.url[4:]}{path}"
    try:
        with connect(address, additional_headers=headers, subprotocols=protocols or None, open_timeout=60, proxy=None):
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
    cookie = f"omnicore={admin.cookies['omnicore']}"
    assert opened(target, path, proof(admin), Cookie=cookie, Origin=origin) == 403


@pytest.mark.parametrize("path", LIVE)
def test_our_own_page_opens_one_and_a_cookie_alone_does_not(target: Served, admin: httpx.Client, path: str) -> None:
    cookie = f"omnicore={admin.cookies['omnicore']}"
    assert opened(target, path, proof(admin), Cookie=cookie, Origin=target.url) == 101
    with signed_in(target) as another:
        for protocols in ((), [Subprotocol("omnicore")], proof(another)):
            assert opened(target, path, protocols, Cookie=cookie, Origin=target.url) == 403
            assert opened(target, path, protocols, Cookie=cookie) == 403


def near(url: str) -> list[str]:
    """Origins that share the name or the port with ours, and are other ones."""
    port = url.rpartition(":")[2]
    return [
        *("http://localhost", "http://127.0.0.1", "https://localhost", "http://localhost:80", "http://[::1]"),
        *(f"https://127.0.0.1:{port}", f"ftp://127.0.0.1:{port}", f"http://localhost:{port}", f"ws://127.0.0.1:{port}"),
        *("ftp://localhost", "file://localhost", "ftp://127.0.0.1", f"http://127.0.0.1:{port}.", f"//127.0.0.1:{port}"),
    ]


def test_a_page_of_another_port_or_scheme_of_this_machine_is_another_site(target: Served, admin: httpx.Client) -> None:
    cookie = f"omnicore={admin.cookies['omnicore']}"
    for origin in near(target.url):
        assert opened(target, "/ws", proof(admin), Cookie=cookie, Origin=origin) == 403, origin
        granted = admin.post("/api/v1/plugins/echo/grants", headers={"origin": origin})
        assert (granted.status_code, granted.json()["code"]) == (403, "wrong-origin"), origin
    for site in ("cross-site", "same-site"):
        assert admin.post("/api/v1/plugins/echo/grants", headers={"sec-fetch-site": site}).status_code == 403


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
