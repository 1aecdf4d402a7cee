"""`omnicore build`: from source to a plugin that can be called."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from omnicore.cli.build_text import Work, built, quoted, short_path, show_failure, show_plugin
from omnicore.cli.options import Shell, common_and_file, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import OmniError
from omnicore.toolchains.build import Plugin, target, write
from omnicore.toolchains.languages import LANGUAGES, find_source
from omnicore.toolchains.watch import SourceWatch


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--watch", is_flag=True, help="Build again whenever the source is saved, until Ctrl-C.")
@click.option("--name", metavar="NAME", help="The plugin's name, instead of the one in plugin.toml.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), help="The language, instead of looking which it is.")
@click.option(
    "--allow-import",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="A function that your host application provides to its plugins; may be repeated.",
)
@common_and_file
@pass_shell
def build(
    shell: Shell, path: Path, *, watch: bool, name: str | None, language: str | None, allowed: Sequence[str]
) -> None:
    """Build the plugin at PATH, a folder or one source file.

    Finds the language, calls its compiler, checks what the module imports, puts the manifest into it (what the
    code says of its functions, and plugin.toml, which wins) and checks it as a host would.

    \b
    A folder becomes PATH/plugins/NAME.wasm, a file NAME.wasm beside it, unless `-o FILE` says where.
    `-o json` and `-o text` stay forms of the answer; a file of such a name is `--out json`.
    """
    output = Output(shell)
    work = Work(*find_source(path, language), name, allowed)
    if watch:
        with suppress(KeyboardInterrupt):
            asyncio.run(_watch(output, work, path, shell.out))
        output.say("Stopped.")
    else:
        plugin, file = _once(output, work, path, shell.out)
        if not shell.out and not output.is_json:
            _next(output, plugin, path, file)


def _once(output: Output, work: Work, path: Path, out: Path | None) -> tuple[Plugin, Path]:
    with output.working(f"Building {work.source.name}") as report:
        plugin, took_s = built(work, report)
        file = target(path, plugin, out)
        write(file, plugin)
    show_plugin(output, plugin, file, took_s)
    return plugin, file


async def _watch(output: Output, work: Work, path: Path, out: Path | None) -> None:
    """Builds, and again after each save; a failure is shown and the next save tries again."""
    watch = SourceWatch(work.source, work.toolchain)
    await asyncio.to_thread(_tried, output, work, path, out)
    output.say("Waiting for changes; Ctrl-C stops it.")
    async for changed in watch.saves():
        output.say(f"{', '.join(changed[:3])} changed", "bold")
        await asyncio.to_thread(_tried, output, work, path, out)


def _tried(output: Output, work: Work, path: Path, out: Path | None) -> None:
    try:
        _once(output, work, path, out)
    except OmniError as error:
        show_failure(output, error)


def _next(output: Output, plugin: Plugin, path: Path, file: Path) -> None:
    steps = []
    if path.is_dir() and path.joinpath("expected.json").is_file():
        steps.append(f"omnicore plugins test {quoted(path)}")
    # One that takes text can be tried without a look at its schema.
    functions = sorted(plugin.manifest.functions, key=lambda one: one.input_media != "text/plain")
    there = "" if short_path(file.parent) == "plugins" else f" --plugins {quoted(file.parent)}"
    if plugin.manifest.capabilities:
        steps.append(f"omnicore plugins grant {plugin.manifest.name}{there}")
    if functions:
        given = " hello" if functions[0].input_media == "text/plain" else ""
        steps.append(f"omnicore call {plugin.manifest.name}.{functions[0].name}{given}{there}")
    if steps:
        output.say("Next: " + "; ".join(f"`{step}`" for step in steps))
