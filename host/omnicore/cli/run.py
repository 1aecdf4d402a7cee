"""Builds the console once in a clone, where it did not come with the package.

`omnicore run`: the application of the settings, or the server, until Ctrl-C.

`omnicore mcp`: functions as tools of the Model Context Protocol, on standard input and output.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

from omnicore.api.console import HOME, WEB, built_console
from omnicore.api.server import owners_socket
from omnicore.api.server import serve as serve_api
from omnicore.assembly import Host
from omnicore.cli.client import checked_folder, loaded, noted_server
from omnicore.cli.local import log_to_stderr
from omnicore.cli.options import Shell, host_folders, output_value, pass_shell, take_override
from omnicore.cli.output import Output
from omnicore.cli.plugins import HEADS, next_steps, plugin_row
from omnicore.config.loader import Loaded, variable
from omnicore.errors import NotFound, OmniError, Unavailable
from omnicore.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from omnicore.config.settings import Settings


_BUILD_S = 600


def build_console(output: Output) -> None:
    """Builds it where it is missing and Node is there; otherwise says what to do. A failure harms nothing else."""
    if (
        built_console() is not None
        or not (WEB / "package.json").is_file()
        or os.environ.get("OMNICORE_CONSOLE") == "skip"
    ):
        return
    npm = shutil.which("npm")
    if npm is None:
        output.say(f"The console is not built: install Node.js 20.19 or newer, then run again. {HOME} tells more.")
        return
    output.say("Building the console, once; OMNICORE_CONSOLE=skip leaves it out.")
    with output.waiting("Building the console"):
        failure = _build(npm, WEB)
    if failure:
        output.say(f"The console could not be built ({failure}). Everything else works; {HOME} tells what to do.")


def _build(npm: str, web: Path) -> str | None:
    """Installs what the build needs, when that is missing, and builds. Tells why it could not."""
    steps = [] if (web / "node_modules").is_dir() else [[npm, "ci", "--no-audit", "--no-fund"]]
    for command in (*steps, [npm, "run", "build"]):
        try:
            done = subprocess.run(
                command, cwd=web, timeout=_BUILD_S, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"npm {command[1]}: {error}"
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            return f"npm {command[1]}: {lines[-1] if lines else f'exit code {done.returncode}'}"
    return None


Call = tuple[str, str]
Beside = Callable[[Host], Coroutine[Any, Any, None]]
"""Work that runs while the host serves, and is cancelled when it stops."""

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


def _take_open(ctx: click.Context, _option: click.Parameter, value: Any) -> None:
    if value:
        ctx.ensure_object(Shell).overrides["access.open"] = True


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
@click.option(
    "--open-access",
    is_flag=True,
    default=None,
    expose_value=False,
    callback=_take_open,
    help="For a demo: whoever is on this machine may do everything until the first user is made.",
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
        _become(main, found.file if found.trusted else None, shell.overrides)
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
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        with output.waiting("Reading and compiling the plugins"):
            wanted = [reference.partition(".")[0] for reference, _ in trials]
            host = await stack.enter_async_context(Host(settings=found, wanted=wanted))
        logging.getLogger("omnicore").addHandler(host.fleet.lines)
        stack.callback(logging.getLogger("omnicore").removeHandler, host.fleet.lines)
        leaving = [asyncio.ensure_future(_thrown_out(host, stop))]
        stack.push_async_callback(_cancelled, leaving[0])

        def leave() -> None:
            """Drains at the first signal, and stops at the second."""
            loop.add_signal_handler(signal.SIGTERM, stop.set)
            leaving.append(asyncio.ensure_future(_left(host, stop)))

        loop.add_signal_handler(signal.SIGTERM, leave)
        ready: asyncio.Future[str] = loop.create_future()
        owners = stack.enter_context(owners_socket(settings.data, os.environ))
        served = serve_api(host.asgi(), settings, stop=stop, announce=ready.set_result, owners=owners)
        server = asyncio.ensure_future(served)
        first: set[asyncio.Future[Any]] = {server, ready}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            if owners is not None:
                stack.enter_context(noted_server(settings, ready.result(), owners.getsockname()))
            await _greet(host, output, ready.result(), trials)
            settle()
            shorten_turns()
            if beside is not None:
                stack.push_async_callback(_cancelled, asyncio.ensure_future(beside(host)))
        await server  # without an address it has failed, and this says why
    if host.fleet.removed.is_set():
        raise Unavailable(host.fleet.trouble, remedy="see `omnicore fleet join --help`")
    output.say("Stopped.")


async def _left(host: Host, stop: asyncio.Event) -> None:
    try:
        await host.fleet.leave()
    finally:
        stop.set()


async def _thrown_out(host: Host, stop: asyncio.Event) -> None:
    """Stops the server of a host that was removed from its fleet."""
    await host.fleet.removed.wait()
    stop.set()


async def _cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _greet(host: Host, output: Output, url: str, trials: Sequence[Call]) -> None:
    """Says what is served and where, and makes the calls that were asked for."""
    calls = []
    for call in trials:
        with output.waiting(f"Calling {call[0]}"):
            calls.append(await _tried(host, call))
        _show_try(output, calls[-1])
    if trials and host.settings.watch:
        with output.waiting("Reading the other plugins"):
            await asyncio.to_thread(host.plugins.scan, "none")
    views = [view.to_json() for view in host.plugins.list()]
    setup = await _setup_link(host, url)
    if output.is_json:
        output.document({"url": url, "setup": setup, "plugins": views, "calls": calls})
        return
    output.line(f"OmniCore {__version__} serves {_counted(views)} at {url}", style="bold")
    output.rows(HEADS, [plugin_row(view) for view in views])
    output.line("Next, in another terminal:")
    for step in (*next_steps(views), f'curl -H "$(omnicore auth)" {url}/api/v1/plugins'):
        output.line(f"  {step}")
    if setup is not None:
        output.line("Nobody has a login yet. This link makes the first user, once:")
        output.line(f"  {setup}")
    output.line("Ctrl-C stops it.")


def _show_try(output: Output, call: dict[str, Any]) -> None:
    """Prints a call as soon as it is answered; with `-o json` it is part of the document that follows."""
    if output.is_json:
        return
    answer = call.get("output", call.get("error"))
    shown = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    output.line(f"{call['call']} {call['input']!r} -> {shown}", style="green" if "output" in call else "red")
    sys.stdout.flush()


async def _setup_link(host: Host, url: str) -> str | None:
    """The link to create the first user; None if there is one. The part after # is never sent or logged."""
    key = await asyncio.to_thread(host.access.make_setup_key)
    reached = url.replace("//0.0.0.0:", "//localhost:").replace("//[::]:", "//localhost:")
    return None if key is None else f"{reached}/console/setup#key={key}"


