"""A host below a path: mounted in Starlette, FastAPI and Django, and behind a proxy, over a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import django.conf
import django.core.asgi
import httpx
import pytest
from fastapi import FastAPI
from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import connect

from omnicore import Host
from omnicore.access.keys import owner_key
from omnicore.clock import SystemClock
from omnicore.config.settings import Settings

Wrap = Callable[[Any], Any]


def in_starlette(app: Any) -> Any:
    return Starlette(routes=[Mount("/omni", app)])


def in_fastapi(app: Any) -> Any:
    outer = FastAPI()
    outer.mount("/omni", app)
    return outer


def in_django(app: Any) -> Any:
    """As its documentation says: the ASGI file passes some paths on, with what it took away as `root_path`."""
    if not django.conf.settings.configured:
        django.conf.settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="k")
    site = django.core.asgi.get_asgi_application()

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "websocket" or path.startswith("/omni"):
            await app({**scope, "path": path.removeprefix("/omni"), "root_path": "/omni"}, receive, send)
        elif scope["type"] == "http":
            await site(scope, receive, send)

    return outer


urlpatterns: list[Any] = []


@asynccontextmanager
async def served(folder: Path, wrap: Wrap, **access: Any) -> AsyncIterator[tuple[str, dict[str, str]]]:
    settings = replace(Settings(), plugins=folder / "plugins", data=folder / "data", watch=False)
    settings = replace(settings, access=replace(settings.access, **access))
    async with Host(settings=settings) as host:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config, over = Config(), asyncio.Event()
        config.bind, config.accesslog, config.errorlog = [f"127.0.0.1:{port}"], None, None
        server = asyncio.create_task(serve(wrap(host.asgi()), config, shutdown_trigger=over.wait))
        await _listens(port)
        owner = owner_key(settings.data, SystemClock(), made=False)
        assert owner is not None
        beating = asyncio.create_task(_beats(host))
        yield f"127.0.0.1:{port}", {"authorization": f"Bearer {owner.made()}"}
        beating.cancel()
        over.set()
        await server


async def _beats(host: Host) -> None:
    while True:
        host.bus.publish("mount.beat", 1)
        await asyncio.sleep(0.05)


async def _listens(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                return
            except OSError:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("wrap", [in_starlette, in_fastapi, in_django])
def test_a_mounted_host_answers_and_leads_to_its_own_paths(tmp_path: Path, wrap: Wrap) -> None:
    async def scene() -> None:
        async with served(tmp_path, wrap) as (at, key), httpx.AsyncClient(base_url=f"http://{at}") as client:
            assert (await client.get("/omni/healthz")).status_code == 200
            assert (await client.get("/omni/api/v1/plugins")).status_code == 401
            assert (await client.get("/omni/api/v1/plugins", headers=key)).json()["items"] == []
            assert (await client.get("/omni/", headers=key)).json()["links"]["events"] == "/omni/ws"
            led = await client.get("/omni/", headers={**key, "accept": "text/html"})
            assert (led.status_code, led.headers["location"]) == (303, "/omni/console/")
            assert (await client.get("/omni/console")).headers["location"] == "/omni/console/"
            api = (await client.get("/omni/openapi.json", headers=key)).json()
            assert api["servers"] == [{"url": "/omni"}]
            task = await client.post("/omni/api/v1/memory", headers=key, json={"text": "a note", "tier": "semantic"})
            assert task.headers["location"].startswith("/omni/api/v1/memory/")
            assert (await client.get(task.headers["location"], headers=key)).json()["text"] == "a note"
            async with connect(f"ws://{at}/omni/ws?topic=mount.*", additional_headers=key) as live:
                async with asyncio.timeout(30):
                    assert json.loads(await live.recv())["topic"]

    asyncio.run(scene())


def test_the_console_s_page_names_its_files_and_its_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text(
        '<meta name="omnicore-prefix" content="{{prefix}}" /><script src="./assets/a.js"></script>'
        '<link href="/console/assets/a.css">'
    )
    monkeypatch.setattr("omnicore.api.console.built_console", lambda: tmp_path / "dist")

    async def scene() -> None:
        async with served(tmp_path, in_starlette) as (at, _), httpx.AsyncClient(base_url=f"http://{at}") as client:
            page = (await client.get("/omni/console/workflows/pay")).text
            assert 'content="/omni"' in page
            assert 'src="/omni/console/assets/a.js"' in page
            assert 'href="/omni/console/assets/a.css"' in page

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("trusted", "header", "location"),
    [
        (("127.0.0.1",), "/tools/omni", "/tools/omni/console/"),
        ((), "/tools/omni", "/console/"),
        (("127.0.0.1",), "//evil.example", "/console/"),
        (("127.0.0.1",), '/"><script>', "/console/"),
    ],
)
def test_a_proxy_s_prefix_holds_where_the_proxy_is_trusted(
    tmp_path: Path, trusted: tuple[str, ...], header: str, location: str
) -> None:
    async def scene() -> None:
        async with (
            served(tmp_path, lambda app: app, trusted_proxies=trusted) as (at, _),
            httpx.AsyncClient(base_url=f"http://{at}", headers={"x-forwarded-prefix": header}) as client,
        ):
            assert (await client.get("/console")).headers["location"] == location
            assert (await client.get("/healthz")).status_code == 200

    asyncio.run(scene())
