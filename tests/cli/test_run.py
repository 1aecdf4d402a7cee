"""`omnicore run` serves until Ctrl-C and then stops cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from omnicore.config.folders import project_data

from .conftest import COMMAND, clean_environment
from .guests import LOGGING, echo_app

Start = Callable[..., tuple[subprocess.Popen, dict]]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Start]:
    """Starts the server on a free port and returns the process and its first document."""
    running: list[subprocess.Popen] = []

    def start(*arguments: str) -> tuple[subprocess.Popen, dict]:
        process = subprocess.Popen(
            [*COMMAND, "run", "--port", "0", "-o", "json", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        running.append(process)
        line = process.stdout.readline()
        return process, json.loads(line) if line else {}

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def owner(omnicore) -> Iterator[httpx.Client]:
    """A client that proves to be the owner's by what `omnicore auth` prints, once the server has been started."""
    with httpx.Client(timeout=60) as client:

        def prove(request: httpx.Request) -> None:
            name, _, value = omnicore("auth").out.strip().partition(": ")
            request.headers[name] = value
            client.headers[name] = value
            client.event_hooks = {}

        client.event_hooks = {"request": [prove]}
        yield client


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_exits_with_success(started, tmp_path, number):
    echo_app(tmp_path)
    process, document = started()
    answer = httpx.get(f"{document['url']}/healthz")
    assert answer.status_code == 200
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_it_makes_the_calls_it_was_asked_to_try(started, tmp_path):
    echo_app(tmp_path)
    _, document = started("--try", "echo.echo=Hello=you", "--try", "echo.none=x")
    assert document["calls"][0] == {"call": "echo.echo", "input": "Hello=you", "output": "Hello=you"}
    assert "none" in document["calls"][1]["error"]
    assert [view["name"] for view in document["plugins"]] == ["echo"]


def test_people_are_told_where_it_is_what_it_has_and_what_next(tmp_path):
    echo_app(tmp_path)
    process = subprocess.Popen(
        [*COMMAND, "run", "--port", "0", "--try", "echo.echo=Hello"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    shown = []
    for line in process.stdout:
        shown.append(line)
        if "Ctrl-C" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    text = "".join(shown)
    assert process.returncode == 0, err
    assert "serves 1 plugin at http://127.0.0.1:" in text
    assert "echo.echo 'Hello' -> Hello" in text
    assert "omnicore call echo.echo" in text


def test_a_port_in_use_is_told_with_what_to_do(omnicore, tmp_path):
    echo_app(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = omnicore("run", "--port", str(taken.getsockname()[1]))
    assert ran.code == 2
    assert "cannot listen on 127.0.0.1" in ran.err


def test_beyond_loopback_a_token_is_needed(omnicore, tmp_path):
    echo_app(tmp_path)
    ran = omnicore("run", "--host", "0.0.0.0", "--port", "0")
    assert ran.code == 2
    assert "token" in ran.err


def test_the_setup_link_makes_the_first_user_and_commands_of_the_same_person_go_on(started, omnicore, tmp_path):
    echo_app(tmp_path)
    _, document = started()
    link, _, key = document["setup"].partition("#key=")
    assert link == f"{document['url']}/console/setup"
    order = {"key": key, "name": "ada", "password": "correct horse battery"}
    made = httpx.post(f"{document['url']}/api/v1/setup", json=order)
    assert (made.status_code, made.json()["user"]["role"]) == (201, "admin")
    call = f"{document['url']}/api/v1/plugins/echo/functions/echo"
    assert httpx.post(call, content=b"x").status_code == 401
    assert "Healthy" in omnicore("health").out
    key = omnicore("tokens", "add", "ci", "--role", "operator", "--scope", "calls").out.strip()
    assert httpx.post(call, content=b"x", headers={"authorization": f"Bearer {key}"}).content == b"x"


def test_logs_of_the_running_server_are_shown(started, omnicore, tmp_path):
    echo_app(tmp_path)
    (tmp_path / "plugins" / "talk.wat").write_text(LOGGING)
    started("--try", "talk.say=heard")
    ran = omnicore("plugins", "logs", "talk", "-o", "json")
    assert [(line["level"], line["message"]) for line in json.loads(ran.out)] == [("info", "heard")]
    assert omnicore("plugins", "logs", "nobody").code == 5
    assert os.stat(project_data(tmp_path) / "server.json").st_mode & 0o077 == 0


def test_logs_of_the_running_server_are_followed(started, owner, tmp_path):
    echo_app(tmp_path)
    (tmp_path / "plugins" / "talk.wat").write_text(LOGGING)
    _, document = started("--try", "talk.say=first")
    follows = [*COMMAND, "plugins", "logs", "talk", "--follow", "-o", "json"]
    with subprocess.Popen(follows, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=clean_environment()) as ran:
        assert json.loads(ran.stdout.readline())["message"] == "first"
        owner.post(f"{document['url']}/api/v1/plugins/talk/functions/say", content="second").raise_for_status()
        assert json.loads(ran.stdout.readline())["message"] == "second"
        ran.send_signal(signal.SIGINT)
        assert ran.wait(60) == 130


def test_what_a_command_changes_the_running_server_notices(started, omnicore, owner, tmp_path):
    echo_app(tmp_path)
    _, document = started()
    url = f"{document['url']}/api/v1/plugins/echo/functions/echo"
    assert owner.post(url, content=b"x").content == b"x"
    omnicore("plugins", "disable", "echo")
    deadline = time.monotonic() + 10
    while owner.post(url, content=b"x").status_code == 200 and time.monotonic() < deadline:
        pass
    assert owner.post(url, content=b"x").status_code == 503


def test_a_new_app_answers_as_its_readme_says(started, omnicore, tmp_path):
    omnicore("new", "demo")
    _, document = started("-C", "demo/config.yaml", "--serve")
    _, _, key = omnicore("auth", "-C", "demo/config.yaml").out.strip().partition(": ")
    answer = httpx.post(
        f"{document['url']}/api/v1/plugins/hello/functions/greet",
        content=b"World",
        headers={"authorization": key, "content-type": "application/x-www-form-urlencoded"},  # as `curl -d` sends it
    )
    assert answer.text == "Hello, World!"
    assert (project_data(tmp_path / "demo") / "server.json").exists()
