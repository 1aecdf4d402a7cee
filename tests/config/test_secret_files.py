"""Secrets come as files, by variables that end in `_FILE`; the application has settings in words of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.trusting import trusted

from omnicore.config.loader import load_settings
from omnicore.errors import InvalidSetting

NOWHERE = Path("/nowhere")


def load(environ: dict[str, str], overrides: dict | None = None, folder: Path = NOWHERE):
    return load_settings(None, environ, overrides or {}, folder=folder)


@pytest.mark.parametrize(
    ("variable", "dotted"),
    [
        ("OMNICORE_TOKEN_FILE", "token"),
        ("OMNICORE_STORAGE__URL_FILE", "storage.url"),
        ("OMNICORE_PLUGIN_SETTINGS__WEATHER__API_KEY_FILE", "plugin_settings.weather.api_key"),
    ],
)
def test_a_secret_is_read_from_the_file_that_its_variable_names(tmp_path, variable, dotted):
    (tmp_path / "secret").write_text("hush\n")
    found = load({variable: str(tmp_path / "secret")})
    value: object = found.settings
    for key in dotted.split("."):
        value = value[key] if isinstance(value, dict) else getattr(value, key)
    assert value == "hush"
    assert variable in {str(origin) for origin in found.origins.values()}
    assert "hush" not in json.dumps(found.settings.to_json())


def test_an_override_wins_over_a_secret_file(tmp_path):
    (tmp_path / "secret").write_text("hush")
    assert load({"OMNICORE_TOKEN_FILE": str(tmp_path / "secret")}, {"token": "mine"}).settings.token == "mine"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"\xff", "it is not text"),
        (b"x" * 70_000, "over 65536 bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_variable(tmp_path, content, told):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSetting) as caught:
        load({"OMNICORE_TOKEN_FILE": str(file)})
    (problem,) = caught.value.details["problems"]
    assert problem["origin"] == "OMNICORE_TOKEN_FILE"
    assert told in problem["fact"]


def test_a_secret_that_is_set_twice_is_an_error(tmp_path):
    (tmp_path / "secret").write_text("a")
    with pytest.raises(InvalidSetting, match="is set, and so is OMNICORE_TOKEN"):
        load({"OMNICORE_TOKEN_FILE": str(tmp_path / "secret"), "OMNICORE_TOKEN": "b"})


def test_only_secrets_come_this_way():
    with pytest.raises(InvalidSetting, match="port_file is an unknown setting"):
        load({"OMNICORE_PORT_FILE": "/etc/hostname"})


def test_the_application_has_settings_of_its_own():
    found = load(
        {"OMNICORE_APP__GREETING": "Hi", "OMNICORE_APP__LIST": "[1]"}, {"app.deep": {"a": True, "password": "hush"}}
    )
    assert found.settings.app == {"greeting": "Hi", "list": [1], "deep": {"a": True, "password": "hush"}}
    assert "hush" not in json.dumps(found.settings.to_json())
    with pytest.raises(InvalidSetting, match=r"write \[app\] and its settings"):
        load({}, {"app": 3})


def test_an_application_s_file_counts_where_no_other_is(tmp_path):
    (tmp_path / "config.yaml").write_text("port: 1\n")
    assert load({}, folder=trusted(tmp_path)).settings.port == 1
    (tmp_path / "omnicore.toml").write_text("port = 2\n")
    assert load({}, folder=trusted(tmp_path)).settings.port == 2
