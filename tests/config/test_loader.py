"""Settings come from four layers, typed by one schema, and every mistake is told at once."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trusting import trusted

from omnicore.config.folders import project_data
from omnicore.config.loader import ConfigLoader, load_settings
from omnicore.config.settings import MASK, Settings
from omnicore.errors import InvalidSetting
from omnicore.sandbox.abi import MIB, Limits

TOML = """\
port = 9000
host = "file"          # a note

[limits]
timeout_s = "500ms"
memory_bytes = "32MiB"

[plugin_settings.text]
locale = "de"
deep = { a = [1, 2] }
"""
YAML = """\
port: 9000
host: file
limits:
  timeout_s: 500ms
  memory_bytes: 32MiB
plugin_settings:
  text:
    locale: de
    deep:
      a: [1, 2]
"""
JSON = """\
{
  "port": 9000, "host": "file",
  "limits": {"timeout_s": "500ms", "memory_bytes": "32MiB"},
  "plugin_settings": {"text": {"locale": "de", "deep": {"a": [1, 2]}}}
}
"""
DOCUMENTS = {"omnicore.toml": TOML, "omnicore.yaml": YAML, "omnicore.yml": YAML, "omnicore.json": JSON}


def written(folder: Path, text: str, name: str = "omnicore.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def problems(file: Path | None = None, environ: dict | None = None, overrides: dict | None = None) -> list[dict]:
    with pytest.raises(InvalidSetting) as caught:
        load_settings(file, environ or {}, overrides or {})
    return caught.value.details["problems"]


def test_without_any_layer_the_defaults_hold(tmp_path):
    loaded = load_settings(None, {}, {}, folder=tmp_path)
    assert loaded.settings == Settings(data=project_data(tmp_path))
    assert str(loaded.origins["port"]) == "default"
    assert loaded.file is None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_kind_of_file_found_in_the_folder_says_the_same(tmp_path, name):
    written(tmp_path, DOCUMENTS[name], name)
    trusted(tmp_path)
    settings = load_settings(None, {}, {}, folder=tmp_path).settings
    assert (settings.port, settings.host) == (9000, "file")
    assert (settings.limits.timeout_s, settings.limits.memory_bytes) == (0.5, 32 * MIB)
    assert settings.plugin_settings == {"text": {"locale": "de", "deep": {"a": [1, 2]}}}


def test_overrides_win_over_variables_over_the_file_over_defaults(tmp_path):
    file = written(tmp_path, TOML)
    environ = {"OMNICORE_PORT": "9001", "OMNICORE_HOST": "variable"}
    loaded = load_settings(file, environ, {"host": "override"})
    assert (loaded.settings.host, loaded.settings.port) == ("override", 9001)
    assert loaded.settings.limits.timeout_s == 0.5
    shown = {name: str(loaded.origins[name]) for name in ("host", "port", "limits.timeout_s", "threads")}
    assert shown == {
        "host": "override host",
        "port": "OMNICORE_PORT",
        "limits.timeout_s": f"{file}:5",
        "threads": "default",
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_origin_in_a_file_has_its_line(tmp_path, name):
    text = DOCUMENTS[name]
    file = written(tmp_path, text, name)
    origin = load_settings(file, {}, {}).origins["limits.memory_bytes"]
    expected = next(number for number, line in enumerate(text.splitlines(), 1) if "memory_bytes" in line)
    assert str(origin) == f"{file}:{expected}"


def test_relative_paths_count_from_the_folder_of_the_file_but_those_of_variables_do_not(tmp_path):
    file = written(tmp_path, 'plugins = "mine"\n')
    assert load_settings(file, {}, {}).settings.plugins == tmp_path / "mine"
    assert load_settings(file, {}, {}).settings.data == project_data(tmp_path)
    assert load_settings(file, {"OMNICORE_PLUGINS": "here"}, {}).settings.plugins == Path("here")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("OMNICORE_WATCH", "off", False),
        ("OMNICORE_PORT", "0", 0),
        ("OMNICORE_BODY_BYTES", "2 MiB", 2 * MIB),
        ("OMNICORE_DRAIN_S", "1m", 60.0),
        ("OMNICORE_TOKEN", "123", "123"),
        ("OMNICORE_TOKEN", "", None),
        ("OMNICORE_ALLOWED_HOSTS", "a.example, b.example", ("a.example", "b.example")),
        ("OMNICORE_ALLOWED_HOSTS", '["a.example"]', ("a.example",)),
        ("OMNICORE_ENGINE", "extism", "extism"),
    ],
)
def test_a_variable_is_read_in_the_type_of_its_setting(name, text, expected):
    settings = load_settings(None, {name: text}, {}, folder=Path("/nowhere")).settings
    assert getattr(settings, name.removeprefix("OMNICORE_").lower()) == expected


def test_a_variable_reaches_the_settings_of_a_plugin(tmp_path):
    file = written(tmp_path, '[plugin_settings.word-count]\nkeep = 1\nlocale = "de"\n')
    environ = {
        "OMNICORE_PLUGIN_SETTINGS__WORD_COUNT__LOCALE": "fr",
        "OMNICORE_PLUGIN_SETTINGS__WORD_COUNT__STEPS": "[1, 2]",
    }
    settings = load_settings(file, environ, {}).settings
    assert settings.plugin_settings == {"word-count": {"keep": 1, "locale": "fr", "steps": [1, 2]}}


def test_all_mistakes_of_all_layers_are_told_at_once_with_origin_and_remedy(tmp_path):
    file = written(tmp_path, 'prot = 1\n\n[limits]\nfuel = "lots"\n')
    found = problems(file, {"OMNICORE_LOG_LEVEL": "loud"}, {"host": 3})
    assert {(problem["setting"], problem["origin"]) for problem in found} == {
        ("prot", f"{file}:1"),
        ("limits.fuel", f"{file}:4"),
        ("log_level", "OMNICORE_LOG_LEVEL"),
        ("host", "override host"),
    }
    assert all(problem["remedy"] for problem in found)


@pytest.mark.parametrize(
    ("setting", "meant"),
    [("prot", "port"), ("timeout_s", "limits.timeout_s"), ("limits.tmeout_s", "limits.timeout_s")],
)
def test_an_unknown_setting_is_answered_with_the_one_that_was_meant(setting, meant):
    assert problems(overrides={setting: 1})[0]["remedy"] == f"did you mean {meant}?"


def test_an_unknown_variable_is_answered_with_the_variable_that_was_meant():
    assert problems(environ={"OMNICORE_PROT": "1"})[0]["remedy"] == "did you mean OMNICORE_PORT?"


def test_an_unknown_setting_without_a_neighbour_is_an_error_too():
    assert "config show" in problems(overrides={"zzzzqqq": 1})[0]["remedy"]


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("port", 65536, "at most 65535"),
        ("port", True, "a whole number"),
        ("port", 1.5, "a whole number"),
        ("threads", 0, "at least 1"),
        ("watch", "yes", "true or false"),
        ("engine", "v8", "one of omnicore, extism"),
        ("limits.timeout_s", -1, "at least 0"),
        ("limits.timeout_s", float("nan"), "a number of seconds, such as 0.5 or 500ms"),
        ("limits.timeout_s", "fast", "a number of seconds, such as 0.5 or 500ms"),
        ("body_bytes", "64 parsecs", "a number of bytes, such as 65536 or 64MiB"),
        ("body_bytes", "0.3", "a number of bytes, such as 65536 or 64MiB"),
        ("allowed_hosts", "localhost", "a list of texts"),
        ("plugins", "", "a path"),
        ("host", "a\0b", "a text"),
    ],
)
def test_a_value_that_does_not_fit_is_told_what_would(setting, value, expected):
    assert problems(overrides={setting: value})[0]["remedy"] == f"it takes {expected}"


@pytest.mark.parametrize("path", ["limits", "plugin_settings", "plugin_settings.text"])
def test_a_value_in_place_of_a_table_is_an_error(path):
    assert problems(overrides={path: 3})[0]["fact"] == "is not a table"


def test_an_empty_table_sets_nothing():
    assert load_settings(None, {}, {"limits": {}, "plugin_settings": {"a": {}}}).settings == Settings()


def test_a_default_limit_above_the_largest_allowed_is_an_error():
    found = problems(overrides={"max_limits": {"timeout_s": 0.5}})
    assert found[0]["setting"] == "limits.timeout_s"
    assert found[0]["origin"] == "override max_limits.timeout_s"


def test_no_fuel_limit_is_above_any_largest_fuel():
    assert problems(overrides={"max_limits.fuel": 10})[0]["setting"] == "limits.fuel"
    assert load_settings(None, {}, {"max_limits.fuel": 10, "limits.fuel": 5}).settings.limits.fuel == 5


def test_a_plugin_setting_that_json_cannot_hold_is_an_error(tmp_path):
    found = problems(written(tmp_path, "[plugin_settings.a]\nwhen = 2024-01-01\n"))
    assert found[0]["setting"] == "plugin_settings.a.when"


def test_two_settings_files_in_one_folder_are_an_error(tmp_path):
    written(tmp_path, TOML)
    written(tmp_path, YAML, "omnicore.yaml")
    with pytest.raises(InvalidSetting, match=r"omnicore.toml and omnicore.yaml are both"):
        load_settings(None, {}, {}, folder=tmp_path)


def test_a_variable_names_the_file(tmp_path):
    file = written(tmp_path, TOML, "other.toml")
    assert load_settings(None, {"OMNICORE_CONFIG": str(file)}, {}).settings.port == 9000


def test_secrets_are_shown_nowhere(tmp_path):
    overrides = {
        "token": "hush-1",
        "plugin_settings": {"a": {"api_key": "hush-2", "list": [{"password": "hush-3"}]}},
    }
    settings = load_settings(None, {}, overrides).settings
    assert "hush" not in repr(settings)
    assert "hush" not in json.dumps(settings.to_json())
    assert settings.to_json()["token"] == MASK
    with pytest.raises(InvalidSetting) as caught:
        load_settings(None, {}, {"token": ["hush-4"]})
    assert "hush" not in str(caught.value)


def test_every_setting_is_documented():
    assert all(spec.metadata["doc"] for spec in fields(Settings) if spec.metadata)


def test_every_default_limit_is_within_the_largest():
    largest = Settings().max_limits
    for spec in fields(Limits):
        cap = getattr(largest, spec.name)
        assert cap is None or getattr(Limits(), spec.name) <= cap


def test_the_loader_merges_without_a_schema(tmp_path):
    file = written(tmp_path, "port: 1\nname: file\nonly: file\n", "config.yaml")
    environ = {"OMNICORE_PORT": "2", "OMNICORE_NAME": "variable", "OTHER": "x"}
    merged = ConfigLoader(str(file), environ=environ, overrides={"name": "override"}).load()
    assert merged == {"port": "2", "name": "override", "only": "file"}


def test_the_loader_reads_the_variables_of_the_process(monkeypatch):
    monkeypatch.setenv("OMNICORE_A__B", "1")
    assert ConfigLoader().load()["a"] == {"b": "1"}


def test_a_value_over_a_table_and_a_table_over_a_value_replace_it(tmp_path):
    file = written(tmp_path, "a = 1\n[b]\nc = 2\n")
    assert ConfigLoader(file, environ={}, overrides={"a": {"x": 3}, "b": 4}).load() == {"a": {"x": 3}, "b": 4}


def settings_told_wrong(overrides: dict) -> list[str]:
    try:
        load_settings(None, {}, overrides, folder=Path("/nowhere"))
    except InvalidSetting as error:
        return [problem["setting"] for problem in error.details["problems"]]
    return []


@given(st.dictionaries(st.from_regex(r"x[a-z]{1,3}(\.[a-z]{1,3})?", fullmatch=True), st.integers(), max_size=6))
def test_each_unknown_override_is_told_once(overrides):
    assert sorted(settings_told_wrong(overrides)) == sorted(overrides)


def test_open_access_comes_from_a_variable_or_an_option_and_from_no_file(tmp_path: Path) -> None:
    file = tmp_path / "named.toml"  # named by hand, which is trusted in all else
    file.write_text("[access]\nopen = true\n")
    with pytest.raises(InvalidSetting, match="OMNICORE_ACCESS__OPEN"):
        load_settings(file, {}, {})
    assert load_settings(None, {"OMNICORE_ACCESS__OPEN": "true"}, {}, folder=tmp_path).settings.access.open
    assert load_settings(None, {}, {"access.open": True}, folder=tmp_path).settings.access.open
