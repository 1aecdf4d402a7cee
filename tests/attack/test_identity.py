"""Other code under a plugin's name: what was given to that name is released only to code that was accepted for it."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.attack.conftest import Start, signed_in
from tests.plugins.conftest import Rig, engine, rig, rig_at
from tests.plugins.guests import door, module, says, with_manifest

from omnicore.capabilities.services import Services
from omnicore.clock import SystemClock
from omnicore.connectors.http import HttpClient
from omnicore.errors import Conflict, NotFound, OmniError, PermissionDenied
from omnicore.jobs.tasks import StoredTasks
from omnicore.loops.handlers import PluginHandlers, Wish
from omnicore.sandbox.abi import MIB
from omnicore.storage import migrations
from omnicore.storage.database import Database
from omnicore.storage.migrations import STEPS
from omnicore.storage.tables.tasks import TaskOrder

__all__ = ["engine", "rig", "rig_at"]

ASKS = [{"name": "kv", "reason": "Stores the count"}]
KV = '[[capabilities]]\nname = "kv"\nreason = "Stores the count"\n'
READS = door("kv_get_v1")
EVIL = module(
    """(func (export "ask") (result i32) (local $reply i64)
      (local.set $reply (call $door (call $input)))
      (call $output (local.get $reply) (call $block_length (local.get $reply))) (i32.const 0))
    (func (export "steal") (result i32) (call $say (i32.const 33)) (i32.const 0))""",
    imports='(import "extism:host/user" "kv_get_v1" (func $door (param i64) (result i64)))'
    '(import "extism:host/user" "http_fetch_v1" (func $fetch (param i64) (result i64)))',
)


def store(text: str = READS, version: str = "2.0.0") -> bytes:
    """A plugin named `store` that asks for `kv`."""
    return with_manifest(text, {"name": "store", "version": version, "capabilities": ASKS})


def read(rig: Rig) -> object:
    """What the plugin's function reads under the key `k`."""
    return json.loads(rig.host.call_blocking("store.ask", b'{"key": "k"}'))


def digest_of(rig: Rig, name: str = "store") -> str:
    return rig.host.upgrade(name).digest


@pytest.fixture
def held(rig: Rig) -> Rig:
    """A plugin that was granted `kv` and has stored something."""
    rig.drop("store.wasm", store())
    rig.scan()
    rig.host.grant("store", "kv", who="ann")
    rig.kv.put("store", "k", b"secret")
    assert read(rig) == {"value": "secret", "version": 1}
    return rig


def test_other_code_of_a_lower_version_with_a_new_function_waits_while_the_accepted_one_serves(held: Rig) -> None:
    held.drop("store.wasm", store(EVIL, "1.0.0"))
    assert held.scan() == {"store": "needs-review"}
    assert read(held) == {"value": "secret", "version": 1}
    with pytest.raises(NotFound, match="no function 'steal'"):
        held.host.call_blocking("store.steal")
    assert held.host.get("store").serving == hashlib.sha256(store()).hexdigest()


def test_the_review_shows_code_imports_digests_and_that_the_version_is_lower(held: Rig) -> None:
    held.drop("store.wasm", store(EVIL, "1.0.0"))
    held.scan()
    upgrade = held.host.upgrade("store").to_json()
    assert (upgrade["lower"], upgrade["waiting"]) == (True, True)
    assert upgrade["digest"] == upgrade["to"]["hash"] == hashlib.sha256(store(EVIL, "1.0.0")).hexdigest()
    assert (upgrade["from"]["version"], upgrade["to"]["version"]) == ("2.0.0", "1.0.0")
    assert upgrade["functions"]["added"] == ["steal"]
    assert upgrade["code"]["exports"] == {"added": ["steal"], "removed": []}
    assert upgrade["code"]["imports"] == {"added": ["extism:host/user::http_fetch_v1"], "removed": []}
    assert upgrade["review"] == "is new code under a name that holds grants, kv"


def test_a_second_file_that_claims_a_name_is_rejected_and_says_which_file_holds_it(held: Rig) -> None:
    held.drop("a-first.wasm", store(EVIL, "9.0.0"))
    assert held.scan() == {"store": "enabled", "a-first.wasm": "rejected"}
    assert "its name store is taken by store.wasm" in held.host.get("a-first.wasm").reason
    assert held.host.get("store").path == "store.wasm"


