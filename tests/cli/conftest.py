"""The real command in a folder of its own, with nothing of the developer's environment."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.warm_commands import WarmCommands

from omnicore.cli.main import main
from omnicore.toolchains import languages

from ..toolchains.texts import LANGUAGE

COMMAND = [sys.executable, "-W", "error", "-m", "omnicore.cli.main"]
_WITH_TEXTS = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from omnicore.cli.main import main
from omnicore.toolchains import languages
from tests.toolchains.texts import LANGUAGE
languages.LANGUAGES["text"] = LANGUAGE
main()
"""
TEXT_COMMAND = [sys.executable, "-W", "error", "-c", _WITH_TEXTS]
"""The command with one more language, which needs no compiler: WebAssembly text."""


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("OMNICORE_", "_OMNICORE"))}
    fixed = {"TERM": "xterm-256color", "COLUMNS": "120", "NO_COLOR": "", "OMNICORE_RUNTIME__ENVIRONMENT": "local"}
    return {**kept, **fixed, **more}


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str
    raw: bytes


Run = Callable[..., Ran]


@pytest.fixture
def omnicore(run_here: Run) -> Run:
    """Runs `omnicore ARGUMENTS` in this process, in `tmp_path` (or `folder`) with pipes, and returns what came out."""
    return run_here


@pytest.fixture
def omnicore_process(tmp_path: Path) -> Run:
    """The same in a process of its own, for what only a whole process shows."""
    return _runs(COMMAND, tmp_path)


@pytest.fixture(scope="session")
def warm_commands() -> Iterator[WarmCommands]:
    """A process whose forks are commands: of its own each, without the second that imports take."""
    with WarmCommands() as commands:
        yield commands


@pytest.fixture
def on_terminal(tmp_path: Path, warm_commands: WarmCommands) -> Callable[..., tuple[int, bytes]]:
    """Runs a command in `tmp_path` with a pseudo-terminal as its streams, and returns its code and what was shown."""

    def run(*arguments: str, folder: Path = tmp_path, answer: bytes = b"", **environment: str) -> tuple[int, bytes]:
        leader, follower = pty.openpty()
        shown: list[bytes] = []
        reader = threading.Thread(target=_read, args=(leader, shown))
        reader.start()
        try:
            environ = clean_environment(**environment)
            warm_commands.begin(arguments, folder=folder, environ=environ, terminal=os.ttyname(follower))
            os.write(leader, answer)
            code = warm_commands.ended().code
        finally:
            os.close(follower)
            reader.join()
            os.close(leader)
        return code, b"".join(shown)

    return run


def _read(leader: int, shown: list[bytes]) -> None:
    """Reads a terminal until its other side is closed."""
    with contextlib.suppress(OSError):
        while part := os.read(leader, 65_536):
            shown.append(part)


@pytest.fixture
def omnicore_texts(run_here: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same with WebAssembly text among the languages."""
    monkeypatch.setitem(languages.LANGUAGES, "text", LANGUAGE)
    return run_here


def _runs(command: list[str], tmp_path: Path) -> Run:
    def run(
        *arguments: str, folder: Path = tmp_path, stdin: bytes = b"", seconds: float = 60, **environment: str
    ) -> Ran:
        done = subprocess.run(
            [*command, *map(str, arguments)],
            cwd=folder,
            input=stdin,
            capture_output=True,
            env=clean_environment(**environment),
            timeout=seconds,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode(), done.stdout)

    return run


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Run]:
    """Runs a command line in this process, which saves seconds of imports each time."""
    for name in [name for name in os.environ if name.startswith(("OMNICORE_", "_OMNICORE"))]:
        monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(
        *arguments: str, folder: Path = tmp_path, stdin: bytes = b"", seconds: float = 60, **environment: str
    ) -> Ran:
        capfdbinary.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            for name, value in clean_environment(**environment).items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as caught:
                main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        code = caught.value.code
        return Ran(int(code or 0), out.decode("utf-8", "replace"), err.decode(), out)

    yield run
    root.handlers[:], root.level = handlers, level
    for name in ("omnicore", "omnicore.extensions"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def workflows(tmp_path: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `omnicore workflows ARGUMENTS` in this process."""
    (tmp_path / "plugins").mkdir()
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str = "") -> Ran:
        return run_here("workflows", *arguments, stdin=stdin.encode())

    return run
