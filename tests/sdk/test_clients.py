"""The clients for Go and TypeScript: their own tests against a real host, and that they are made from the document."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdk.generate import client_go, client_ts
from sdk.generate.contract import load
from sdk.generate.js import RESERVED
from sdk.generate.rest import document
from tests.fleet.cluster import Cluster, Member
from tests.fleet.fleets import SECRET
from tests.services.servers import installed, nats_server

CLIENTS = Path(__file__).parents[2] / "sdk" / "clients"


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of NATS, or nothing where this machine has none."""
    if not installed("nats-server"):
        yield ""
        return
    server = nats_server(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def member(tmp_path_factory: pytest.TempPathFactory, nats: str) -> Iterator[Member]:
    """A host over SQLite with the plugin `text`, and a fleet of its own where there is NATS."""
    cluster = Cluster(tmp_path_factory.mktemp("host"), "")
    one = cluster.add("a", "text", log_level="error")
    del one.environment["OMNICORE_STORAGE__URL"]
    if nats:
        one.environment |= {"OMNICORE_FLEET__URL": nats, "OMNICORE_FLEET__SECRET": SECRET}
    yield one.start()
    cluster.close()


def run(command: list[str], folder: Path, member: Member) -> str:
    """What a toolchain prints, after it has succeeded."""
    told = {"OMNICORE_TEST_URL": member.url, "OMNICORE_TEST_TOKEN": member.environment["OMNICORE_TOKEN"]}
    told["OMNICORE_TEST_NATS"] = member.environment.get("OMNICORE_FLEET__URL", "")
    done = subprocess.run(
        command,
        **{"cwd": folder, "env": {**os.environ, **told}, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on this machine")
    return found


@pytest.mark.toolchain
def test_the_client_for_go_passes_its_tests_and_needs_nothing_beyond_gos_library(member: Member) -> None:
    go, folder = needed("go"), CLIENTS / "go"
    assert "require" not in (folder / "go.mod").read_text()
    assert run([needed("gofmt"), "-l", "."], folder, member) == ""
    run([go, "vet", "./..."], folder, member)
    printed = run([go, "test", "-count=1", "-v", "./..."], folder, member)
    assert "SKIP" not in printed


@pytest.mark.toolchain
def test_a_fleet_is_called_over_nats_from_go(member: Member, nats: str) -> None:
    go, folder = needed("go"), CLIENTS / "go" / "fleet"
    if not nats:
        pytest.skip("nats-server is not on this machine")
    fetched = subprocess.run(
        [go, "mod", "download"], cwd=folder, capture_output=True, text=True, timeout=110, check=False
    )
    if fetched.returncode:
        pytest.skip(f"the packages of NATS for Go cannot be had: {fetched.stderr[-500:]}")
    assert run([needed("gofmt"), "-l", "."], folder, member) == ""
    run([go, "vet", "./..."], folder, member)
    assert "SKIP" not in run([go, "test", "-count=1", "-v", "./..."], folder, member)


@pytest.mark.toolchain
def test_the_client_for_typescript_passes_its_tests_and_needs_no_package_at_run_time(
    member: Member, tmp_path: Path
) -> None:
    npm = needed("npm")
    shutil.copytree(CLIENTS / "ts", tmp_path / "ts", ignore=shutil.ignore_patterns("node_modules", "dist"))
    run([npm, "ci", "--silent", "--no-audit", "--no-fund"], tmp_path / "ts", member)
    printed = run([npm, "test"], tmp_path / "ts", member)
    assert re.search(rf"^# skipped {0 if member.environment.get('OMNICORE_FLEET__URL') else 4}$", printed, re.MULTILINE)
    assert '"dependencies"' not in (CLIENTS / "ts" / "package.json").read_text()


def test_every_operation_of_the_document_is_in_both_clients() -> None:
    made = {**client_go.files(load()), **client_ts.files(load())}
    go, ts = made["sdk/clients/go/operations.go"], made["sdk/clients/ts/src/operations.ts"]
    operations = document().operations
    assert len(operations) > 150
    for one in operations:
        assert f"{one.method} {one.path}" in " ".join(go.replace("// ", "").split()), one.name
        assert f"  {one.name}(" in ts, one.name


def test_no_parameter_of_the_client_for_typescript_is_a_reserved_word() -> None:
    made = client_ts.files(load())["sdk/clients/ts/src/operations.ts"]
    heads = re.findall(r"^  \w+\((.*)\): \w+<", made, re.MULTILINE)
    names = {name for head in heads for name in re.findall(r"(\w+)\??:", re.sub(r"\{[^}]*\}", "", head))}
    assert "plugin" in names
    assert not names & RESERVED


def test_what_the_clients_are_made_from_leaves_no_type_unknown() -> None:
    names = {record.name for record in document().records}
    for record in document().records:
        for member in record.members:
            shape = member.shape
            while shape is not None:
                assert shape.kind != "record" or shape.name in names, (record.name, member.name)
                shape = shape.item
