"""The record of changes over REST: each change leaves one row, refusals and failed logins too."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from tests.api.conftest import ASKS, ECHO, MANY, until
from tests.api.hosting import Served

from omnicore.access.principal import Role
from omnicore.api.app import create_app
from omnicore.api.audit_record import CALLS, LOGINS, kept_members, kind_of
from omnicore.api.operation import Operation
from omnicore.api.operations import OPERATIONS
from omnicore.api.parts import Rooms
from omnicore.api.requests import Json
from omnicore.assembly import Host
from omnicore.config.settings import AccessSettings, Settings
from omnicore.packages.package import pack, write_omni
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.telemetry.metrics import Metrics

AUDIT = "/api/v1/audit"
PASSWORD = "a fine long password"
EXCEPTIONS = {
    *("recallMemories", "searchVectors", "verifyAudit", "deliver", "sendMcpMessage", "endMcpSession"),
    *("validateWorkflow", "evaluateExpression", "keepDraft", "discardDraft", "keepPin", "removePin", "lookAtPackage"),
}
"""Unsafe operations without a row of their own: reads, deliveries with a list of their own, envelopes, drafts."""

WAT = {"content-type": "text/plain"}
COUNTER = ASKS.format(name="counter").encode()
UPLOAD = {"files": {"file": ("counter.wat", ECHO), "manifest": ("counter.toml", COUNTER)}}
PACKED = pack(wat_to_wasm(ECHO.encode() if isinstance(ECHO, str) else ECHO), {}, stem="packed", version="1.0.0")
PACKAGE = {
    "content": write_omni(PACKED),
    "headers": {"content-type": "application/vnd.omnicore.package.v1+tar"},
    "params": {"digest": PACKED.digest, "accept_publisher": "true"},
}
CRON = {"name": "daily", "function": "many.echo", "kind": "cron", "spec": "0 0 1 1 *"}
HOOK = {"name": "push", "rule": "hmac", "secret": "long enough"}
VECTORS = {"vectors": [{"id": "a", "values": [1, 2]}]}
PETS = {
    "kind": "pets",
    "title": "Pets",
    "says": "A store.",
    "actions": {"list": {"says": "Lists pets.", "method": "GET", "path": "/pets"}},
}
BASE = {"name": "base", "kind": "sqlite", "config": {"file": "none.db"}}

JOURNEY: tuple[tuple[str, str, str, dict[str, Any], str], ...] = (
    ("uploadPlugin", "POST", "/plugins", UPLOAD, "plugin:counter"),
    ("giveGrant", "POST", "/plugins/counter/grants", {"json": {"capability": "kv"}}, "plugin:counter"),
    ("takeGrant", "DELETE", "/plugins/counter/grants/kv", {}, "plugin:counter"),
    ("switchPlugin", "PUT", "/plugins/counter/state", {"json": {"state": "disabled"}}, "plugin:counter"),
    ("removePlugin", "DELETE", "/plugins/counter", {}, "plugin:counter"),
    ("installPackage", "POST", "/packages", PACKAGE, "plugin:packed"),
    ("addSchedule", "POST", "/schedules", {"json": CRON}, "schedule:daily"),
    ("switchSchedule", "PUT", "/schedules/daily", {"json": {"enabled": False}}, "schedule:daily"),
    ("removeSchedule", "DELETE", "/schedules/daily", {}, "schedule:daily"),
    ("createCollection", "POST", "/vectors/collections", {"json": {"name": "v", "dimensions": 2}}, "collection:v"),
    (
        "upsertVectors",
        "POST",
        "/vectors/collections/v/vectors",
        {"json": VECTORS},
        "collection:v",
    ),
    ("deleteVectors", "POST", "/vectors/collections/v/delete", {"json": {"ids": ["a"]}}, "collection:v"),
    ("dropCollection", "DELETE", "/vectors/collections/v", {}, "collection:v"),
    ("addConnector", "POST", "/connectors", {"json": BASE}, "connector:base"),
    ("changeConnector", "PUT", "/connectors/base", {"json": {"limits": {}}}, "connector:base"),
    ("removeConnector", "DELETE", "/connectors/base", {}, "connector:base"),
    ("addConnectorKind", "POST", "/connectors/kinds", {"json": {"description": PETS}}, "kind:pets"),
    ("removeConnectorKind", "DELETE", "/connectors/kinds/pets", {}, "kind:pets"),
    ("addWebhook", "POST", "/webhooks", {"json": HOOK}, "webhook:push"),
    ("removeWebhook", "DELETE", "/webhooks/push", {}, "webhook:push"),
    ("consolidateMemories", "POST", "/memory/consolidate", {}, "consolidate"),
    ("writeBlock", "PUT", "/memory/blocks/persona", {"json": {"text": "a gardener"}}, "block:persona"),
    ("removeBlock", "DELETE", "/memory/blocks/persona", {}, "block:persona"),
    ("eraseMemories", "POST", "/memory/forget", {"json": {"user": "nobody"}}, "forget"),
    ("setSetting", "PUT", "/settings/log_level", {"json": {"value": "warn"}}, "setting:log_level"),
    ("unsetSetting", "DELETE", "/settings/log_level", {}, "setting:log_level"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("site"), {"many.wat": MANY}) as served:
        yield served


@pytest.fixture
def client(served: Served) -> httpx.Client:
    return served.client


def rows(client: httpx.Client, **query: object) -> list[dict[str, Any]]:
    answer = client.get(AUDIT, params={"limit": 500, **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def newest(client: httpx.Client) -> int:
    return next((int(row["seq"]) for row in rows(client, limit=1)), 0)


def since(client: httpx.Client, seq: int) -> list[dict[str, Any]]:
    return [row for row in rows(client) if row["seq"] > seq]


def changed(client: httpx.Client, method: str, path: str, **given: Any) -> dict[str, Any]:
    """Makes a change, and returns the one row that it left."""
    before = newest(client)
    answer = client.request(method, f"/api/v1{path}", **given)
    assert answer.status_code < 300, answer.text
    (row,) = since(client, before)
    return row


def test_every_unsafe_operation_is_recorded_or_a_known_exception() -> None:
    unsafe = [one for one in OPERATIONS if one.method != "GET" and not one.websocket]
    assert {one.name for one in unsafe if kind_of(one) == "none"} <= EXCEPTIONS
    # What is no coroutine function is not wrapped, and sees to its rows itself.
    alone = {one.name for one in unsafe if not inspect.iscoroutinefunction(one.load())}
    assert alone <= {"callFunction", "sendMcpMessage", "endMcpSession"}
    assert {one.path for one in OPERATIONS if kind_of(one) == "login"} <= LOGINS
    assert {one.name for one in OPERATIONS} >= CALLS


def test_values_that_may_be_secret_by_any_name_are_not_kept() -> None:
    named = {one.name: one for one in OPERATIONS}
    values = {"values": {"region": "hunter2", "deep": {"a": ["hunter2"]}}}
    kept = kept_members(named["setPluginConfig"], values, {"plugin": "x"})
    assert ("hunter2" in str(kept), kept["plugin"], list(kept["values"])) == (False, "x", ["region", "deep"])
    for setting in ("token", "plugin_settings.x.region", "access.oidc.client_secret"):
        assert "hunter2" not in str(kept_members(named["setSetting"], {"value": "hunter2"}, {"setting": setting}))
    assert "hunter2" not in str(kept_members(named["changePassword"], {"old": "hunter2", "new": "hunter2"}, {}))
    assert "hunter2" not in str(kept_members(named["storeMemory"], {"text": "hunter2", "tier": "semantic"}, {}))


def test_each_change_leaves_one_row_that_says_what_it_was_about(client: httpx.Client) -> None:
    for name, method, path, given, target in JOURNEY:
        row = changed(client, method, path, **given)
        assert (row["action"], row["target"], row["outcome"]) == (name, target, "done")
        assert (row["actor"], row["via"], row["from"]) == ("owner", "owner", "127.0.0.1")
    assert client.post(f"{AUDIT}/verify").json()["ok"]


def test_a_row_shows_what_was_there_before_and_is_there_after(client: httpx.Client) -> None:
    row = changed(client, "PUT", "/plugins/many/state", json={"state": "disabled"})
    assert (row["before"]["state"], row["after"]["state"]) == ("enabled", "disabled")
    row = changed(client, "PUT", "/plugins/many/state", json={"state": "enabled"})
    assert (row["before"]["state"], row["after"]["state"]) == ("disabled", "enabled")
    assert "functions" not in row["after"]


def test_what_is_remembered_is_not_in_the_record_for_it_could_not_be_erased(client: httpx.Client) -> None:
    row = changed(client, "POST", "/memory", json={"text": "my heron stands in the garden", "tier": "semantic"})
    memory = row["after"]["id"]
    changed(client, "PUT", "/memory/blocks/bird", json={"text": "a heron"})
    assert row["target"] == f"memory:{memory}"
    changed(client, "POST", f"/memory/{memory}", json={"pinned": True})
    changed(client, "DELETE", f"/memory/{memory}")
    assert "heron" not in client.get(AUDIT, params={"limit": 500}).text


def test_tasks_leave_rows_when_they_are_ordered_and_cancelled(client: httpx.Client) -> None:
    row = changed(client, "POST", "/tasks", json={"function": "many.echo", "delay_s": 1000, "input": {"token": "abc"}})
    assert row["after"]["input"] == {"token": "[redacted]"}
    assert changed(client, "POST", f"/{row['target'].replace(':', 's/')}/cancel")["after"]["state"] == "cancelled"
    assert changed(client, "POST", f"/{row['target'].replace(':', 's/')}/retry")["before"]["state"] == "cancelled"


def test_a_secret_of_a_webhook_is_not_in_the_record(client: httpx.Client) -> None:
    changed(client, "POST", "/webhooks", json={"name": "h2", "rule": "hmac", "secret": "hunter2-hunter2"})
    changed(client, "DELETE", "/webhooks/h2")
    assert "hunter2" not in client.get(AUDIT, params={"limit": 500}).text


def test_what_changed_nothing_leaves_no_row(client: httpx.Client) -> None:
    before = newest(client)
    assert client.delete("/api/v1/plugins/nobody").status_code == 404
    assert client.put("/api/v1/plugins/many/state", json={"state": "tired"}).status_code == 422
    assert client.post("/api/v1/plugins?filename=x.wat", content=b"(module", headers=WAT).status_code == 422
    assert not since(client, before)


def test_a_write_that_is_sent_twice_with_a_key_leaves_one_row(client: httpx.Client) -> None:
    before = newest(client)
    for _ in range(2):
        given = {"json": CRON | {"name": "twice"}, "headers": {"idempotency-key": "k1"}}
        assert client.post("/api/v1/schedules", **given).status_code == 201  # type: ignore[arg-type]
    assert [row["action"] for row in since(client, before)] == ["addSchedule"]


def test_calls_of_nobody_known_leave_no_row(client: httpx.Client) -> None:
    before = newest(client)
    assert client.post("/api/v1/plugins/many/functions/echo", content=b"x").content == b"x"
    assert not since(client, before)


def test_what_the_folder_brings_is_recorded(served: Served) -> None:
    (served.settings.plugins / "late.wat").write_text(ECHO)
    served.host.plugins.scan()
    (row,) = rows(served.client, target="plugin:late")
    assert (row["actor"], row["action"], row["after"]["path"]) == ("folder", "plugin added", "late.wat")
    (served.settings.plugins / "late.wat").unlink()
    served.host.plugins.scan()
    assert [row["action"] for row in rows(served.client, target="plugin:late")] == ["plugin removed", "plugin added"]


def test_what_the_folder_brings_during_an_upload_is_recorded_beside_it(served: Served) -> None:
    beside = served.settings.plugins / "beside.wat"
    beside.write_text(ECHO)
    os.utime(beside, (1, 1))  # nobody writes to it any more
    before = newest(served.client)
    for name in ("upped", "upped"):
        answer = served.client.post(f"/api/v1/plugins?filename={name}.wat", content=ECHO, headers=WAT)
        assert answer.status_code == 201
    told = [(row["actor"], row["action"], row["target"]) for row in since(served.client, before)]
    assert sorted(told) == [
        ("folder", "plugin added", "plugin:beside"),
        ("owner", "uploadPlugin", "plugin:upped"),
        ("owner", "uploadPlugin", "plugin:upped"),
    ]


def test_pages_follow_each_other_and_filters_narrow_them(client: httpx.Client) -> None:
    for state in ("disabled", "enabled") * 3:
        changed(client, "PUT", "/plugins/many/state", json={"state": state})
    found: list[int] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2, "action": "switchPlugin", "target": "plugin:many", "actor": "owner"}
        page = client.get(AUDIT, params=query | ({"cursor": cursor} if cursor else {})).json()
        found += [row["seq"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == sorted(found, reverse=True)
    assert found == [row["seq"] for row in rows(client, target="plugin:many") if row["action"] == "switchPlugin"]
    assert not rows(client, actor="nobody")
    assert client.get(AUDIT, params={"cursor": "x"}).status_code == 422
    assert client.get(AUDIT, params={"actor": "\x00"}).status_code == 422
    assert client.post(f"{AUDIT}/verify", json={"noted": {"seq": found[0], "hash": "0" * 64}}).json()["ok"] is False
    assert client.post(f"{AUDIT}/verify", json={"after": -1}).status_code == 422


def test_who_is_logged_in_is_named_and_who_may_not_is_refused_with_a_row(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Served(tmp_path_factory.mktemp("named"), {"many.wat": MANY}, token="t" * 40) as served:
        admin = {"authorization": "Bearer " + "t" * 40}
        served.client.headers.update(admin)
        row = changed(served.client, "POST", "/users", json={"name": "vera", "role": "viewer", "password": PASSWORD})
        assert (row["actor"], row["via"], row["target"]) == ("host", "setting", "user:vera")
        changed(served.client, "POST", "/users", json={"name": "otto", "role": "operator", "password": PASSWORD})
        _log_in_and_try(served)
        _call_as_operator(served)
        _break_it(served)
        assert "hunter2" not in served.client.get(AUDIT, params={"limit": 500}).text
        assert PASSWORD not in served.client.get(AUDIT, params={"limit": 500}).text


def _log_in_and_try(served: Served) -> None:
    changed(served.client, "POST", "/users", json={"name": "anonymous", "role": "viewer", "password": PASSWORD})
    for typed, name in (("ANONYMOUS", "anonymous"), ("Vera", "vera")):
        told = httpx.post(f"{served.url}/api/v1/session", json={"name": typed, "password": PASSWORD}, timeout=60)
        assert told.status_code == 200
        row = rows(served.client, limit=1)[0]
        assert (row["actor"], row["via"], row["target"], row["outcome"]) == (name, "session", f"user:{name}", "done")
    before = newest(served.client)
    with httpx.Client(base_url=served.url, timeout=60) as vera:
        slip = vera.post("/api/v1/session", json={"name": "hunter2-hunter2", "password": "vera"})
        assert slip.status_code == 401
        wrong = vera.post("/api/v1/session", json={"name": "vera", "password": "hunter2-hunter2"})
        assert wrong.status_code == 401
        entered = vera.post("/api/v1/session", json={"name": "vera", "password": PASSWORD})
        assert entered.status_code == 200, entered.text
        vera.headers["x-csrf-token"] = entered.json()["csrf"]
        assert vera.delete("/api/v1/plugins/many").status_code == 403
        assert vera.get(AUDIT).status_code == 403
        assert vera.delete("/api/v1/session").status_code == 204
    told = [(row["action"], row["actor"], row["target"], row["outcome"]) for row in since(served.client, before)]
    assert sorted(told) == [
        ("logIn", "anonymous", "user:?", "failed"),
        ("logIn", "vera", "user:vera", "done"),
        ("logIn", "vera", "user:vera", "failed"),
        ("logOut", "vera", "session", "done"),
        ("removePlugin", "vera", "plugin:many", "refused"),
    ]


def _call_as_operator(served: Served) -> None:
    before = newest(served.client)
    with httpx.Client(base_url=served.url, timeout=60) as otto:
        key = otto.post("/api/login", json={"username": "otto", "password": PASSWORD}).json()["token"]
        otto.headers["authorization"] = f"Bearer {key}"
        for path, status in (("echo", 200), ("trap", 502)):
            assert otto.post(f"/api/v1/plugins/many/functions/{path}", content=b"x").status_code == status
        assert otto.post("/api/plugins/many/execute", json={"input": 1, "function": "echo"}).status_code == 200
    told = [(row["action"], row["actor"], row["target"], row["outcome"]) for row in since(served.client, before)]
    assert sorted(told) == [
        ("callFunction", "otto", "plugin:many.echo", "done"),
        ("callFunction", "otto", "plugin:many.trap", "failed"),
        ("executePlugin", "otto", "plugin:many", "done"),
        ("logInPlainly", "otto", "user:otto", "done"),
    ]


def _break_it(served: Served) -> None:
    keys = [served.host.access.tokens.add(name, owner=None, role=Role.operator)[1] for name in ("first", "second")]
    for _ in range(served.settings.breaker_failures):
        for headers in ({}, *({"authorization": f"Bearer {key}"} for key in keys)):
            served.client.post("/api/v1/plugins/many/functions/trap", content=b"x", headers=headers)
    until(lambda: rows(served.client, actor="host", action="plugin quarantined"))
    (row,) = rows(served.client, action="plugin quarantined")
    assert (row["via"], row["target"], row["after"]["state"]) == ("host", "plugin:many", "quarantined")


async def _answered(_request: Request) -> Response:
    return Json({"name": "made", "id": "made"})


def test_whatever_the_route_table_holds_an_unsafe_operation_leaves_one_row(tmp_path: Path) -> None:
    changing = [one for one in OPERATIONS if kind_of(one) in ("change", "login") and one.method != "GET"]
    answering = [dataclasses.replace(one, endpoint=_answered) for one in changing]
    (tmp_path / "plugins").mkdir()
    settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", access=AccessSettings(open=True))
    with Host(settings=settings, watch=False, work=False) as host:  # who asks is not what this is about
        parts = {"settings": host.settings, "metrics": Metrics(), "bus": host.bus, "logs": host.logs}
        rooms = Rooms(audit=host.audit)
        app = create_app(host.plugins, **parts, ready=lambda: True, rooms=rooms, operations=answering)  # type: ignore[arg-type]
        asyncio.run(_ask_all(app, changing))
        told = [(row.action, row.outcome) for row in host.audit.table.after(0, 500)]
    assert told == [(one.name, "done") for one in changing]


async def _ask_all(app: Starlette, operations: list[Operation]) -> None:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for one in operations:
            path = re.sub(r"{\w+}", "thing", one.path)
            answer = await client.request(one.method, path, json={"name": "ann"} if one.method == "POST" else None)
            assert answer.status_code == 200, (one.name, answer.text)