def test_a_file_that_waits_for_a_name_does_not_inherit_it_when_its_holder_goes(held: Rig) -> None:
    held.drop("a-first.wasm", store(EVIL, "9.0.0"))
    held.scan()
    (held.settings.plugins / "store.wasm").unlink()
    held.scan()
    assert held.scan() == {"store": "needs-review"}
    with pytest.raises(OmniError, match=r"no function 'steal'|new code"):
        held.host.call_blocking("store.steal")


def test_code_that_comes_after_the_holder_was_gone_does_not_inherit(held: Rig) -> None:
    (held.settings.plugins / "store.wasm").unlink()
    assert held.scan() == {}
    held.drop("other.wasm", store(EVIL, "1.0.0"))
    assert held.scan() == {"store": "needs-review"}
    with pytest.raises(PermissionDenied, match="omnicore plugins upgrade store"):
        held.host.call_blocking("store.ask", b'{"key": "k"}')
    assert held.host.upgrade("store").before is not None  # what was accepted last is what it is held against


def test_the_accepted_file_takes_its_name_back_from_one_that_came_while_it_was_away(held: Rig) -> None:
    (held.settings.plugins / "store.wasm").unlink()
    held.scan()
    held.drop("a-first.wasm", store(EVIL, "1.0.0"))
    held.scan()
    held.drop("store.wasm", store())
    held.scan()
    assert held.scan() == {"store": "enabled", "a-first.wasm": "rejected"}
    assert read(held) == {"value": "secret", "version": 1}


def test_a_renamed_file_keeps_its_name_though_another_claims_it_in_the_same_moment(held: Rig) -> None:
    held.drop("a-first.wasm", store(EVIL, "9.0.0"))
    (held.settings.plugins / "store.wasm").rename(held.settings.plugins / "z-last.wasm")
    held.scan()
    assert held.scan() == {"store": "enabled", "a-first.wasm": "rejected"}
    assert held.host.get("store").path == "z-last.wasm"
    assert read(held) == {"value": "secret", "version": 1}


@pytest.mark.parametrize(
    "stem", ["Store", "STORE", unicodedata.normalize("NFKD", "Stóre"), "\uff53\uff54ore", "st\u043ere"]
)
def test_a_name_that_only_looks_alike_is_the_same_one_or_holds_nothing(held: Rig, stem: str) -> None:
    held.drop(f"{stem}.wat", READS)
    held.drop(f"{stem}.toml", KV)
    found = held.scan()
    assert found.pop("store") == "enabled"
    (other,) = found
    assert found[other] in ("rejected", "needs-grant")
    assert held.host.get(other).granted == ()
    assert held.host.get("store").path == "store.wasm"


def test_a_file_swapped_between_look_and_decision_is_not_the_one_that_is_accepted(held: Rig) -> None:
    held.drop("store.wasm", store(READS, "3.0.0"))
    held.scan()
    seen = digest_of(held)
    held.drop("store.wasm", store(EVIL, "3.0.0"))
    held.scan()
    with pytest.raises(Conflict, match=f"the newest version of store is .*, not {seen[:12]}"):
        held.host.approve("store", seen, who="ann")
    with pytest.raises(Conflict):
        held.host.approve("store", digest_of(held)[:4], who="ann")  # so short that another could be made to fit
    assert held.host.get("store").state == "needs-review"
    assert held.host.get("store").serving == hashlib.sha256(store()).hexdigest()


def test_bytes_swapped_on_the_disk_after_the_look_are_not_run_by_the_approval_of_the_others(held: Rig) -> None:
    held.drop("store.wasm", store(says("N"), "3.0.0"))
    held.scan()
    seen = digest_of(held)
    held.drop("store.wasm", store(EVIL, "3.0.0"))  # no look at the folder since
    assert held.host.approve("store", seen, who="ann").serving == hashlib.sha256(store(says("N"), "3.0.0")).hexdigest()
    assert held.host.call_blocking("store.say") == b"N"
    assert held.scan() == {"store": "needs-review"}
    assert held.host.call_blocking("store.say") == b"N"


@pytest.mark.parametrize(
    "sidecar",
    [
        KV.replace("Stores", "Now stores"),
        f'{KV}scope = {{ prefix = "" }}\n',
        f'{KV}[limits]\nmemory_bytes = 536870912\nreason = "More"\n',
        f'{KV}[[capabilities]]\nname = "http"\nreason = "Tells"\nscope = {{ hosts = ["evil.test"] }}\n',
        f'name = "store"\n{KV}[wasi]\nargs = ["--leak"]\n',
    ],
)
def test_a_manifest_beside_accepted_code_changes_nothing_before_it_is_accepted(held: Rig, sidecar: str) -> None:
    before = held.host.status("store").to_json()["limits"]
    held.drop("store.toml", sidecar if "name =" in sidecar.split("[", maxsplit=1)[0] else f'name = "store"\n{sidecar}')
    state = held.scan()["store"]
    assert state in ("needs-review", "rejected")
    assert held.host.status("store").to_json()["limits"] == before
    assert held.host.scope("store", "http") is None
    assert read(held) == {"value": "secret", "version": 1}
    (held.settings.plugins / "store.toml").unlink()
    assert held.scan() == {"store": "enabled"}


