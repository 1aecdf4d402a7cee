"""Tools of this folder's tests. What is not installed is skipped with its reason, but not in CI."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from tests.fleet.cluster import Cluster

ROOT = Path(__file__).parents[2]
KIT = ROOT / "host" / "deploy"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
SOURCES = {
    "nginx": "apt install nginx-light",
    "caddy": "apt install caddy",
    "prometheus": "apt install prometheus",
    "promtool": "apt install prometheus",
    "systemd-analyze": "apt install systemd",
    "helm": "go install helm.sh/helm/v3/cmd/helm@v3.22.0",
    "compose-spec": "go build -o compose-spec github.com/compose-spec/compose-go/v2/cmd",
}
"""The tools by program, and where each is from."""


def lacking(reason: str, *, in_ci: bool = False) -> NoReturn:
    """Skips a test with a reason; where CI installs what it needs, CI fails instead."""
    pytest.fail(reason) if in_ci and os.environ.get("CI") else pytest.skip(reason)
    raise AssertionError


def tool(name: str) -> str:
    """The path of a program."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        lacking(f"{name} is not on this machine: {SOURCES[name]}", in_ci=SOURCES[name].startswith("apt"))
    return found


def done(command: Sequence[str | Path], **options: object) -> str:
    """What a command prints, after it has succeeded."""
    result = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    assert result.returncode == 0, f"{command[0]}: {result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return str(result.stdout)


def free_port() -> int:
    """A TCP port of the loopback that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cluster(tmp_path: Path, postgresql_url: str) -> Iterator[Cluster]:
    """Hosts are added by the test, and all end with it."""
    hosts = Cluster(tmp_path, postgresql_url)
    yield hosts
    hosts.close()
