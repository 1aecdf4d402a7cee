"""The console's files as browsers get them: what is served, how it is kept, and what is never served."""

from __future__ import annotations

import gzip
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.api.conftest import Site, answer

PAGE = '<!doctype html><meta name="csp-nonce" content="{{nonce}}"><script type="module" src="/console/assets/a-1.js">'
SCRIPT = b"console.log(1);" * 20


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "a-1.js").write_bytes(SCRIPT)
    (folder / "assets" / "a-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "a-1.js.br").write_bytes(b"as brotli")
    (tmp_path / "outside.js").write_text("secret")
    (folder / "assets" / "link.js").symlink_to(tmp_path / "outside.js")
    (folder / "assets" / ".hidden.js").write_text("secret")
    return folder


@pytest.fixture
def console(site_with: Callable[..., Site], built: Path) -> Site:
    return site_with(console=built)


@pytest.mark.parametrize("path", ["", "plugins", "plugins/counter/logs", "login", "index.html", "a.b/c"])
def test_every_path_is_the_one_page(console: Site, path: str) -> None:
    page = console.client.get(f"/console/{path}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-store"


def test_each_page_has_a_nonce_of_its_own_and_no_script_of_its_own(console: Site) -> None:
    pages = [console.client.get("/console/") for _ in range(2)]
    nonces = [re.search(r'content="([\w-]{22})"', page.text) for page in pages]
    assert nonces[0] is not None
    assert nonces[1] is not None
    assert nonces[0][1] != nonces[1][1]
    policy = pages[0].headers["content-security-policy"]
    assert f"style-src 'self' 'nonce-{nonces[0][1]}'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["", "icon.svg", "assets/a-1.js", "assets/none.js"])
def test_every_answer_has_the_headers_that_keep_browsers_safe(console: Site, path: str) -> None:
    headers = console.client.get(f"/console/{path}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", None), ("deflate", None)],
)
def test_a_script_comes_as_the_browser_takes_it(console: Site, accepted: str, encoding: str | None) -> None:
    request = console.client.build_request("GET", "/console/assets/a-1.js", headers={"accept-encoding": accepted})
    found = console.client.send(request, stream=True)
    raw = b"".join(found.iter_raw())
    found.close()
    assert found.headers.get("content-encoding") == encoding
    assert raw == {"br": b"as brotli", None: SCRIPT}.get(encoding, raw)
    assert found.headers["content-type"].startswith("text/javascript")
    assert found.headers["vary"] == "accept-encoding"


def test_what_has_a_hash_in_its_name_is_kept_for_ever_and_the_rest_is_asked_for_again(console: Site) -> None:
    assert "immutable" in console.client.get("/console/assets/a-1.js").headers["cache-control"]
    icon = console.client.get("/console/icon.svg")
    assert icon.headers["cache-control"] == "no-cache"
    again = console.client.get("/console/icon.svg", headers={"if-none-match": f"W/{icon.headers['etag']}"})
    assert (again.status_code, again.content) == (304, b"")


def test_a_script_of_an_older_build_is_not_the_page(console: Site) -> None:
    assert console.client.get("/console/assets/a-0.js").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("../outside.js", "assets/../../outside.js", "%2e%2e/outside.js", "..%2foutside.js", "assets/link.js"),
        *("assets/.hidden.js", "/etc/hosts.txt", "assets//a-1.js", "assets/a-1.js%00.svg", "..\\outside.js"),
    ],
)
def test_nothing_outside_is_served(console: Site, path: str) -> None:
    connection = socket.create_connection(("127.0.0.1", console.port), timeout=20)
    connection.sendall(f"GET /console/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    found = answer(connection)
    assert "secret" not in found
    assert "console.log" not in found


@pytest.mark.parametrize("path", [f"{'a' * 252}.js", f"assets/{'a' * 252}.js", f"{'a/' * 3000}a.js"])
def test_a_name_longer_than_files_have_is_no_fault_of_the_server(console: Site, path: str) -> None:
    assert console.client.get(f"/console/{path}").status_code in (200, 404)


def test_head_has_the_headers_and_no_body(console: Site) -> None:
    found = console.client.head("/console/assets/a-1.js", headers={"accept-encoding": "identity"})
    assert (found.status_code, found.headers["content-length"], found.content) == (200, str(len(SCRIPT)), b"")


def test_nobody_needs_to_be_logged_in_for_the_page(site_with: Callable[..., Site], built: Path) -> None:
    site = site_with(console=built, token="t" * 32)
    assert site.client.get("/console/", headers={"authorization": ""}).status_code == 200
    assert site.client.get("/console/assets/a-1.js", headers={"authorization": ""}).status_code == 200


def test_a_browser_is_led_to_the_console_and_a_program_to_the_index(console: Site) -> None:
    led = console.client.get("/", headers={"accept": "text/html,*/*;q=0.8"}, follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (303, "/console/")
    assert console.client.get("/").json()["links"]["console"] == "/console/"
    assert console.client.get("/console", follow_redirects=False).headers["location"] == "/console/"


def test_without_a_build_the_page_says_what_to_do(site_with: Callable[..., Site], tmp_path: Path) -> None:
    page = site_with(console=tmp_path / "none").client.get("/console/")
    assert page.status_code == 200
    assert "npm run build" in page.text
