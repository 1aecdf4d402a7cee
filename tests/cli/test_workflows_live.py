"""Runs survive the command that shows them: it is killed, interrupted or leaves them to a server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.api.conftest import until

from .conftest import COMMAND, Run, clean_environment

ASKS = """document: {dsl: 1.0.3, namespace: default, name: asks, version: 1.0.0}
do:
- first: {set: {v: 1}}
- ok: {host: {approval: {title: May I}}}
- last: {set: {done: true}}
"""


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=clean_environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def asking(process: subprocess.Popen[str]) -> str:
    """The run, once it waits for a decision."""
    assert process.stderr is not None
    run = ""
    for line in process.stderr:
        run = next((word for word in line.split() if word.startswith("run_")), run)
        if "asks for a decision" in line:
            return run
    raise AssertionError(f"it never asked: {process.wait()}")


@pytest.fixture
def asks(workflows: Run, tmp_path: Path) -> Path:
    assert workflows("apply", "-", stdin=ASKS).code == 0
    return tmp_path


def test_a_run_whose_command_was_killed_goes_on_in_another_one(asks: Path, workflows: Run) -> None:
    with started(asks, "workflows", "run", "asks") as process:
        run = asking(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert workflows("approve", run).code == 0
    resumed = workflows("resume", run)
    assert json.loads(resumed.out) == {"done": True}
    items = json.loads(workflows("logs", run, "-o", "json").out)["items"]
    assert [(one["name"], one["status"]) for one in items] == [
        ("first", "completed"),
        ("ok", "completed"),
        ("last", "completed"),
    ]
    assert json.loads(workflows("verify", run, "-o", "json").out)["ok"]


def test_an_interrupted_command_leaves_its_run_or_has_it_cancelled(asks: Path, workflows: Run) -> None:
    with started(asks, "workflows", "run", "asks") as process:
        run = asking(process)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert f"Left {run}: " in errors
    assert json.loads(workflows("runs", "-o", "json").out)["items"][0]["status"] in ("pending", "waiting")
    with started(asks, "workflows", "resume", run, "--cancel") as process:
        assert asking(process) == run
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "was cancelled" in errors
    assert "Traceback" not in errors


def test_an_interrupted_command_that_speaks_json_tells_which_run_it_left(asks: Path, workflows: Run) -> None:
    with started(asks, "workflows", "run", "asks", "-o", "json") as process:
        until(lambda: json.loads(workflows("approvals", "-o", "json").out)["items"])
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert json.loads(out)["id"] == json.loads(workflows("runs", "-o", "json").out)["items"][0]["id"]


def test_a_server_on_the_same_data_runs_what_a_command_starts(asks: Path, workflows: Run) -> None:
    with started(asks, "run", "--port", "0", "--no-watch") as server:
        assert server.stdout is not None
        assert "serves" in server.stdout.readline()
        with started(asks, "workflows", "run", "asks") as process:
            run = asking(process)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert workflows("approve", run).code == 0
        followed = workflows("logs", run, "--follow")  # looks only: it is the server that goes on
        assert [line.split()[1:3] for line in followed.out.splitlines()] == [
            ["completed", "/do/0/first"],
            ["completed", "/do/1/ok"],
            ["completed", "/do/2/last"],
        ]


def test_on_a_terminal_a_run_is_a_tree_and_a_problem_has_its_line_with_a_mark(
    on_terminal: Callable[..., tuple[int, bytes]], tmp_path: Path
) -> None:
    def shown_by(*arguments: str) -> str:
        _, shown = on_terminal(*arguments, NO_COLOR="1", COLUMNS="120", LINES="50")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode("utf-8", "replace"))

    (tmp_path / "plugins").mkdir()
    (tmp_path / "loop.yaml").write_text(
        "document: {dsl: 1.0.3, namespace: default, name: loop, version: 1.0.0}\n"
        "do:\n- each: {for: {each: n, in: '${ [1, 2] }'}, do: [{one: {set: {v: '${ $n }'}}}]}\n"
    )
    shown = shown_by("workflows", "run", "--file", "loop.yaml")
    assert all(part in shown for part in ("✓ loop", "└── ✓ each", "#2", "✓ one", '"v": 2'))
    (tmp_path / "bad.yaml").write_text("document: {dsl: 1.0.3, name: bad, version: 1.0.0}\ndo:\n- a:\n    wiat: 1\n")
    shown = shown_by("workflows", "validate", "bad.yaml")
    assert "bad.yaml:3:3: " in shown
    assert "\r\n    3 | - a:" in shown
    assert "\r\n          ^" in shown
