"""Settings, backups, diagnostics, the machine and figures over time, over a socket."""

from __future__ import annotations

import errno
import io
import json
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.access.people import CHEAP, make
from tests.api.conftest import ECHO, MANY, until
from tests.api.hosting import Served

from omnicore.access.principal import Role
from omnicore.advisories import known
from omnicore.config.overrides import FILE
from omnicore.config.settings import AccessSettings, StorageSettings, TelemetrySettings
from omnicore.storage.archive import read_contents

SETTINGS, BACKUPS = "/api/v1/settings", "/api/v1/backups"
NAMES = ("none", "none.backup", "..", "%2e%2e%2fomnicore.db", "x" * 3000, "%00", "%ed%a0%80", "a%20b.backup")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("operations"), {"echo.wat": ECHO}, threads=4) as site:
        yield site


def setting(site: Served, name: str) -> dict[str, Any]:
    items: list[dict[str, Any]] = site.client.get(SETTINGS).json()["items"]
    assert site.client.get(f"{SETTINGS}/{name}").json() in items
    return next(item for item in items if item["name"] == name)


def test_every_setting_is_listed_with_origin_schema_and_meaning(served: Served) -> None:
    answer = served.client.get(SETTINGS)
    assert answer.status_code == 200
    items = {item["name"]: item for item in answer.json()["items"]}
    assert items["limits.timeout_s"]["schema"] == {"type": "number", "minimum": 0}
    assert items["log_level"]["schema"]["enum"] == ["trace", "debug", "info", "warn", "error"]
    assert items["limits.fuel"]["schema"]["anyOf"][1] == {"type": "null"}
    assert (items["threads"]["value"], items["threads"]["editable"]) == (4, False)
    assert items["threads"]["fixed"] == "override threads sets it, which wins"
    assert all(item["doc"] for item in items.values())


def test_one_is_set_and_taken_back(served: Served) -> None:
    answer = served.client.put(f"{SETTINGS}/max_instances", json={"value": 3})
    assert answer.status_code == 200
    assert setting(served, "max_instances") == answer.json()
    assert {name: answer.json()[name] for name in ("value", "next", "waiting", "restart", "override")} == {
        "value": 1000,
        "next": 3,
        "waiting": True,
        "restart": True,
        "override": True,
    }
    assert served.client.get(SETTINGS).json()["waiting"] is True
    back = served.client.delete(f"{SETTINGS}/max_instances").json()
    assert (back["next"], back["override"], back["waiting"]) == (1000, False, False)


def test_log_lines_are_kept_from_now_on_without_a_restart(served: Served) -> None:
    assert served.client.put(f"{SETTINGS}/log_lines", json={"value": 5}).json()["value"] == 5
    assert served.host.logs.per_plugin == 5
    assert served.client.delete(f"{SETTINGS}/log_lines").json()["value"] == 1000
    assert served.host.logs.per_plugin == 1000


def test_limits_and_breakers_hold_for_the_next_call(tmp_path: Path) -> None:
    trap = '(module (func (export "trap") (result i32) (unreachable)))'
    with Served(tmp_path, {"echo.wat": ECHO, "trap.wat": trap}) as site:
        call = "/api/v1/plugins/echo/functions/echo"
        assert site.client.post(call, content=b"x" * 100).status_code == 200
        shown = site.client.put(f"{SETTINGS}/limits.output_bytes", json={"value": 50}).json()
        assert (shown["value"], shown["restart"], shown["waiting"]) == (50, False, False)
        assert site.client.post(call, content=b"x" * 100).status_code == 502
        assert site.client.get("/api/v1/plugins/echo").json()["limits"]["output_bytes"] == 50
        site.client.delete(f"{SETTINGS}/limits.output_bytes").raise_for_status()
        assert site.client.post(call, content=b"x" * 100).status_code == 200
        site.client.put(f"{SETTINGS}/breaker_failures", json={"value": 2}).raise_for_status()
        codes = [site.client.post("/api/v1/plugins/trap/functions/trap").status_code for _ in range(3)]
        assert codes == [502, 502, 503]


