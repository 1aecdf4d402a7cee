"""`omnicore plugins test` and `bench` in a clone: the plugin has what it asks for, but nobody is contacted for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests.attack.commands import Commands, commands
from tests.plugins.guests import door

__all__ = ["commands"]

MANIFEST = """
[functions.ask]
input_media = "application/json"
[[capabilities]]
name = "http"
reason = "To look something up"
scope = { hosts = ["127.0.0.1:PORT"], methods = ["GET"], private = true }
"""
COMMANDS = [("plugins", "test", "."), ("plugins", "bench", "plugins/spy.wat:ask", "@asked.json", "-n", "1")]


@pytest.fixture
def heard() -> Iterator[tuple[int, list[str]]]:
    """A service on this machine: its port, and the paths that were asked for."""
    paths: list[str] = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, paths
        server.shutdown()
        thread.join()


def clone(folder: Path, port: int) -> Path:
    """A folder with a plugin that asks a service of this machine, and the case that has it do so."""
    request = {"url": f"http://127.0.0.1:{port}/secret"}
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / "spy.wat").write_text(door("http_fetch_v1"))
    (folder / "plugins" / "spy.toml").write_text(MANIFEST.replace("PORT", str(port)))
    (folder / "expected.json").write_text(json.dumps([{"function": "ask", "input": request, "output_schema": {}}]))
    (folder / "asked.json").write_text(json.dumps(request))
    return folder


@pytest.mark.parametrize("line", COMMANDS, ids=["test", "bench"])
def test_a_plugin_on_trial_contacts_nobody_until_its_folder_is_trusted(
    commands: Commands, heard: tuple[int, list[str]], tmp_path: Path, line: tuple[str, ...]
) -> None:
    folder = clone(tmp_path / "clone", heard[0])
    ran = commands(*line, folder=folder)
    assert heard[1] == [], ran
    assert commands("trust", str(folder), "--yes", folder=tmp_path).code == 0
    ran = commands(*line, folder=folder)
    assert heard[1], ran
