"""`omnicore tasks`: work is ordered without a server, and a server on the same data does it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess

import pytest

from omnicore.cli.main import main

from .conftest import COMMAND, Ran, clean_environment
from .guests import echo_app


@pytest.fixture
def omnicore(tmp_path, monkeypatch, capfd):
    """Runs `omnicore ARGUMENTS` in this process, which saves most of a second each time."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OMNICORE_")]:
        monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers = root.handlers[:]

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        out, err = capfd.readouterr()
        return Ran(int(caught.value.code), out, err, out.encode())

    yield run
    root.handlers[:] = handlers


def ordered(omnicore, *arguments: str) -> str:
    ran = omnicore("tasks", "submit", *arguments)
    assert ran.code == 0, ran.err
    return ran.out.strip()


def test_a_task_is_ordered_listed_shown_cancelled_and_begun_again(omnicore, tmp_path):
    echo_app(tmp_path)
    task = ordered(omnicore, "echo.echo", '{"a": 1}', "--queue", "mail", "--delay", "1h", "--priority", "7")
    shown = json.loads(omnicore("tasks", "show", task, "-o", "json").out)
    assert (shown["state"], shown["input"], shown["queue"], shown["priority"]) == ("waiting", {"a": 1}, "mail", 7)
    lines = omnicore("tasks", "ls", "--state", "waiting").out.splitlines()
    assert lines[0].split("\t")[:3] == ["task", "function", "state"]
    assert lines[1].split("\t")[:5] == [task, "echo.echo", "waiting", "0/3", "mail"]
    queues = json.loads(omnicore("tasks", "queues", "-o", "json").out)
    assert queues == [{"queue": "mail", "limit": None, "waiting": 1, "running": 0}]
    assert omnicore("tasks", "cancel", task).out == f"Cancelled {task}\n"
    assert omnicore("tasks", "cancel", task).out == f"{task} was cancelled already\n"
    assert omnicore("tasks", "retry", task).out == f"{task} is waiting\n"
    assert omnicore("tasks", "retry", task).code == 1
    assert "state\twaiting\n" in omnicore("tasks", "show", task).out


def test_a_key_orders_a_task_once(omnicore, tmp_path):
    echo_app(tmp_path)
    assert ordered(omnicore, "echo.echo", "--key", "k") == ordered(omnicore, "echo.echo", "--key", "k")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "nothing"), 5),
        (("cancel", "nothing"), 5),
        (("retry", "nothing"), 5),
        (("ls", "--state", "lost"), 2),
        (("ls", "--cursor", "x"), 2),
        (("submit", "echo.echo", "--timeout", "1h"), 2),
        (("schedules", "rm", "nothing"), 5),
        (("schedules", "on", "nothing"), 5),
        (("schedules", "add", "s", "echo.echo"), 2),
        (("schedules", "add", "s", "echo.echo", "--cron", "x"), 2),
        (("schedules", "add", "s", "echo.echo", "--every", "1m", "--at", "2030-01-01"), 2),
        (("schedules", "add", "s", "echo.echo", "--every", "1m", "--timezone", "Mars"), 2),
    ],
)
def test_what_cannot_be_has_its_exit_code(omnicore, tmp_path, arguments, code):
    echo_app(tmp_path)
    assert omnicore("tasks", *arguments).code == code


def test_schedules_are_added_listed_switched_and_removed(omnicore, tmp_path):
    echo_app(tmp_path)
    added = omnicore("tasks", "schedules", "add", "daily", "echo.echo", "hi", "--cron", "0 8 * * *")
    assert (added.code, added.out) == (0, "Added daily\n")
    lines = omnicore("tasks", "schedules", "ls").out.splitlines()
    assert lines[1].split("\t")[:4] == ["daily", "echo.echo", "cron 0 8 * * *", "on"]
    assert omnicore("tasks", "schedules", "off", "daily").out == "daily is off\n"
    assert json.loads(omnicore("tasks", "schedules", "ls", "-o", "json").out)["items"][0]["enabled"] is False
    assert omnicore("tasks", "schedules", "on", "daily").out == "daily is on\n"
    assert omnicore("tasks", "schedules", "rm", "daily").out == "Removed daily\n"
    assert omnicore("tasks", "schedules", "add", "s", "echo.echo", "--every", "90s", "--missed", "all").code == 0


def test_a_server_runs_what_was_ordered_and_dead_letters_are_told(omnicore, tmp_path):
    echo_app(tmp_path)
    task = ordered(omnicore, "echo.echo", "hello")
    dead = ordered(omnicore, "echo.fail", "--attempts", "1")
    server = subprocess.Popen(
        [*COMMAND, "run", "--port", "0", "--no-watch"],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        for _ in range(100):
            views = {view["id"]: view for view in json.loads(omnicore("tasks", "ls", "-o", "json").out)["items"]}
            if {view["state"] for view in views.values()} == {"done", "failed"}:
                break
    finally:
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=60)
    assert server.returncode == 0, errors
    assert (views[task]["state"], views[task]["output"]) == ("done", "hello")
    assert (views[dead]["state"], views[dead]["code"]) == ("failed", "guest-failed")
    assert dead in omnicore("tasks", "dead").out
    assert task not in omnicore("tasks", "dead").out
