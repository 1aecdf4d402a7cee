"""`omnicore mcp`: functions as tools of the Model Context Protocol, on standard input and output."""

from __future__ import annotations

import asyncio
import signal

import click

from omnicore.assembly import Host
from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.session import checked_folder, loaded, log_to_stderr
from omnicore.config.settings import Settings

__all__ = ["mcp"]


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
