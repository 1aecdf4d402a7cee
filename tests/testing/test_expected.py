"""The cases of `expected.json` are read, run and compared, and written again with what was observed."""

from __future__ import annotations

import base64
import json

import pytest

from omnicore.errors import InvalidInput, ManifestInvalid, ModuleRejected, NotFound, Unavailable
from omnicore.testing.expected import read_cases, run_cases, updated, written
from omnicore.testing.trial import read_subject, trial

MODULE = """(module
  (import "extism:host/env" "input_offset" (func $at (result i64)))
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "config_get" (func $config (param i64) (result i64)))
  (import "extism:host/env" "length" (func $size (param i64) (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (func (export "echo") (result i32) (call $output (call $at) (call $length)) (i32.const 0))
  (func (export "json") (result i32) (call $output (call $at) (call $length)) (i32.const 0))
  (func (export "setting") (result i32) (local $value i64)
    (local.set $value (call $config (call $at)))
    (call $output (local.get $value) (call $size (local.get $value))) (i32.const 0))
  (func (export "last") (result i32) (local $value i64)
    (local.set $value (call $var_get (call $at)))
    (call $output (local.get $value) (call $size (local.get $value))) (i32.const 0))
  (func (export "keep") (result i32) (call $var_set (call $at) (call $at)) (i32.const 0))
  (func (export "spin") (result i32) (loop $on (br $on)) (i32.const 0))
  (func (export "fail") (result i32) (i32.const 7)))
"""
MANIFEST = """
name = "case"

[functions.echo]
[functions.fail]
[functions.spin]
[functions.json]
input_media = "application/json"
output_media = "application/json"
[functions.setting]
input_media = "text/plain"
output_media = "text/plain"
[config]
properties = { word = { type = "string", default = "none" } }

[[capabilities]]
name = "kv"
reason = "Only to see that it is granted"
"""


@pytest.fixture
def subject(tmp_path):
    (tmp_path / "case.wat").write_text(MODULE)
    (tmp_path / "case.toml").write_text(MANIFEST)
    return read_subject(tmp_path / "case.wat")


@pytest.fixture
def run(tmp_path, subject):
    """Runs cases and returns their results."""

    def results(*cases):
        (tmp_path / "expected.json").write_text(json.dumps(cases))
        return list(run_cases(subject, read_cases(tmp_path / "expected.json")))

    return results


def test_an_output_that_is_equal_is_well_and_its_fuel_is_known(run):
    (result,) = run({"function": "json", "input": {"a": [1, "ü", None]}, "output": {"a": [1, "ü", None]}})
    assert (result.passed, result.problem) == (True, "")
    assert result.fuel
    assert result.to_json()["output"] == {"a": [1, "ü", None]}


def test_an_output_that_differs_shows_where(run):
    (result,) = run({"function": "json", "input": {"a": 1, "b": 2}, "output": {"a": 1, "b": 3}})
    assert result.problem == "answered something else"
    assert '-  "b": 3' in result.diff
    assert '+  "b": 2' in result.diff


@pytest.mark.parametrize(
    ("came", "expected", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, None, False),
        (0.1 + 0.2, 0.3, True),
        ([1], [1, 2], False),
        ("a", "b", False),
    ],
)
def test_values_are_compared_as_json_knows_them(run, came, expected, same):
    (result,) = run({"function": "json", "input": [came], "output": [expected]})
    assert result.passed is same


def test_text_is_compared_line_by_line(run):
    (result,) = run({"function": "echo", "input": "one\ntwo\nthree", "output": "one\n2\nthree"})
    assert "-2\n+two" in result.diff


def test_bytes_that_are_no_text_go_in_and_out_as_base64(run):
    data = {"base64": base64.b64encode(b"\xff\x00").decode()}
    (result,) = run({"function": "echo", "input": data, "output": data})
    assert result.passed


def test_an_output_may_fit_a_schema_instead(run):
    schema = {"type": "object", "required": ["a"]}
    good, bad = run(
        {"function": "json", "input": {"a": 1}, "output_schema": schema},
        {"function": "json", "input": {"b": 1}, "output_schema": schema},
    )
    assert good.passed
    assert "'a' is a required property" in bad.problem


def test_an_error_is_expected_by_a_part_of_its_text(run):
    good, other, answered, failed = run(
        {"function": "fail", "error": "code: 7"},
        {"function": "fail", "error": "something else"},
        {"function": "json", "input": 1, "error": "x"},
        {"function": "fail", "output": 1},
    )
    assert good.passed
    assert other.problem == "failed with something else"
    assert answered.problem == "answered where it should fail with 'x'"
    assert (failed.problem, failed.output) == ("failed", failed.to_json().get("output", failed.output))
    assert "7" in failed.diff


def test_fuel_over_the_budget_is_a_failure(run):
    good, bad = run(
        {"function": "echo", "input": "x", "output": "x", "fuel": 1_000_000},
        {"function": "echo", "input": "x", "output": "x", "fuel": 1},
    )
    assert good.passed
    assert bad.problem.endswith("fuel where 1 is the most")


