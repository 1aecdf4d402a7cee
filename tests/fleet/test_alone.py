"""A host without `fleet.url` is as it was: no further module, process or port, and errors as ever."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from omnicore.assembly import Host
from omnicore.config.settings import FleetSettings, Settings
from omnicore.errors import InvalidSetting, NotFound, NotServed, ToolMissing

_CHILD = """
import asyncio, json, os, sys
from omnicore.assembly import Host
from omnicore.config.settings import Settings
from pathlib import Path
os.umask(0o077)
async def main(folder):
    async with Host(settings=Settings(plugins=folder / "plugins", data=folder / "data", watch=False)) as host:
        sockets = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                   if os.path.exists(f"/proc/self/fd/{fd}")]
        tcp = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
        own = {one[8:-1] for one in sockets if one.startswith("socket:[")}
        print(json.dumps({
            "modules": [name for name in sys.modules
                        if name.split(".")[0] in ("nats", "nkeys") or name.startswith("omnicore.fleet.")],
            "tcp": [line for line in tcp if line.split()[9] in own],
            "fleet": host.nats is None,
            "tasks": sorted(one.get_name() for one in asyncio.all_tasks() if "fleet" in one.get_name()),
        }))
asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_host_alone_loads_opens_and_runs_nothing_of_a_fleet(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"modules": ["omnicore.fleet.hosts"], "tcp": [], "fleet": True, "tasks": []}


async def test_a_plugin_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        with pytest.raises(NotFound) as caught:
            await host.call("nope.say", b"")
        assert not isinstance(caught.value, NotServed)


@pytest.mark.parametrize(
    ("fleet", "about"),
    [
        ({"url": "http://x"}, "fleet.url"),
        ({"url": "tls://127.0.0.1:1?ca=/nowhere/ca.pem"}, "fleet.url"),
        ({"url": "nats://127.0.0.1:1?verify=no"}, "fleet.url"),
        ({"url": "nats://127.0.0.1:1", "secret": "short"}, "fleet.secret"),
        ({"url": "nats://127.0.0.1:1"}, "fleet.secret"),
        ({"url": "nats://127.0.0.1:1", "secret": "x" * 32, "labels": ("zone",)}, "fleet.labels"),
    ],
)
async def test_settings_that_cannot_be_used_are_told_with_what_to_do(
    tmp_path: Path, fleet: dict[str, str], about: str
) -> None:
    given = {"secret": "x" * 32, **fleet} if "secret" not in fleet and about != "fleet.secret" else fleet
    settings = Settings(plugins=tmp_path, data=tmp_path / "data", fleet=FleetSettings(**given))
    with pytest.raises(InvalidSetting) as caught:
        async with Host(settings=settings):
            pass
    assert about in str(caught.value)
    assert caught.value.remedy


async def test_a_host_starts_and_works_while_no_server_of_its_fleet_is_there(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    fleet = FleetSettings(url="nats://127.0.0.1:1", secret="x" * 32, join_s=0.05)
    settings = Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, fleet=fleet)
    async with Host(settings=settings) as host:
        with pytest.raises(NotServed, match="no NATS server of the fleet is there"):
            await host.call("nope.say", b"")
        report = await host.health.check()
        assert report.subsystems["fleet"].name != "Unhealthy"
        assert host.nats is not None
        assert host.nats.trouble


async def test_without_the_library_the_host_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "nats" or name.startswith("omnicore.fleet")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nats", None)
    settings = Settings(
        plugins=tmp_path, data=tmp_path / "data", fleet=FleetSettings(url="nats://127.0.0.1:1", secret="x" * 32)
    )
    with pytest.raises(ToolMissing, match=r"omnicore\[fleet\]"):
        await asyncio.wait_for(Host(settings=settings).__aenter__(), 20)
