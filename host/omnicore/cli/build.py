"""The result of a build, as rows and lines for people.

`omnicore build`: from source to a plugin that can be called.

`omnicore dev`: a plugin that is built again whenever it is saved, in a host that goes on serving it.

`omnicore kit`: typed code for plugins that call the doors of an application.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.client import loaded, who
from omnicore.cli.options import Shell, common, common_and_file, host_folders, pass_shell, take_override
from omnicore.cli.output import Output, quoted, short_path, size_text
from omnicore.cli.plugins import in_words
from omnicore.cli.run import serve_folder
from omnicore.config.folders import project_data
from omnicore.errors import OmniError
from omnicore.optional import optional
from omnicore.plugins.folder import write_whole
from omnicore.toolchains.build import (
    DESCRIPTION,
    BuiltPlugin,
    SourceWatch,
    application_at,
    kit_files,
    languages_named,
    plugin_folder,
    target,
    write,
)
from omnicore.toolchains.build import build as build_plugin
from omnicore.toolchains.languages import LANGUAGES, find_source
from omnicore.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from omnicore.assembly import Host
    from omnicore.config.settings import Settings
    from omnicore.packages.keys import SecretKey
    from omnicore.plugins.view import PluginView
    from omnicore.toolchains.languages import PluginSource, Toolchain


@dataclass(frozen=True, slots=True)
class Work:
    """A source that is built once or again and again; `allowed` are imports that a host application provides."""

    toolchain: Toolchain
    source: PluginSource
    name: str | None = None
    allowed: Collection[str] = ()


def built(work: Work, report: Callable[[str], None]) -> tuple[BuiltPlugin, float]:
    """The plugin, and the seconds it took. Raises: what `omnicore.toolchains.build.build` raises."""
    started = perf_counter()
    plugin = build_plugin(work.toolchain, work.source, report=report, name=work.name, allowed=work.allowed)
    return plugin, perf_counter() - started


def show_plugin(output: Output, plugin: BuiltPlugin, file: Path, took_s: float) -> None:
    """The result as a table or lines, then what the author should know."""
    shown = short_path(file)
    if output.is_json:
        output.document({**plugin.to_json(), "file": str(file), "took_s": round(took_s, 3)})
        return
    output.rows(("plugin", plugin.manifest.name), _rows(plugin, shown, took_s))
    for words, lines, style in (("warning", plugin.warnings, "yellow"), ("note", plugin.notes, "dim")):
        for line in lines:
            output.say(f"{words}: {line}", style)


def show_failure(output: Output, error: OmniError) -> None:
    """A failure that does not end the command."""
    if output.is_json:
        output.document({"error": error.to_json()})
    else:
        output.say(f"error: {error}", "red")


def _rows(plugin: BuiltPlugin, shown: str, took_s: float) -> Iterator[tuple[str, str]]:
    manifest, imports = plugin.manifest, plugin.imports
    language = LANGUAGES[plugin.language].title if plugin.language in LANGUAGES else plugin.language
    yield "file", shown
    yield "built", f"from {language} in {took_s:.1f} s" + (", a component" if plugin.kind == "component" else "")
    yield "size", f"{size_text(len(plugin.wasm))} ({len(plugin.wasm)} bytes)"
    yield "sha256", hashlib.sha256(plugin.wasm).hexdigest()
    if manifest.version:
        yield "version", manifest.version
    for function in manifest.functions:
        yield "function", in_words(function.name, function.to_json())
    for one in manifest.capabilities:
        scope = f" {json.dumps(dict(one.scope), ensure_ascii=False)}" if one.scope else ""
        yield "asks for", f"{one.name}{scope}  because: {one.reason}"
    if not manifest.capabilities:
        yield "asks for", "nothing"
    for door, names in imports.doors.items():
        yield "uses", f"{door}: {', '.join(names)}"


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
@click.option(
    "--provenance",
    metavar="NAME|FILE",
    help="Write FILE.provenance.json: what it was built from, signed with this key.",
)
@common_and_file
@pass_shell
def build(
    shell: Shell,
    path: Path,
    *,
    watch: bool,
    name: str | None,
    language: str | None,
    allowed: Sequence[str],
    provenance: str | None,
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
    if watch and provenance:
        raise click.UsageError("a build that is watched makes no provenance")
    if watch:
        with suppress(KeyboardInterrupt):
            asyncio.run(_watch(output, work, path, shell.out))
        output.say("Stopped.")
    else:
        key = optional("omnicore.cli.keys").secret_key(provenance) if provenance else None
        plugin, file = _once(output, work, path, shell.out)
        if key is not None:
            output.say(f"Wrote {short_path(_stated(plugin, path, file, key))}")
        if not shell.out and not output.is_json:
            _next(output, plugin, path, file)


def _once(output: Output, work: Work, path: Path, out: Path | None) -> tuple[BuiltPlugin, Path]:
    with output.working(f"Building {work.source.name}") as report:
        plugin, took_s = built(work, report)
        file = target(path, plugin, out)
        write(file, plugin)
    show_plugin(output, plugin, file, took_s)
    return plugin, file


def _stated(plugin: BuiltPlugin, path: Path, file: Path, key: SecretKey) -> Path:
    """Writes the signed statement on a build beside the module."""
    stating = optional("omnicore.packages.provenance")
    tools = dict(one.rpartition(" ")[::2] for one in stating.producers_of(plugin.wasm).tools if " " in one)
    digest = hashlib.sha256(plugin.wasm).hexdigest()
    files = stating.source_files(path)
    facts = stating.BuildFacts(
        file.name, digest, plugin.language, path.resolve().name, files, {"omnicore": __version__, **tools}
    )
    written = file.with_name(file.name + stating.ENDING)
    write_whole(written.parent, written.name, stating.seal(stating.statement(facts), key))
    return written


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


def _next(output: Output, plugin: BuiltPlugin, path: Path, file: Path) -> None:
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
    """The plugins and the data are those of the source's folder, unless an option or a settings file says where."""
    found = loaded(shell)
    homes = {"plugins": plugin_folder(work.source.folder), "data": project_data(work.source.folder)}
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
        self._first: BuiltPlugin | None = None

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
        if self._first is not None:
            try:
                await asyncio.to_thread(self._taken, host, self._first)
            except OmniError as error:
                show_failure(self._output, error)
        async for changed in self._watch.saves():
            self._output.say(f"{', '.join(changed[:3])} changed", "bold")
            try:
                await asyncio.to_thread(self._swap, host)
            except OmniError as error:
                show_failure(self._output, error)
                self._output.say("The version before goes on serving.")

    def _swap(self, host: Host) -> None:
        plugin, took_s = self._built()
        host.plugins.install(f"{plugin.manifest.name}.wasm", plugin.wasm)
        view = self._taken(host, plugin)
        for line in plugin.warnings:
            self._output.say(f"warning: {line}", "yellow")
        state = view.state + (f": {view.reason}" if view.reason else "")
        words = f"Built {view.name} in {took_s:.1f} s, {size_text(len(plugin.wasm))}; it is {state}"
        self._output.say(words, "green" if view.state == "enabled" else "yellow")
        if view.state == "needs-grant":
            self._output.say(f"Grant it with `omnicore plugins grant {view.name}`, or run `omnicore dev --grant`.")

    def _taken(self, host: Host, plugin: BuiltPlugin) -> PluginView:
        """The plugin once what was built here is accepted: these bytes, whatever else came into the folder."""
        view = host.plugins.get(plugin.manifest.name)
        if view.state == "needs-review" or (self._grants and view.state == "needs-grant"):
            digest = hashlib.sha256(plugin.wasm).hexdigest()
            return host.plugins.approve(view.name, digest, who=who(), grants=self._grants)
        return view

    def _built(self) -> tuple[BuiltPlugin, float]:
        with self._output.working(f"Building {self._work.source.name}") as report:
            return built(self._work, report)