def test_calls_in_flight_end_as_they_began_while_limits_change(tmp_path: Path) -> None:
    with Served(tmp_path, {"echo.wat": ECHO}) as site, ThreadPoolExecutor(4) as pool:

        def call(number: int) -> int:
            return site.client.post("/api/v1/plugins/echo/functions/echo", content=b"%d" % number).status_code

        answers = pool.map(call, range(200))
        for timeout_s in (0.9, 0.8, 0.7, 0.6):
            site.client.put(f"{SETTINGS}/limits.timeout_s", json={"value": timeout_s}).raise_for_status()
        assert set(answers) == {200}


def test_what_was_set_holds_after_a_restart(tmp_path: Path) -> None:
    with Served(tmp_path, {}) as first:
        assert first.client.put(f"{SETTINGS}/tasks.workers", json={"value": 2}).status_code == 200
    (tmp_path / "plugins").rmdir()
    with Served(tmp_path, {}) as again:
        item = setting(again, "tasks.workers")
        assert (item["value"], item["origin"], item["waiting"]) == (2, "console", False)


@pytest.mark.parametrize(
    ("name", "body", "status", "told"),
    [
        ("max_instances", b'{"value": -1}', 422, "max_instances cannot be -1"),
        ("max_instances", b'{"value": 1e400}', 422, ""),
        ("max_instances", b'{"value": "many"}', 422, "cannot be 'many'"),
        ("max_instances", b"{}", 422, "has no value"),
        ("max_instances", b'{"value": 1, "more": 2}', 422, "not known here"),
        ("max_instances", b"[", 422, "not JSON"),
        ("log_level", b'{"value": "loud"}', 422, "log_level cannot be 'loud'"),
        ("limits.timeout_s", b'{"value": 99999}', 422, "more than max_limits.timeout_s"),
        ("body_bytes", b'{"value": 1}', 422, "body_bytes cannot be 1"),
        ("token", b'{"value": "mine"}', 409, "token cannot be set here"),
        ("host", b'{"value": "0.0.0.0"}', 409, "host cannot be set here"),
        ("allowed_hosts", b'{"value": ["evil"]}', 409, "allowed_hosts cannot be set here"),
        ("max_limits.fuel", b'{"value": null}', 409, "cannot be set here"),
        ("threads", b'{"value": 1}', 409, "is set by override threads"),
        ("treads", b'{"value": 1}', 404, "there is no setting 'treads'"),
        *((name, b'{"value": 1}', 404, "") for name in NAMES[3:]),
    ],
)
def test_what_cannot_be_set_is_refused(served: Served, name: str, body: bytes, status: int, told: str) -> None:
    before = served.client.get(SETTINGS).json()
    headers = {"content-type": "application/json"}
    answer = served.client.put(f"{SETTINGS}/{name}", content=body, headers=headers)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text[:300]
    assert served.client.get(SETTINGS).json() == before


def test_a_full_disk_is_told_and_changes_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("omnicore.files.os.fsync", full)
    answer = served.client.put(f"{SETTINGS}/max_instances", json={"value": 2})
    monkeypatch.undo()
    assert (answer.status_code, "No space left" in answer.json()["detail"]) == (507, True)
    assert setting(served, "max_instances")["override"] is False


def test_a_file_that_somebody_spoilt_is_told(served: Served) -> None:
    file = served.settings.data / FILE
    held = file.read_bytes() if file.exists() else b"{}"
    file.write_text("{")
    answer = served.client.get(SETTINGS)
    file.write_bytes(held)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-setting")
    assert served.client.get(SETTINGS).status_code == 200


def test_the_machine_its_engines_and_their_advisories_are_told(served: Served) -> None:
    told = served.client.get("/api/v1/host").json()
    assert (told["name"], told["storage"]) == ("OmniCore", str(served.settings.data / "omnicore.db"))
    assert told["uptime_s"] >= 0
    assert told["advisories_of"] == known().dated
    assert {engine["name"] for engine in told["engines"]} >= {"wasmtime", "quickjs-ng"}
    assert told["counts"]["enabled"] == 1


