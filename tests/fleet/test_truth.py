"""Plugins of hosts that share a database and no disk: one truth, whatever is in whose folder."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fleet.cluster import until
from tests.plugins.conftest import Rig
from tests.plugins.guests import says

from omnicore.clock import SystemClock
from omnicore.errors import Conflict, InvalidInput, ModuleRejected, NotFound, OmniError, StorageFailed, Unavailable
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.storage.backup import backup, restore_sqlite

Hosts = Callable[[str], Rig]
KV = "[[capabilities]]\nname = 'kv'\nreason = 'tests'\n"


@pytest.fixture
def host(tmp_path: Path, postgresql_url: str) -> Iterator[Hosts]:
    """Builds hosts, each with folders and a cache of its own; by name, so that one can be built again."""
    from omnicore.storage.postgresql import PostgresDatabase  # where psycopg is missing, other tests still run

    rigs: list[Rig] = []

    def build(name: str) -> Rig:
        engine = ExtismEngine(tmp_path / name / "code")
        rigs.append(Rig(tmp_path / name, engine, database=PostgresDatabase.open(postgresql_url)))
        rigs[-1].host._fleet.beat()
        return rigs[-1]

    yield build
    for rig in rigs:
        rig.close()


def wasm(letter: str) -> bytes:
    return wat_to_wasm(says(letter).encode())


def digest(letter: str) -> str:
    return hashlib.sha256(wasm(letter)).hexdigest()


def answer(rig: Rig, name: str = "a") -> str:
    """The answer of a plugin, or the code of the error."""
    try:
        return bytes(rig.host.call_blocking(name)).decode()
    except OmniError as error:
        return error.code


def followed(rig: Rig) -> str:
    """The answer of a plugin, after a look at what other hosts decided."""
    rig.host.scan()
    return answer(rig)


def test_a_host_with_an_empty_folder_takes_nothing_away(host: Hosts) -> None:
    first = host("first")
    first.drop("a.wasm", wasm("1"))
    first.scan()
    second = host("second")
    assert second.scan() == first.scan() == {"a": "enabled"}
    assert (answer(first), answer(second)) == ("1", "1")


def test_a_module_that_is_only_on_another_disk_is_fetched_and_verified(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    assert answer(second) == "1"
    kept = second.settings.data / "modules" / f"{digest('1')}.wasm"
    assert kept.read_bytes() == wasm("1")


def test_a_module_that_was_altered_in_the_database_does_not_run(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    with first.database.write() as session:
        session.execute("UPDATE module_parts SET data = ?", (wasm("2"),))
    assert (answer(second), answer(first)) == ("storage-failed", "1")


def test_folders_that_disagree_are_shown_and_the_accepted_version_stays(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.drop("a.wasm", wasm("1"))
    first.scan()
    second.drop("a.wasm", wasm("2"))
    for _ in range(3):
        assert second.scan() == first.scan() == {"a": "needs-review"}
    view = first.host.get("a")
    assert (view.serving, view.hash) == (digest("1"), digest("2"))
    assert "differs from a.wasm of host" in view.reason
    assert (answer(first), answer(second)) == ("1", "1")
    first.host.approve("a", digest("2")[:12], who="ann")
    until(lambda: followed(second) == "2", "the other host follows")
    assert answer(first) == "2"
    assert first.scan() == second.scan() == {"a": "enabled"}


def test_an_upgrade_of_all_folders_needs_nobody(host: Hosts) -> None:
    first, second = host("first"), host("second")
    for rig in (first, second):
        rig.drop("a.wasm", wasm("1"))
        rig.scan()
    first.drop("a.wasm", wasm("2"))
    first.scan()
    assert (answer(first), answer(second)) == ("1", "1")
    second.drop("a.wasm", wasm("2"))
    second.scan()
    until(lambda: followed(first) == followed(second) == "2", "both serve it")


def test_a_file_is_withdrawn_with_the_last_folder_that_brought_it(host: Hosts) -> None:
    first, second = host("first"), host("second")
    for rig in (first, second):
        rig.drop("a.wasm", wasm("1"))
        rig.scan()
    (first.settings.plugins / "a.wasm").unlink()
    first.scan()
    assert (answer(first), answer(second)) == ("1", "1")
    (second.settings.plugins / "a.wasm").unlink()
    second.scan()
    first.scan()
    assert (answer(first), answer(second)) == ("not-found", "not-found")


def test_a_removed_plugin_does_not_come_back_from_another_folder(host: Hosts) -> None:
    first, second = host("first"), host("second")
    for rig in (first, second):
        rig.drop("a.wasm", wasm("1"))
        rig.scan()
    first.host.remove("a")
    assert second.scan() == first.scan() == {}
    second.drop("a.wasm", wasm("2"))
    assert second.scan() == {"a": "enabled"}


def test_a_host_that_comes_back_with_an_empty_folder_withdraws_nothing(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.drop("a.wasm", wasm("1"))
    first.scan()
    first.host.close()
    (first.settings.plugins / "a.wasm").unlink()
    again = host("first")
    assert (again.scan(), answer(again), answer(second)) == ({"a": "enabled"}, "1", "1")


def test_the_same_files_in_two_folders_write_nothing_at_rest(host: Hosts) -> None:
    first, second = host("first"), host("second")
    for rig in (first, second):
        rig.drop("a.wasm", wasm("1"))
        rig.scan()
    before = first.database.rows("SELECT * FROM plugins"), first.database.rows("SELECT * FROM plugin_sources")
    for _ in range(3):
        first.scan()
        second.scan()
    assert (first.database.rows("SELECT * FROM plugins"), first.database.rows("SELECT * FROM plugin_sources")) == before


@pytest.mark.parametrize("action", ["disable", "revoke", "rollback", "upgrade"])
def test_a_decision_at_one_host_holds_at_the_others(host: Hosts, action: str) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"), manifest=KV.encode())
    first.host.grant("a", who="ann")
    second.host.scan()
    assert (answer(first), answer(second)) == ("1", "1")
    expected = {"disable": "unavailable", "revoke": "permission-denied", "rollback": "1", "upgrade": "2"}[action]
    if action == "disable":
        first.host.disable("a")
    elif action == "revoke":
        first.host.revoke("a", "kv", who="ann")
    else:
        first.host.install("a.wasm", wasm("2"))
        first.host.approve("a", who="ann")
    if action == "rollback":
        second.host.scan()
        second.host.rollback("a", digest("1"), who="ann")
        first.host.scan()
    until(lambda: followed(second) == expected, "the other host follows")
    until(lambda: followed(first) == expected, "the first host follows")
    first.host.scan()
    second.host.scan()
    assert (answer(first), answer(second)) == (expected, expected)


def test_decisions_of_two_hosts_at_the_same_time_are_both_kept(host: Hosts) -> None:
    first, second = host("first"), host("second")
    for name in ("a", "b"):
        first.drop(f"{name}.wasm", wasm(name))
        second.drop(f"{name}.wasm", wasm(name))
    first.scan()
    with ThreadPoolExecutor(4) as threads:
        for _ in range(10):
            done = [threads.submit(first.host.disable, "a"), threads.submit(second.host.scan)]
            done += [threads.submit(second.host.disable, "b"), threads.submit(first.host.scan)]
            for one in done:
                one.result()
            assert {one.name: one.state for one in first.host.list()} == {"a": "disabled", "b": "disabled"}
            first.host.enable("a")
            second.host.enable("b")


async def test_no_call_fails_while_another_host_upgrades(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    await second.host.start()
    assert answer(second) == "1"
    answers: list[str] = []
    over = asyncio.Event()

    async def calls() -> None:
        while not over.is_set():
            answers.append((await second.host.call("a")).decode())
            await asyncio.sleep(0)

    work = asyncio.create_task(calls())
    for letter in "23":
        await asyncio.to_thread(first.host.install, "a.wasm", wasm(letter))
        while answers[-1:] != [letter] and not work.done():
            await asyncio.sleep(0.005)
    over.set()
    await work
    assert len(answers) > 1000
    assert list(dict.fromkeys(answers)) == ["1", "2", "3"]
    await second.host.stop()


async def test_a_disabled_plugin_is_refused_everywhere_within_a_second(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    await second.host.start()
    loop = asyncio.get_running_loop()
    for _ in range(3):
        await asyncio.to_thread(first.host.enable, "a")
        while await asyncio.to_thread(answer, second) != "1":
            await asyncio.sleep(0.01)
        await asyncio.to_thread(first.host.disable, "a")
        begun, refused = loop.time(), False
        while not refused:
            try:
                await second.host.call("a")
            except Unavailable:
                refused = True
        assert loop.time() - begun < 1.0
    await second.host.stop()


def test_modules_that_no_version_has_are_deleted_from_the_database(host: Hosts) -> None:
    first = host("first")
    first.host.install("a.wasm", wasm("1"))
    first.host.install("b.wasm", wasm("2"))
    first.host.remove("a")
    with first.database.write() as session:
        session.execute("UPDATE module_parts SET kept_at = 0")
    first.host.remove("b")
    assert first.database.rows("SELECT name FROM module_parts") == []


def test_modules_of_a_data_folder_of_version_0_1_0_reach_the_other_hosts(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    with first.database.write() as session:
        session.execute("DELETE FROM module_parts")
    first.host._catalogue.share_modules()
    assert answer(second) == "1"


def test_a_plugin_that_no_host_has_is_not_found(host: Hosts) -> None:
    with pytest.raises(NotFound):
        host("first").host.call_blocking("nobody")


def shares_of(rig: Rig, calls: int = 400) -> dict[str, int]:
    found = [answer(rig) for _ in range(calls)]
    return {letter: found.count(letter) for letter in sorted(set(found))}


def test_calls_are_divided_among_versions_at_every_host_until_one_has_all(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    second.host.scan()
    assert answer(second) == "1"
    first.host.install("a.wasm", wasm("2"), hold=True)
    assert (first.host.get("a").state, answer(first)) == ("needs-review", "1")
    view = first.host.divide("a", {digest("1")[:8]: 75, digest("2"): 25}, who="ann")
    assert (view.shares, view.state) == ({digest("1"): 75, digest("2"): 25}, "enabled")
    second.host.scan()
    for rig in (first, second):
        until(lambda rig=rig: set(shares_of(rig, 20)) == {"1", "2"}, "both versions answer")  # type: ignore[misc]
        assert 50 <= shares_of(rig)["2"] <= 150
    calls = {hash_: one.calls for hash_, one in second.host.tallies("a").items()}
    assert 0 < calls[digest("2")] < calls[digest("1")]
    second.host.divide("a", {digest("2"): 100}, who="ann")
    first.host.scan()
    until(lambda: followed(first) == followed(second) == "2", "one version answers")
    assert shares_of(first, 20) == shares_of(second, 20) == {"2": 20}
    assert first.host.get("a").shares is None
    assert first.scan() == {"a": "enabled"}


def test_shares_end_with_a_rollback_and_hold_back_what_a_folder_brings(host: Hosts) -> None:
    first = host("first")
    first.host.install("a.wasm", wasm("1"))
    first.host.install("a.wasm", wasm("2"), hold=True)
    first.host.divide("a", {digest("1"): 50, digest("2"): 50}, who="ann")
    first.drop("a.wasm", wasm("3"))
    assert first.scan() == {"a": "needs-review"}
    assert "3" not in shares_of(first, 50)
    first.host.rollback("a", digest("1"), who="ann")
    assert (shares_of(first, 50), first.host.get("a").shares) == ({"1": 50}, None)


@pytest.mark.parametrize("percents", [(95, 6), (100, 0), (-5, 105), (50.0, 50), (True, 99)])
def test_shares_that_are_none_are_refused(host: Hosts, percents: tuple[int, int]) -> None:
    first = host("first")
    first.host.install("a.wasm", wasm("1"))
    first.host.install("a.wasm", wasm("2"), hold=True)
    with pytest.raises(InvalidInput, match="no shares"):
        first.host.divide("a", dict(zip((digest("1"), digest("2")), percents, strict=True)), who="ann")


def test_who_divides_from_an_older_revision_is_refused(host: Hosts) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    first.host.install("a.wasm", wasm("2"), hold=True)
    seen = second.host.get("a").revision
    first.host.divide("a", {digest("1"): 95, digest("2"): 5}, who="ann", revision=seen)
    with pytest.raises(Conflict, match="revision"):
        second.host.divide("a", {digest("2"): 100}, who="bob", revision=seen)


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_host_that_hears_nothing_refuses_what_may_be_forbidden(
    host: Hosts, monkeypatch: pytest.MonkeyPatch, *, hangs: bool
) -> None:
    first = host("first")
    first.host.install("a.wasm", wasm("1"))
    first.host._fleet._silence_s = 0.6
    away, back = threading.Event(), threading.Event()

    def data_version() -> int:
        if away.is_set():
            if hangs:
                assert back.wait(30)
                return 2
            raise StorageFailed("the database is away", remedy="wait")
        return 1

    await first.host.start()
    assert await first.host.call("a") == b"1"
    monkeypatch.setattr(first.database, "data_version", data_version)
    away.set()
    await asyncio.to_thread(until, lambda: answer(first) == "unavailable", "calls are refused")
    assert "nothing was heard" in first.host.silence()
    away.clear()
    back.set()
    await asyncio.to_thread(until, lambda: answer(first) == "1", "calls are served again")
    assert first.host.silence() == ""
    await first.host.stop()


def test_a_backup_has_the_modules_that_other_hosts_have_brought(host: Hosts, tmp_path: Path) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    backup(second.database, second.settings.data, tmp_path / "b.backup", clock=SystemClock())
    alone = tmp_path / "alone"
    restore_sqlite(tmp_path / "b.backup", alone / "data", clock=SystemClock(), derive=lambda *_: None)
    rig = Rig(alone, ExtismEngine(tmp_path / "code"))
    assert (rig.scan(), answer(rig)) == ({"a": "enabled"}, "1")
    rig.host.disable("a")
    assert answer(rig) == "unavailable"
    rig.close()


def test_a_host_that_cannot_compile_the_next_version_goes_on_with_the_one_before(
    host: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = host("first"), host("second")
    first.host.install("a.wasm", wasm("1"))
    second.scan()
    assert answer(second) == "1"
    fetched = second.host._catalogue.modules.get

    def get(hash_: str) -> bytes:
        if hash_ == digest("2"):
            raise ModuleRejected("this host has no room for it", remedy="make room")
        return fetched(hash_)

    monkeypatch.setattr(second.host._catalogue.modules, "get", get)
    first.host.install("a.wasm", wasm("2"))

    def shown() -> set[str]:
        second.scan()
        return {one.state for one in first.host.fleet_view("a").hosts if one.hash == digest("2")}

    until(lambda: "failed" in shown(), "the failure is shown")
    assert (answer(first), answer(second)) == ("2", "1")
    assert first.host.get("a").state == "enabled"