def test_a_manifest_that_waits_opens_no_door_for_what_an_answer_asks_for(held: Rig) -> None:
    quiet = with_manifest(READS, {"name": "store", "version": "3.0.0"})
    held.drop("store.wasm", quiet)
    assert held.scan() == {"store": "needs-review"}
    held.host.approve("store", digest_of(held), who="ann", grants=False)
    held.drop("store.toml", f'name = "store"\n{KV}')
    assert held.scan() == {"store": "needs-review"}
    http = HttpClient()
    handlers = PluginHandlers(held.host, Services(kv=held.kv, http=http, events=held.events), held.events)
    with pytest.raises(PermissionDenied):
        asyncio.run(handlers.act("store", Wish("kv.delete", {"key": "k"})))
    handlers.close()
    http.close()
    assert held.kv.get("store", "k") is not None


def test_a_manifest_that_was_turned_away_is_not_asked_for_again_and_can_be_put_right_by_a_rollback(held: Rig) -> None:
    wide = f'name = "store"\n{KV}[[capabilities]]\nname = "events"\nreason = "Tells"\nscope = {{ topics = ["x"] }}\n'
    held.drop("store.toml", wide)
    held.scan()
    assert held.host.keep("store", digest_of(held), who="ann").state == "enabled"
    assert not held.host.upgrade("store").waiting
    held.drop("store.toml", f"{wide}# once more\n")
    assert held.scan() == {"store": "needs-review"}
    held.host.rollback("store", hashlib.sha256(store()).hexdigest(), who="ann")
    assert not (held.settings.plugins / "store.toml").exists()
    assert held.host.get("store").state == "enabled"


def test_an_accepted_version_comes_back_without_a_review_and_one_never_accepted_with(held: Rig) -> None:
    held.drop("store.wasm", store(EVIL, "3.0.0"))
    held.scan()
    held.drop("store.wasm", store(says("N"), "4.0.0"))
    held.scan()
    assert held.host.approve("store", digest_of(held), who="bob").state == "enabled"
    assert [one.accepted and one.accepted["who"] for one in held.host.versions("store")] == ["bob", None, "ann"]
    first, never = (hashlib.sha256(one).hexdigest() for one in (store(), store(EVIL, "3.0.0")))
    assert held.host.rollback("store", first, who="bob").state == "enabled"
    assert read(held) == {"value": "secret", "version": 1}
    view = held.host.rollback("store", never, who="bob")
    assert (view.state, view.serving) == ("needs-review", first)
    assert read(held) == {"value": "secret", "version": 1}


def test_code_that_nobody_looked_at_comes_not_back_to_a_name_that_has_settings_by_now(rig: Rig) -> None:
    spy, good = door("config_get_v1"), says("1")
    rig.drop("a.wat", spy)
    rig.scan()
    rig.drop("a.wat", good)
    assert rig.scan() == {"a": "enabled"}  # nothing is kept for the name
    rig.host.configure("a", {"key": "hush"}, who="ann")
    rig.drop("a.wat", spy)
    assert rig.scan() == {"a": "needs-review"}
    assert rig.host.call_blocking("a") == b"1"
    (rig.settings.plugins / "a.wat").unlink()
    rig.scan()
    rig.drop("a.wat", good)
    assert rig.scan() == {"a": "enabled"}  # the settings were given to this code


def test_a_grant_for_a_first_version_is_for_that_code(rig: Rig) -> None:
    http = {"name": "http", "reason": "Asks", "scope": {"hosts": ["api.test"]}}
    both = [with_manifest(one, {"name": "store", "capabilities": [*ASKS, http]}) for one in (READS, EVIL)]
    rig.drop("store.wasm", both[0])
    rig.scan()
    assert rig.host.grant("store", "kv", who="ann").state == "needs-grant"
    rig.drop("store.wasm", both[1])
    assert rig.scan() == {"store": "needs-review"}
    assert rig.host.grant("store", "http", who="ann").state == "needs-review"
    with pytest.raises(PermissionDenied):
        rig.host.call_blocking("store.steal")


