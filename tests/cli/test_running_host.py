"""Beside a running host no command opens a second one, and what is unknown exits 5 in every command."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore.assembly import Host
from omnicore.cli.main import cli
from omnicore.packages.lock import PluginLock

from .conftest import COMMAND, Ran, Run, clean_environment
from .guests import asking_app
from .test_audit import leaves

TASK, RUN, ID = "tsk_none", "run_none", "int_none"
ALONE = {
    "run",
    "dev",
    "mcp",
    "new",
    "build",
    "kit",
    "pack",
    "publish",
    "completion",
    "import",
    "db restore",
    "secrets reset",
    "fleet join",
    "fleet token",
}
"""Commands that are hosts themselves, need none, need the host stopped, or need a fleet."""

WELL: dict[str, tuple[str, ...]] = {
    "plugins ls": (),
    "plugins show": ("echo",),
    "plugins call": ("echo.echo", "hello"),
    "call": ("echo.echo", "hello"),
    "plugins stub": ("echo", "--out", "-"),
    "plugins adopt": ("echo2.wat",),
    "plugins bench": ("echo.echo", "hello", "-n", "2", "--seconds", "0.1"),
    "plugins install": ("echo2.wat",),
    "plugins vendor": ("vendored",),
    "install": (),
    "outdated": (),
    "update": (),
    "plugins enable": ("echo",),
    "plugins disable": ("echo",),
    "plugins grant": ("store",),
    "plugins revoke": ("store", "kv"),
    "plugins diff": ("store",),
    "plugins upgrade": ("store",),
    "plugins versions": ("echo",),
    "plugins hosts": ("echo",),
    "plugins config": ("echo",),
    "plugins logs": ("echo",),
    "plugins top": ("echo",),
    "plugins calls": ("echo",),
    "plugins rm": ("echo2", "-y"),
    "tasks ls": (),
    "tasks dead": (),
    "tasks queues": (),
    "tasks submit": ("echo.echo", "hello"),
    "tasks schedules add": ("daily", "echo.echo", "--every", "1h"),
    "tasks schedules ls": (),
    "tasks schedules show": ("daily",),
    "tasks schedules disable": ("daily",),
    "tasks schedules enable": ("daily",),
    "tasks schedules rm": ("daily",),
    "workflows apply": ("greet.yaml",),
    "workflows ls": (),
    "workflows show": ("greet",),
    "workflows versions": ("greet",),
    "workflows diff": ("greet.yaml",),
    "workflows export": ("greet",),
    "workflows import": ("greet.yaml",),
    "workflows validate": ("greet.yaml",),
    "workflows disable": ("greet",),
    "workflows enable": ("greet",),
    "workflows run": ("greet",),
    "workflows runs": (),
    "workflows approvals": (),
    "workflows emit": ("order.placed",),
    "workflows examples": (),
    "workflows rm": ("greet",),
    "evolve run": ("search.yaml",),
    "evolve ls": (),
    "alarms set": ("slips", "error_rate", "--function", "echo", "--above", "0.5"),
    "alarms ls": (),
    "alarms show": ("slips",),
    "alarms rm": ("slips", "-y"),
    "fleet ls": (),
    "vectors ls": (),
    "loops ls": (),
    "loops show": ("adaptive",),
    "loops run": ("transcendent",),
    "intelligences ls": (),
    "intelligences create": ("Researcher",),
    "memory store": ("the customer prefers short answers",),
    "memory ls": (),
    "memory recall": ("customer",),
    "memory stats": (),
    "memory facts": (),
    "memory about": ("Ada",),
    "memory fact": ("Ada", "home", "Paris"),
    "memory blocks set": ("persona", "a gardener"),
    "memory blocks ls": (),
    "memory blocks show": ("persona",),
    "memory blocks versions": ("persona",),
    "memory blocks rm": ("persona",),
    "memory tiers": (),
    "memory export": ("a.pack",),
    "memory import": ("a.pack",),
    "memory consolidate": (),
    "memory forget": ("--user", "nobody"),
    "connectors kinds": (),
    "connectors ls": (),
    "connectors hooks ls": (),
    "connectors hooks add": ("hook", "github", "--secret", "env:CONNECTOR_HOOK"),
    "connectors hooks show": ("hook",),
    "connectors hooks deliveries": ("hook",),
    "connectors hooks rm": ("hook",),
    "connectors add": ("web", "http", "-s", "base_url=http://127.0.0.1:9"),
    "connectors show": ("web",),
    "connectors uses": ("web",),
    "connectors rm": ("web",),
    "connectors import": ("pets.yaml", "--name", "pets"),
    "connectors forget": ("pets",),
    "secrets set": ("shared",),
    "secrets ls": (),
    "secrets rotate": (),
    "secrets rm": ("shared",),
    "users add": ("ada", "--role", "admin"),
    "users ls": (),
    "users show": ("ada",),
    "users set": ("ada", "--role", "admin"),
    "users password": ("ada",),
    "users unlock": ("ada",),
    "auth": (),
    "tokens add": ("ci",),
    "tokens ls": (),
    "keys new": ("ci", "--no-password"),
    "keys ls": (),
    "trust": ("--ls",),
    "config show": (),
    "config set": ("threads", "3"),
    "config unset": ("threads",),
    "db info": (),
    "db check": (),
    "db backup": ("a.backup",),
    "audit ls": (),
    "audit verify": (),
    "audit export": ("record.jsonl",),
    "audit plugins": (),
    "health": (),
    "doctor": ("--bundle", "help.zip"),
}

UNKNOWN: dict[str, tuple[str, ...]] = {
    "plugins show": ("nope",),
    "plugins call": ("nope.x",),
    "call": ("nope.x",),
    "plugins test": ("nope",),
    "plugins bench": ("nope.x",),
    "plugins stub": ("nope",),
    "plugins install": ("nope.wasm",),
    "update": ("nope",),
    "plugins enable": ("nope",),
    "plugins disable": ("nope",),
    "plugins rm": ("nope", "-y"),
    "plugins grant": ("nope",),
    "plugins revoke": ("nope", "kv"),
    "plugins diff": ("nope",),
    "plugins upgrade": ("nope",),
    "plugins versions": ("nope",),
    "plugins rollback": ("nope",),
    "plugins rollout": ("nobody", "--stop"),
    "plugins place": ("nope", "--anywhere"),
    "plugins limit": ("nobody",),
    "plugins share": ("nope", "00000000=100"),
    "plugins hosts": ("nope",),
    "plugins config": ("nope",),
    "plugins logs": ("nope",),
    "tasks show": (TASK,),
    "tasks cancel": (TASK,),
    "tasks retry": (TASK,),
    "tasks schedules show": ("nope",),
    "tasks schedules rm": ("nope",),
    "tasks schedules enable": ("nope",),
    "tasks schedules disable": ("nope",),
    "workflows show": ("nope",),
    "workflows versions": ("nope",),
    "workflows diff": ("nope",),
    "workflows export": ("nope",),
    "workflows apply": ("nope.yaml",),
    "workflows import": ("nope.yaml",),
    "workflows validate": ("nope.yaml",),
    "workflows enable": ("nope",),
    "workflows disable": ("nope",),
    "workflows rm": ("nope",),
    "workflows run": ("nope",),
    "workflows logs": (RUN,),
    "workflows timeline": (RUN,),
    "workflows compare": (RUN, RUN),
    "workflows cancel": (RUN,),
    "workflows suspend": (RUN,),
    "workflows resume": (RUN,),
    "workflows retry": (RUN,),
    "workflows fork": (RUN, "--after", "1"),
    "workflows approve": (RUN,),
    "workflows reject": (RUN,),
    "workflows verify": (RUN,),
    "workflows examples": ("nope",),
    "evolve show": ("nope",),
    "evolve candidates": ("nope",),
    "evolve stop": ("nope",),
    "evolve promote": ("nope",),
    "evolve rollback": ("nope",),
    "fleet show": ("nope",),
    "fleet cordon": ("nope",),
    "fleet drain": ("nope",),
    "fleet uncordon": ("nope",),
    "fleet logs": ("nope",),
    "fleet rm": ("nope", "-y"),
    "vectors show": ("nope",),
    "vectors stats": ("nope",),
    "vectors rebuild": ("nope",),
    "vectors search": ("nope", "[1]"),
    "vectors rm": ("nope",),
    "loops show": ("nope",),
    "loops run": ("nope",),
    "intelligences show": (ID,),
    "intelligences rm": (ID,),
    "intelligences practise": (ID, "practice.yaml"),
    "memory show": ("mem_none",),
    "memory blocks restore": ("nope", "1", "--version", "2"),
    "memory rm": ("mem_none",),
    "memory approve": ("mem_none",),
    "connectors kinds": ("nope",),
    "connectors show": ("nope",),
    "connectors add": ("x", "nope"),
    "connectors test": ("nope",),
    "connectors call": ("nope", "get"),
    "connectors uses": ("nope",),
    "connectors rm": ("nope",),
    "connectors import": ("nope.yaml",),
    "connectors forget": ("nope",),
    "connectors hooks show": ("nope",),
    "connectors hooks deliveries": ("nope",),
    "connectors hooks rm": ("nope",),
    "secrets rm": ("nope",),
    "users show": ("nope",),
    "users set": ("nope", "--role", "admin"),
    "users password": ("nope",),
    "users unlock": ("nope",),
    "users enable": ("nope",),
    "users disable": ("nope",),
    "users rm": ("nope",),
    "tokens rm": ("nope",),
    "tokens add": ("x", "--owner", "nope"),
    "keys trust": ("nope.pub", "--name", "nope"),
    "keys revoke": ("nope",),
    "keys unpin": ("nope",),
    "sign": ("nope.wasm", "--key", "nope.key"),
    "verify": ("nope.wasm",),
    "search": ("nope",),
    "index make": ("made", "nope.omni", "--key", "nope.key"),
    "trust": ("nope", "-y"),
    "config show": ("nope",),
    "config set": ("nope", "1"),
    "config unset": ("nope",),
}

GREET = """\
document: {dsl: 1.0.0, namespace: default, name: greet, version: 1.0.0}
do:
  - say: {set: {said: hello}}
