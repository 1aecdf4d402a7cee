"""The server of the database is killed and started again while runs go on: they wait, and nothing is lost or failed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.plugins.guests import ECHO
from tests.storage.postgresql_server import PostgresServer
from tests.workflows.engines import text, until

from omnicore.assembly import Host
from omnicore.config.settings import Settings, StorageSettings, WorkflowSettings

TASKS = "\n".join(
    f"- s{number}: {{call: echo.echo, with: x}}\n- w{number}: {{wait: {{milliseconds: 10}}}}" for number in range(20)
)


async def test_a_restart_of_the_database_fails_no_run_and_repeats_no_recorded_step(
    postgresql_server: PostgresServer, postgresql_url: str, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/echo.wat").write_text(ECHO)
    storage, workflows = StorageSettings(url=postgresql_url), WorkflowSettings(lease_s=60.0)
    settings = Settings(watch=False, storage=storage, workflows=workflows)
    async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", settings=settings) as host:
        workflows = host.workflows
        await workflows.apply(text("steps", TASKS))
        runs = [(await workflows.start("steps", number)).id for number in range(10)]
        await until(lambda: workflows.engine.runner.steps > 50)
        await asyncio.to_thread(postgresql_server.kill)
        try:
            await until(lambda: workflows.engine.runner.trouble)  # somebody was let down by it
        finally:
            await asyncio.to_thread(postgresql_server.start)
        for run in runs:
            await workflows.output(run, timeout_s=60)
            rows = (await workflows.steps(run, limit=100)).items
            assert {(row.status, row.attempt) for row in rows if row.kind == "call"} == {("completed", 1)}
            assert [row.place for row in rows if row.kind == "call"] == [f"/do/{2 * n}/s{n}" for n in range(20)]
            assert (await workflows.audit(run))["ok"]