def test_figures_over_time_have_one_value_for_each_step(served: Served) -> None:
    for minutes, count, step_s in ((None, 360, 10), (5, 30, 10), (61, 12, 300), (1440, 288, 300)):
        query = {} if minutes is None else {"minutes": minutes}
        shown = served.client.get("/api/v1/metrics/series", params=query).json()
        assert shown["step_s"] == step_s
        assert {len(values) for values in shown["series"].values()} == {count}
        assert set(shown["series"]) == {"calls", "errors", "call_ms_p95", "tasks", "http"}
    for bad in ("0", "-1", "1441", "x", "", "1e3", "9" * 50):
        assert served.client.get("/api/v1/metrics/series", params={"minutes": bad}).status_code == 422


def test_calls_and_requests_are_counted_in_the_step_they_fell_into(served: Served) -> None:
    until(lambda: served.host.operations.series.show(60).series["http"][-1] is not None)
    assert served.client.post("/api/v1/plugins/echo/functions/echo", content=b"x").status_code == 200
    served.host.operations.series.tick()
    series = served.client.get("/api/v1/metrics/series?minutes=60").json()["series"]
    assert sum(filter(None, series["calls"])) >= 1
    assert sum(filter(None, series["http"])) >= 1
    assert any(value > 0 for value in series["call_ms_p95"] if value is not None)


def test_what_took_the_time_is_told_of_the_plugins_that_a_caller_may_see(served: Served) -> None:
    metrics = served.host.metrics
    for recorder, seconds in ((metrics.recorder("figures", "slow"), 3.0), (metrics.door("figures", "kv.get"), 0.002)):
        recorder.record(seconds)
        recorder.record(seconds, "guest-failed")
    asked = {"plugin": "figures"}
    slow, get = served.client.get("/api/v1/metrics/calls", params=asked).json()["items"]
    assert [slow[name] for name in ("kind", "name", "calls", "errors", "total_s")] == ["function", "slow", 2, 1, 6.0]
    assert 2500 <= slow["p50_ms"] <= slow["p95_ms"] <= slow["p99_ms"] <= 5000
    assert (get["kind"], get["name"]) == ("host", "kv.get")
    assert served.client.get("/api/v1/metrics/calls", params={**asked, "kind": "host"}).json()["items"] == [get]
    assert served.client.get("/api/v1/metrics/calls", params={**asked, "limit": "1"}).json()["items"] == [slow]
    assert served.client.get("/api/v1/metrics/calls", params={"kind": "both"}).status_code == 422
    access = served.host.access
    user = make(access, "bound", Role.nobody, plugins={"echo": Role.viewer})
    key = access.tokens.add("t", owner=user.id, role=Role.admin)[1]
    bound = served.client.get("/api/v1/metrics/calls", headers={"authorization": f"Bearer {key}"}).json()["items"]
    assert "figures" not in {one["plugin"] for one in bound}
    metrics.forget("figures")


