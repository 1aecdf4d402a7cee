"""Versions, upgrades, settings and how a plugin fares, over REST."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from tests.api.conftest import ASKS, ECHO, MANY, Site, many

from omnicore.sandbox.capi.code import wat_to_wasm

ONE, TWO = (wat_to_wasm(text.encode()) for text in (ECHO, MANY))
OLD, NEW = (hashlib.sha256(one).hexdigest() for one in (ONE, TWO))
AT = "/api/v1/plugins/a"


@pytest.fixture
def changed(site: Site) -> Site:
    """A plugin of which a second version was installed that asks for more."""
    site.drop("a.wasm", ONE)
    site.drop("a.wasm", TWO, ASKS.format(name="a"))
    return site


def test_versions_are_listed_and_gone_back_to(changed: Site) -> None:
    items = changed.client.get(f"{AT}/versions").json()["items"]
    assert [(one["hash"], one["newest"], one["serving"]) for one in items] == [(NEW, True, False), (OLD, False, True)]
    back = changed.client.post(f"{AT}/rollback", json={"hash": OLD})
    assert (back.status_code, back.json()["hash"], back.json()["state"]) == (200, OLD, "enabled")
    assert changed.settings.plugins.joinpath("a.wasm").read_bytes() == ONE


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"hash": 5}, 422), ({"hash": "f" * 64}, 404), ({"hash": NEW}, 409), ({"hash": "../../etc"}, 422)],
)
def test_a_rollback_to_nothing_is_refused(changed: Site, body: dict[str, object], status: int) -> None:
    assert changed.client.post(f"{AT}/rollback", json=body).status_code == status


def test_a_rollout_is_begun_shown_and_stopped(site: Site) -> None:
    site.drop("a.wasm", ONE)
    site.host.install("a.wasm", TWO, hold=True)
    assert site.client.get(AT).json()["rollout"] is None
    order = {"version": NEW[:8], "shares": [5, 100], "every_s": 60, "guards": ["errors<1%"]}
    begun = site.client.post(f"{AT}/rollout", json=order)
    assert (begun.status_code, begun.json()["state"], begun.json()["digest"]) == (200, "running", NEW)
    shown = site.client.get(AT).json()
    assert (shown["shares"], shown["rollout"]["guards"]) == ({OLD: 95, NEW: 5}, ["errors<1%"])
    assert site.client.post(f"{AT}/rollout", json=order).status_code == 409
    stopped = site.client.post(f"{AT}/rollout/stop").json()
    assert (stopped["state"], site.client.get(AT).json()["serving"]) == ("stopped", OLD)
    assert site.client.post(f"{AT}/rollout/stop").status_code == 409


def test_a_rollout_is_watched_and_promoted(site: Site) -> None:
    site.drop("a.wasm", ONE)
    site.host.install("a.wasm", TWO, hold=True)
    assert site.client.get(f"{AT}/rollout").status_code == 404
    assert site.client.get("/api/v1/rollouts").json() == {"items": []}
    order = {"version": NEW, "shares": [5, 100], "every_s": 60, "guards": ["errors<1%"]}
    site.client.post(f"{AT}/rollout", json=order)
    shown = site.client.get(f"{AT}/rollout").json()
    assert (shown["share"], shown["after"]["hash"], shown["before"]["hash"]) == (5, NEW, OLD)
    assert [one["state"] for one in shown["guards"]] == ["waits"]
    assert [one["rollout"]["plugin"] for one in site.client.get("/api/v1/rollouts").json()["items"]] == ["a"]
    assert site.client.post(f"{AT}/rollout/resume").status_code == 409
    assert site.client.post(f"{AT}/rollout/pause").json()["paused_at"] is not None
    assert site.client.get(f"{AT}/rollout").json()["next_at"] is None
    assert site.client.post(f"{AT}/rollout/resume").json()["paused_at"] is None
    done = site.client.post(f"{AT}/rollout/promote").json()
    assert (done["state"], site.client.get(AT).json()["serving"]) == ("done", NEW)
    assert site.client.post(f"{AT}/rollout/promote").status_code == 409
    assert site.client.get("/api/v1/rollouts").json() == {"items": []}


def test_calls_of_a_plugin_are_limited_shown_and_refused_with_retry_after(site: Site) -> None:
    site.drop("a.wasm", ONE)
    assert site.client.get(f"{AT}/limit").json()["per_second"] is None
    limited = site.client.put(f"{AT}/limit", json={"concurrent": 8, "per_second": 0.5})
    assert (limited.status_code, limited.json()["concurrent"]) == (200, 8)
    answers = [site.client.post(f"{AT}/functions/echo", content=b"x") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 429, 429]
    problem = answers[-1].json()
    assert (problem["code"], problem["limit"]) == ("limit-exceeded", "plugin_per_second")
    assert answers[-1].headers["retry-after"] == "2"
    assert site.client.put(f"{AT}/limit", json={}).json()["who"] is None
    assert site.client.post(f"{AT}/functions/echo", content=b"x").status_code == 200


@pytest.mark.parametrize(
    ("body", "path"), [({"concurrent": 0}, "concurrent"), ({"per_second": "5"}, "per_second"), ({"rate": 5}, "rate")]
)
def test_limits_that_are_none_are_refused_with_their_path(site: Site, body: dict[str, object], path: str) -> None:
    site.drop("a.wasm", ONE)
    refused = site.client.put(f"{AT}/limit", json=body)
    assert (refused.status_code, refused.json()["path"]) == (422, path)
    assert site.client.put("/api/v1/plugins/nobody/limit", json={}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"version": None}, "version"),
        ({"shares": [5, 50]}, "shares"),
        ({"shares": ["5"]}, "shares"),
        ({"every_s": 0}, "every_s"),
        ({"guards": ["errors<2x"]}, "guards"),
        ({"gaurds": []}, "gaurds"),
    ],
)
def test_a_rollout_that_is_wrong_is_refused_with_its_path(site: Site, changes: dict[str, object], path: str) -> None:
    site.drop("a.wasm", ONE)
    site.host.install("a.wasm", TWO, hold=True)
    refused = site.client.post(f"{AT}/rollout", json={"version": NEW, **changes})
    assert (refused.status_code, refused.json()["path"].startswith(path)) == (422, True)


def test_an_upgrade_shows_the_whole_difference_and_is_approved(changed: Site) -> None:
    upgrade = changed.client.get(f"{AT}/upgrade").json()
    assert (upgrade["from"]["hash"], upgrade["to"]["hash"], upgrade["waiting"]) == (OLD, NEW, True)
    assert [(one["capability"], one["change"]) for one in upgrade["changes"]] == [("kv", "new"), ("events", "new")]
    assert upgrade["functions"]["added"] == ["spin", "busy", "trap", "fail", "warn"]
    approved = changed.client.post(f"{AT}/upgrade", json={"decision": "approve", "digest": upgrade["digest"]}).json()
    assert (approved["state"], approved["serving"]) == ("enabled", NEW)


def test_an_upgrade_is_turned_away_and_told_so(changed: Site) -> None:
    kept = changed.client.post(f"{AT}/upgrade", json={"decision": "keep"}).json()
    assert (kept["state"], kept["serving"]) == ("enabled", OLD)
    upgrade = changed.client.get(f"{AT}/upgrade").json()
    assert (upgrade["waiting"], upgrade["kept"]["at"] > 0) == (False, True)


@pytest.mark.parametrize("digest", [None, 5, ["a"]])
def test_an_approval_names_the_version_that_was_looked_at(changed: Site, digest: object) -> None:
    refused = changed.client.post(f"{AT}/upgrade", json={"decision": "approve", "digest": digest})
    assert (refused.status_code, refused.json()["path"]) == (422, "digest")
    other = changed.client.post(f"{AT}/upgrade", json={"decision": "keep", "digest": "f" * 64})
    assert (other.status_code, changed.host.get("a").state) == (409, "needs-review")


@pytest.mark.parametrize("decision", [None, "maybe", 5, ["keep"]])
def test_a_decision_is_one_of_two(changed: Site, decision: object) -> None:
    refused = changed.client.post(f"{AT}/upgrade", json={"decision": decision})
    assert (refused.status_code, refused.json()["path"]) == (422, "decision")


def test_settings_are_stored_and_shown(site: Site) -> None:
    site.drop("a.wasm", ONE, '[config.properties.days]\ntype = "integer"\n')
    put = site.client.put(f"{AT}/config", json={"values": {"days": 3}})
    assert put.status_code == 200, put.text
    shown = site.client.get(f"{AT}/config").json()
    assert shown == put.json() == {**shown, "values": {"days": 3}, "origins": {"days": "stored"}, "secrets": []}
    refused = site.client.put(f"{AT}/config", json={"values": {"days": "many"}})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-setting")
    assert site.client.put(f"{AT}/config", json={"values": []}).status_code == 422


def test_a_plugin_tells_how_it_fares(site: Site) -> None:
    calls = many(site)
    site.client.post(f"{calls}/trap")
    status = site.client.get("/api/v1/plugins/many/status").json()
    assert (status["calls"], status["errors"], status["breaker"]["failures"]) == (1, 1, 1)
    assert status["limits"]["timeout_s"] == {"value": 20.0, "origin": "manifest"}


@pytest.mark.parametrize("path", ["versions", "upgrade", "config", "status"])
def test_of_a_plugin_that_is_not_there_nothing_is_told(site: Site, path: str) -> None:
    assert site.client.get(f"/api/v1/plugins/nobody/{path}").status_code == 404


def test_a_list_is_narrowed_by_state_and_by_text(site_with: Callable[..., Site]) -> None:
    site = site_with()
    for name in ("beta", "alpha", "al_ha"):
        site.drop(f"{name}.wasm", ONE)
    site.settings.plugins.joinpath("broken.wasm").write_bytes(b"nonsense")
    site.host.scan()

    def names(**query: str) -> list[str]:
        return [one["name"] for one in site.client.get("/api/v1/plugins", params=query).json()["items"]]

    assert names() == ["al-ha", "alpha", "beta", "broken"]
    assert names(state="rejected") == ["broken"]
    assert names(q="ALPH") == ["alpha"]
    assert names(q="%") == names(q="_lpha") == []
    assert names(q="al_ha") == ["al-ha"]  # its file
    assert names(q="native code") == names(q="no such thing") == []
    assert site.client.get("/api/v1/plugins?state=happy").status_code == 422
    first = site.client.get("/api/v1/plugins?limit=3&state=enabled&q=a").json()
    assert first["next"] is None
    page = site.client.get("/api/v1/plugins?limit=2").json()
    rest = site.client.get("/api/v1/plugins", params={"limit": 2, "cursor": page["next"]}).json()
    assert [one["name"] for one in (*page["items"], *rest["items"])] == names()
    assert rest["next"] is None


def test_what_no_list_was_asked_with_is_refused_or_finds_nothing(site: Site) -> None:
    assert site.client.get("/api/v1/plugins?cursor=AA").status_code == 422  # a name with NUL in it
    assert site.client.get("/api/v1/plugins?q=%00%ff" + "x" * 5000).json()["items"] == []


def test_each_rejected_file_is_listed_with_its_reason_and_what_to_do(site: Site) -> None:
    broken = {
        "empty.wasm": b"",
        "native.wasm": b"\x7fELF" + b"\0" * 60,
        "ready.cwasm": b"\x7fELF",
        "text.wat": b"(module",
        "cut.wasm": ONE[:-5],
        "lacks.wat": b'(module (import "nobody" "knows" (func)) (func (export "f")))',
        "taken.wat": ECHO.encode(),
        "toml.wat": ECHO.encode(),
    }
    site.drop("first.wasm", ONE)
    for name, content in broken.items():
        site.settings.plugins.joinpath(name).write_bytes(content)
    site.settings.plugins.joinpath("taken.toml").write_text('name = "first"')
    site.settings.plugins.joinpath("toml.toml").write_text("warm = many")
    site.settings.plugins.joinpath("link.wasm").symlink_to("first.wasm")
    site.host.scan()
    items = site.client.get("/api/v1/plugins?state=rejected").json()["items"]
    assert {one["path"] for one in items} == {*broken, "link.wasm"}
    for one in items:
        assert "; " in one["reason"], one["reason"]
        assert one["trust"] == "sandboxed"
