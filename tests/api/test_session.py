"""Sessions over HTTP: logging in and out, cookies, CSRF, the first user, and who is let in at all."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.access.people import CHEAP, PASSWORD, make
from tests.api.conftest import ECHO, Site
from tests.api.hosting import Served
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from omnicore.access.keys import OwnerKey
from omnicore.access.principal import Role
from omnicore.access.service import Access
from omnicore.api.server import listen
from omnicore.assembly import Host
from omnicore.clock import ManualClock
from omnicore.config.settings import AccessSettings, Settings
from omnicore.errors import InvalidSetting, StorageFailed

SESSION = "/api/v1/session"
CALL = "/api/v1/plugins/echo/functions/echo"
KNOWN = {"name": "ada", "password": PASSWORD}
Browser = Callable[..., httpx.Client]


def ended(socket: ClientConnection) -> int | None:
    """The code with which the server closes a WebSocket."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=30)
    return socket.close_code


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = AccessSettings(**CHEAP, login_tries=3, trusted_proxies=("127.0.0.1",))
    with Served(tmp_path_factory.mktemp("served"), {"echo.wat": ECHO}, access=settings) as made:
        make(made.host.access, "root", Role.admin)
        yield made


@pytest.fixture
def access(served: Served) -> Iterator[Access]:
    """The users, among them ada; what a test leaves behind goes."""
    users = served.host.access
    make(users, "ada", Role.operator)
    yield users
    for row in users.users.page():
        if row.name != "root":
            users.users.remove(row.name)
    served.host.store.apply(lambda session: session.execute("DELETE FROM login_tries"))


@pytest.fixture
def browser(served: Served) -> Iterator[Browser]:
    clients: list[httpx.Client] = []

    def opened(**headers: str) -> httpx.Client:
        clients.append(httpx.Client(base_url=served.url, timeout=30, headers=headers))
        return clients[-1]

    yield opened
    for client in clients:
        client.close()


@pytest.fixture
def ada(access: Access, browser: Browser) -> httpx.Client:
    client = browser()
    answer = client.post(SESSION, json=KNOWN)
    client.headers["x-csrf-token"] = answer.json()["csrf"]
    return client


def test_nobody_may_do_anything_once_there_are_users(browser: Browser) -> None:
    for path in ("/api/v1/plugins", "/openapi.json", "/metrics", "/nowhere", "/mcp"):
        refused = browser().get(path)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert browser().post(CALL, content=b"x").status_code == 401
    told = browser().get(SESSION).json()
    assert (told["user"], told["via"], told["csrf"], told["setup"], told["oidc"]) == (None, None, None, False, None)


def test_a_login_gives_a_cookie_that_only_this_site_and_no_script_can_use(access: Access, browser: Browser) -> None:
    answer = browser().post(SESSION, json=KNOWN)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert re.match(r"omnicore=oms_[\w-]{43};", cookie)
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Domain" not in cookie
    body = answer.json()
    assert body["user"] == {"id": access.users.get("ada").id, "name": "ada", "role": "operator", "plugins": {}}
    assert (body["via"], body["setup"]) == ("session", False)
    assert "oms_" not in answer.text


def test_behind_a_trusted_proxy_with_https_the_cookie_is_secure(access: Access, browser: Browser) -> None:
    client = browser(**{"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"})
    answer = client.post(SESSION, json=KNOWN)
    assert answer.headers["set-cookie"].startswith("__Host-omnicore=oms_")
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]
    assert access.sessions("", 10, user=access.users.get("ada").id)[0]["from"] == "203.0.113.7"


def test_over_https_a_cookie_that_a_neighbouring_host_may_set_opens_nothing(access: Access, browser: Browser) -> None:
    key = browser().post(SESSION, json=KNOWN).cookies["omnicore"]
    for name, scheme, user in (("omnicore", "https", None), ("__Host-omnicore", "http", None)):
        told = browser(**{"cookie": f"{name}={key}", "x-forwarded-proto": scheme}).get(SESSION).json()
        assert told["user"] is user
    for name, scheme in (("omnicore", "http"), ("__Host-omnicore", "https")):
        told = browser(**{"cookie": f"{name}={key}", "x-forwarded-proto": scheme}).get(SESSION).json()
        assert told["user"]["name"] == "ada"


def test_of_a_header_in_several_lines_the_nearest_proxys_counts(access: Access, served: Served) -> None:
    lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")]
    assert httpx.post(served.url + SESSION, json=KNOWN, headers=lines, timeout=30).status_code == 200
    assert access.sessions("", 10, user=access.users.get("ada").id)[0]["from"] == "203.0.113.7"


