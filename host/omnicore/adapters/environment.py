"""The place a host runs in, and the settings that suit it: two decisions over facts about the machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from omnicore.adapters.machine import Machine
from omnicore.config.loader import Surroundings

Environment = Literal["local", "container", "kubernetes", "edge"]
_IN_CONTAINER = re.compile(r"docker|containerd|kubepods|libpod|lxc|podman")
_VIRTUAL = "linux,dummy-virt"  # what virtual machines have where boards have their name
_ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount/namespace"
_DATA, _SECRETS = "var/lib/omnicore", "run/secrets"
_MIB = 1024 * 1024
_EDGE_BYTES = 1024 * _MIB


def detect(machine: Machine) -> Environment:
    """The place the host runs in, by the surest sign first.

    >>> detect(Machine(environ={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}))
    'kubernetes'
    """
    if "KUBERNETES_SERVICE_HOST" in machine.environ or _ACCOUNT in machine.files:
        return "kubernetes"
    marked = {".dockerenv", "run/.containerenv"} & machine.files.keys() or machine.environ.get("container")
    if marked or _IN_CONTAINER.search(machine.files.get("proc/1/cgroup", "")):
        return "container"
    board = machine.files.get("proc/device-tree/model", "").strip("\0 \n")
    return "edge" if board and board != _VIRTUAL else "local"


def surroundings_of(choice: str, machine: Machine) -> Surroundings:
    """The settings that suit the chosen place, or the detected one for `auto`; none for an unknown name."""
    name = detect(machine) if choice == "auto" else choice
    return _PLACES.get(name, _local)(name, machine)


def _local(name: str, _machine: Machine) -> Surroundings:
    return Surroundings(name)


def _container(name: str, machine: Machine) -> Surroundings:
    values: dict[str, Any] = {"runtime.log_format": "auto"}
    if _DATA in machine.folders:
        values["data"] = _data(machine)
    if _SECRETS in machine.folders:
        values["runtime.secrets"] = machine.place(_SECRETS)
    names = [machine.environ[key].lower() for key in ("HOSTNAME", "POD_IP") if machine.environ.get(key)]
    secured = {"host": "0.0.0.0", "allowed_hosts": ["localhost", "127.0.0.1", "[::1]", *names]}  # noqa: S104
    return Surroundings(name, {**values, **_sized(machine)}, secured)


def _data(machine: Machine) -> str:
    """The data folder; inside one that another user owns, a folder that only this user may read."""
    return machine.place(_DATA + "/data" if _DATA in machine.lent else _DATA)


def _edge(name: str, machine: Machine) -> Surroundings:
    values: dict[str, Any] = {"data": _data(machine)} if _DATA in machine.folders else {}
    return Surroundings(name, {**values, "max_warm": 1, "log_lines": 200, **_sized(machine)})


_PLACES: Mapping[str, Callable[[str, Machine], Surroundings]] = {
    "local": _local,
    "container": _container,
    "kubernetes": _container,
    "edge": _edge,
}


def _sized(machine: Machine) -> dict[str, Any]:
    """Threads and instances for a machine with little memory; nothing where there is enough or it is unknown."""
    memory = _memory_bytes(machine)
    if memory is None or memory > _EDGE_BYTES:
        return {}
    cpus = max(1, round(_cpus(machine)))
    return {
        "threads": min(8, 2 * cpus),
        "max_instances": max(8, memory // 4 // (2 * _MIB)),
        "tasks.workers": min(4, cpus),
    }


def _memory_bytes(machine: Machine) -> int | None:
    """The memory there is: what the control group allows, if it is less than what the machine has."""
    total = re.search(r"^MemTotal:\s+(\d{1,15}) kB", machine.files.get("proc/meminfo", ""), re.MULTILINE)
    allowed = machine.files.get("sys/fs/cgroup/memory.max", "").strip()
    known = [int(total[1]) * 1024] if total else []
    known += [int(allowed)] if allowed.isascii() and allowed.isdigit() else []
    return min(known, default=None)


def _cpus(machine: Machine) -> float:
    """Processors there are: `cpu.max` of the control group is microseconds in each period, or `max`."""
    match = re.fullmatch(r"(\d{1,12}) (\d{1,12})", machine.files.get("sys/fs/cgroup/cpu.max", "").strip())
    share = int(match[1]) / int(match[2]) if match and int(match[2]) else machine.cpus
    return min(share, machine.cpus)