def test_data_of_a_name_is_not_for_the_first_file_that_claims_it(rig: Rig) -> None:
    rig.kv.put("store", "k", b"secret")
    rig.drop("store.wasm", store())
    assert rig.scan() == {"store": "needs-review"}
    rig.host.grant("store", "kv", who="ann")
    with pytest.raises(PermissionDenied):
        read(rig)
    assert rig.host.approve("store", who="ann").state == "enabled"


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_task_of_a_name_is_not_for_the_code_that_comes_while_it_is_pending(rig: Rig, state: str) -> None:
    rig.drop("store.wasm", with_manifest(says("A"), {"name": "store"}))
    assert rig.scan() == {"store": "enabled"}
    StoredTasks(rig.database).submit(TaskOrder("store.say", {"card": "4111"}))
    with rig.database.write() as session:
        session.execute("UPDATE tasks SET state = ?", (state,))
    rig.drop("store.wasm", with_manifest(says("B"), {"name": "store"}))
    assert rig.scan() == {"store": "needs-review"}


def test_what_was_removed_leaves_nothing_that_a_later_file_could_take(held: Rig) -> None:
    held.host.remove("store")
    held.drop("store.wasm", store(EVIL))
    assert held.scan() == {"store": "needs-grant"}
    assert held.kv.get("store", "k") is None


@pytest.mark.parametrize(
    ("review", "same", "more"), [("new-requests", "enabled", "needs-review"), ("never", "enabled", "needs-grant")]
)
def test_an_owner_may_ask_for_less_review(
    rig_at: Callable[..., Rig], tmp_path: Path, review: str, same: str, more: str
) -> None:
    rig = rig_at(tmp_path, plugin_review=review)
    rig.drop("store.wasm", store())
    rig.scan()
    rig.host.grant("store", who="ann")
    rig.drop("store.wasm", store(EVIL, "3.0.0"))
    assert rig.scan() == {"store": same}
    rig.drop("store.toml", f'name = "store"\n{KV}[limits]\ntimeout_s = 9.0\n')
    assert rig.scan() == {"store": more}


# -- limits


