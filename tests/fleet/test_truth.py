"""Plugins of hosts that share a database and no disk: one truth, whatever is in whose folder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fleet.cluster import until
from tests.plugins.conftest import Rig
from tests.plugins.guests import says

from omnicore.errors import NotFound, OmniError, Unavailable
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine

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
    second.host.scan()
    assert (answer(first), answer(second)) == ("2", "2")
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
    first.scan()
    assert (answer(first), answer(second)) == ("2", "2")


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
    second.host.scan()
    until(lambda: answer(second) == expected, "the other host follows")
    assert answer(first) == expected
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
