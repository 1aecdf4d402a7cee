"""Every operation of the OpenAPI document answers hostile requests without a failure of the host."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from tests.api.conftest import ECHO
from tests.api.hosting import Served

from omnicore.config.settings import StorageSettings

_DOCUMENT = json.loads((Path(__file__).parents[2] / "specs" / "openapi.json").read_text())
_OPERATIONS = [
    (method, path, operation)
    for path, item in _DOCUMENT["paths"].items()
    for method, operation in item.items()
    if not path.startswith("/ws")  # an upgrade, which tests/api/test_live.py looks after
]
_DEEP = "[" * 20_000 + "]" * 20_000
_NESTED: Any = json.loads("[" * 400 + "]" * 400)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, float("nan"), float("inf")),
    *("", " ", "\0", "\ud800", "a\udfffb", "../..", "'\"; DROP TABLE x; --", "\u202e\u0130\ufdfa", "x" * 70_000),
    *([], [None], [[]], ["\ud800"], [1e308] * 3, [float("nan")], {}, {"": None}, {"\ud800": "\0"}, {"a": 10**400}),
    *({"a": {"b": [1, "\ud800"]}}, _NESTED),
)
_BODIES = (
    *(b"", b"\0", b"\xff\xfe", b"null", b"[]", b"1", b'"x"', b"{", b'{"a":1}', b'{"a":NaN}', b'{"\\ud800":1}'),
    *(_DEEP.encode(), b'{"a":' + _DEEP.encode() + b"}", b"1" * 5000, b"\xef\xbb\xbf{}", b'{"a":1,"a":2}'),
)
_QUERIES = ("", "-1", "0", "1e9", "9" * 400, "\u0661", "\0", "\ud800", "%", "a,b", "' OR 1=1", "x" * 5000)
_NAMES = (
    "none",
    "\0",
    "\ud800",
    "..",
    "%2e%2e",
    "'",
    "\u0130\ufdfa",
    "a b",
    "-1",
    "x" * 4000,
    "\n",
    "{a}",
    "*",
    "\u202e",
)


class Hostile(NamedTuple):
    """What is sent in the places of a request."""

    names: Sequence[str]
    queries: Sequence[str]
    bodies: Sequence[bytes]
    values: Sequence[Any]


_ALL = Hostile(_NAMES, _QUERIES, _BODIES, _VALUES)
_OF_POSTGRESQL = Hostile(
    ("\0", "\ud800", "x" * 4000),
    ("\0", "\ud800", "9" * 400),
    (),
    ("\0", "\ud800", 2**31, 2**63, 10**400, float("nan"), {"\ud800": "\0"}, {"a": 10**400}),
)
"""What PostgreSQL refuses and SQLite does not, or the other way round."""
# What a whole request needs so that what is behind its first check is reached as well.
_USUAL: Mapping[str, Any] = {
    "name": "fresh",
    "kind": "sqlite",
    "rule": "hmac",
    "secret": "long enough",
    "config": {"file": "none.db"},
    "tier": "semantic",
    "metric": "l2",
    "dimensions": 2,
    "plugin": "echo",
    "function": "echo",
    "target": "echo.echo",
    "cron": "0 0 1 1 *",
    "every_s": 86_400,
    "text": "something to keep",
    "vectors": [{"id": "a", "values": [1, 2], "metadata": {"a": 1}}],
    "values": [1, 2],
    "ids": ["a"],
    "event": "made",
    "input": {"sql": "SELECT 1"},
    "secrets": {},
    "limits": {},
    "tiers": ["semantic"],
    "embedding": [1, 2],
    "expression": ".",
    "place": "/do/0/hello",
    "approve": True,
    "seq": 1,
    "number": 1,
}
_ACTIONS = {"list": {"says": "Lists.", "method": "GET", "path": "/"}}
_WORKFLOW = "{document: {dsl: 1.0.3, namespace: default, name: there, version: 1.0.0}, do: [{hello: {set: {a: 1}}}]}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A whole host with one of each thing, on each database: they refuse different things."""
    with ExitStack() as stack:
        on_server = request.param == "postgresql"
        url = stack.enter_context(request.getfixturevalue("postgresql_pool").database()) if on_server else None
        folder, storage = tmp_path_factory.mktemp("routes"), StorageSettings(url=url)
        yield stack.enter_context(Served(folder, {"echo.wat": ECHO}, storage=storage))