def test_a_case_may_have_a_time_of_its_own(run):
    (result,) = run({"function": "spin", "timeout_s": 0.01, "error": "timeout"})
    assert result.took_s < 0.9


def test_cases_share_what_is_stored_and_one_with_settings_stands_alone(run):
    results = run(
        {"function": "setting", "input": "word", "output": "none"},
        {"function": "setting", "input": "word", "output": "hi", "settings": {"word": "hi"}},
        {"function": "setting", "input": "word", "output": "none"},
    )
    assert [result.problem for result in results] == ["", "", ""]


def test_all_that_a_plugin_asks_for_is_granted(subject):
    with trial(subject) as opened:
        view = opened.host.plugins.get("case")
        assert (view.state, [grant.capability for grant in view.granted]) == ("enabled", ["kv"])
        assert opened.call("echo", "x") == b"x"
        assert opened.usage.fuel
        assert opened.template.exports
        assert opened.load_s > 0


def test_a_trial_without_counting_has_no_fuel(subject):
    with trial(subject, counted=False) as opened:
        opened.call("echo", "x")
        assert opened.usage.fuel is None


def test_settings_that_the_plugin_does_not_take_are_told(subject):
    with pytest.raises(Unavailable, match="case cannot be served"), trial(subject, settings={"word": 1}):
        pass


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "is no JSON"),
        ("{}", "is no list of cases"),
        ("[]", "is no list of cases"),
        ("[1]", "case 1: is no object"),
        ('[{"function": "a", "outptu": 1}]', "case 1: 'outptu' is no known key; did you mean 'output'?"),
        ('[{"function": "a", "output": 1, "error": "x"}]', "more than one of output"),
        ('[{"function": "a", "error": 1}]', "`error` is no text"),
        ('[{"function": "a", "output": 1, "fuel": 0}]', "`fuel` is no number above 0"),
        ('[{"function": "a", "output_schema": {"type": "x"}}]', "`output_schema`"),
        ('[{"function": "a", "settings": 1}]', "`settings` is no object"),
        ('[{"function": "a", "input": {"base64": "x"}}]', "`input` holds no standard base64"),
        ('[{"function": "a", "timeout_s": NaN}]', "`timeout_s` is no number above 0"),
        ('[{"function": "a", "timeout_s": Infinity}]', "`timeout_s` is no number above 0"),
        ('[{"function": "a", "fuel": true}]', "`fuel` is no number above 0"),
        ("[" * 900 + "]" * 900, "is no JSON: it is nested deeper"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_case(tmp_path, text, words):
    (tmp_path / "expected.json").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_cases(tmp_path / "expected.json")
    assert words in str(caught.value)


def test_a_file_that_is_not_there_says_what_one_looks_like(tmp_path):
    with pytest.raises(NotFound, match='"function": "shout"'):
        read_cases(tmp_path / "expected.json")


def test_a_plugin_that_is_none_is_told(tmp_path):
    (tmp_path / "x.wat").write_text("(module)")
    (tmp_path / "x.toml").write_text("name = 1")
    with pytest.raises(ManifestInvalid):
        read_subject(tmp_path / "x.wat")
    with pytest.raises(NotFound):
        read_subject(tmp_path / "y.wasm")


def test_a_manifest_that_is_a_link_is_not_read(tmp_path):
    (tmp_path / "private").write_text('name = "what is private"')
    (tmp_path / "x.wat").write_text("(module)")
    (tmp_path / "x.toml").symlink_to(tmp_path / "private")
    with pytest.raises(ModuleRejected, match=r"x\.toml is a link, which is never followed; copy the file itself"):
        read_subject(tmp_path / "x.wat")


def test_observed_outputs_and_budgets_are_written_and_then_hold(run, subject, tmp_path):
    cases = updated(
        run(
            {"function": "echo", "input": "x"},
            {"function": "json", "input": [1], "output": [2]},
            {"function": "fail", "input": "x", "output": "?"},
            {"function": "fail", "input": "x", "error": "code"},
            {"function": "json", "input": 1, "output_schema": {"type": "integer"}, "fuel": 1},
        )
    )
    assert [sorted(case) for case in cases] == [
        ["fuel", "function", "input", "output"],
        ["fuel", "function", "input", "output"],
        ["error", "fuel", "function", "input"],
        ["error", "fuel", "function", "input"],
        ["fuel", "function", "input", "output_schema"],
    ]
    assert (cases[0]["output"], cases[1]["output"]) == ("x", [1])
    assert cases[3]["error"] == "code"
    file = tmp_path / "again.json"
    file.write_text(written(cases))
    assert all(result.passed for result in run_cases(subject, read_cases(file)))


def test_what_is_written_is_a_case_on_a_line_where_it_fits():
    cases = [{"function": "f", "input": "x"}, {"function": "g", "input": {"text": "y" * 120, "more": [1, 2]}}]
    text = written(cases)
    assert text.splitlines()[1] == '  {"function": "f", "input": "x"},'
    assert '      "more": [1, 2]' in text
    assert json.loads(text) == cases
