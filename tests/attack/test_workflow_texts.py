"""Names, values and cursors that are no such thing, over HTTP; and pages of other sites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from tests.api.hosting import Served
from tests.attack.conftest import NAME, PASSWORD

ODD_NAMES = (
    *("..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a/b", "a\\b", "A", "a b", "\0", "%00", "\u202e", "ä", "-a", "a-"),
    *("x" * 300, "a..b", "<b>", "a'; DROP TABLE workflows; --", "{workflow}", "a\r\nset-cookie: a=b", "palette/../x"),
)
HEAD = "document: {{dsl: 1.0.3, namespace: {}, name: {}, version: 1.0.0}}\ndo:\n  - a: {{set: '${{ . }}'}}\n"


@pytest.fixture(scope="module")
def client(target: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=target.url, timeout=60) as client:
        told = client.post("/api/v1/session", json={"name": NAME, "password": PASSWORD})
        client.headers["x-csrf-token"] = told.json()["csrf"]
        made = client.post("/api/v1/workflows", json={"text": HEAD.format("default", "echoes")})
        assert made.status_code == 201, made.text
        yield client


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_name_that_is_none_leads_nowhere(client: httpx.Client, name: str) -> None:
    asked = quote(name, safe="%")
    for method, path in (
        *(("GET", f"/api/v1/workflows/{asked}/versions"), ("DELETE", f"/api/v1/workflows/{asked}")),
        *(("POST", f"/api/v1/workflows/{asked}/runs"), ("POST", f"/api/v1/workflows/{asked}/enable")),
        *(("GET", f"/api/v1/runs/{asked}/steps"), ("POST", f"/api/v1/runs/{asked}/cancel")),
        *(("GET", f"/api/v1/runs/{asked}/steps/1"), ("POST", f"/api/workflows/{asked}/execute")),
    ):
        answer = client.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code in (404, 405, 422), (method, path, answer.status_code, answer.text)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "name", ["..", "a.b", "a\n", "a b", "<b>", "x" * 100, "\0", "", "a\u202e", "ä", "-"], ids=ascii
)
def test_a_definition_has_a_name_that_can_stand_in_a_path(client: httpx.Client, name: str) -> None:
    for text in (HEAD.format("default", json.dumps(name)), HEAD.format(json.dumps(name), "fine")):
        answer = client.post("/api/v1/workflows", json={"text": text})
        assert answer.status_code == 422, answer.text
        assert answer.json()["problems"][0]["remedy"]


@pytest.mark.parametrize(
    "query",
    [
        *("cursor=%00", "cursor=%f0%9f%98%80", "cursor=" + "x" * 600, "limit=0", "limit=501", "limit=1e3", "limit=-1"),
        *("status=none", "status=%00", "workflow=%00", "workflow=%c3%a4", "workflow=" + "x" * 300, "limit=%d9%a3"),
    ],
)
def test_a_list_of_runs_is_asked_for_properly(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/api/v1/runs?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["remedy"]


@pytest.mark.parametrize("cursor", ["run_zzzzzzzz", "'--", "%25", "0", "~", "run_" + "0" * 26])
def test_a_cursor_that_was_made_up_shows_nothing_that_a_page_would_not(client: httpx.Client, cursor: str) -> None:
    for path in ("/api/v1/runs", "/api/v1/workflows", "/api/v1/approvals"):
        answer = client.get(f"{path}?cursor={cursor}&limit=5")
        assert answer.status_code in (200, 422), answer.text
        found = answer.json()
        assert found["remedy"] if answer.status_code == 422 else len(found["items"]) <= 5


VALUES = (
    *(b'{"input": "\\ud800"}', b'{"input": NaN}', b'{"input": 1e999}', b'{"input": ' + b"9" * 5000 + b"}"),
    *(b'{"input": ' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"input": ' + b"[" * 800 + b"]" * 800 + b"}"),
    *(b'{"input": {"\\u0000": "\\u0000"}}', b'{"input": 1, "input": 2}', b'{"key": "\\u0000"}', b'{"key": 1}', b"[]"),
    *(
        b'{"wait_s": 1e308}',
        b'{"wait_s": "x"}',
        b'{"number": 0}',
        b'{"number": 1e9}',
        b'{"number": true}',
        b"\xff",
        b"{",
    ),
    *(b'{"input": "' + b"x" * 900_000 + b'"}', b'{"secrets": {"a": "b"}}', b'{"priority": 9}', b'{"input": -0.0}'),
)


@pytest.mark.parametrize("body", VALUES, ids=lambda body: ascii(body[:24]))
def test_an_odd_order_begins_a_run_that_can_be_read_or_is_refused_with_a_reason(
    client: httpx.Client, body: bytes
) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/api/v1/workflows/echoes/runs", content=body, headers=headers)
    assert answer.status_code in (200, 202, 413, 422), answer.text[:500]
    if answer.status_code >= 400:
        assert answer.json()["remedy"]
        return
    run = answer.json()["id"]
    for path in (f"/api/v1/runs/{run}", f"/api/v1/runs/{run}/steps", "/api/v1/runs", f"/api/v1/runs/{run}/audit"):
        shown = client.get(path)
        assert shown.status_code == 200, (path, shown.text[:500])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("workflows/evaluate", {"expression": "1" * 30_000}),
        ("workflows/evaluate", {"expression": ".", "variables": []}),
        ("workflows/evaluate", {"expression": "$x", "variables": {"x y; halt": 1, "$x": 2}}),
        ("workflows/evaluate", {"expression": ".", "variables": {"\0": 1}}),
        ("workflows/evaluate", {"expression": "error({a: 1})"}),
        ("workflows/evaluate", {"expression": " "}),
        ("workflows/evaluate", {"expression": "x" * 100_000}),
        ("workflows/validate", {"text": "&a [*a, *a, *a]"}),
        ("workflows/validate", {"text": "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]"}),
        ("workflows/validate", {"text": "!!python/object/apply:os.system [id]"}),
        ("workflows/validate", {"text": "[" * 20_000}),
        ("workflows/validate", {"text": "- " * 20_000}),
        ("workflows/validate", {"text": "\0"}),
        ("workflows/validate", {"text": "? " * 9000}),
        ("workflows/validate", {"text": "x" * 1_500_000}),
        ("workflows/echoes/trial", {"text": "x", "from": "/do/9999999999999999999999/a"}),
        ("workflows/echoes/trial", {"text": HEAD.format("default", "echoes"), "from": "/do/\u00b2/a"}),
        ("workflows/echoes/trial", {"text": HEAD.format("default", "other")}),
        ("runs/none/fork", {"seq": 10**30}),
        ("runs/none/retry", {"place": "\0"}),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_an_odd_question_is_answered_and_breaks_nothing(
    client: httpx.Client, path: str, body: dict[str, object]
) -> None:
    answer = client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code in (200, 404, 409, 413, 422), (answer.status_code, answer.text[:500])
    assert "Traceback" not in answer.text
    if answer.status_code >= 400:
        assert answer.json()["remedy"], answer.text
        assert answer.json()["code"] != "internal"


def test_whatever_name_a_definition_may_have_it_can_be_taken_away_again(client: httpx.Client) -> None:
    for namespace, name in (("default", "A"), ("A-b", "Z" * 63), ("n" * 63, "0")):
        made = client.post("/api/v1/workflows", json={"text": HEAD.format(f"'{namespace}'", f"'{name}'")})
        assert made.status_code == 201, made.text
        at = f"/api/v1/workflows/{made.json()['id']}"
        assert client.post(f"{at}/disable").status_code == 200
        assert client.delete(at).status_code == 204


def test_html_in_titles_comes_back_as_the_text_that_it_is(client: httpx.Client) -> None:
    evil = "<img src=x onerror=alert(1)>"
    text = HEAD.format("default", "html").replace("version: 1.0.0", f"version: 1.0.0, title: '{evil}'")
    assert client.post("/api/v1/workflows", json={"text": text}).status_code == 201
    answer = client.get("/api/v1/workflows/html")
    assert answer.json()["title"] == evil
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_of_another_site_starts_nothing(target: Served, client: httpx.Client) -> None:
    before = client.get("/api/v1/runs?workflow=echoes&limit=500").json()["items"]
    path = f"{target.url}/api/v1/workflows/echoes/runs"
    cookies = dict(client.cookies)
    for headers in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"x-csrf-token": "x"}):
        for kind in ("application/json", "text/plain"):
            answer = httpx.post(path, content=b"{}", headers={**headers, "content-type": kind}, cookies=cookies)
            assert answer.status_code in (401, 403, 415), answer.text
    assert httpx.post(path, json={}).status_code == 401
    after = client.get("/api/v1/runs?workflow=echoes&limit=500").json()["items"]
    assert [one["id"] for one in after] == [one["id"] for one in before]
