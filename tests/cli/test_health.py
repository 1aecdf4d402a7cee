"""`omnicore health` with and without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def health(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "omnicore", "health", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plugins").mkdir()
    return tmp_path


def test_without_a_server_the_parts_are_asked_here(folder: Path) -> None:
    ran = health(folder)
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "part\thealth\treason")
    assert "storage\tHealthy\t" in ran.stdout
    assert ran.stderr.endswith("The host is healthy.\n")


def test_a_document_has_all_that_rest_shows(folder: Path) -> None:
    document = json.loads(health(folder, "--here", "-o", "json").stdout)
    assert document["overall"] == "Healthy"
    assert document["subsystems"]["storage"]["total_checks"] == 1
    assert {"name", "enabled", "needs"} <= document["features"][0].keys()


def test_a_running_server_answers_for_itself(folder: Path) -> None:
    command = [sys.executable, "-m", "omnicore", "run", "--port", "0"]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        document = json.loads(health(folder, "-o", "json").stdout)
        assert "event-delivery" in document["subsystems"], line  # delivered by a server only
    finally:
        server.terminate()
        server.communicate(timeout=60)
