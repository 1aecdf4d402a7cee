"""Hosts that leave a fleet: by a signal, and thrown out. Each is a process, as `omnicore run` makes it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import MANY
from tests.api.hosting import Served
from tests.cli.conftest import COMMAND, clean_environment

from omnicore.config.settings import FleetSettings, StorageSettings
from omnicore.errors import PermissionDenied

pytestmark = pytest.mark.services

_WAITS = """
document: {dsl: 1.0.3, namespace: default, name: waits, version: 1.0.0}
do:
  - first: {wait: {seconds: 2}}
  - then: {set: {done: true}}
"""


def _until(true: Callable[[], object], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def stays(postgresql_url: str, tmp_path: Path) -> Iterator[Served]:
    """The host that stays, named `a`."""
    changes = {"storage": StorageSettings(url=postgresql_url), "fleet": FleetSettings(name="a")}
    with Served(tmp_path / "a", {"many.wat": MANY}, **changes) as host:
        yield host


class _Leaving:
    """A host `b` in a process of its own, and its owner's client."""

    def __init__(self, folder: Path, url: str) -> None:
        self.data = folder / "data"
        (folder / "plugins").mkdir(parents=True, exist_ok=True)
        (folder / "plugins" / "many.wat").write_text(MANY)
        more = {"OMNICORE_DATA": str(self.data), "OMNICORE_STORAGE__URL": url, "OMNICORE_FLEET__NAME": "b"}
        arguments = [*COMMAND, "run", "--port", "0", "-o", "json", "--no-watch"]
        self.process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=clean_environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        if not told:
            raise AssertionError(self.process.communicate()[1])
        key = (self.data / "owner.key").read_text().strip()
        self.client = httpx.Client(
            base_url=json.loads(told)["url"], headers={"authorization": f"Bearer {key}"}, timeout=30
        )


@contextmanager
def _leaving(folder: Path, url: str) -> Iterator[_Leaving]:
    host = _Leaving(folder, url)
    try:
        yield host
    finally:
        host.client.close()
        host.process.kill()
        host.process.communicate()


def test_a_host_that_is_told_to_end_drains_first(stays: Served, postgresql_url: str, tmp_path: Path) -> None:
    with _leaving(tmp_path / "b", postgresql_url) as b:
        b.client.post("/api/v1/workflows", json={"text": _WAITS})
        run = b.client.post("/api/v1/workflows/waits/runs", json={"input": {}}).json()["id"]
        b.process.send_signal(signal.SIGTERM)
        _until(lambda: b.client.get("/readyz").status_code == 503)
        answer = b.client.post("/api/v1/plugins/many/functions/echo", content=b"still served")
        assert answer.status_code == 200
        began = time.monotonic()
        _until(lambda: run in stays.host.workflows.engine.runner.live, 5.0)
        assert time.monotonic() - began < 5.0, "a lease of 10 s ran out instead"
        assert b.process.wait(20) == 0
    _until(lambda: [one["name"] for one in stays.client.get("/api/v1/fleet").json()["items"]] == ["a"])
    _until(lambda: stays.client.get(f"/api/v1/runs/{run}").json()["status"] == "completed")


def test_a_host_that_is_thrown_out_is_out_within_a_second_and_cannot_come_back(
    stays: Served, postgresql_url: str, tmp_path: Path
) -> None:
    with _leaving(tmp_path / "b", postgresql_url) as b:
        assert b.client.post("/api/v1/plugins/many/functions/echo", content=b"x").status_code == 200
        assert stays.client.delete("/api/v1/fleet/b").status_code == 204
        removed = time.monotonic()

        def refused() -> bool:
            try:
                return b.client.post("/api/v1/plugins/many/functions/echo", content=b"x").status_code == 503
            except httpx.TransportError:  # the process has ended
                return True

        _until(refused, 1.0)
        assert time.monotonic() - removed < 1.0
        assert b.process.wait(20) == 1
        assert "was removed from the fleet" in b.process.stderr.read()
    assert [one["name"] for one in stays.client.get("/api/v1/fleet").json()["items"]] == ["a"]
    again = {"storage": StorageSettings(url=postgresql_url), "fleet": FleetSettings(name="b"), "data": b.data}
    with pytest.raises(PermissionDenied, match=r"delete host\.key and host\.id"), Served(tmp_path / "c", {}, **again):
        pass
    (b.data / "host.id").unlink()
    (b.data / "host.key").unlink()
    with Served(tmp_path / "d", {}, **again):  # the remedy of the message
        assert [one["name"] for one in stays.client.get("/api/v1/fleet").json()["items"]] == ["a", "b"]
