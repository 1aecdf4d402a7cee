"""The checks of `omnicore doctor`, one function each.

`omnicore doctor`: whether this machine can run plugins, and what to do where it cannot.

`omnicore health`: how every part is, asked of the server that runs, or of the parts themselves.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import platform
import shutil
import signal
import socket
import sys
import tempfile
import time
import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

from omnicore.advisories import engines, known
from omnicore.assembly import Host
from omnicore.cli.client import connected, loaded, running_client
from omnicore.cli.local import opened
from omnicore.cli.options import Exit, Shell, host_folders, pass_shell
from omnicore.cli.output import Output, styled
from omnicore.diagnostics import without_host
from omnicore.errors import Conflict, EngineFailed, OmniError, StorageFailed, Unavailable
from omnicore.files import check_own, write_whole
from omnicore.portal import BlockingHost
from omnicore.resilience.status import HealthStatus
from omnicore.sandbox.abi import MIB
from omnicore.vectors.ann import available, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from omnicore.config.settings import Settings


Verdict = Literal["ok", "warn", "fail"]

LEAST_DISK = 256 * MIB
_FORK_S = 10.0
_SHOWN = 6
_REFERENCE, _PAYLOAD = "doctor.echo", b"\x00omnicore\xff"
_ECHO = b"""(module
  (import "extism:host/env" "input_offset" (func $at (result i64)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (func (export "echo") (result i32) (call $output (call $at) (call $length)) (i32.const 0)))
"""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check and its remedy."""

    name: str
    verdict: Verdict
    fact: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """The check as `-o json` shows it."""
        return asdict(self)


def all_checks(settings: Settings) -> list[Check]:
    """Runs every check; a failing one does not keep the others from running."""
    return [check(settings) for check in _CHECKS]


def _python(_settings: Settings) -> Check:
    fact = f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}"
    if sys.implementation.name != "cpython" or sys.version_info < (3, 11):
        return Check("python", "fail", fact, "use CPython 3.11 or later")
    return Check("python", "ok", fact)


def _package(name: str) -> Callable[[Settings], Check]:
    def check(settings: Settings) -> Check:
        try:
            return Check(name, "ok", version(name))
        except PackageNotFoundError:
            needed = name == "wasmtime" or settings.engine == "extism"
            return Check(name, "fail" if needed else "warn", "is not installed", f"pip install {name}")

    return check


def _advisories(_settings: Settings) -> Check:
    """Known advisories for the installed engines. Advisories of low severity cause no warning."""
    found = [(engine, one) for engine in engines() for one in engine.advisories]
    dated = f"as of {known().dated}, an offline list"
    if not found:
        return Check("advisories", "ok", f"none against the engines, {dated}")
    names = sorted({f"{engine.name} {engine.version}" for engine, _ in found})
    shown = ", ".join(f"{one.id} ({one.severity})" for _, one in found[:_SHOWN])
    fact = f"{', '.join(names)}: {shown}{', ...' if len(found) > _SHOWN else ''}, {dated}"
    heavy = any(one.severity != "low" for _, one in found)
    return Check("advisories", "warn" if heavy else "ok", fact, f"pip install -U {found[0][0].name}" if heavy else "")


def _index(_settings: Settings) -> Check:
    if available():
        return Check("hnswlib", "ok", version("hnswlib"))
    return Check("hnswlib", "warn", missing().fact, missing().remedy)


@contextmanager
def _probe(settings: Settings) -> Iterator[Settings]:
    """Settings like those given, on a folder that holds nothing but a small plugin."""
    with tempfile.TemporaryDirectory(prefix="omnicore-doctor-") as folder:
        plugins = Path(folder, "plugins")
        plugins.mkdir()
        plugins.joinpath("doctor.wat").write_bytes(_ECHO)
        yield replace(settings, plugins=plugins, data=Path(folder, "data"), plugin_settings={}, watch=False)


def _real(name: str, run: Callable[[Settings], str]) -> Callable[[Settings], Check]:
    """A check that runs a plugin: `run` returns the fact, or raises."""

    def check(settings: Settings) -> Check:
        try:
            with _probe(settings) as own:
                return Check(name, "ok", run(own))
        except OmniError as error:
            return Check(name, "fail", f"the {settings.engine} engine: {error.fact}", error.remedy)

    return check


def _expect(answer: bytes) -> None:
    if answer != _PAYLOAD:
        raise EngineFailed(f"answered {answer!r}, not what it was given", remedy="reinstall wasmtime")


def _call(settings: Settings) -> str:
    with Host(settings=settings) as host:
        _expect(host.plugins.call_blocking(_REFERENCE, _PAYLOAD, raw=True))
        started = perf_counter()
        _expect(host.plugins.call_blocking(_REFERENCE, _PAYLOAD, raw=True))
        return f"a plugin on the {settings.engine} engine answered in {(perf_counter() - started) * 1e6:.0f} us"


def _await(settings: Settings) -> str:
    async def run() -> None:
        async with Host(settings=settings) as host:
            _expect(await host.plugins.call(_REFERENCE, _PAYLOAD, raw=True))

    asyncio.run(run())
    return "a plugin answered on an event loop"


def _fork(settings: Settings) -> str:
    with Host(settings=settings) as host:
        _expect(host.plugins.call_blocking(_REFERENCE, _PAYLOAD, raw=True))
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # the host has threads; that they matter not is the check
            child = os.fork()
        if child == 0:
            _answer_and_exit(host)
        _wait_for(child, perf_counter() + _FORK_S)
    return "a plugin answered in a forked process"


def _answer_and_exit(host: BlockingHost) -> NoReturn:
    try:
        os._exit(0 if host.plugins.call_blocking(_REFERENCE, _PAYLOAD, raw=True) == _PAYLOAD else 1)
    finally:
        os._exit(1)


def _wait_for(child: int, end: float) -> None:
    """Raises: EngineFailed: the child failed, or hangs and was ended."""
    while perf_counter() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done and status == 0:
            return
        if done:
            raise EngineFailed("a call in a forked process failed", remedy="start processes with `spawn`")
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise EngineFailed("a call in a forked process hangs", remedy="start processes with `spawn`")


def _plugin_folder(settings: Settings) -> Check:
    folder = settings.plugins
    if not folder.is_dir():
        return Check("plugins", "warn", f"{folder} is not there", "make it, or name another with --plugins")
    if not os.access(folder, os.R_OK | os.X_OK):
        return Check("plugins", "fail", f"{folder} cannot be read", "change its rights")
    if _open_to_all(folder):
        return Check("plugins", "warn", f"everybody may write to {folder}", f"chmod o-w {folder}")
    return Check("plugins", "ok", str(folder))


def _data_folder(settings: Settings) -> Check:
    folder = settings.data
    place = folder if folder.is_dir() else _existing_parent(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("data", "fail", f"{place} cannot be written", "change its rights, or name another with --data")
    try:
        check_own(folder, folder=True)
    except StorageFailed as error:
        return Check("data", "fail", error.fact, error.remedy)
    free = shutil.disk_usage(place).free
    if free < LEAST_DISK:
        return Check("data", "warn", f"{free // MIB} MiB are free for {folder}", "make room on the disk")
    return Check("data", "ok", f"{folder}, {free // MIB} MiB free")


def _existing_parent(folder: Path) -> Path:
    return next(parent for parent in folder.absolute().parents if parent.exists())


def _open_to_all(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o002)


def _port(settings: Settings) -> Check:
    where = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        return Check("port", "warn", f"{where}: {error.strerror}", "stop what uses it, or take another with --port")
    return Check("port", "ok", f"{where} is free")


def _token(settings: Settings) -> Check:
    if settings.host in ("127.0.0.1", "::1", "localhost") or settings.token:
        return Check(
            "token", "ok", "set" if settings.token else "not needed on loopback, where the owner's key lets in"
        )
    return Check("token", "fail", f"{settings.host} is beyond loopback and no token is set", "set OMNICORE_TOKEN")


_CHECKS: tuple[Callable[[Settings], Check], ...] = (
    _python,
    _package("wasmtime"),
    _package("extism"),
    _advisories,
    _index,
    _real("call", _call),
    _real("await", _await),
    _real("fork", _fork),
    _plugin_folder,
    _data_folder,
    _port,
    _token,
)


_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a ZIP for somebody who helps: checks, health, versions, logs, without secrets.",
)
@host_folders
@click.pass_context
@pass_shell
def doctor(shell: Shell, ctx: click.Context, bundle: Path | None) -> None:
    """Check engines, folders, port and a real call; exit code 1 when one of them fails."""
    output = Output(shell)
    settings = _settings(shell)
    with output.waiting("Checking"):
        checks = all_checks(settings)
    failed = any(check.verdict == "fail" for check in checks)
    if bundle is not None:
        _write(bundle, _bundled(shell, output, checks))
        output.say(f"{bundle} holds what is known of this host, without secrets.")
    if output.is_json:
        output.document({"ok": not failed, "checks": [check.to_json() for check in checks]})
    else:
        _print(output, checks)
    ctx.exit(Exit.FAILURE if failed else Exit.OK)


def _settings(shell: Shell) -> Settings:
    """The settings, without what the console has set where that cannot be read: the check of the folder says why."""
    try:
        return loaded(shell).settings
    except StorageFailed:
        return loaded(shell, console=False).settings


def _bundled(shell: Shell, output: Output, checks: Sequence[Check]) -> bytes:
    """The file's bytes; where no host can be opened it holds the checks, the versions and why."""
    also = {"checks.json": [check.to_json() for check in checks]}
    try:
        with connected(shell, output) as client:
            return _with_files(client.send("GET", "diagnostics").body, also)
    except OmniError as error:
        found = loaded(shell, console=False)
        return without_host(found, {**also, "error.json": error.to_json()})


def _with_files(bundle: bytes, files: Mapping[str, Any]) -> bytes:
    """A ZIP with further JSON files."""
    stream = io.BytesIO(bundle)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, value in files.items():
            archive.writestr(name, json.dumps(value, indent=2))
    return stream.getvalue()


def _write(file: Path, data: bytes) -> None:
    """Raises: Conflict: the file is there; StorageFailed: it cannot be written."""
    if file.exists():
        raise Conflict(f"{file} is there already", remedy="name another file, or move it away")
    write_whole(file, data)


def _print(output: Output, checks: Sequence[Check]) -> None:
    rows = [
        (
            styled(check.verdict, _STYLES[check.verdict]),
            check.name,
            "; ".join(filter(None, (check.fact, check.remedy))),
        )
        for check in checks
    ]
    output.rows(("", "check", "found"), rows)


_HEADS = ("part", "health", "reason")


@click.command()
@click.option("--here", is_flag=True, help="Ask the parts in this process, though a server runs.")
@host_folders
@pass_shell
def health(shell: Shell, *, here: bool) -> None:
    """Show how every part of the host is, and why.

    Without a server on the data folder the parts are asked here and now. The exit code is 0 for a host that is
    healthy or degraded, 1 for an unhealthy one.
    """
    output = Output(shell)
    document = _asked(shell, output) if here else _served(shell, output)
    if output.is_json:
        output.document(document)
    else:
        output.rows(_HEADS, _rows(document))
        output.say(f"The host is {document['overall'].lower()}.")
    if document["overall"] == HealthStatus.Unhealthy:
        raise click.exceptions.Exit(Exit.FAILURE)


def _served(shell: Shell, output: Output) -> dict[str, Any]:
    try:
        found: dict[str, Any] = running_client(loaded(shell).settings).get("health")
        return found
    except Unavailable:
        return _asked(shell, output)


def _asked(shell: Shell, output: Output) -> dict[str, Any]:
    with opened(shell, output) as host:
        host.check_health()
        return _document(host)


def _document(host: BlockingHost) -> dict[str, Any]:
    report = host.health.report()
    seen = {one.name: asdict(one) for one in host.health.subsystems()}
    for one in seen.values():
        del one["name"]
    features = [asdict(one) for one in host.degradation.features()]
    return {"overall": str(report.overall), "at": report.at, "subsystems": seen, "features": features}


def _rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    parts = [(name, str(one["status"]), str(one["reason"])) for name, one in document["subsystems"].items()]
    off = [(one["name"], "off", one["reason"]) for one in document["features"] if not one["enabled"]]
    return parts + off
