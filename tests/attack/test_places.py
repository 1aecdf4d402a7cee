"""Paths out of the folders that are served and written, and lines smuggled into headers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from tests.api.conftest import ECHO
from tests.api.hosting import Served
from tests.attack.conftest import spoken

OUT = (
    *("../x.wat", "..\\x.wat", "/tmp/x.wat", "a/../../x.wat", "....//x.wat", ".x.wat", "x.wat\0.wasm", "x/y.wat"),
    *("~/x.wat", "C:\\x.wat", "x.wat/", ".", "..", "\n.wat", "con\u202e.wat", "x" * 300 + ".wat", "%2e%2e%2fx.wat"),
)


def files(folder: Path) -> set[Path]:
    return {path for path in folder.parent.rglob("*") if path.suffix in {".wat", ".wasm", ".toml"}}


@pytest.mark.parametrize("name", OUT)
def test_an_upload_stays_in_its_folder(target: Served, admin: httpx.Client, name: str) -> None:
    folder = target.settings.plugins
    before = files(folder)
    sent = [
        admin.post(f"/api/v1/plugins?filename={quote(name)}", content=ECHO, headers={"content-type": "text/plain"}),
        admin.post("/api/v1/plugins", files={"file": (name, ECHO.encode(), "text/plain")}),
    ]
    written = files(folder) - before
    assert all(path.parent == folder for path in written)
    for answer in sent:
        assert answer.status_code in {201, 409, 422}, answer.text
        if answer.status_code == 201:  # taken under a plain name, and removed again
            admin.delete(f"/api/v1/plugins/{quote(answer.json()['name'])}")
    assert files(folder) == before


@pytest.mark.parametrize(
    "way", ["..", "%2e%2e", "..%2f", "%2e%2e%2f", "..%5c", ".%00.", "%252e%252e", "....", "%c0%ae"]
)
def test_the_console_serves_nothing_from_outside(target: Served, way: str) -> None:
    for rest in ("etc/passwd", "omnicore.db", "pyproject.toml", "assets/../../pyproject.toml"):
        for depth in (1, 6):
            path = "/console/" + f"{way}/" * depth + rest
            got = spoken(target, f"GET {path} HTTP/1.1~Host: HOST~Connection: close~~")
            assert b"root:" not in got
            assert b"[project]" not in got
            assert b"SQLite format" not in got


@pytest.mark.parametrize("kind", ["settings", "backups", "connectors", "users", "tokens", "sessions", "tasks"])
@pytest.mark.parametrize("way", ["..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%00", "%0d%0aset-cookie:%20a=b", "%e2%80%ae"])
def test_names_in_paths_lead_nowhere(target: Served, admin: httpx.Client, kind: str, way: str) -> None:
    for method in ("GET", "DELETE"):
        answer = admin.request(method, f"/api/v1/{kind}/{way}")
        assert answer.status_code in {404, 405, 409, 422}, (answer.status_code, answer.text)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("text", ["a\r\nset-cookie: a=b", "a\nlocation: //evil.example", "a\0b", "\x85x", "x" * 9000])
def test_nothing_that_is_sent_becomes_a_header(target: Served, admin: httpx.Client, text: str) -> None:
    asked = quote(text)
    for path in (f"/{asked}", f"/console/{asked}", f"/api/v1/plugins?cursor={asked}", f"/api/v1/plugins/{asked}"):
        answer = admin.get(path, headers={"accept": "text/html"})
        assert answer.status_code in {200, 404, 414, 422, 431, 503}, (path, answer.status_code)
        assert "set-cookie" not in answer.headers
        assert not answer.headers.get("location", "/").startswith(("//", "http"))


def test_a_redirect_stays_on_this_host(target: Served) -> None:
    for path in ("//evil.example/", "/\\evil.example", "//evil.example/%2e%2e", "/console//evil.example"):
        got = spoken(target, f"GET {path} HTTP/1.1~Host: HOST~Accept: text/html~Connection: close~~")
        head = got.partition(b"\r\n\r\n")[0].lower()
        for line in head.splitlines():
            assert not line.startswith((b"location: //", b"location: http", b"location: /\\")), head