@click.command()
@click.argument("application", metavar="MODULE:NAME")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("sdk"),
    show_default=True,
    help="Folder for the kits, with one for each language.",
)
@click.option(
    "-l",
    "--language",
    "words",
    multiple=True,
    help="rust, go, js, ts, python, c, zig, as or wit; several with commas. Default: all.",
)
@click.option("--breaking", is_flag=True, help="Write them although plugins built with the earlier kit break.")
@common
@pass_shell
def kit(shell: Shell, application: str, folder: Path, words: tuple[str, ...], breaking: bool) -> None:
    """Write typed kits for the doors that an application declares with `@host.door`, and a page about them.

    The module is imported, so its code runs. Files of an earlier kit are replaced, unless a change of the doors breaks
    plugins that were built with it, which is named.
    """
    output = Output(shell)
    languages = languages_named(words)
    before = folder / DESCRIPTION
    earlier = before.read_bytes() if before.is_file() and not breaking else None
    files = kit_files(application_at(application, Path.cwd()), languages, earlier)
    for path, text in files.items():
        place = folder / path
        write_whole(place.parent, place.name, text.encode())
    told = {"folder": str(folder), "files": sorted(files)}
    output.done(f"Wrote {len(files)} files to {short_path(folder)}: {', '.join(languages)}", told)
