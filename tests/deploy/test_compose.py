"""docker-compose.yml, read by the reference reader of compose files, which checks it against the schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.conftest import ROOT, done, tool

pytestmark = pytest.mark.services
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<required>:\?[^}]+)?\}")
_SECRETS = {"OMNICORE_TOKEN": "token", "OMNICORE_MASTER_KEY": "key", "POSTGRES_PASSWORD": "hush"}
_SECRETS |= {"OMNICORE_FLEET__SECRET": "s" * 32, "NATS_PASSWORD": "hush"}


def read(folder: Path) -> dict[str, Any]:
    """The file with its variables filled in: here, for the reader's own program passes its environment over."""
    text = (ROOT / "docker-compose.yml").read_text()
    filled = folder / "docker-compose.yml"
    filled.write_text(_VARIABLE.sub(lambda found: _SECRETS[found["name"]], text))
    found: dict[str, Any] = json.loads(done([tool("compose-spec"), "-format", "json", filled]))
    return found


def test_it_is_a_compose_file_that_scales_hosts_behind_one_port(tmp_path: Path) -> None:
    services = read(tmp_path)["services"]
    assert services["omnicore"]["deploy"]["replicas"] == 3
    assert "ports" not in services["omnicore"]  # two could not listen on one
    assert "container_name" not in services["omnicore"]
    assert [one["published"] for one in services["proxy"]["ports"]] == ["8080"]
    assert (
        services["omnicore"]["environment"]["OMNICORE_STORAGE__URL"] == "postgresql://omnicore:hush@postgresql/omnicore"
    )


def test_hosts_share_no_disk(tmp_path: Path) -> None:
    mounts = read(tmp_path)["services"]["omnicore"]["volumes"]
    assert [(one["target"], one.get("read_only")) for one in mounts] == [("/plugins", True)]


def test_what_runs_has_no_rights_and_no_writable_root(tmp_path: Path) -> None:
    services = read(tmp_path)["services"]
    for name in ("omnicore", "proxy", "nats"):
        service = services[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert services["omnicore"].get("cap_add") is None


def test_without_a_secret_it_says_where_to_write_it() -> None:
    found = list(_VARIABLE.finditer((ROOT / "docker-compose.yml").read_text()))
    assert {one["name"] for one in found} == _SECRETS.keys()
    assert all("write it to .env" in (one["required"] or "") for one in found)


def test_what_is_mounted_from_the_repository_is_there(tmp_path: Path) -> None:
    for service in read(tmp_path)["services"].values():
        for mount in service.get("volumes", ()):
            assert mount["type"] != "bind" or (ROOT / Path(mount["source"]).relative_to(Path.cwd())).exists(), mount
