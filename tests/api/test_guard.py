"""What every request passes: names, origins, the token, limits, deadlines, problems."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.access.people import CHEAP
from tests.api.conftest import ECHO, Site, answer, many, raw, until

from omnicore.api.guard import Admission
from omnicore.config.settings import AccessSettings, Settings
from omnicore.errors import InvalidSetting

CALL = "/api/v1/plugins/echo/functions/echo"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "", "[::2]", "local host"]
)
def test_a_strange_host_name_is_misdirected(site: Site, host: str) -> None:
    for path in ("/healthz", "/api/v1/plugins", "/nowhere"):
        refused = site.client.get(path, headers={"host": host})
        assert (refused.status_code, refused.json()["code"]) == (421, "wrong-host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:80"])
def test_our_own_names_pass_with_any_port(site: Site, host: str) -> None:
    assert site.client.get("/healthz", headers={"host": host}).status_code == 200


def test_a_request_without_a_host_name_is_misdirected(site: Site) -> None:
    connection = socket.create_connection(("127.0.0.1", site.port), timeout=60)
    connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert answer(connection).startswith("HTTP/1.1 421")


def test_names_can_be_added(site_with: Callable[..., Site]) -> None:
    site = site_with(allowed_hosts=("plugins.example",))
    assert site.client.get("/healthz", headers={"host": "plugins.example:443"}).status_code == 200
    assert site.client.get("/healthz", headers={"host": "localhost"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_pages_of_other_sites_change_nothing(site: Site, headers: dict[str, str]) -> None:
    site.drop("echo.wat", ECHO)
    for method, path in (("POST", CALL), ("DELETE", "/api/v1/plugins/echo"), ("POST", "/api/plugins/echo/execute")):
        refused = site.client.request(method, path, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "wrong-origin")
    assert site.host.get("echo").state == "enabled"


def test_our_own_pages_may_write_and_links_from_elsewhere_may_read(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    own = {"origin": site.url, "sec-fetch-site": "same-origin"}
    assert site.client.post(CALL, headers=own).status_code == 200
    assert site.client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200
    assert "access-control-allow-origin" not in site.client.get("/", headers=own).headers


def test_a_listed_page_may_write(site_with: Callable[..., Site]) -> None:
    access = AccessSettings(open=True, origins=("https://omni.example.org", "http://localhost:5173"))
    site = site_with(access=access)
    site.drop("echo.wat", ECHO)
    for origin in ("http://localhost:5173", "https://omni.example.org", "https://OMNI.example.org:443"):
        assert site.client.post(CALL, headers={"origin": origin}).status_code == 200
    for origin in (
        "http://omni.example.org",
        "https://omni.example.org:444",
        "http://localhost",
        "https://localhost:5173",
    ):
        assert site.client.post(CALL, headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize(
    "text", ["omni.example.org", "ftp://omni.example.org", "https://*", "https://a.example/path", "null"]
)
def test_an_origin_of_the_settings_that_is_none_is_told_at_the_start(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"access\.origins"):
        Admission(Settings(access=AccessSettings(origins=(text,))))


def test_the_port_that_a_scheme_stands_for_is_no_other_one(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    for host, origin in (("localhost", "http://localhost:80"), ("localhost:80", "http://localhost")):
        assert site.client.post(CALL, headers={"host": host, "origin": origin}).status_code == 200
    refused = site.client.post(CALL, headers={"host": "localhost", "origin": "http://localhost:443"})
    assert refused.status_code == 403


def test_behind_a_trusted_proxy_the_origin_is_what_the_browser_called(site_with: Callable[..., Site]) -> None:
    access = AccessSettings(**CHEAP, trusted_proxies=("127.0.0.1",))
    site = site_with(access=access, token="s3cret", allowed_hosts=("inner", "omni.example.org"))
    site.drop("echo.wat", ECHO)
    proxied = {"authorization": "Bearer s3cret", "host": "inner", "x-forwarded-proto": "https"}
    told = {**proxied, "x-forwarded-host": "omni.example.org"}

    def asked(headers: dict[str, str], origin: str) -> int:
        return site.client.post(CALL, headers={**headers, "origin": origin}).status_code

    assert asked(told, "https://omni.example.org") == 200
    assert asked(told, "http://omni.example.org") == 403
    assert asked(proxied, "https://omni.example.org") == 403
    assert asked({**told, "x-forwarded-host": "evil.example"}, "https://evil.example") == 403  # a name that was bent


def test_a_stranger_tells_no_forwarded_name(site: Site) -> None:
    site.drop("echo.wat", ECHO)
    headers = {"x-forwarded-host": "127.0.0.1:1", "origin": "http://127.0.0.1:1"}
    assert site.client.post(CALL, headers=headers).status_code == 403


@pytest.fixture
def locked(site_with: Callable[..., Site]) -> Site:
    return site_with(token="s3cret")


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer s3crets", "Bearer \xff"]
)
def test_without_the_token_nothing_is_answered(locked: Site, given: str | None) -> None:
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    for path in ("/", "/api/v1/plugins", "/openapi.json", "/metrics", "/nowhere"):
        refused = locked.client.get(path, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")


def test_the_token_opens_and_health_needs_none(locked: Site) -> None:
    for scheme in ("Bearer", "bearer"):
        assert locked.client.get("/", headers={"authorization": f"{scheme} s3cret"}).status_code == 200
    assert locked.client.get("/healthz").status_code == locked.client.get("/readyz").status_code == 200


def test_an_upload_without_the_token_gets_its_answer(locked: Site) -> None:
    # More than the server's queue holds: to answer without reading would wait for ever.
    refused = locked.client.post("/api/v1/plugins?filename=a.wasm", content=b"x" * 4_000_000)
    assert refused.status_code == 401
    until(lambda: locked.traffic == 0)


def test_a_body_over_the_limit_is_refused_by_its_length(site_with: Callable[..., Site]) -> None:
    site = site_with(body_bytes=100)
    site.drop("echo.wat", ECHO)
    assert site.client.post(CALL, content=b"x" * 100).status_code == 200
    refused = site.client.post(CALL, content=b"x" * 101)
    assert (refused.status_code, refused.json()["code"]) == (413, "body-too-large")


def test_a_chunked_body_is_refused_while_it_comes(site_with: Callable[..., Site]) -> None:
    site = site_with(body_bytes=100)
    site.drop("echo.wat", ECHO)

    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * 10

    assert site.client.post(CALL, content=pieces(10)).status_code == 200
    for path in (CALL, "/api/v1/plugins?filename=a.wasm"):
        assert site.client.post(path, content=pieces(11)).status_code == 413


def test_a_body_that_comes_too_slowly_is_timed_out(site_with: Callable[..., Site]) -> None:
    site = site_with(request_timeout_s=0.2)
    site.drop("echo.wat", ECHO)
    connection = raw(site, f"POST {CALL} HTTP/1.1\nContent-Length: 1000", body=b"some")
    text = answer(connection)
    assert text.startswith("HTTP/1.1 408")
    assert "body-too-slow" in text
    until(lambda: site.traffic == 0)


def test_headers_that_never_end_hold_no_request(site: Site) -> None:
    connection = raw(site, "GET / HTTP/1.1")
    connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
    until(lambda: site.traffic == 0)
    assert site.client.get("/healthz").status_code == 200
    connection.close()


def test_what_is_not_there_or_not_allowed_is_a_problem(site: Site) -> None:
    for method, path, status, code in (
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/api/v1/plugins/", 404, "not-found"),
        ("GET", "/api/v1/plugins/a%2Fb", 404, "not-found"),
        ("PATCH", "/api/v1/plugins", 405, "wrong-method"),
        ("GET", CALL, 405, "wrong-method"),
        ("OPTIONS", "/", 405, "wrong-method"),
    ):
        refused = site.client.request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (status, code), path
        assert refused.headers["content-type"] == "application/problem+json"
    assert "POST" in site.client.get(CALL).headers["allow"]


def test_every_answer_is_marked_and_names_its_request(site: Site) -> None:
    answers = [site.client.get(path) for path in ("/", "/nowhere", "/healthz")]
    assert {one.headers["x-content-type-options"] for one in answers} == {"nosniff"}
    assert {one.headers["cache-control"] for one in answers} == {"no-store"}
    assert len({one.headers["x-request-id"] for one in answers}) == 3
    assert answers[1].json()["instance"].endswith(answers[1].headers["x-request-id"])


def test_what_nobody_foresaw_goes_to_the_log_and_not_to_the_caller(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(site.host, "list", broken)
    with caplog.at_level(logging.ERROR, logger="omnicore.api"):
        failed = site.client.get("/api/plugins")
    assert (failed.status_code, failed.json()["code"]) == (500, "internal")
    assert "secret" not in failed.text
    assert failed.headers["x-request-id"] in caplog.text
    assert "the secret inside" in caplog.text


def test_more_requests_than_the_host_takes_are_turned_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.app.state.parts.traffic, "_most", 1)
    spinning = raw(site, f"POST {many(site)}/spin HTTP/1.1\nContent-Length: 0")
    until(lambda: site.traffic == 1)
    full = site.client.get("/api/v1/plugins")
    assert (full.status_code, full.json()["code"]) == (503, "capacity-reached")
    spinning.close()
    until(lambda: site.traffic == 0)


def test_more_bytes_than_the_host_holds_are_turned_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.drop("echo.wat", ECHO)
    monkeypatch.setattr(site.app.state.parts.traffic, "_most_bytes", 50)
    for _ in range(3):  # what a request held is given back when it ends
        assert site.client.post(CALL, content=b"x" * 50).status_code == 200
    full = site.client.post(CALL, content=b"x" * 51)
    assert (full.status_code, full.json()["code"]) == (503, "capacity-reached")


def test_http_2_passes_the_same_guard(site_with: Callable[..., Site]) -> None:
    site = site_with(body_bytes=100)
    site.drop("echo.wat", ECHO)
    with httpx.Client(base_url=site.url, http1=False, http2=True) as client:
        answered = client.post(CALL, content=b"hi")
        assert (answered.http_version, answered.content) == ("HTTP/2", b"hi")
        assert client.post(CALL, content=(b"x" * 10 for _ in range(10))).content == b"x" * 100
        assert client.get("/", headers={"host": "evil.example"}).status_code == 421
        assert client.post(CALL, content=b"x" * 101).status_code == 413
