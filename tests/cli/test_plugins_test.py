"""`omnicore plugins test` makes the calls of expected.json and says which of them are not well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .guests import ECHO, asking_app, echo_app

GOOD = {"function": "echo", "input": "hi", "output": "hi"}
BAD = {"function": "echo", "input": "one\ntwo", "output": "one\n2"}


def project(folder: Path, *cases: dict[str, object]) -> Path:
    """A folder as `omnicore build` leaves it, with cases."""
    echo_app(folder)
    (folder / "expected.json").write_text(json.dumps(cases))
    return folder


def test_cases_that_are_well_are_lines_and_exit_code_0(omnicore, tmp_path):
    project(tmp_path, GOOD, {"function": "fail", "error": "7"})
    ran = omnicore("plugins", "test", ".")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[:2] == ["TAP version 14", "1..2"]
    assert lines[2].startswith("ok 1 - echo hi # fuel ")
    assert lines[3].startswith("ok 2 - fail")
    assert "echo: 2 of 2 cases are well" in ran.err


def test_a_case_that_differs_shows_where_and_exit_code_1(omnicore, tmp_path):
    project(tmp_path, GOOD, BAD)
    ran = omnicore("plugins", "test")
    assert ran.code == 1
    assert "not ok 2 - echo one two" in ran.out
    assert "# -2\n# +two" in ran.out
    assert "1 of 2 cases" in ran.err


def test_fuel_over_its_budget_fails(omnicore, tmp_path):
    project(tmp_path, {**GOOD, "fuel": 1})
    ran = omnicore("plugins", "test")
    assert ran.code == 1
    assert "fuel where 1 is the most" in ran.out


def test_json_has_each_case(omnicore, tmp_path):
    project(tmp_path, GOOD, BAD)
    ran = omnicore("plugins", "test", "-o", "json")
    document = json.loads(ran.out)
    assert (ran.code, document["plugin"], document["passed"]) == (1, "echo", False)
    assert [case["passed"] for case in document["cases"]] == [True, False]
    assert document["cases"][0]["output"] == "hi"


def test_a_terminal_shows_a_table_and_the_difference_in_colour(on_terminal, tmp_path):
    project(tmp_path, GOOD, BAD)
    code, shown = on_terminal("plugins", "test")
    assert code == 1
    assert b"\x1b[32mok" in shown
    assert b"FAIL" in shown
    assert b"\x1b[31m  -2" in shown


@pytest.mark.parametrize("word", [".", "echo", "plugins/echo.wat"])
def test_a_plugin_is_meant_by_its_folder_its_name_or_its_file(omnicore, tmp_path, word):
    project(tmp_path, GOOD)
    assert omnicore("plugins", "test", word).code == 0


def test_all_that_it_asks_for_is_granted_there_and_nowhere_else(omnicore, tmp_path):
    asking_app(tmp_path)
    (tmp_path / "plugins" / "store.expected.json").write_text(json.dumps([GOOD]))
    assert omnicore("plugins", "test", "store").code == 0
    assert "needs-grant" in omnicore("plugins", "ls").out


def test_cases_may_lie_elsewhere(omnicore, tmp_path):
    echo_app(tmp_path)
    (tmp_path / "mine.json").write_text(json.dumps([GOOD]))
    assert omnicore("plugins", "test", "echo", "--cases", "mine.json").code == 0


def test_updating_writes_what_was_observed_and_then_it_is_well(omnicore, tmp_path):
    project(tmp_path, {"function": "echo", "input": "hi"}, BAD)
    ran = omnicore("plugins", "test", "--update")
    assert (ran.code, ran.out) == (0, "Wrote expected.json: 2 cases, 2 of them changed; fuel budgets for all\n")
    cases = json.loads((tmp_path / "expected.json").read_text())
    assert [case["output"] for case in cases] == ["hi", "one\ntwo"]
    assert all(case["fuel"] > 0 for case in cases)
    assert omnicore("plugins", "test").code == 0


def test_without_cases_it_says_what_to_write(omnicore, tmp_path):
    echo_app(tmp_path)
    ran = omnicore("plugins", "test", "echo")
    assert ran.code == 5
    assert "has no expected.json" in ran.err
    assert "--update" in ran.err


def test_a_folder_that_is_not_built_says_so(omnicore, tmp_path):
    (tmp_path / "expected.json").write_text(json.dumps([GOOD]))
    ran = omnicore("plugins", "test")
    assert ran.code == 5
    assert "run `omnicore build .` first" in ran.err


def test_a_folder_with_several_plugins_asks_for_the_file(omnicore, tmp_path):
    project(tmp_path, GOOD)
    (tmp_path / "plugins" / "other.wat").write_text(ECHO)
    ran = omnicore("plugins", "test")
    assert ran.code == 2
    assert "plugins/echo.wat" in ran.err


def test_a_mistake_in_the_cases_names_the_case(omnicore, tmp_path):
    project(tmp_path, GOOD, {"function": "echo", "ouput": 1})
    ran = omnicore("plugins", "test")
    assert ran.code == 2
    assert "case 2: 'ouput' is no known key; did you mean 'output'?" in ran.err
