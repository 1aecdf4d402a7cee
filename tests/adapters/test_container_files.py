"""What the image and the compose file name is there: paths, commands, folders, secrets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from click.testing import CliRunner

from omnicore.adapters.environment import surroundings_of
from omnicore.adapters.machine import FOLDERS, Machine
from omnicore.adapters.settings import host_settings
from omnicore.cli.main import cli
from omnicore.config.settings import Settings
from omnicore.core.app import OmniApp
from omnicore.core.extensions import Extensions
from omnicore.modules.plugins import PluginsModule

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
SERVICE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["omnicore"]


def instruction(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def test_what_is_copied_is_there_and_is_all_that_the_wheel_is_made_of():
    copied = {path for line in instruction("COPY") for path in line.split()[:-1]}
    assert all((ROOT / path).exists() for path in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {path.split("/")[0] for path in needed} | {
        *("pyproject.toml", "README.md", "LICENSE"),
        *("host_build", "requirements/image.txt"),
    } == copied
    extras = re.search(r"omnicore\[([a-z,]+)\]", DOCKERFILE)
    assert set(extras[1].split(",")) <= project["project"]["optional-dependencies"].keys()


def test_it_runs_a_command_that_exists_as_a_user_without_rights():
    program, *arguments = json.loads(instruction("CMD")[-1])
    assert program == "omnicore"
    assert CliRunner().invoke(cli, [*arguments, "--help"]).exit_code == 0
    assert instruction("USER") == ["10001"]
    assert "--uid 10001" in DOCKERFILE


def test_its_data_lies_where_a_host_in_a_container_keeps_it(tmp_path):
    (volume,) = json.loads(instruction("VOLUME")[0])
    assert volume.lstrip("/") in FOLDERS
    place = surroundings_of("container", Machine(folders=frozenset({volume.lstrip("/")})))
    assert place.values["data"] == volume
    assert f"data:{volume}" in SERVICE["volumes"]
    found = host_settings(None, dict(one.split("=") for one in instruction("ENV")[0].split()[:1]), {}, root=tmp_path)
    assert f"./plugins:{found.settings.plugins}:ro" in SERVICE["volumes"]


def test_the_health_check_says_whether_the_host_answers(tmp_path):
    check = json.loads(instruction("HEALTHCHECK")[0].partition("CMD ")[2])
    (tmp_path / "plugins").mkdir()
    serving = PluginsModule(tmp_path / "plugins", data=tmp_path / "data", watch=False, port=0, serve=True)
    app = OmniApp("app", extensions=Extensions())
    app.add_module(serving)

    def answers(port: str) -> bool:
        command = [sys.executable, *check[1:]]
        return subprocess.run(command, env={"OMNICORE_PORT": port}, capture_output=True, timeout=30).returncode == 0

    with app:
        port = serving.url.rpartition(":")[2]
        assert answers(port)
    assert not answers(port)


def test_its_secret_is_one_that_the_host_takes_and_makes_it_listen_to_others(tmp_path):
    (name,) = SERVICE["secrets"]
    (tmp_path / ".dockerenv").write_text("")
    (tmp_path / "run/secrets").mkdir(parents=True)
    (tmp_path / "run/secrets" / name).write_text("hush")
    settings = host_settings(None, {}, {}, folder=tmp_path, root=tmp_path).settings
    assert (settings.token, settings.host) == ("hush", "0.0.0.0")
    assert any(f":{settings.port}" in one for one in SERVICE["ports"])


def test_it_is_given_time_to_drain():
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > 2 * Settings().drain_s