def test_limits_above_the_hosts_own_are_granted_like_a_capability(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.drop("a.toml", '[limits]\nmemory_bytes = 536870912\ntimeout_s = 0.5\nreason = "Big pictures"\n')
    assert rig.scan() == {"a": "needs-grant"}
    with pytest.raises(PermissionDenied, match="a has no grant for limits; run `omnicore plugins grant a limits`"):
        rig.host.call_blocking("a")
    (change,) = rig.host.diff("a")
    assert (change.capability, change.asked, change.reason) == ("limits", {"memory_bytes": 536870912}, "Big pictures")
    assert rig.host.grant("a", "limits", who="ann").limits["memory_bytes"] == 536870912
    assert rig.host.call_blocking("a") == b"1"
    assert rig.host.revoke("a", "limits", who="ann").state == "needs-grant"


def test_a_grant_of_limits_is_for_what_was_asked_and_never_above_the_hosts_most(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.drop("a.toml", "[limits]\ntimeout_s = 2.0\nhost_calls = 9000000\n")
    rig.scan()
    rig.host.grant("a", who="ann")
    held = rig.host.status("a").limits
    assert (held["timeout_s"].value, held["host_calls"].value) == (2.0, rig.settings.max_limits.host_calls)
    rig.drop("a.toml", "[limits]\ntimeout_s = 3.0\nhost_calls = 9000000\n")
    assert rig.scan() == {"a": "needs-review"}
    assert rig.host.status("a").limits["timeout_s"].value == 2.0


def test_a_guest_that_asks_for_memory_without_a_grant_gets_none_of_it(rig: Rig) -> None:
    grows = module(
        '(func (export "grow") (result i32)'
        " (if (i32.eq (memory.grow (i32.const 7000)) (i32.const -1)) (then unreachable))"
        " (call $say (i32.const 49)) (i32.const 0))"
    )
    rig.drop("a.wat", grows)
    rig.drop("a.toml", "[limits]\nmemory_bytes = 536870912\n")
    rig.scan()
    with pytest.raises(PermissionDenied):
        rig.host.call_blocking("a")
    rig.host.grant("a", who="ann")
    assert rig.host.call_blocking("a") == b"1"
    less = dataclasses.replace(rig.settings.max_limits, memory_bytes=64 * MIB)
    rig.host.use(dataclasses.replace(rig.settings, max_limits=less))  # a grant is never above what the host allows
    with pytest.raises(OmniError):
        rig.host.call_blocking("a")


# -- over REST


def test_the_digest_that_was_seen_is_the_one_that_is_accepted_over_rest(start: Start) -> None:
    host = start()
    with signed_in(host) as admin:
        _upload(admin, store())
        admin.post("/api/v1/plugins/store/grants", json={})
        assert _upload(admin, store(READS, "3.0.0"))["state"] == "needs-review"
        seen = admin.get("/api/v1/plugins/store/upgrade").json()["digest"]
        _upload(admin, store(EVIL, "3.0.0"))
        order = {"decision": "approve", "digest": seen}
        refused = admin.post("/api/v1/plugins/store/upgrade", json=order)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert admin.post("/api/v1/plugins/store/functions/steal").status_code == 404
        order["digest"] = admin.get("/api/v1/plugins/store/upgrade").json()["digest"]
        assert admin.post("/api/v1/plugins/store/upgrade", json=order).json()["state"] == "enabled"
        version = admin.get("/api/v1/plugins/store/versions").json()["items"][0]
        assert version["accepted"]["who"] == "rest:ada"
        rows = admin.get("/api/v1/audit").json()["items"]
        assert any(row["action"] == "decideUpgrade" for row in rows), rows


def test_a_manifest_that_waits_does_not_say_what_an_answer_is(start: Start) -> None:
    host = start()
    with signed_in(host) as admin:
        _upload(admin, store())
        admin.post("/api/v1/plugins/store/grants", json={})
        page = {"name": "store", "capabilities": ASKS, "functions": {"ask": {"output_media": "text/plain"}}}
        assert _upload(admin, with_manifest(READS, page))["state"] == "needs-review"
        answer = admin.post("/api/v1/plugins/store/functions/ask", content=b'{"key": "k"}')
        assert answer.headers["content-type"] == "application/octet-stream", answer.text


def _upload(admin: httpx.Client, data: bytes) -> dict[str, str]:
    answer = admin.post(
        "/api/v1/plugins?filename=store.wasm", content=data, headers={"content-type": "application/wasm"}
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()
    return found


# -- what was there before


def test_versions_that_serve_when_the_host_is_upgraded_count_as_accepted_and_others_wait(
    rig_at: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = STEPS.index("0022_acceptances")
    monkeypatch.setattr(migrations, "NEWEST", steps)
    monkeypatch.setattr(migrations, "STEPS", STEPS[:steps])
    _as_before(tmp_path)
    monkeypatch.undo()
    rig = rig_at(tmp_path)
    assert rig.scan() == {"store": "enabled"}
    assert rig.host.status("store").limits["timeout_s"].value == 5.0
    assert [one.accepted and one.accepted["who"] for one in rig.host.versions("store")] == ["before review"]
    rig.drop("store.wasm", store(EVIL, "1.0.0"))
    assert rig.scan() == {"store": "needs-review"}
    assert rig.host.call_blocking("store.ask", b'{"key": "k"}')


def _as_before(folder: Path) -> None:
    """A data folder as an OmniCore without reviews left it: one plugin with a manifest beside it, and its grants."""
    manifest = f'name = "store"\n{KV}[limits]\ntimeout_s = 5.0\n'
    digest, at = hashlib.sha256(store()).hexdigest(), 1.0
    says = {
        **{"name": "store", "version": "", "description": "", "author": "", "warm": 0, "threads": False, "wasi": None},
        **{"functions": {"ask": {}}, "capabilities": [{"name": "kv", "scope": {}, "reason": "Stores the count"}]},
        **{"config": None, "limits": {"timeout_s": 5.0}, "source": "sidecar"},
    }
    for place, data in {
        folder / "plugins" / "store.wasm": store(),
        folder / "plugins" / "store.toml": manifest.encode(),
        folder / "data" / "modules" / f"{digest}.wasm": store(),
    }.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    database = Database.open(folder / "data" / "omnicore.db", clock=SystemClock())
    text = json.dumps(says)
    row = ("store", "store.wasm", "old", digest, text, "enabled", "", "", 0, digest, "", None, None, at, at, 1)
    with database.write(durable=True) as session:
        session.execute(f"INSERT INTO plugins VALUES ({', '.join('?' * len(row))})", row)
        session.execute("INSERT INTO versions VALUES (?, ?, ?, ?, ?)", ("store", digest, text, len(store()), at))
        session.execute("INSERT INTO version_sidecars VALUES (?, ?, ?)", ("store", digest, manifest))
        session.execute("INSERT INTO grants VALUES (?, ?, ?, ?, ?)", ("store", "kv", "{}", "ann", at))
    database.close()
