"""`omnicore run`: the application of the settings, or the server, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from omnicore import __version__
from omnicore.api.server import serve as serve_api
from omnicore.assembly import Host
from omnicore.cli.console_build import build_console
from omnicore.cli.inputs import output_value
from omnicore.cli.options import Shell, host_folders, pass_shell, take_override
from omnicore.cli.output import Output
from omnicore.cli.plugin_text import HEADS, next_steps, plugin_rows
from omnicore.cli.server import noted_server
from omnicore.cli.session import checked_folder, loaded, log_to_stderr
from omnicore.collector import settle
from omnicore.config.loader import Loaded, variable
from omnicore.config.settings import Settings
from omnicore.errors import NotFound, OmniError
from omnicore.plugins.view import PluginView

Call = tuple[str, str]
Beside = Callable[[Host], Coroutine[Any, Any, None]]
"""What goes on while the host serves; it is cancelled when that stops."""

_SETTING: dict[str, Any] = {"expose_value": False, "callback": take_override, "default": None}


class Trial(click.ParamType[Call]):
    """A call to make after the start, written as `PLUGIN.FUNCTION=INPUT`."""

    name = "call"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Call:
        """The reference and the input. Raises: click.BadParameter."""
        if isinstance(value, tuple):
            return value
        reference, sign, data = str(value).partition("=")
        if not sign or not reference:
            self.fail(f"{value!r} is no PLUGIN.FUNCTION=INPUT", param, ctx)
        return reference, data


@click.command()
@click.option(
    "--host", metavar="ADDRESS", help="Address to listen on; beyond loopback users or a token are needed.", **_SETTING
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.", **_SETTING)
@click.option("--token", help="Bearer token that requests must carry; better as OMNICORE_TOKEN.", **_SETTING)
@click.option("--engine", type=click.Choice(["omnicore", "extism"]), help="What runs the modules.", **_SETTING)
@click.option("--watch/--no-watch", help="Take up changes in the plugin folder.", **_SETTING)
@click.option(
    "--try",
    "trials",
    type=Trial(),
    multiple=True,
    metavar="PLUGIN.FUNCTION=INPUT",
    help="Make a call after the start.",
)
@click.option("--serve", is_flag=True, help="Serve the plugins, also where the settings name an application.")
@host_folders
@pass_shell
def run(shell: Shell, trials: Sequence[Call], *, serve: bool) -> None:
    """Run the application that the settings name in `runtime.main`, or serve a folder's plugins until Ctrl-C.

    An application gets this command's options as variables.
    """
    found = loaded(shell)
    main = found.settings.runtime.main
    output = Output(shell)
    if main is not None and not serve and not trials:
        output.say(f"Starting {main}, which the settings name; `omnicore run --serve` serves the plugins alone.")
        _become(main, found.file, shell.overrides)
    folder = checked_folder(found.settings)
    build_console(output)
    serve_folder(folder, output, trials, found=found)


def _become(main: Path, file: Path | None, overrides: Mapping[str, Any]) -> NoReturn:
    """Makes this process the application: signals reach it, and its exit code is ours. Raises: NotFound."""
    if not main.is_file():
        raise NotFound(
            f"there is no application {main}", remedy="correct runtime.main in the settings, or add --serve to serve"
        )
    told = {variable(name): _text(value) for name, value in overrides.items()}
    if file is not None:
        told["OMNICORE_CONFIG"] = str(file.resolve())
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, str(main)], {**os.environ, **told})  # noqa: S606


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def serve_folder(
    settings: Settings,
    output: Output,
    trials: Sequence[Call] = (),
    beside: Beside | None = None,
    *,
    found: Loaded | None = None,
) -> None:
    """Serves the plugins of a folder until Ctrl-C. Raises: what starting the host and the server raises.

    Args:
        found: where the settings come from, for whoever looks at them in the console.
    """
    log_to_stderr(settings.log_level, settings.runtime.log_format)
    logging.getLogger("omnicore.api.server").setLevel(logging.WARNING)  # the address is told below
    asyncio.run(_run(settings, found or settings, output, trials, beside))


async def _run(
    settings: Settings, found: Settings | Loaded, output: Output, trials: Sequence[Call], beside: Beside | None
) -> None:
    """Starts, says where it is, makes the calls, serves, and stops once running calls are over."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        with output.waiting("Reading and compiling the plugins"):
            host = await stack.enter_async_context(Host(settings=found))
        ready: asyncio.Future[str] = loop.create_future()
        server = asyncio.ensure_future(serve_api(host.asgi(), settings, stop=stop, announce=ready.set_result))
        first: set[asyncio.Future[Any]] = {server, ready}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            stack.enter_context(noted_server(settings.data, ready.result(), key=host.access.own_key))
            await _greet(host, output, ready.result(), trials)
            settle()
            if beside is not None:
                stack.push_async_callback(_cancelled, asyncio.ensure_future(beside(host)))
        await server  # without an address it has failed, and this says why
    output.say("Stopped.")


async def _cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _greet(host: Host, output: Output, url: str, trials: Sequence[Call]) -> None:
    """Says what is served and where, and makes the calls that were asked for."""
    views = host.plugins.list()
    setup = await _setup_link(host, url)
    if output.is_json:
        calls = [await _tried(host, call) for call in trials]
        plugins = [view.to_json() for view in views]
        output.document({"url": url, "setup": setup, "plugins": plugins, "calls": calls})
        return
    output.line(f"OmniCore {__version__} serves {_counted(views)} at {url}", style="bold")
    output.rows(HEADS, plugin_rows(views))
    for call in trials:
        document = await _tried(host, call)
        answer = document.get("output", document.get("error"))
        shown = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        output.line(f"{call[0]} {call[1]!r} -> {shown}", style="green" if "output" in document else "red")
    output.line("Next, in another terminal:")
    for step in (*next_steps(views), *_curl_steps(url, has_token=bool(host.settings.token), has_users=setup is None)):
        output.line(f"  {step}")
    if setup is not None:
        output.line("Nobody has a login yet. This link makes the first user, once:")
        output.line(f"  {setup}")
    output.line("Ctrl-C stops it.")


def _curl_steps(url: str, *, has_token: bool, has_users: bool) -> list[str]:
    """How to ask the server by curl, with what it wants to see."""
    if has_token:
        return [f'curl -H "Authorization: Bearer $OMNICORE_TOKEN" {url}/api/v1/plugins']
    if has_users:
        make = "TOKEN=$(omnicore tokens add curl)"
        return [make, f'curl -H "Authorization: Bearer $TOKEN" {url}/api/v1/plugins']
    return [f"curl {url}/api/v1/plugins"]


async def _setup_link(host: Host, url: str) -> str | None:
    """Where the first user is made; None when there is one. What stands behind # leaves no browser and no log."""
    key = await asyncio.to_thread(host.access.make_setup_key)
    reached = url.replace("//0.0.0.0:", "//localhost:").replace("//[::]:", "//localhost:")
    return None if key is None else f"{reached}/console/setup#key={key}"


def _counted(views: Sequence[PluginView]) -> str:
    return "1 plugin" if len(views) == 1 else f"{len(views)} plugins"


async def _tried(host: Host, call: Call) -> dict[str, Any]:
    """One call as a document, with its output or its error."""
    reference, data = call
    try:
        answer = await host.plugins.call_bytes_async(reference, data.encode())
    except OmniError as error:
        return {"call": reference, "input": data, "error": str(error)}
    return {"call": reference, "input": data, "output": output_value(answer)}