"""
PETS = """\
openapi: 3.0.0
info: {title: Pets, version: "1"}
servers: [{url: "https://pets.example.com"}]
paths: {/pets: {get: {operationId: listPets}}}
"""
SEARCH = json.dumps(
    {
        "workflow": {
            "document": {"dsl": "1.0.0", "namespace": "default", "name": "sums", "version": "1.0.0"},
            "do": [{"add": {"set": "${ . + 1 }"}}],
        },
        "knobs": [{"name": "sum", "at": "/do/0/add/set", "kind": "jq"}],
        "candidates": 2,
        "cases": [{"input": n, "expect": n + 2} for n in range(4)],
    }
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that a host serves."""
    folder = asking_app(tmp_path_factory.mktemp("served"))
    (folder / "echo2.wat").write_text((folder / "plugins" / "echo.wat").read_text())
    (folder / "greet.yaml").write_text(GREET)
    (folder / "search.yaml").write_text(SEARCH)
    (folder / "practice.yaml").write_text("cases: [{capability: research, expect: 1}]")
    (folder / "pets.yaml").write_text(PETS)
    (folder / "omnicore.lock").write_text(PluginLock().text())
    environment = clean_environment(OMNICORE_DATA=str(folder / "data"), OMNICORE_ACCESS__HASH_MEMORY_KIB="8")
    (folder / "host.log").touch()
    with (folder / "host.log").open("wb") as log:
        host = subprocess.Popen(
            [*COMMAND, "run", "--port", "0"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 60
        while b"Ctrl-C" not in (folder / "host.log").read_bytes():
            assert host.poll() is None, (folder / "host.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield folder
    finally:
        host.send_signal(signal.SIGTERM)
        host.wait(60)


@pytest.fixture
def command(served: Path, run_here: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command beside the host; a second host on its data fails."""
    data, assemble = served / "data", Host._assemble

    def refused(host: Host) -> object:
        assert host.settings.data != data, "a second host was opened"
        return assemble(host)

    monkeypatch.setattr(Host, "_assemble", refused)

    def run(*arguments: str) -> Ran:
        environment = {"OMNICORE_DATA": str(data), "OMNICORE_ACCESS__HASH_MEMORY_KIB": "8"}
        return run_here(*arguments, folder=served, stdin=b"correct horse battery\n", **environment)

    return run


def test_every_command_is_walked() -> None:
    there = set(leaves(cli))
    assert there - set(WELL) - set(UNKNOWN) == ALONE
    assert set(WELL) | set(UNKNOWN) | ALONE == there


def test_no_command_opens_a_second_host_and_the_running_one_records_the_changes(command: Run) -> None:
    ran = {name: command(*name.split(), *arguments) for name, arguments in WELL.items()}
    assert {name: one.err for name, one in ran.items() if one.code != 0} == {}
    rows = json.loads(command("audit", "ls", "-n", "500", "-o", "json").out)["items"]
    assert {"users add", "tokens add", "workflows run", "secrets set", "memory import"} <= {
        one["action"] for one in rows
    }


@pytest.mark.parametrize("name", UNKNOWN)
def test_the_unknown_exits_5(command: Run, name: str) -> None:
    ran = command(*name.split(), *UNKNOWN[name])
    assert ran.code == 5, ran.err
