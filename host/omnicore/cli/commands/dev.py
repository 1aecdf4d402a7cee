"""`omnicore dev`: a plugin that is built again whenever it is saved, in a host that goes on serving it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from omnicore.assembly import Host
from omnicore.cli.build_text import Work, built, show_failure, show_plugin
from omnicore.cli.commands.run import serve_folder
from omnicore.cli.options import Shell, host_folders, pass_shell, take_override
from omnicore.cli.output import Output
from omnicore.cli.plugin_text import size_text
from omnicore.cli.session import loaded, who
from omnicore.config.settings import Settings
from omnicore.errors import OmniError
from omnicore.plugins.view import PluginView
from omnicore.toolchains.build import Plugin, write
from omnicore.toolchains.languages import LANGUAGES, find_source
from omnicore.toolchains.watch import SourceWatch

_SETTING: dict[str, Any] = {"expose_value": False, "callback": take_override, "default": None}


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--grant", "grants", is_flag=True, help="Grant what the plugin asks for, each time it is built.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), help="The language, instead of looking which it is.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.", **_SETTING)
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.", **_SETTING)
@host_folders
@pass_shell
def dev(shell: Shell, path: Path, *, grants: bool, language: str | None) -> None:
    """Build the plugin at PATH into a plugin folder, serve it, and do so again after each save.

    The new version takes over between two calls. When a build fails the error is shown and the version before
    goes on serving. Ctrl-C stops it.
    """
    output = Output(shell)
    work = Work(*find_source(path, language))
    settings = _settings(shell, work)
    settings.plugins.mkdir(parents=True, exist_ok=True)
    watch = SourceWatch(work.source, work.toolchain)
    session = _Session(output, work, watch, grants=grants)
    session.first(settings.plugins)
    serve_folder(settings, output, beside=session.follow)


def _settings(shell: Shell, work: Work) -> Settings:
    """The plugins and the data lie in the source's folder, unless the command line or a settings file says where."""
    found = loaded(shell)
    homes = {"plugins": work.source.folder / "plugins", "data": work.source.folder / ".omnicore"}
    own: dict[str, Any] = {
        name: place for name, place in homes.items() if str(found.origins.get(name, "default")) == "default"
    }
    return replace(found.settings, **own) if own else found.settings


class _Session:
    """One plugin that is being worked on."""

    def __init__(self, output: Output, work: Work, watch: SourceWatch, *, grants: bool) -> None:
        self._output = output
        self._work = work
        self._watch = watch
        self._grants = grants
        self._first: Plugin | None = None

    def first(self, folder: Path) -> None:
        """The build before the host starts; one that fails leaves an older file to be served."""
        try:
            self._first, took_s = self._built()
            file = folder / f"{self._first.manifest.name}.wasm"
            write(file, self._first)
        except OmniError as error:
            show_failure(self._output, error)
        else:
            if not self._output.is_json:
                show_plugin(self._output, self._first, file, took_s)

    async def follow(self, host: Host) -> None:
        """Builds and swaps after each save, until it is cancelled."""
        if self._grants and self._first is not None:
            await asyncio.to_thread(self._granted, host, host.plugins.get(self._first.manifest.name))
        async for changed in self._watch.saves():
            self._output.say(f"{', '.join(changed[:3])} changed", "bold")
            try:
                await asyncio.to_thread(self._swap, host)
            except OmniError as error:
                show_failure(self._output, error)
                self._output.say("The version before goes on serving.")

    def _swap(self, host: Host) -> None:
        plugin, took_s = self._built()
        view = host.plugins.install(f"{plugin.manifest.name}.wasm", plugin.wasm)
        view = self._granted(host, view)
        for line in plugin.warnings:
            self._output.say(f"warning: {line}", "yellow")
        state = view.state + (f": {view.reason}" if view.reason else "")
        words = f"Built {view.name} in {took_s:.1f} s, {size_text(len(plugin.wasm))}; it is {state}"
        self._output.say(words, "green" if view.state == "enabled" else "yellow")
        if view.state == "needs-grant":
            self._output.say(f"Grant it with `omnicore plugins grant {view.name}`, or run `omnicore dev --grant`.")

    def _granted(self, host: Host, view: PluginView) -> PluginView:
        if self._grants and view.state == "needs-grant":
            return host.plugins.grant(view.name, None, who=who())
        return view

    def _built(self) -> tuple[Plugin, float]:
        with self._output.working(f"Building {self._work.source.name}") as report:
            return built(self._work, report)
