"""Commands in this process, which under load saves seconds each: `run("call", "hello.hello", folder=clone)`."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Ran

from omnicore.cli.main import main

__all__ = ["Commands", "commands"]

Commands = Callable[..., Ran]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    """Runs `omnicore ARGUMENTS` in a folder, with nobody at the terminal."""
    for name in [name for name in os.environ if name.startswith("OMNICORE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMNICORE_RUNTIME__ENVIRONMENT", "local")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*arguments: str, folder: Path) -> Ran:
        capfd.readouterr()
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        out, err = capfd.readouterr()
        return Ran(int(caught.value.code or 0), out, err, out.encode())

    yield run
    root.handlers[:], root.level = handlers, level
    for name in ("omnicore", "omnicore.extensions"):
        logging.getLogger(name).setLevel(logging.NOTSET)