def test_unsafe_requests_of_a_page_carry_the_csrf_token_of_the_session(ada: httpx.Client, browser: Browser) -> None:
    assert ada.post(CALL, content=b"hi").content == b"hi"
    eve = browser()
    others = eve.post(SESSION, json=KNOWN).json()["csrf"]
    for wrong in ({"x-csrf-token": ""}, {"x-csrf-token": others}, {"x-csrf-token": "x" * 5000}):
        refused = ada.post(CALL, content=b"hi", headers=wrong)
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong-csrf")
    assert ada.get(SESSION).json()["csrf"] == ada.headers["x-csrf-token"]
    assert ada.get("/api/v1/plugins", headers={"x-csrf-token": ""}).status_code == 200


def test_to_log_in_again_needs_no_csrf_token_and_ends_the_session_before(ada: httpx.Client) -> None:
    before = ada.cookies["omnicore"]
    again = ada.post(SESSION, json=KNOWN, headers={"x-csrf-token": ""})
    assert again.status_code == 200
    assert ada.cookies["omnicore"] != before
    assert httpx.get(f"{ada.base_url}/api/v1/plugins", cookies={"omnicore": before}).status_code == 401


def test_a_key_that_somebody_planted_is_never_taken_up(access: Access, browser: Browser) -> None:
    client = browser()
    client.cookies.set("omnicore", "oms_" + "a" * 43)
    assert client.get("/api/v1/plugins").status_code == 401
    client.post(SESSION, json=KNOWN)
    assert "a" * 43 not in str(list(client.cookies.jar)[-1].value)
    assert browser(cookie="omnicore=oms_" + "a" * 43).get("/api/v1/plugins").status_code == 401


def test_logging_out_ends_the_session_on_the_server(ada: httpx.Client) -> None:
    key = ada.cookies["omnicore"]
    answer = ada.delete(SESSION)
    assert answer.status_code == 204
    assert 'omnicore=""' in answer.headers["set-cookie"]
    assert httpx.get(f"{ada.base_url}/api/v1/plugins", cookies={"omnicore": key}).status_code == 401


def test_wrong_logins_fail_alike_and_then_have_to_wait(access: Access, browser: Browser) -> None:
    for name in ("ada", "nobody"):
        for _ in range(3):
            refused = browser().post(SESSION, json={"name": name, "password": "wrong"})
            assert (refused.status_code, refused.json()["code"]) == (401, "wrong-credentials")
        locked = browser().post(SESSION, json={"name": name, "password": PASSWORD})
        assert (locked.status_code, locked.json()["code"]) == (429, "too-many-tries")
        assert 0 < int(locked.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"name": 1, "password": "x"}', b'{"name": "ada"}', b'{"name":"a","password":"b","more":1}']
)
def test_a_login_that_makes_no_sense_is_refused(served: Served, browser: Browser, body: bytes) -> None:
    assert browser().post(SESSION, content=body).status_code == 422


def test_nobody_known_may_send_much(served: Served, browser: Browser) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 1024

    for content in (b" " * 40_000, pieces()):
        assert browser().post(SESSION, content=content).status_code == 413


