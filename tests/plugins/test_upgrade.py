"""A changed file that asks for more: the whole difference, and the decision over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import module, says
from tests.plugins.killed import after_each_kill
from tests.plugins.test_versions import digest, wasm

from omnicore.errors import Conflict, NotFound
from omnicore.sandbox.capi.code import wat_to_wasm

OLD = """
version = "1.0"
[[capabilities]]
name = "kv"
reason = "Stores the count"
[[capabilities]]
name = "http"
reason = "Asks the weather"
scope = { hosts = ["api.test", "more.test"] }
[[capabilities]]
name = "events"
reason = "Tells of it"
scope = { topics = ["counted"] }
[functions.say]
description = "Says a letter"
"""
NEW = """
version = "2.0"
[[capabilities]]
name = "tasks"
reason = "Works at night"
scope = { functions = ["a.say"] }
[[capabilities]]
name = "events"
reason = "Tells of more"
scope = { topics = ["counted", "more"] }
[[capabilities]]
name = "http"
reason = "Asks the weather"
scope = { hosts = ["api.test"] }
[functions.say]
description = "Says a letter"
output = { type = "integer" }
[functions.shout]
[limits]
timeout_s = 5.0
reason = "Works longer"
"""
TWO = module(
    '(func (export "say") (result i32) (call $say (i32.const 50)) (i32.const 0))'
    '(func (export "shout") (result i32) (call $say (i32.const 51)) (i32.const 0))'
)
NEWER = wat_to_wasm(TWO.encode())


@pytest.fixture
def waiting(rig: Rig) -> Rig:
    """A plugin whose newer file waits for a decision."""
    rig.drop("a.toml", OLD)
    rig.drop("a.wasm", wasm("1"))
    rig.scan()
    rig.host.grant("a", who="ann")
    rig.drop("a.toml", NEW)
    rig.drop("a.wasm", NEWER)
    assert rig.scan() == {"a": "needs-review"}, rig.host.get("a").reason
    return rig


def test_the_difference_shows_everything_that_changes(waiting: Rig) -> None:
    upgrade = waiting.host.upgrade("a")
    assert upgrade.before is not None
    assert upgrade.after is not None
    assert (upgrade.before.version, upgrade.after.version) == ("1.0", "2.0")
    assert (upgrade.before.size_bytes, upgrade.after.size_bytes) == (len(wasm("1")), len(NEWER))
    assert (upgrade.waiting, upgrade.kept) == (True, None)
    assert [(one.capability, one.change, one.reason) for one in upgrade.changes] == [
        ("tasks", "new", "Works at night"),
        ("events", "wider", "Tells of more"),
        ("limits", "new", "Works longer"),
        ("kv", "dropped", "Stores the count"),
        ("http", "narrower", "Asks the weather"),
    ]
    assert (upgrade.added, upgrade.removed) == (("shout",), ())
    (changed,) = upgrade.changed
    assert (changed.name, changed.before.output, changed.after.output) == ("say", None, {"type": "integer"})
    assert upgrade.limits == {"timeout_s": (1.0, 5.0)}


def test_approving_grants_all_that_is_new_and_switches(waiting: Rig) -> None:
    assert waiting.host.call_blocking("a.say") == b"1"
    view = waiting.host.approve("a", who="ann")
    assert (view.state, view.serving) == ("enabled", view.hash)
    assert waiting.host.call_blocking("a.shout") == b"3"
    assert not waiting.host.upgrade("a").waiting


def test_keeping_leaves_the_old_one_in_service_and_asks_no_more(waiting: Rig) -> None:
    view = waiting.host.keep("a", who="ann")
    newer = waiting.host.upgrade("a")
    assert view.state == "enabled"
    assert view.reason == f"version {view.hash[:8]} was turned away; version {digest('1')[:8]} serves"  # type: ignore[index]
    assert (newer.waiting, newer.kept is not None and newer.kept["who"]) == (False, "ann")
    assert waiting.host.call_blocking("a.say") == b"1"
    assert [one.turned_away for one in waiting.host.versions("a")] == [True, False]


def test_what_was_turned_away_stays_so_for_a_later_host(rig_at: Callable[..., Rig], waiting: Rig) -> None:
    waiting.host.keep("a", who="ann")
    later = rig_at(waiting.settings.plugins.parent)
    assert later.scan() == {"a": "enabled"}
    assert later.host.call_blocking("a.say") == b"1"


def test_what_was_turned_away_can_be_approved_later(waiting: Rig) -> None:
    waiting.host.keep("a", who="ann")
    assert waiting.host.approve("a", who="bob").state == "enabled"
    assert waiting.host.call_blocking("a.shout") == b"3"
    assert waiting.host.upgrade("a").kept is None


def test_the_next_file_is_asked_for_again(waiting: Rig) -> None:
    waiting.host.keep("a", who="ann")
    waiting.drop("a.wasm", wat_to_wasm(TWO.replace("51", "52").encode()))
    assert waiting.scan() == {"a": "needs-review"}


def test_a_kept_version_can_fail_too_often_as_any_other(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    rig = rig_at(tmp_path, breaker_failures=1)
    rig.drop("a.wat", module('(func (export "trap") (result i32) unreachable)'))
    rig.scan()
    rig.drop("a.toml", '[[capabilities]]\nname = "kv"\nreason = "More"\n')
    rig.drop("a.wat", says("2"))
    rig.scan()
    rig.host.keep("a", who="ann")
    with pytest.raises(Exception, match="trap"):
        rig.host.call_blocking("a.trap")
    assert rig.host.get("a").state == "quarantined"
    assert rig.host.enable("a").state == "enabled"


def test_without_a_version_that_waits_there_is_nothing_to_decide(rig: Rig) -> None:
    rig.drop("a.wat", says("1"))
    rig.scan()
    for decide in (rig.host.approve, rig.host.keep):
        with pytest.raises(Conflict, match="no version of a waits"):
            decide("a", who="ann")
        with pytest.raises(NotFound):
            decide("nobody", who="ann")
    assert rig.host.upgrade("a").changes == ()


def test_a_first_version_cannot_be_turned_away_for_an_earlier_one(rig: Rig) -> None:
    rig.drop("a.toml", OLD)
    rig.drop("a.wasm", wasm("1"))
    rig.scan()
    with pytest.raises(Conflict, match="no earlier version of a serves"):
        rig.host.keep("a", who="ann")


def _approve(rig: Rig) -> None:
    rig.host.approve("a", who="ann")


def _decided(rig: Rig) -> tuple[str, tuple[str, ...], str]:
    view = rig.host.get("a")
    return (
        view.state,
        tuple(grant.capability for grant in view.granted),
        rig.host.call_blocking("a.say", raw=True).decode(),
    )


def test_an_approval_killed_anywhere_is_done_wholly_or_not_at_all(waiting: Rig, tmp_path: Path) -> None:
    waiting.close()
    found = after_each_kill(tmp_path, _approve, _decided, times=8)
    before = ("needs-review", ("events", "http", "kv"), "1")
    after = ("enabled", ("events", "http", "kv", "limits", "tasks"), "2")
    assert set(found) == {before, after}
    assert found == sorted(found, key=found.index)
