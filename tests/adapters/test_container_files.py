"""What the image, the compose file and the rest of the kit name is there: paths, commands, folders, variables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from click.testing import CliRunner
from tests.deploy.dockerfile import Hidden, stages

from omnicore.adapters.environment import surroundings_of
from omnicore.adapters.machine import FOLDERS, Machine
from omnicore.adapters.settings import host_settings
from omnicore.cli.main import cli
from omnicore.config.loader import _NOT_SETTINGS, SCHEMA, variable
from omnicore.config.settings import Settings
from omnicore.core.app import OmniApp
from omnicore.core.extensions import Extensions
from omnicore.modules.plugins import PluginsModule

ROOT = Path(__file__).parents[2]
STAGES = {stage.name: stage for stage in stages((ROOT / "Dockerfile").read_text())}
RUN = STAGES["run"]
SERVICE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["omnicore"]


def test_what_is_copied_is_there_and_not_hidden_and_all_that_the_wheel_is_made_of():
    hidden = Hidden((ROOT / ".dockerignore").read_text())
    copied = {source for stage in STAGES.values() for source in stage.sources()}
    assert [source for source in copied if hidden(source) or not (ROOT / source).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"])
    needed |= {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "host_build/console_hook.py",
        "requirements/image.txt",
        "requirements/build.txt",
    }
    assert [path for path in needed if not any(path == one or path.startswith(f"{one}/") for one in copied)] == []
    extras = re.search(r"omnicore\[([a-z,]+)\]", " ".join(STAGES["wheel"].all("RUN")))
    assert set(extras[1].split(",")) <= project["project"]["optional-dependencies"].keys()


def test_what_dockerignore_hides_is_found_by_its_patterns():
    hidden = Hidden("# words\n.git\n**/node_modules\n*.secret\nweb/dist\n")
    seen = (".git", ".git/HEAD", "web/node_modules/x", "node_modules", "token.secret", "web/dist/a.js")
    assert all(map(hidden, seen))
    assert not any(map(hidden, (".github", "web/src", "docs/token.secret.md", "plugins/a.secret", "web/distance")))


def test_it_runs_a_command_that_exists_as_a_user_without_rights():
    program, *arguments = json.loads(RUN.all("CMD")[0])
    assert program == "omnicore"
    assert CliRunner().invoke(cli, [*arguments, "--help"]).exit_code == 0
    assert RUN.all("USER") == ["10001:10001"]
    assert "--uid 10001" in RUN.all("RUN")[0]


def test_its_data_lies_where_a_host_in_a_container_keeps_it(tmp_path):
    (volume,) = json.loads(RUN.all("VOLUME")[0])
    assert volume.lstrip("/") in FOLDERS
    place = surroundings_of("container", Machine(folders=frozenset({volume.lstrip("/")})))
    assert place.values["data"] == volume
    found = host_settings(None, dict(one.split("=") for one in RUN.all("ENV")[0].split()[:1]), {}, root=tmp_path)
    assert f"./plugins:{found.settings.plugins}:ro" in SERVICE["volumes"]


def test_the_health_check_says_whether_the_host_answers(tmp_path):
    check = json.loads(RUN.all("HEALTHCHECK")[0].partition("CMD ")[2])
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


def test_a_host_of_compose_takes_what_it_is_given_and_listens_to_others(tmp_path):
    (tmp_path / ".dockerenv").write_text("")
    given = {**SERVICE["environment"], "OMNICORE_TOKEN": "hush"}
    settings = host_settings(None, given, {}, folder=tmp_path, root=tmp_path).settings
    assert (settings.token, settings.host) == ("hush", "0.0.0.0")
    assert settings.storage.url.startswith("postgresql://")
    assert [settings.port] == [int(one) for one in RUN.all("EXPOSE")]


def test_every_variable_that_the_kit_names_is_one_that_a_host_reads():
    known = {variable(leaf.name) for leaf in SCHEMA.values()} | set(_NOT_SETTINGS) | {"OMNICORE_DEPLOY_CACHE"}
    kit = [path for path in (ROOT / "host" / "deploy").rglob("*") if path.is_file()]
    for path in (*kit, ROOT / "Dockerfile", ROOT / "docker-compose.yml", ROOT / "docs" / "deploy.md"):
        named = set(re.findall(r"OMNICORE_[A-Z0-9_]*[A-Z0-9]", path.read_text()))
        assert named <= known, path


def test_it_is_given_time_to_drain():
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) > 2 * Settings().drain_s
