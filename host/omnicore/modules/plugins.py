"""`PluginsModule`: a host in an application, so that its plugins can be called, and served over REST if wanted."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omnicore.adapters.settings import host_settings, told
from omnicore.api.server import serve
from omnicore.assembly import Host
from omnicore.errors import Conflict
from omnicore.sandbox.abi import HostFunction


class PluginsModule:
    """The plugins of a folder, and the native ones of the application, in one `omnicore.Host`.

    ```python
    plugins = app.add_module(PluginsModule("plugins/"))
    with app:
        plugins.call("text.count_vowels", "hello")
    ```

    Settings come from the file, `OMNICORE_*` variables and the arguments here, as those of any host.

    Args:
        plugins: the folder.
        config: the settings file, instead of the one in the working folder.
        serve: also listens, and answers REST as `omnicore run` does; `url` says where.
        functions: functions of the application that plugins may call, see `Host`.
        overrides: any other setting, by name.

    Raises: InvalidSetting: a setting cannot be used.
    """

    name = "plugins"

    def __init__(
        self,
        plugins: str | Path | None = None,
        *,
        config: str | Path | None = None,
        serve: bool = False,
        functions: Sequence[HostFunction | Callable[..., Any]] = (),
        **overrides: Any,
    ) -> None:
        given = {"plugins": plugins, **overrides}
        named = {name: value for name, value in given.items() if value is not None}
        file = Path(config) if config is not None else None
        self.settings = told(host_settings(file, os.environ, named)).settings
        self.url: str | None = None
        self._serve, self._functions = serve, functions
        self._app: Any = None
        self._host: Host | None = None
        self._server: tuple[asyncio.Event, asyncio.Future[None]] | None = None

    def bind(self, app: Any) -> None:
        """Sets the application."""
        self._app = app

    @property
    def host(self) -> Host:
        """The host, while the application runs. Raises: Conflict."""
        if self._host is None:
            raise Conflict("the plugins module does not run", remedy="start its application first")
        return self._host

    def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None) -> Any:
        """Calls a function on this thread; on a loop `await plugins.host.call(...)`. Raises: see `PluginHost.call`."""
        return self.host.plugins.call_blocking(ref, data, timeout_s=timeout_s)

    async def start(self) -> None:
        """Opens the database, takes in the folder, and listens if it serves. Raises: see `Host`."""
        host = Host(settings=self._fitting(), functions=self._functions, **self._shared())
        await host.__aenter__()
        self._host = host
        if self._app is not None:
            self._kernel().host = host
        if self._serve:
            try:
                await self._listen(host)
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Lets requests and calls finish, then closes everything."""
        server, self._server = self._server, None
        host, self._host = self._host, None
        self.url = None
        try:
            if server is not None:
                server[0].set()
                await server[1]
        finally:
            if self._app is not None:
                self._kernel().host = None
            if host is not None:
                await host.__aexit__(None, None, None)

    async def health(self) -> dict[str, Any]:
        """The worst health of the host's own parts."""
        report = await self.host.health.check()
        return {"status": report.overall.name, "parts": {name: str(one) for name, one in report.subsystems.items()}}

    async def _listen(self, host: Host) -> None:
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        running = asyncio.ensure_future(serve(host.asgi(), host.settings, stop=stop, announce=ready.set_result))
        self._server = (stop, running)
        await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            self._server = None
            await running  # raises the reason why there is no address
        self.url = ready.result()

    def _fitting(self) -> Any:
        """The settings, draining no longer than the application allows."""
        if self._app is None:
            return self.settings
        return replace(self.settings, drain_s=min(self.settings.drain_s, self._kernel().stop_s / 3))

    def _shared(self) -> dict[str, Any]:
        if self._app is None:
            return {}
        return {"extensions": self._kernel().extensions, "bus": self._app.bus}

    def _kernel(self) -> Any:
        return getattr(self._app, "kernel", self._app)
