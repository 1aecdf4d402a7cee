"""Repositories of a stranger, with every command and an embedding program run in each: no trap springs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.attack.command_lines import CONSENTS, Line, command_lines, commands
from tests.attack.hostile_repositories import (
    ARRIVED,
    FORGED,
    REPOSITORIES,
    SECRET,
    Trap,
    plain,
    write,
)
from tests.warm_commands import Ended, WarmCommands

EVERY = os.environ.get("HOSTILE_REPOSITORIES") == "all"
"""True if every command is run in every repository, which takes ten minutes; else each in every twelfth."""

_TYPED = {0, 1, 2, 3, 4, 5}
_FREE = frozenset({"plugins", "data", "log_lines"})
"""Settings that a folder may decide, or that a command line of the harness sets."""

_PROGRAMS = {
    "Host()": "from omnicore import Host\nwith Host() as host:\n    print(host.call('hello.greet', 'x'))\n",
    "Host(plugins='plugins')": (
        "from omnicore import Host\nwith Host(plugins='plugins') as host:\n    print(host.call('hello.greet', 'x'))\n"
    ),
}


_LOCAL = {"OMNICORE_RUNTIME__ENVIRONMENT": "local"}
_TOOLS = (
    "cargo",
    "rustc",
    "rustup",
    "go",
    "node",
    "npm",
    "npx",
    "zig",
    "tinygo",
    "esbuild",
    "tsc",
    "asc",
    "git",
    "make",
)


def _make_tools(folder: Path, trap: Trap) -> None:
    """Puts compilers on PATH that leave a canary when they are started in a clone: they all run what a project says."""
    for name in _TOOLS:
        leaves = trap.shell(f"tool-{name}")
        write(folder / name, f'#!/bin/sh\ncase "$PWD" in */clone*) {leaves};; esac\nexit 1\n', 0o755)


class Listener:
    """The stranger's server: it answers anybody with 200, and remembers what came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.came: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.came.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                except OSError:
                    self.came.append(b"came and said nothing")