def test_a_backup_is_made_downloaded_and_deleted(served: Served, tmp_path: Path) -> None:
    made = served.client.post(BACKUPS)
    assert made.status_code == 201
    name = made.json()["name"]
    listed = served.client.get(BACKUPS).json()
    assert made.json() in listed["items"]
    with served.client.stream("GET", f"{BACKUPS}/{name}") as answer:
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        (tmp_path / name).write_bytes(answer.read())
    assert (tmp_path / name).stat().st_size == made.json()["size_bytes"]
    assert "omnicore.db" in read_contents(tmp_path / name).files
    part = served.client.get(f"{BACKUPS}/{name}", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PK\x03\x04")
    assert served.client.delete(f"{BACKUPS}/{name}").status_code == 204
    assert served.client.get(f"{BACKUPS}/{name}").status_code == 404


def test_a_restore_asks_for_the_name_and_happens_at_the_next_start(tmp_path: Path) -> None:
    with Served(tmp_path, {}) as site:
        name = site.client.post(BACKUPS).json()["name"]
        for body in ({}, {"confirm": ""}, {"confirm": name + " "}, {"confirm": True}, {"confirm": [name]}):
            refused = site.client.post(f"{BACKUPS}/{name}/restore", json=body)
            assert (refused.status_code, "confirm" in refused.json()["detail"]) == (422, True)
        site.client.post("/api/v1/vectors/collections", json={"name": "later", "dimensions": 2}).raise_for_status()
        staged = site.client.post(f"{BACKUPS}/{name}/restore", json={"confirm": name})
        assert (staged.status_code, staged.json()["backup"]) == (202, name)
        assert site.client.get(BACKUPS).json()["staged"] == staged.json()
        assert site.client.delete(f"{BACKUPS}/{name}").status_code == 409
        assert site.client.get("/api/v1/vectors/collections").json()["items"]
    (tmp_path / "plugins").rmdir()
    with Served(tmp_path, {}) as again:
        overview = again.client.get(BACKUPS).json()
        assert (overview["staged"], overview["restored"]["ok"]) == (None, True)
        assert again.client.get("/api/v1/vectors/collections").json()["items"] == []
        assert again.client.post("/api/v1/audit/verify").json()["ok"] is True


def test_who_logged_in_before_the_backup_has_to_log_in_again_after_its_restore(tmp_path: Path) -> None:
    with Served(tmp_path, {}, access=AccessSettings(**CHEAP)) as site:
        order = {"key": site.host.access.make_setup_key(), "name": "ann", "password": "a long enough phrase"}
        del site.client.headers["authorization"]
        made = site.client.post("/api/v1/setup", json=order)
        made.raise_for_status()
        csrf = {"x-csrf-token": made.json()["csrf"]}
        name = site.client.post(BACKUPS, headers=csrf).json()["name"]
        site.client.post(f"{BACKUPS}/{name}/restore", json={"confirm": name}, headers=csrf).raise_for_status()
        assert site.client.get(BACKUPS).json()["staged"]["by"] == "ann"
        cookies = dict(site.client.cookies)
        for path in (BACKUPS, SETTINGS, "/api/v1/diagnostics", "/api/v1/host", "/api/v1/metrics/series"):
            assert httpx.get(f"{site.url}{path}").status_code == 401
    (tmp_path / "plugins").rmdir()
    with Served(tmp_path, {}, access=AccessSettings(**CHEAP)) as again:
        assert httpx.get(f"{again.url}{BACKUPS}", cookies=cookies).status_code == 401
        del again.client.headers["authorization"]
        login = again.client.post("/api/v1/session", json={"name": "ann", "password": "a long enough phrase"})
        assert login.status_code == 200
        assert again.client.get(BACKUPS).json()["restored"]["ok"] is True


def test_changes_are_told_to_the_bus(served: Served) -> None:
    served.client.put(f"{SETTINGS}/max_instances", json={"value": 7}).raise_for_status()
    served.client.delete(f"{SETTINGS}/max_instances").raise_for_status()
    name = served.client.post(BACKUPS).json()["name"]
    served.client.delete(f"{BACKUPS}/{name}").raise_for_status()

    def told() -> list[tuple[str, Any]]:
        items = served.client.get("/api/v1/events", params={"limit": 500}).json()["items"]
        return [(one["topic"], one["data"]["name"]) for one in items if one["topic"].startswith(("set", "back"))]

    wanted = {("settings.changed", "max_instances"), ("backups.made", name), ("backups.deleted", name)}
    until(lambda: wanted <= set(told()))


def test_a_restore_can_be_taken_back(served: Served) -> None:
    name = served.client.post(BACKUPS).json()["name"]
    assert served.client.post(f"{BACKUPS}/{name}/restore", json={"confirm": name}).status_code == 202
    assert served.client.delete(f"{BACKUPS}/{name}/restore").status_code == 204
    assert served.client.delete(f"{BACKUPS}/{name}/restore").status_code == 404
    assert served.client.delete(f"{BACKUPS}/{name}").status_code == 204


@pytest.mark.parametrize("name", NAMES)
def test_names_of_no_backup_lead_nowhere(served: Served, name: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", "/restore")):
        answer = served.client.request(method, f"{BACKUPS}/{name}{path}")
        assert answer.status_code in (404, 405, 409), (method, answer.text)


def test_a_file_that_is_no_backup_is_not_staged(served: Served) -> None:
    folder = served.settings.data / "backups"
    folder.mkdir(exist_ok=True)
    (folder / "foreign.backup").write_bytes(b"PK\x03\x04 nothing")
    answer = served.client.post(f"{BACKUPS}/foreign.backup/restore", json={"confirm": "foreign.backup"})
    assert (answer.status_code, "is no backup" in answer.json()["detail"]) == (422, True)
    assert served.client.delete(f"{BACKUPS}/foreign.backup").status_code == 204


def test_diagnostics_are_one_file_of_known_parts(served: Served) -> None:
    answer = served.client.get("/api/v1/diagnostics")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="omnicore-diagnostics-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(parts) == {
        *("host.json", "health.json", "settings.json", "plugins.json", "events.json", "logs.txt", "metrics.txt"),
    }
    assert not [name for name, text in parts.items() if "could not be made" in text]
    assert json.loads(parts["plugins.json"])[0]["name"] == "echo"
    assert "omnicore_plugins" in parts["metrics.txt"]


def test_a_password_in_the_url_of_the_database_is_shown_nowhere(tmp_path: Path, postgresql_pool: Any) -> None:
    with postgresql_pool.database() as url:
        place = url + ("&" if "?" in url else "?") + "application_name=hush-database"
        with Served(tmp_path, {}, storage=StorageSettings(url=place)) as site:
            told = site.client.get("/api/v1/host").json()["storage"]
            assert "hush" not in told
            assert "hush" not in site.client.get(SETTINGS).text


def test_a_postgresql_database_is_restored_at_the_next_start_too(tmp_path: Path, postgresql_pool: Any) -> None:
    with postgresql_pool.database() as url:
        storage = StorageSettings(url=url)
        with Served(tmp_path, {}, storage=storage) as site:
            name = site.client.post(BACKUPS).json()["name"]
            site.client.post("/api/v1/vectors/collections", json={"name": "later", "dimensions": 2}).raise_for_status()
            site.client.post(f"{BACKUPS}/{name}/restore", json={"confirm": name}).raise_for_status()
        (tmp_path / "plugins").rmdir()
        with Served(tmp_path, {}, storage=storage) as again:
            assert again.client.get(BACKUPS).json()["restored"]["ok"] is True
            assert again.client.get("/api/v1/vectors/collections").json()["items"] == []


def test_calls_are_kept_with_what_they_cost_and_inputs_without_secrets(tmp_path: Path) -> None:
    """Of calls that go well one for a function and second is kept, of those that fail all."""
    chosen = TelemetrySettings(call_input=40)
    with Served(tmp_path, {"many.wat": MANY}, threads=4, telemetry=chosen) as site:
        call = "/api/v1/plugins/many/functions"
        for function, given in (("echo", b"first"), ("echo", b"second"), ("fail", b"out of tea token=abcdefgh1")):
            site.client.post(f"{call}/{function}", content=given)
        bad, good = site.client.get("/api/v1/calls", params={"plugin": "many"}).json()["items"]
        assert (good["function"], good["state"], good["input"], good["input_bytes"]) == ("echo", "ok", "first", 5)
        assert good["time_ms"] > 0
        assert good["memory_bytes"] >= 65536
        assert good["hash"] == site.client.get("/api/v1/plugins/many").json()["hash"]
        assert (bad["function"], bad["code"]) == ("fail", "guest-failed")
        assert bad["input"].startswith("out of tea")
        assert "abcdefgh1" not in json.dumps(bad)
        for asked, found in (
            ({"state": "failed"}, [bad]),
            ({"function": "echo", "version": good["hash"][:8]}, [good]),
            ({"q": "out tea"}, [bad]),
            ({"least_ms": "600000"}, []),
            ({"until": "1"}, []),
            ({"limit": "1"}, [bad]),
        ):
            assert site.client.get("/api/v1/calls", params=asked).json()["items"] == found
        following = site.client.get("/api/v1/calls", params={"limit": "1"}).json()["next"]
        assert site.client.get("/api/v1/calls", params={"cursor": following}).json()["items"] == [good]
        assert site.client.get(f"/api/v1/calls/{bad['id']}").json() == bad
        for wrong in ({"cursor": "call_1"}, {"least_ms": "nan"}, {"state": "odd"}):
            assert site.client.get("/api/v1/calls", params=wrong).status_code == 422
        made = site.host.access.tokens.add("t", owner=make(site.host.access, "eve", Role.viewer).id, role=Role.admin)[1]
        seen = httpx.get(f"{site.url}/api/v1/calls", headers={"authorization": f"Bearer {made}"}).json()["items"]
        assert [one["input"] for one in seen] == [None, None]
        site.client.delete("/api/v1/plugins/many")
        assert site.client.get(f"/api/v1/calls/{bad['id']}").status_code == 404
