"""`omnicore mcp`: the same tools on standard input and output, in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from tests.api.conftest import ECHO, MANY, SLOW
from tests.cli.conftest import COMMAND, clean_environment
from tests.mcp.clients import ERAS, HELLO, played, text_of

_MISSING = """
import sys
sys.modules["mcp"] = None
from omnicore.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with plugins, whose code is compiled once."""
    folder = tmp_path_factory.mktemp("stdio")
    (folder / "plugins").mkdir()
    for name, text in {"echo.wat": ECHO, "many.wat": MANY, "many.toml": SLOW}.items():
        (folder / "plugins" / name).write_text(text)
    return folder


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command with pipes; its end is waited for."""
    with subprocess.Popen(
        [*COMMAND, "mcp", "--plugins", str(folder / "plugins"), "--data", str(folder / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(OMNICORE_LIMITS__TIMEOUT_S="20", **environment),
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(method: str, params: Any = None, id: int | None = None) -> str:
    document = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    return json.dumps(document if id is None else {**document, "id": id}) + "\n"


_GREETING = line("initialize", HELLO, 1) + line("notifications/initialized")


@pytest.mark.parametrize("mode", ERAS)
def test_the_official_client_lists_and_calls(folder: Path, mode: str) -> None:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=[*COMMAND[1:], "mcp", "--plugins", str(folder / "plugins"), "--data", str(folder / "data")],
        env=clean_environment(OMNICORE_LIMITS__TIMEOUT_S="20"),
    )

    async def scene() -> None:
        async with Client(parameters, mode=mode) as client:
            assert "echo.echo" in [tool.name for tool in (await client.list_tools()).tools]
            assert text_of(await client.call_tool("echo.echo", {"input": "hé"})) == "hé"
            failed = await client.call_tool("many.trap", {})
            assert failed.is_error

    played(scene)


def test_all_is_answered_before_the_end_of_the_input_ends_it_whatever_stands_between(folder: Path) -> None:
    wrong = "{\n\n[]\n" + "x" * 200_000 + "\n"
    asked = "".join(line("tools/call", {"name": "echo.echo", "arguments": {"input": str(n)}}, n) for n in range(2, 30))
    with serving(folder, OMNICORE_BODY_BYTES="20000", OMNICORE_LOG_LEVEL="error") as process:
        out, err = process.communicate(_GREETING + wrong + asked, timeout=60)
    answers = {one["id"]: one for one in map(json.loads, out.splitlines()) if "id" in one}
    assert answers.keys() == set(range(1, 30))
    assert answers[7]["result"]["content"][0]["text"] == "7"
    assert (process.returncode, err) == (0, "")


def test_a_signal_ends_it_while_it_waits_for_input_and_a_call_runs(folder: Path) -> None:
    with serving(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_GREETING + line("tools/call", {"name": "many.spin"}, 2) + line("ping", id=3))
        process.stdin.flush()
        while json.loads(process.stdout.readline())["id"] != 3:
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_without_the_package_it_says_what_to_install(folder: Path) -> None:
    command = [
        sys.executable,
        "-c",
        _MISSING,
        "mcp",
        "--plugins",
        str(folder / "plugins"),
        "--data",
        str(folder / "d2"),
    ]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, env=clean_environment(), timeout=60, check=False
    )
    assert done.returncode == 1
    assert "pip install 'omnicore[mcp]'" in done.stderr
    assert done.stdout == ""
