"""The units of systemd: no fault that systemd sees, and a score of what a break-in would reach."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.deploy import seccomp
from tests.deploy.conftest import KIT, done, tool
from tests.fleet.cluster import Cluster, until

pytestmark = pytest.mark.services
UNITS = KIT / "systemd"


def exposure(unit: Path) -> float:
    """systemd's own score: 0 for no exposure, 10 for a service that may do everything."""
    text = done([tool("systemd-analyze"), "security", "--offline=true", unit])
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)[1])  # type: ignore[index]


def installed(unit: Path, folder: Path) -> Path:
    """A copy whose program is one that is there."""
    program = folder / "omnicore"
    shutil.copy("/bin/true", program)
    copy = folder / unit.name
    copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={program}", unit.read_text(), flags=re.MULTILINE))
    return copy


@pytest.mark.parametrize(("name", "scope"), [("omnicore.service", "--system"), ("omnicore-user.service", "--user")])
def test_systemd_finds_no_fault_in_a_unit(name: str, scope: str, tmp_path: Path) -> None:
    unit = installed(UNITS / name, tmp_path)
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    assert done([tool("systemd-analyze"), "verify", "--recursive-errors=no", scope, unit], env=environ) == ""


def test_a_service_of_the_system_is_exposed_to_little() -> None:
    assert exposure(UNITS / "omnicore.service") <= 1.3


def test_a_unit_without_root_keeps_what_a_user_may_keep() -> None:
    assert exposure(UNITS / "omnicore-user.service") <= 6.5


def test_a_host_compiles_and_calls_plugins_under_the_filter_of_system_calls(tmp_path: Path) -> None:
    """Compilers limit themselves: without `setrlimit` in the filter none would start."""
    tool("systemd-analyze")
    filtered = [sys.executable, str(Path(seccomp.__file__)), str(UNITS / "omnicore.service")]
    cluster = Cluster(tmp_path, "", command=[*filtered, sys.executable, "-m", "omnicore.cli.main"])
    member = cluster.add("a", "text")
    del member.environment["OMNICORE_STORAGE__URL"]
    try:
        member.start()
        assert "Seccomp:\t2" in Path(f"/proc/{member.pid}/status").read_text()
        until(lambda: member.call("text", "count_vowels", "hello").text == '{"count":2}', "a call", within_s=30)
        assert member.call("text", "statistics", "hello").status_code == 200
    finally:
        cluster.close()


def test_the_filter_refuses_what_a_host_does_not_need() -> None:
    left = seccomp.allowed((UNITS / "omnicore.service").read_text())
    assert {"mount", "ptrace", "bpf", "init_module", "reboot", "chroot"} & left == set()
    assert {"setrlimit", "prlimit64", "setpriority"} <= left


def test_what_the_service_leaves_open_is_what_a_host_needs() -> None:
    rows = json.loads(
        done([tool("systemd-analyze"), "security", "--offline=true", "--json=short", UNITS / "omnicore.service"])
    )
    open_ones = {row["name"] for row in rows if row["set"] is False and row["exposure"]}
    assert open_ones == {
        "SystemCallFilter=~@resources",  # compilers run with less time, memory and priority
        "RootDirectory=/RootImage=",
        "MemoryDenyWriteExecute=",  # compiled plugins are made executable after they are written
        "RestrictAddressFamilies=~AF_UNIX",  # `omnicore` on the same machine speaks to the host over a socket
        "RestrictAddressFamilies=~AF_(INET|INET6)",
        "PrivateNetwork=",
        "DeviceAllow=",
        "IPAddressDeny=",  # which addresses plugins may reach is up to their grants
    }