class Visit:
    """One repository in which the user runs commands, and what was found wrong."""

    def __init__(self, base: Path, trap: Trap, commands: WarmCommands, listener: Listener) -> None:
        self.folder, self.home = base / "clone", base / "home"
        self.folder.mkdir(mode=0o755)
        self.home.mkdir(mode=0o755)
        self.trap = trap
        self.found: list[str] = []
        self._commands = commands
        self._listener = listener
        _make_tools(base / "tools", trap)
        path = f"{base / 'tools'}:/usr/bin:/bin"
        self.environ = {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", "COLUMNS": "120", **_LOCAL}

    def run(self, line: Line | tuple[str, ...]) -> Ended:
        """Runs a command as the user does."""
        line = line if isinstance(line, Line) else Line(line)
        return self._commands.run(
            line.arguments, folder=self.folder, environ=self.environ, stdin=line.stdin, served=line.served
        )

    def check(self, line: Line) -> None:
        """Runs a command and notes what is wrong with how it ends and with what it prints."""
        self.look(" ".join(line.arguments), self.run(line))

    def check_program(self, name: str) -> None:
        """Runs an embedding program in the folder."""
        ended = self._commands.run(folder=self.folder, environ=self.environ, program=_PROGRAMS[name])
        self.look(name, ended, typed=False)

    def look(self, name: str, ended: Ended, *, typed: bool = True) -> None:
        """Notes what is wrong with how something ended and with what it left."""
        said = ended.out + ended.err
        wrong = [
            (typed and ended.code not in _TYPED, f"ends with {ended.code}"),
            (typed and ("Traceback" in said or "unexpected " in ended.err), "fails by accident"),
            (not typed and ended.code != 0 and "omnicore.errors." not in said, "fails by accident"),
            (SECRET in said, "prints what is private"),
            (FORGED in said, "is answered by the stranger's code"),
            (
                "json" not in name and any(mark in said for mark in ("\x1b[31mX", "\x1b[2J", "\u202e", "\x07")),
                "steers the terminal",
            ),
            ("0.0.0.0" in ended.out and "http://" in ended.out, "listens to everybody"),
        ]
        self.found += [f"`{name}` {fact}: {said[-600:]}" for is_wrong, fact in wrong if is_wrong]
        for canary in sorted(self.trap.canaries.iterdir()):
            self.found.append(f"`{name}` ran the stranger's {canary.name}: {said[-300:]}")
            canary.unlink()
        if self._listener.came:
            self.found.append(f"`{name}` contacted the stranger: {self._listener.came[:2]}: {said[-300:]}")
            self._listener.came.clear()

    def check_doors(self) -> None:
        """Notes doors that are open to `thief`, and code that took over what `store` keeps."""
        fetch = json.dumps({"url": self._listener.url})
        for call in (
            ("call", "thief.put", '{"key": "a", "value": "b"}'),
            ("call", "thief.fetch", fetch),
            ("call", "thief.steal", '{"key": "a"}'),
            ("call", "store.steal", '{"key": "diary"}'),
            ("call", "store.fetch", fetch),
        ):
            ended = self.run(call)
            if ended.code == 0 and '"error"' not in ended.out:
                self.found.append(f"`{' '.join(call)}` went through: {ended.out[:300]}")
        self.look("the calls of the doors", Ended(0, "", ""))

    def check_settings(self, usual: Mapping[str, Any]) -> None:
        """Notes settings that are not as in an empty folder."""
        shown = self.settings()
        if not shown:
            return
        for name in sorted(usual.keys() | shown.keys()):
            if name.partition(".")[0] not in _FREE and usual.get(name) != shown.get(name):
                self.found.append(f"{name} is {shown.get(name)!r}, not {usual.get(name)!r}")
        if "data" in shown and self.folder in (self.folder / str(shown["data"])).parents:
            self.found.append(f"data is {shown['data']}, in the repository")

    def settings(self) -> dict[str, Any]:
        """The settings in force."""
        ended = self.run(("config", "show", "-o", "json"))
        if ended.code:
            return {}  # the file cannot be read, and no command runs; that is said
        return _flat(json.loads(ended.out))


def _flat(document: Any) -> dict[str, Any]:
    rows = document.get("items", document) if isinstance(document, dict) else document
    if isinstance(rows, list):
        return {str(row.get("name", row.get("setting"))): row.get("value") for row in rows}
    flat: dict[str, Any] = {}
    for name, value in rows.items():
        below = _flat(value) if isinstance(value, dict) and value else {}
        flat |= {f"{name}.{key}": inner for key, inner in below.items()} if below else {name: value}
    return flat


def _seen(folder: Path) -> dict[str, str]:
    """Every file below a folder with what is in it, as far as it is an ordinary one."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size < 2**24:
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[str(path.relative_to(folder))] = stat.filemode(status.st_mode)
    return found


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmCommands]:
    """The process that runs the commands."""
    with WarmCommands() as commands:
        yield commands


@pytest.fixture
def listener() -> Iterator[Listener]:
    """The stranger's server."""
    server = Listener()
    yield server
    server.close()


@pytest.fixture(scope="module")
def stranger_state(warm: WarmCommands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as the stranger made it: `thief` is granted all, and there are users, secrets, tasks."""
    base = tmp_path_factory.mktemp("stranger")
    base.chmod(0o755)
    plain(base)
    for arguments in (
        ("plugins", "grant", "thief"),
        ("plugins", "grant", "store"),
        ("users", "add", "eve", "--role", "admin"),
        ("tokens", "add", "eve", "--user", "eve"),
        ("secrets", "set", "stolen"),
        ("connectors", "add", "spy", "http", "-s", "base_url=https://example.com"),
        ("tasks", "schedules", "add", "evil", "thief.fetch", "--every", "1s"),
        ("tasks", "submit", "thief.fetch"),
        ("config", "set", "log_lines", "77"),
        ("db", "backup", "state/b.backup"),
    ):
        environ = {"HOME": str(base / "home"), "PATH": "/usr/bin:/bin", **_LOCAL}
        (base / "home").mkdir(exist_ok=True)
        words = (*arguments, "--data", str(base / "state"))
        warm.run(words, folder=base, environ=environ, stdin="correct horse battery staple\n" * 2)
    assert (base / "state" / "omnicore.db").exists()
    return base / "state"


@pytest.fixture
def visit(tmp_path: Path, warm: WarmCommands, listener: Listener, stranger_state: Path) -> Visit:
    """An empty clone, and what is around it."""
    for name in ("canaries", "private"):
        (tmp_path / name).mkdir()
    write(tmp_path / "private" / "id_key", f"{SECRET} = {SECRET}\n{SECRET}\n", 0o600)
    write(tmp_path / "private" / "notes.toml", f'name = "{SECRET}"\nversion = "{SECRET}"\n', 0o600)
    trap = Trap(tmp_path / "canaries", listener.url, tmp_path / "private", stranger_state)
    return Visit(tmp_path, trap, warm, listener)


@pytest.fixture(scope="module")
def usual(warm: WarmCommands, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings in a folder that has nothing but plugins."""
    base = tmp_path_factory.mktemp("usual")
    here = Visit(base, Trap(base, "", base, base), warm, None)  # type: ignore[arg-type]
    plain(here.folder)
    return here.settings()


@pytest.mark.long
@pytest.mark.parametrize("name", REPOSITORIES)
def test_nothing_of_a_stranger_s_repository_runs_opens_or_loosens_anything(
    visit: Visit, usual: dict[str, Any], name: str
) -> None:
    plain(visit.folder)
    if name in ARRIVED:
        granted = [
            visit.run(("plugins", "grant", "store", "kv")),
            visit.run(("call", "store.put", '{"key": "diary", "value": "aGk="}')),
        ]
        assert [one.code for one in granted] == [0, 0], granted
    REPOSITORIES[name](visit.folder, visit.trap)
    states = {place: _seen(place) for place in visit.folder.rglob(".omnicore") if not place.is_symlink()}
    private, below = _seen(visit.trap.private), _seen(visit.trap.state)
    visit.check_settings(usual)
    for program in _PROGRAMS:
        visit.check_program(program)
    for line in command_lines(list(REPOSITORIES).index(name), 1 if EVERY else 12):
        visit.check(line)
    visit.check_settings(usual)
    visit.check_doors()
    changed = _differences(private, _seen(visit.trap.private))
    visit.found += [f"{path} of the user's changed" for path in changed if not path.startswith("plugins")]
    visit.found += [f"{path} was written into" for path, seen in states.items() if _differences(seen, _seen(path))]
    made = [path for path in visit.folder.rglob(".omnicore") if not path.is_symlink() and path not in states]
    visit.found += [f"{path} was made" for path in made]
    visit.found += [f"{path} of another folder changed" for path in _differences(below, _seen(visit.trap.state))]
    home = {path.parts[0] for path in (p.relative_to(visit.home) for p in visit.home.rglob("*")) if path.parts}
    visit.found += [f"~/{path} was written" for path in home - {".local", ".cache", ".config", ".npm", ".cargo", "go"}]
    _tidy(visit)
    assert not visit.found, "\n".join(visit.found[:40])


def _tidy(visit: Visit) -> None:
    """Drops what is large: a failed test keeps its folder."""
    shutil.rmtree(visit.folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        (Ended(-11, "", ""), "ends with -11"),
        (Ended(99, "", ""), "ends with 99"),
        (Ended(1, "", "error: unexpected KeyError: 'a'"), "fails by accident"),
        (Ended(1, "", "Traceback (most recent call last):"), "fails by accident"),
        (Ended(0, "", f"line 1: {SECRET}"), "prints what is private"),
        (Ended(0, FORGED, ""), "is answered by the stranger's code"),
        (Ended(0, "a\u202eb", ""), "steers the terminal"),
        (Ended(0, '{"url": "http://0.0.0.0:80"}', ""), "listens to everybody"),
    ],
)
def test_what_goes_wrong_is_seen(visit: Visit, ended: Ended, says: str) -> None:
    visit.look("a command", ended)
    assert [line for line in visit.found if says in line]


def test_a_canary_and_a_visit_to_the_stranger_are_seen(visit: Visit, listener: Listener) -> None:
    (visit.trap.canaries / "build-rs").write_text("ran")
    with socket.create_connection(("127.0.0.1", int(listener.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.recv(1)
    visit.look("a command", Ended(0, "", ""))
    assert [line[:45] for line in visit.found] == [
        "`a command` ran the stranger's build-rs: ",
        "`a command` contacted the stranger: [b'GET / ",
    ]


def test_a_setting_that_is_in_force_is_seen(visit: Visit, usual: dict[str, Any]) -> None:
    plain(visit.folder)
    visit.environ["OMNICORE_HOST"] = "0.0.0.0"
    visit.check_settings(usual)
    assert visit.found == ["host is '0.0.0.0', not '127.0.0.1'"]


def test_a_door_that_is_open_is_seen(visit: Visit) -> None:
    plain(visit.folder)
    assert visit.run(("plugins", "grant", "thief")).code == 0
    visit.check_doors()
    assert "`call thief.put" in visit.found[0]


def test_there_is_a_line_for_every_command() -> None:
    lines = {line.arguments for line in command_lines()}
    for words, _ in commands():
        assert words in CONSENTS or any(line[: len(words.split())] == tuple(words.split()) for line in lines), words
