"""The API of a host as a part of somebody else's ASGI application."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send
from tests.api.conftest import ECHO

from omnicore.access.principal import Principal, Role
from omnicore.assembly import Host

CALL = "/api/v1/plugins/echo/functions/echo"


async def own(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("the application's own")


def test_an_application_mounts_the_api_beside_pages_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "echo.wat").write_text(ECHO)

    async def scene() -> None:
        async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
            app = Starlette(routes=[Route("/", own), Mount("/extend", app=host.asgi())])
            transport = httpx.ASGITransport(app=app)
            owner = {"authorization": f"Bearer {host.access.owner.made()}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                assert (await client.get("/")).text == "the application's own"
                assert (await client.get("/extend/readyz")).status_code == 200
                assert (await client.post(f"/extend{CALL}", content=b"hi")).status_code == 401
                called = await client.post(f"/extend{CALL}", content=b"hi", headers=owner)
                assert (called.status_code, called.content) == (200, b"hi")
                missing = await client.get("/extend/nothing", headers=owner)
                assert (missing.status_code, missing.json()["code"]) == (404, "not-found")

    asyncio.run(scene())


def test_an_application_names_who_asks_and_a_request_cannot(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "echo.wat").write_text(ECHO)
    people = {"vera": Role.viewer, "otto": Role.operator}

    async def scene() -> None:
        async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
            api = host.asgi()

            async def known(scope: Scope, receive: Receive, send: Send) -> None:
                name = dict(scope["headers"]).get(b"x-somebody", b"").decode()  # stands for the application's own login
                if name in people:
                    scope["omnicore.principal"] = Principal(name, people[name], "application", key=name)
                await api(scope, receive, send)

            transport = httpx.ASGITransport(app=known)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                for name, read, call in (("", 401, 401), ("vera", 200, 403), ("otto", 200, 200)):
                    headers = {"x-somebody": name, "omnicore.principal": "owner"}
                    assert (await client.get("/api/v1/plugins/echo", headers=headers)).status_code == read
                    assert (await client.post(CALL, content=b"hi", headers=headers)).status_code == call
                made = await client.post("/api/v1/tokens", json={"name": "t"}, headers={"x-somebody": "vera"})
                assert (made.status_code, made.json()["code"]) == (403, "forbidden")

    asyncio.run(scene())