def _counted(views: Sequence[Any]) -> str:
    return "1 plugin" if len(views) == 1 else f"{len(views)} plugins"


async def _tried(host: Host, call: Call) -> dict[str, Any]:
    """One call as a document, with its output or its error."""
    reference, data = call
    try:
        answer = await host.plugins.call(reference, data.encode(), raw=True)
    except OmniError as error:
        return {"call": reference, "input": data, "error": str(error)}
    return {"call": reference, "input": data, "output": output_value(answer)}


@click.command()
@host_folders
@pass_shell
def mcp(shell: Shell) -> None:
    """Serve the functions of a folder's plugins as MCP tools on standard input and output.

    For programs that start their tools themselves; it ends with its input. `omnicore run` serves the same at /mcp.
    """
    settings = checked_folder(loaded(shell).settings)
    log_to_stderr(settings.log_level, settings.runtime.log_format)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with Host(settings=settings, work=False) as host:
        await host.mcp.serve_stdio(ended=ended)


_YOUNG = 10_000
"""Objects made before the young ones are looked through; Python's 700 are those of a few short calls."""


def settle() -> None:
    """Takes what is there out of the collector's rounds, once a process has started.

    A started host has some hundred thousand objects that stay. Each full round goes through all of them, which stops
    every call for about 80 ms. For processes that are the host; an application that embeds one decides for itself.
    """
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(_YOUNG, *older)


_TURN_S = 0.0005


def shorten_turns() -> None:
    """Lets a thread that computes give way after 0.5 ms where others wait, instead of after 5.

    The event loop gives its turn away whenever it looks for news, some five times for one request. With Python's own
    interval each of these costs 5 ms as long as any thread computes. For processes that are the host; an application
    that embeds one decides for itself.
    """
    sys.setswitchinterval(_TURN_S)
