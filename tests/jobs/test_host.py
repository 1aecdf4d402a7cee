"""Tasks in a whole host: a plugin orders them through its door, and another one does them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import MANY
from tests.jobs.conftest import until

from omnicore.assembly import Host
from omnicore.errors import CallCancelled, GuestFailed
from omnicore.storage.tables.tasks import TaskOrder

SENDER = """(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "tasks_submit_v1" (func $submit (param i64) (result i64)))
  (import "extism:host/user" "tasks_get_v1" (func $get (param i64) (result i64)))
  (import "extism:host/user" "tasks_list_v1" (func $list (param i64) (result i64)))
  (import "extism:host/user" "tasks_cancel_v1" (func $cancel (param i64) (result i64)))
  (func $give (param $handle i64) (call $output (local.get $handle) (call $length (local.get $handle))))
  (func (export "submit") (call $give (call $submit (call $input))))
  (func (export "get") (call $give (call $get (call $input))))
  (func (export "list") (call $give (call $list (call $input))))
  (func (export "cancel") (call $give (call $cancel (call $input)))))
"""
MANIFEST = """
name = "sender"
[[capabilities]]
name = "tasks"
reason = "Sends later"
scope = { functions = ["many.*"], max_pending = 2 }
"""


def app(folder: Path) -> Path:
    plugins = folder / "plugins"
    plugins.mkdir(exist_ok=True)
    for name, text in (("sender.wat", SENDER), ("sender.toml", MANIFEST), ("many.wat", MANY)):
        (plugins / name).write_text(text)
    return folder


def host_on(folder: Path, **more: Any) -> Host:
    return Host(plugins=folder / "plugins", data=folder / "data", watch=False, **more)


async def asked(host: Host, verb: str, **request: Any) -> Any:
    return json.loads(await host.call(f"sender.{verb}", json.dumps(request).encode()))


def test_a_plugin_orders_a_task_and_reads_what_came_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with host_on(app(tmp_path)) as host:
            host.plugins.grant("sender", who="test")
            task = (await asked(host, "submit", function="many.echo", input={"to": "Ada"}))["id"]
            assert await host.tasks.handle(task) == '{"to":"Ada"}'
            found = (await asked(host, "get", id=task))["task"]
            assert (found["state"], found["output"], found["attempts"]) == ("done", '{"to":"Ada"}', 1)
            assert [one["id"] for one in (await asked(host, "list", state="done"))["tasks"]] == [task]
            foreign = await host.tasks.order(TaskOrder("many.echo"))
            await foreign
            assert await asked(host, "get", id=foreign.id) == {"task": None}

    asyncio.run(main())


def test_a_plugin_s_quota_and_patterns_hold_and_it_cancels_what_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with host_on(app(tmp_path), drain_s=0.05) as host:
            host.plugins.grant("sender", who="test")
            tasks = [(await asked(host, "submit", function="many.spin", timeout_s=60))["id"] for _ in range(2)]
            await until(lambda: host.tasks.running == 2)
            error = (await asked(host, "submit", function="many.echo"))["error"]
            assert (error["code"], error["limit"]) == ("limit-exceeded", "max_pending")
            assert (await asked(host, "submit", function="sender.list"))["error"]["code"] == "permission-denied"
            error = (await asked(host, "submit", function="many.echo", timeout_s=1e6))["error"]
            assert "above 0 to 300" in error["remedy"]
            for task in tasks:
                assert await asked(host, "cancel", id=task) == {"cancelled": True}
                with pytest.raises(CallCancelled):
                    await host.tasks.handle(task)
            await until(lambda: host.tasks.running == 0)

    asyncio.run(main())


def test_what_a_plugin_ordered_is_not_done_once_its_grant_is_taken_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with host_on(app(tmp_path)) as host:
            host.plugins.grant("sender", who="test")
            task = (await asked(host, "submit", function="many.echo", input=1, delay_s=3600))["id"]
            host.plugins.revoke("sender", "tasks", who="test")
            host.store.apply(lambda session: session.execute("UPDATE tasks SET due_at = 0 WHERE id = ?", (task,)))
            host.tasks.wake()
            with pytest.raises(GuestFailed, match="any more; run `omnicore plugins grant sender tasks`") as caught:
                await host.tasks.handle(task)
            assert caught.value.details["reason"] == "permission-denied"

    asyncio.run(main())


def test_a_host_that_stops_gives_back_what_it_cuts_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with host_on(app(tmp_path), drain_s=0.05) as host:
            handle = await host.tasks.order(TaskOrder("many.spin", timeout_s=60, attempts=1))
            waiting = [await host.tasks.order(TaskOrder("many.echo", n, delay_s=0.2)) for n in range(3)]
            await until(lambda: host.tasks.running == 1)
        async with host_on(app(tmp_path), drain_s=0.05) as host:
            await until(lambda: host.tasks.running == 1)
            assert [await host.tasks.handle(one.id) for one in waiting] == ["0", "1", "2"]
            view = await host.tasks.handle(handle.id).view()
            assert (view.state, view.attempts, view.lost) == ("running", 1, 0)
            await host.tasks.handle(handle.id).cancel()

    asyncio.run(main())


def test_a_command_line_host_orders_and_runs_nothing(tmp_path: Path) -> None:
    host = host_on(app(tmp_path), work=False)
    with host as blocking:
        assert blocking.tasks.stored is not None
        task = blocking.tasks.stored.submit(TaskOrder("many.echo", 1))
        assert blocking.tasks.stored.get(task).state == "waiting"

    async def main() -> None:
        async with host_on(tmp_path) as other:
            assert await other.tasks.handle(task) == "1"

    asyncio.run(main())


def test_the_tasks_of_a_removed_plugin_end_and_a_later_one_of_its_name_finds_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with host_on(app(tmp_path), drain_s=0.05) as host:
            host.plugins.grant("sender", who="test")
            done = (await asked(host, "submit", function="many.echo", input="secret"))["id"]
            await host.tasks.handle(done)
            spins = (await asked(host, "submit", function="many.spin", timeout_s=60))["id"]
            await asked(host, "submit", function="many.echo", delay_s=3600)
            await until(lambda: host.tasks.running == 1)
            await asyncio.to_thread(host.plugins.remove, "sender")
            await until(lambda: host.tasks.running == 0)
            kept, _ = host.tasks.stored.list()
            assert kept == []
            assert host.tasks.stored.pending() == 0
            app(tmp_path)
            await asyncio.to_thread(host.plugins.scan)
            await asyncio.to_thread(host.plugins.grant, "sender", who="test")
            assert (await asked(host, "list"))["tasks"] == []
            for task in (done, spins):
                assert await asked(host, "get", id=task) == {"task": None}

    asyncio.run(main())