@pytest.fixture(scope="module")
def places(served: Served) -> Mapping[str, str]:
    """Names of what is there, by the name of the place in a path."""
    made = {
        "webhooks": {"name": "there", "rule": "hmac", "secret": "long enough"},
        "vectors/collections": {"name": "there", "dimensions": 2},
        "connectors": {"name": "there", "kind": "sqlite", "config": {"file": "none.db"}},
        "connectors/kinds": {"description": {"kind": "there", "title": "There", "says": "x", "actions": _ACTIONS}},
        "memory": {"text": "the first of all"},
        "workflows": {"text": _WORKFLOW},
    }
    answers = {path: served.client.post(f"/api/v1/{path}", json=body) for path, body in made.items()}
    assert {answer.status_code for answer in answers.values()} == {201}, answers
    run = served.client.post("/api/v1/workflows/there/runs", json={"wait_s": 30})
    assert run.status_code == 200, run.text
    return {
        **dict.fromkeys(("webhook", "collection", "connector", "kind", "workflow"), "there"),
        **dict.fromkeys(("number", "seq"), "1"),
        "run": run.json()["id"],
        "memory": answers["memory"].json()["id"],
        "hook": answers["webhooks"].json()["path"].removeprefix("/hooks/"),
        "plugin": "echo",
        "function": "echo",
        "action": "query",
        "capability": "kv",
    }


@pytest.mark.parametrize(
    ("method", "path", "operation"), _OPERATIONS, ids=[operation["operationId"] for *_, operation in _OPERATIONS]
)
def test_an_operation_answers_hostile_requests(
    served: Served, places: Mapping[str, str], method: str, path: str, operation: Mapping[str, Any]
) -> None:
    hostile = _OF_POSTGRESQL if served.settings.storage.url else _ALL
    for target, content in _requests(hostile, path, operation, places):
        answer = _sent(served.client, method, target, content)
        shown = (method, target[:200], (content or b"")[:200], answer.status_code, answer.text[:300])
        assert answer.status_code < 500 or _is_of_the_guest(answer), shown


def _requests(
    hostile: Hostile, path: str, operation: Mapping[str, Any], places: Mapping[str, str]
) -> Iterator[tuple[str, bytes | None]]:
    names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
    there = _filled(path, {name: places.get(name, "none") for name in names})
    schema = _schema(operation)
    whole = _written(_whole(schema)) if schema else None
    for name in names:
        for value in hostile.names:
            yield _filled(path, {**{one: places.get(one, "none") for one in names}, name: value}), whole
    for one in operation.get("parameters", ()):
        if one["in"] == "query":
            yield from ((f"{there}?{one['name']}={_quoted(value)}", whole) for value in hostile.queries)
    if operation.get("requestBody"):
        yield from ((there, body) for body in hostile.bodies)
    for member in schema.get("properties", {}):
        for value in hostile.values:
            yield there, _written({**_whole(schema), member: value})


def _sent(client: httpx.Client, method: str, target: str, content: bytes | None) -> httpx.Response:
    headers = {} if content is None else {"content-type": "application/json"}
    return client.request(method.upper(), httpx.URL(str(client.base_url) + target), content=content, headers=headers)


def _is_of_the_guest(answer: httpx.Response) -> bool:
    """What a plugin or the other side of a connector did is no failure of the host."""
    return answer.status_code in (502, 503, 504) and answer.json()["code"] != "internal"


def _schema(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    return _resolved(content.get("application/json", {}).get("schema", {}))


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return _DOCUMENT["components"]["schemas"][name] if name else schema


def _whole(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A body that is as it should be."""
    wanted = schema.get("required") or schema.get("properties", {})
    return {name: _USUAL[name] for name in wanted if name in _USUAL}


def _written(value: Any) -> bytes:
    return json.dumps(value).encode()


def _filled(path: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", _quoted(value))
    return path


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
