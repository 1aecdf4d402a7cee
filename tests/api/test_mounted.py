"""The API of a host as a part of somebody else's ASGI application."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from tests.api.conftest import ECHO

from omnicore.assembly import Host


async def own(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("the application's own")


def test_an_application_mounts_the_api_beside_pages_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "echo.wat").write_text(ECHO)

    async def scene() -> None:
        async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
            app = Starlette(routes=[Route("/", own), Mount("/extend", app=host.asgi())])
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                assert (await client.get("/")).text == "the application's own"
                assert (await client.get("/extend/readyz")).status_code == 200
                called = await client.post("/extend/api/v1/plugins/echo/functions/echo", content=b"hi")
                assert (called.status_code, called.content) == (200, b"hi")
                missing = await client.get("/extend/nothing")
                assert (missing.status_code, missing.json()["code"]) == (404, "not-found")

    asyncio.run(scene())
