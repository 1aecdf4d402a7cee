"""`omnicore config set` and `unset` change what the console changes, and say when it holds."""

from __future__ import annotations

import json

from omnicore.config.folders import project_data


def test_a_setting_is_set_shown_and_taken_back(omnicore, tmp_path):
    (tmp_path / "omnicore.toml").write_text("threads = 5\n")
    ran = omnicore("config", "set", "threads", "3")
    assert (ran.code, ran.out) == (0, "threads is 3; it holds when the host is started the next time.\n"), ran.err
    assert omnicore("config", "show", "threads", "--origin").out.endswith("threads\t3\tconsole\n")
    ran = omnicore("config", "unset", "threads")
    assert (ran.code, "is not set here any more" in ran.out) == (0, True)
    assert omnicore("config", "show", "threads", "--origin").out.endswith("threads\t5\tomnicore.toml:1\n")


def test_values_are_read_as_variables_are(omnicore, tmp_path):
    for name, text, value in (
        ("limits.memory_bytes", "64 MiB", 64 * 2**20),
        ("threads", "3", 3),
        ("connectors.hook_rate", "2000", 2000.0),
    ):
        ran = omnicore("config", "set", name, text, "-o", "json")
        assert json.loads(ran.out) == {"name": name, "value": value, "restart": "bytes" not in name}, ran.err
    held = json.loads((project_data(tmp_path) / "overrides.json").read_text())
    assert held["limits.memory_bytes"] == 64 * 2**20
    assert len(held) == 3


def test_what_cannot_be_set_is_refused_with_the_reason(omnicore, tmp_path):
    for name, text, code, told in (
        ("threads", "0", 2, "threads cannot be '0'; it takes at least 1"),
        ("token", "hush", 1, "token cannot be set here"),
    ):
        ran = omnicore("config", "set", name, text)
        assert (ran.code, told in ran.err) == (code, True), ran.err
        assert "hush" not in ran.err
    ran = omnicore("config", "set", "threads", "3", OMNICORE_THREADS="4")
    assert (ran.code, "is set by OMNICORE_THREADS, which wins" in ran.err) == (1, True)
    assert not (project_data(tmp_path) / "overrides.json").exists()


def test_one_that_keeps_commands_from_starting_can_be_taken_back(omnicore, tmp_path):
    project_data(tmp_path).mkdir(parents=True)
    (project_data(tmp_path) / "overrides.json").write_text('{"threads": 0, "of_an_older_version": 1}')
    assert omnicore("config", "unset", "of_an_older_version").code == 0
    assert omnicore("config", "unset", "threads").code == 0
    assert json.loads((project_data(tmp_path) / "overrides.json").read_text()) == {}


def test_a_change_leaves_a_row_of_the_record_where_there_is_one(omnicore, tmp_path):
    (tmp_path / "plugins").mkdir()
    omnicore("secrets", "ls")  # makes the database
    assert omnicore("config", "set", "threads", "3").code == 0
    ran = omnicore("audit", "ls", "-o", "json")
    rows = json.loads(ran.out)
    rows = rows.get("items", rows) if isinstance(rows, dict) else rows
    assert [row["target"] for row in rows if row["action"] == "config set"] == ["setting:threads"]
