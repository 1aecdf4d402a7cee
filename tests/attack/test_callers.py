"""Whoever is on this machine: plugins that reach the host's own address, and other users, before there is a user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.api.conftest import ASKS, ECHO
from tests.cli.conftest import COMMAND, clean_environment
from tests.console.host import ConsoleHost
from tests.testing.guests import FETCHES

from omnicore.assembly import Host
from omnicore.errors import OmniError
from omnicore.portal import BlockingHost

NOBODY = 65534
ASKING = """
name = "asker"
[[capabilities]]
name = "http"
reason = "Asks a model on this machine"
scope = { hosts = ["127.0.0.1"], methods = ["GET", "POST"], private = true }
"""
CHANGES = (
    ("POST", "/api/v1/plugins/victim/grants", ""),
    ("POST", "/api/v1/users", '{"name": "mallory", "password": "a long enough password", "role": "admin"}'),
    ("POST", "/api/v1/tokens", '{"name": "mallory", "role": "admin"}'),
    ("POST", "/api/v1/connectors", '{"name": "file", "kind": "sqlite", "config": {"file": "/etc/shadow"}}'),
    ("DELETE", "/api/v1/plugins/victim", ""),
)
READS = (
    "/",
    "/api/v1/plugins",
    "/api/v1/users",
    "/api/v1/settings",
    "/metrics",
    "/openapi.json",
    "/api/v1/diagnostics",
)


@pytest.fixture(scope="module")
def host() -> Iterator[ConsoleHost]:
    """A first start: there are no users, no token is set. Its folder may be entered by everybody."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        host = ConsoleHost(Path(folder), OMNICORE_DATA=f"{folder}/data")
        (host.plugins / "asker.wat").write_text(FETCHES)
        (host.plugins / "asker.toml").write_text(ASKING)
        (host.plugins / "victim.wat").write_text(ECHO)
        (host.plugins / "victim.toml").write_text(ASKS.format(name="victim"))
        with beside(host) as opened:
            opened.plugins.grant("asker", "http", who="tests")
        try:
            yield host.start()
        finally:
            host.close()


@contextmanager
def beside(host: ConsoleHost) -> Iterator[BlockingHost]:
    """A host on the same plugins and data in this process, as commands have one."""
    with Host(host.plugins, data=host.folder / "data", watch=False, work=False) as opened:
        yield opened


def state_of(host: ConsoleHost, plugin: str) -> str:
    with beside(host) as opened:
        return opened.plugins.get(plugin).state


def test_a_plugin_that_may_ask_this_machine_is_not_the_hosts_administrator(host: ConsoleHost) -> None:
    asks = [("GET", path) for path in READS] + [(method, path) for method, path, _ in CHANGES]
    with beside(host) as opened:
        for method, path in asks:
            try:
                read = str(opened.call("asker.ask", {"url": host.url + path, "method": method, "headers": {}}))
            except OmniError:  # the door is closed to the host itself
                continue
            assert "victim" not in read, path
            assert "omnicore_" not in read, path
    assert state_of(host, "victim") == "needs-grant"


def as_nobody(host: ConsoleHost, *arguments: str) -> str:
    """What curl gets that another user of this machine runs."""
    curl = shutil.which("curl")
    if os.geteuid() != 0 or curl is None:
        pytest.skip("only root can be another user, and curl must be there")
    command = [curl, "-s", "-w", "%{http_code}", "-o", "/dev/null", *arguments]
    return subprocess.run(
        command, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, text=True, check=False
    ).stdout


def test_another_user_of_the_machine_is_nobody(host: ConsoleHost) -> None:
    for path in READS:
        assert as_nobody(host, host.url + path) == "401", path
    for method, path, body in CHANGES:
        json_body = ("-H", "content-type: application/json", "-d", body) if body else ()
        assert as_nobody(host, "-X", method, *json_body, host.url + path) == "401", path
    assert as_nobody(host, f"{host.url}/healthz") == "200"
    assert state_of(host, "victim") == "needs-grant"


def test_another_user_reads_no_key_and_is_not_heard_at_the_socket(host: ConsoleHost) -> None:
    key = host.owner["authorization"]
    (note,) = host.folder.rglob("server.json")
    assert key.rpartition(" ")[2] not in note.read_text()
    address = json.loads(note.read_text())["socket"]
    asked = ("--unix-socket", address, "http://localhost/api/v1/plugins")
    assert as_nobody(host, *asked) == "000"
    loosened = [Path(address), Path(address).parent]
    modes = [one.stat().st_mode & 0o777 for one in loosened]
    try:  # the rights of the file are not all that stands between
        for one in loosened:
            one.chmod(0o777)
        assert as_nobody(host, *asked) == "000"
        assert as_nobody(host, "-H", "omnicore.principal: owner", *asked) == "000"
    finally:
        for one, mode in zip(loosened, modes, strict=True):
            one.chmod(mode)
    cat = shutil.which("cat")
    assert cat is not None
    for file in host.folder.rglob("owner.key"):
        read = subprocess.run([cat, str(file)], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True)
        assert (read.returncode != 0, read.stdout) == (True, b"")


def test_open_access_is_set_by_no_file(host: ConsoleHost, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    for name, text in (("omnicore.toml", "[access]\nopen = true\n"), ("config.yaml", "access: {open: true}\n")):
        (tmp_path / name).write_text(text)
        shown = subprocess.run(
            [*COMMAND, "config", "show", "-o", "json"],
            cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert shown.returncode != 0 or json.loads(shown.stdout)["access.open"] is False, shown.stdout
        (tmp_path / name).unlink()
    refused = subprocess.run(
        [*COMMAND, "config", "set", "access.open", "true"],
        cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode != 0
