"""An alert of a whole host arrives at a service, with the credential that only the vault knows."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.connectors.local_server import Answer, Seen, reply, serve

from omnicore.assembly import Host
from omnicore.config.settings import HealthSettings, Settings
from omnicore.resilience.status import HealthStatus

RULE = 'storage Unhealthy -> connector pager.post {"path": "/page", "json": {"text": "{component}: {reason}"}}'


async def test_an_alert_reaches_a_service_through_its_connector(tmp_path: Path) -> None:
    paged = asyncio.Event()

    def service(seen: Seen) -> Answer:
        paged.set()
        return reply(200, b"{}", "Content-Type: application/json", "Connection: close")

    settings = Settings(
        plugins=tmp_path / "plugins",
        data=tmp_path / "data",
        watch=False,
        health=HealthSettings(interval_s=3600.0, alerts=(RULE,)),
    )
    async with serve(service) as server, Host(settings=settings) as host, asyncio.timeout(60):
        config = {"base_url": server.url("/v1"), "auth": "bearer"}
        await asyncio.to_thread(
            host.connectors.register.add, "pager", "http", config, {"token": "tok_0123456789abcdef"}
        )
        host.health.set_health("storage", HealthStatus.Unhealthy, "the disk is full")
        await paged.wait()
        (seen,) = server.seen
        assert (seen.method, seen.target, json.loads(seen.body)) == (
            *("POST", "/v1/page", {"text": "storage: the disk is full"}),
        )
        assert seen.headers["authorization"] == "Bearer tok_0123456789abcdef"
        while not (uses := await asyncio.to_thread(host.connectors.register.table.uses, "pager")):
            await asyncio.sleep(0.01)
        assert [(use.who, use.action) for use in uses] == [("alerts", "post")]