def test_ones_password_is_changed_by_oneself(ada: httpx.Client, browser: Browser) -> None:
    wrong = ada.put(f"{SESSION}/password", json={"old": "wrong", "new": "another password"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-credentials")
    changed = ada.put(f"{SESSION}/password", json={"old": PASSWORD, "new": "another password"})
    assert changed.status_code == 200
    ada.headers["x-csrf-token"] = changed.json()["csrf"]
    assert ada.post(CALL, content=b"hi").status_code == 200
    assert browser().post(SESSION, json={"name": "ada", "password": "another password"}).status_code == 200


def test_ones_sessions_are_listed_and_ended(ada: httpx.Client, browser: Browser) -> None:
    other = browser(**{"user-agent": "another browser"})
    other.post(SESSION, json=KNOWN)
    found = ada.get("/api/v1/sessions").json()["items"]
    assert [(one["user"], one["agent"], one["current"]) for one in found][1:] == [("ada", "another browser", False)]
    assert ada.delete(f"/api/v1/sessions/{found[1]['id']}").status_code == 204
    assert other.get("/api/v1/plugins").status_code == 401
    assert ada.get("/api/v1/plugins").status_code == 200


def test_omniflows_login_gives_a_token_for_the_header(access: Access, browser: Browser) -> None:
    client = browser()
    token = client.post("/api/login", json={"username": "ada", "password": PASSWORD}).json()["token"]
    assert not client.cookies
    called = client.post(CALL, content=b"hi", headers={"authorization": f"Bearer {token}"})
    assert (called.status_code, called.content) == (200, b"hi")
    assert client.delete(SESSION, headers={"authorization": f"Bearer {token}"}).status_code == 204
    assert client.get("/api/v1/plugins", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_a_wrong_bearer_token_is_not_made_up_for_by_a_cookie(ada: httpx.Client) -> None:
    assert ada.get("/api/v1/plugins", headers={"authorization": "Bearer omc_" + "x" * 43}).status_code == 401
    assert ada.get("/api/v1/plugins", headers={"authorization": "Basic Zm9yOnByb3h5"}).status_code == 200


def test_a_websocket_needs_somebody_and_ends_when_that_one_is_kept_out(
    served: Served, access: Access, ada: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served.url.replace("http", "ws") + "/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(url)
    assert refused.value.response.status_code == 401
    headers = {"cookie": f"omnicore={ada.cookies['omnicore']}"}
    proof = f"omnicore.csrf.{ada.headers['x-csrf-token']}"
    for protocols in ([], ["omnicore"], ["omnicore", "omnicore.csrf."], ["omnicore.csrf." + "0" * 64]):
        with pytest.raises(InvalidStatus) as unproven:
            connect(url, additional_headers=headers, subprotocols=[Subprotocol(one) for one in protocols])
        assert (unproven.value.response.status_code, b"wrong-csrf" in unproven.value.response.body) == (403, True)
    with connect(url, additional_headers=headers, subprotocols=[Subprotocol("omnicore"), Subprotocol(proof)]) as socket:
        assert socket.subprotocol == "omnicore"  # never the proof, which proxies would write down
        access.users.change("ada", disabled=True)
        assert ended(socket) == 4001


def test_every_answer_tells_browsers_that_it_is_no_page(ada: httpx.Client, browser: Browser) -> None:
    answers = [
        ada.get("/api/v1/plugins"),
        ada.post(CALL, content=b"<script>"),
        ada.get("/nowhere"),
        browser().get("/healthz"),
        browser().get("/api/v1/plugins"),
        browser().get("/healthz", headers={"host": "evil.example"}),
    ]
    for answer in answers:
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        for name in ("referrer-policy", "permissions-policy", "x-content-type-options", "x-request-id"):
            assert len(answer.headers.get_list(name)) == 1
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "strict-transport-security" not in answer.headers


def test_from_the_first_start_on_nobody_is_let_in_without_proof(tmp_path: Path) -> None:
    with Served(tmp_path, {"echo.wat": ECHO}, access=AccessSettings(**CHEAP)) as served:
        with httpx.Client(base_url=served.url, timeout=30) as nobody:
            for path in ("/", "/api/v1/plugins", "/openapi.json", "/metrics", "/api/v1/users"):
                assert nobody.get(path).status_code == 401
            assert nobody.post(CALL, content=b"hi").status_code == 401
            assert nobody.get("/healthz").status_code == nobody.get("/readyz").status_code == 200
            told = nobody.get(SESSION).json()
            assert (told["user"], told["via"], told["setup"]) == (None, None, True)
        told = served.client.get(SESSION).json()
        assert (told["user"]["name"], told["user"]["role"], told["via"]) == ("owner", "admin", "owner")
        assert served.client.post(CALL, content=b"hi").content == b"hi"


def test_the_first_user_is_made_with_the_link_and_the_owners_key_goes_on(tmp_path: Path) -> None:
    with Served(tmp_path, {"echo.wat": ECHO}, access=AccessSettings(**CHEAP)) as served:
        order = {"key": "guess", "name": "ada", "password": PASSWORD}
        with httpx.Client(base_url=served.url, timeout=30) as client:
            assert client.post("/api/v1/setup", json=order).status_code == 401
            order["key"] = served.host.access.make_setup_key() or ""
            made = client.post("/api/v1/setup", json=order)
            assert (made.status_code, made.json()["user"]["role"], made.json()["setup"]) == (201, "admin", False)
            assert client.get("/api/v1/users").json()["items"][0]["name"] == "ada"
            assert client.post("/api/v1/setup", json={**order, "name": "eve"}).status_code in (401, 409)
        assert served.client.post(CALL, content=b"hi").content == b"hi"


def test_a_new_owners_key_counts_at_once_and_the_one_before_does_not(tmp_path: Path) -> None:
    clock = ManualClock()
    with Served(tmp_path, {}, access=AccessSettings(**CHEAP)) as served:
        served.host.access.owner._clock = clock
        assert served.client.get("/api/v1/plugins").status_code == 200
        key = OwnerKey(served.settings.data, clock).rotated()  # another process, as `omnicore auth --rotate` is
        clock.advance(1.1)
        assert served.client.get("/api/v1/plugins").status_code == 401
        assert served.client.get("/api/v1/plugins", headers={"authorization": f"Bearer {key}"}).status_code == 200


def test_with_open_access_whoever_is_here_is_let_in_until_there_is_a_user(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Served(tmp_path, {"echo.wat": ECHO}, access=AccessSettings(**CHEAP, open=True)) as served:
        assert "access.open is set" in caplog.text
        with httpx.Client(base_url=served.url, timeout=30) as client:
            assert client.post(CALL, content=b"hi").content == b"hi"
            told = client.get(SESSION).json()
            assert (told["user"]["name"], told["via"], told["setup"]) == ("local", "local", True)
            with connect(served.url.replace("http", "ws") + "/ws") as socket:
                order = {"key": served.host.access.make_setup_key() or "", "name": "ada", "password": PASSWORD}
                assert client.post("/api/v1/setup", json=order).status_code == 201
                assert ended(socket) == 4001
        assert httpx.post(served.url + CALL, content=b"hi").status_code == 401


def test_open_access_is_for_loopback_alone() -> None:
    settings = Settings(host="0.0.0.0", port=0, token="t", access=AccessSettings(open=True))
    with pytest.raises(InvalidSetting, match=r"access\.open"):
        listen(settings, has_users=True)


def test_with_open_access_nobody_is_local_through_a_proxy(tmp_path: Path) -> None:
    settings = AccessSettings(**CHEAP, open=True, trusted_proxies=("127.0.0.0/8",))
    with Served(tmp_path, {}, access=settings) as served, httpx.Client(base_url=served.url, timeout=30) as client:
        assert client.get("/api/v1/plugins").status_code == 200
        assert client.get("/api/v1/plugins", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 401
        forged = {"x-forwarded-for": "127.0.0.1, 203.0.113.7"}
        assert client.get("/api/v1/plugins", headers=forged).status_code == 401
        lines = [("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "127.0.0.1")]  # two proxies on this machine
        assert client.get("/api/v1/plugins", headers=lines).status_code == 401


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-proto", "via"])
def test_who_comes_through_a_proxy_that_nobody_trusts_is_not_local(site: Site, name: str) -> None:
    assert site.client.get("/api/v1/plugins").status_code == 200
    assert site.client.get("/api/v1/plugins", headers={name: "127.0.0.1"}).status_code == 401


def test_a_proxy_that_says_nothing_of_itself_is_known_by_its_old_http(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as connection:
        connection.sendall(b"GET /api/v1/plugins HTTP/1.0\r\nhost: localhost\r\n\r\n")
        assert b" 401 " in connection.makefile("rb").readline()


def test_a_trusted_proxy_that_is_no_address_is_told_at_the_start(tmp_path: Path) -> None:
    settings = Settings(access=AccessSettings(trusted_proxies=("proxy.example",)))

    async def start() -> None:
        async with Host(plugins=tmp_path, data=tmp_path / "data", watch=False, settings=settings) as host:
            host.asgi()

    with pytest.raises(InvalidSetting, match="trusted_proxies"):
        asyncio.run(start())


def test_a_host_lives_without_its_database_and_lets_nobody_in(
    served: Served, access: Access, ada: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise StorageFailed("the disk is gone")

    monkeypatch.setattr(access.recognition._table, "changes", broken)
    monkeypatch.setattr(access.recognition, "_checked_at", float("-inf"))
    assert ada.get("/healthz").status_code == 200
    assert ada.get("/api/v1/plugins").status_code == 500
    assert httpx.get(f"{served.url}/api/v1/plugins").status_code == 401  # nobody is looked for
    assert served.client.get("/api/v1/plugins").status_code == 200  # the owner's key is a file


def test_the_network_is_listened_on_only_with_users_or_a_token() -> None:
    open_to_all = dataclasses.replace(Settings(), host="0.0.0.0", port=0)
    with pytest.raises(InvalidSetting, match="users add"):
        listen(open_to_all)
    listen(open_to_all, has_users=True).close()
    listen(dataclasses.replace(open_to_all, token="s3cret")).close()
