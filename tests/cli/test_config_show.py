"""`omnicore config show` says what holds and why, and never a secret."""

from __future__ import annotations

import json

from tests.trusting import trusted

SETTINGS = """\
port = 9000
token = "hush-1"

[plugin_settings.text]
locale = "de"
api_key = "hush-2"
"""


def test_each_setting_is_a_line_with_tabs_in_a_pipe(omnicore):
    lines = omnicore("config", "show").out.splitlines()
    assert lines[0] == "setting\tvalue"
    assert "port\t8080" in lines
    assert "limits.timeout_s\t1.0" in lines


def test_origins_are_file_and_line_variable_option_or_default(omnicore, tmp_path):
    (tmp_path / "omnicore.toml").write_text(SETTINGS)
    trusted(tmp_path)
    ran = omnicore("config", "show", "--origin", "--plugins", "here", OMNICORE_LOG_LEVEL="debug")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in ran.out.splitlines()}
    assert rows["port"] == ["9000", "omnicore.toml:1"]
    assert rows["log_level"] == ["debug", "OMNICORE_LOG_LEVEL"]
    assert rows["plugins"] == ["here", "override plugins"]
    assert rows["threads"][1] == "default"
    assert rows["plugin_settings.text.locale"] == ["de", "omnicore.toml:5"]


def test_secrets_are_masked_in_every_form(omnicore, tmp_path):
    (tmp_path / "omnicore.toml").write_text(SETTINGS)
    trusted(tmp_path)
    for form in ("table", "text", "json"):
        ran = omnicore("config", "show", "-o", form, "--origin")
        assert "hush" not in ran.out
        assert "********" in ran.out


def test_json_is_one_document_with_origins_on_request(omnicore, tmp_path):
    (tmp_path / "omnicore.toml").write_text(SETTINGS)
    trusted(tmp_path)
    assert json.loads(omnicore("-o", "json", "config", "show", "port").out) == {"port": 9000}
    with_origin = json.loads(omnicore("-o", "json", "config", "show", "port", "--origin").out)
    assert with_origin == {"port": {"value": 9000, "origin": "omnicore.toml:1"}}


def test_a_group_of_settings_can_be_shown_alone_with_its_meaning(omnicore):
    lines = omnicore("config", "show", "limits", "--doc").out.splitlines()
    assert all(line.startswith("limits.") and line.count("\t") == 2 for line in lines[1:])
    assert len(lines) > 5


def test_every_setting_has_a_meaning(omnicore):
    rows = [line.split("\t") for line in omnicore("config", "show", "--doc").out.splitlines()[1:]]
    assert all(meaning for *_, meaning in rows)


def test_the_file_is_taken_from_the_option_or_the_variable(omnicore, tmp_path):
    file = tmp_path / "elsewhere.yaml"
    file.write_text("port: 7\n")
    assert omnicore("-C", str(file), "config", "show", "port").out.endswith("port\t7\n")
    assert omnicore("config", "show", "port", "-C", str(file)).out.endswith("port\t7\n")
    assert omnicore("config", "show", "port", OMNICORE_CONFIG=str(file)).out.endswith("port\t7\n")


def test_a_file_that_is_not_there_is_told(omnicore):
    ran = omnicore("config", "show", "-C", "missing.toml")
    assert ran.code == 2
    assert "missing.toml cannot be read" in ran.err
