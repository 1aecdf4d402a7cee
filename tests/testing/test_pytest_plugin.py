"""The pytest plugin, in runs of its own."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.testing.guests import PLUGINS

pytest_plugins = "pytester"
# A checkout that was installed before the entry point was there loads the plugin by hand.
# An inner run that ends would take the signal handlers away on which the engine's traps rely.
LOAD = ["-p", "no:faulthandler"]
if not entry_points(group="pytest11", name="omnicore"):
    LOAD += ["-p", "omnicore.testing.pytest_plugin"]
COUNTER = str(PLUGINS / "counter")
RUN = ("-p", "no:cacheprovider", "--strict-markers", "--strict-config", "-W", "error", *LOAD)

ADDS = """
    import pytest

    @pytest.mark.omnicore_cassette("counts")
    def test_adds(omnicore_host):
        host = omnicore_host({plugin!r})
        assert host.call("counter.add", {{"name": {name!r}}}) == {{"value": {value}}}
"""


def adds(name: str = "a", value: int = 1) -> str:
    return ADDS.format(plugin=COUNTER, name=name, value=value)


def test_the_readme_s_test_runs(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""
        def test_counts(omnicore_host):
            host = omnicore_host({COUNTER!r})
            host.script("kv.get", reply={{"value": b"41", "version": 1}})
            host.script("kv.cas", reply={{"swapped": True, "version": 2}})
            assert host.call("counter.add", {{"name": "a"}}) == {{"value": 42}}

        def test_is_refused(omnicore_host):
            host = omnicore_host({COUNTER!r}, deny=["kv"])
            try:
                host.call("counter.add", {{"name": "a"}})
            except Exception as error:
                assert "no grant for kv.get" in str(error)
            else:
                raise AssertionError("it was not refused")
    """)
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=2)


def test_plugins_can_be_named_in_pytest_s_own_file(pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\nomnicore_plugins = {COUNTER}\n")
    pytester.makepyfile("""
        def test_counts(omnicore_host):
            assert omnicore_host().call("counter.get", {"name": "a"}) == {"value": 0}
    """)
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=1)


def test_a_mark_records_a_cassette_beside_the_test_and_plays_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(adds())
    pytester.runpytest_inprocess(*RUN, "--omnicore-cassettes=none").assert_outcomes(failed=0, errors=1)
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=1)
    path = pytester.path / "cassettes" / "counts.json"
    tape = json.loads(path.read_text())
    assert [call["function"] for call in tape["calls"]] == ["kv_get_v1", "kv_cas_v1"]
    tape["calls"][0]["reply"] = {"value": "41", "version": 1}
    tape["calls"][1]["request"] |= {"expected": 1, "value": "42"}
    path.write_text(json.dumps(tape))
    pytester.makepyfile(adds(value=42))
    pytester.runpytest_inprocess(*RUN, "--omnicore-cassettes=none").assert_outcomes(passed=1)
    pytester.makepyfile(adds())
    pytester.runpytest_inprocess(*RUN, "--omnicore-cassettes=all").assert_outcomes(passed=1)
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=1)


def test_a_test_that_fails_leaves_no_cassette(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(adds(value=2))
    pytester.runpytest_inprocess(*RUN).assert_outcomes(failed=1)
    assert not (pytester.path / "cassettes").exists()


def test_a_test_that_is_skipped_half_way_neither_writes_nor_misses_calls(pytester: pytest.Pytester) -> None:
    skipped = adds() + "        pytest.skip('enough')\n"
    pytester.makepyfile(skipped)
    pytester.runpytest_inprocess(*RUN).assert_outcomes(skipped=1)
    assert not (pytester.path / "cassettes").exists()
    pytester.makepyfile(adds())
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=1)
    pytester.makepyfile(skipped.replace("assert host.call", "(lambda *_: None) or host.call"))
    pytester.runpytest_inprocess(*RUN).assert_outcomes(skipped=1)


def test_a_mismatch_fails_the_test_with_the_difference_and_calls_that_are_missing_do_too(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(adds())
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=1)
    pytester.makepyfile(adds("b"))
    result = pytester.runpytest_inprocess(*RUN)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*-*"key": "count:a"*', '*+*"key": "count:b"*', "*--omnicore-cassettes=all*"])
    pytester.makepyfile(adds().replace("assert host.call", "(lambda *_: None) or host.call"))
    result = pytester.runpytest_inprocess(*RUN)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*2 of 2 recorded calls were not made*"])


def test_cassettes_are_named_after_their_test_and_lie_where_they_are_told_to(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nomnicore_cassettes = tapes\nomnicore_redact_keys = key\n")
    text = (
        adds()
        .replace('("counts")', "")
        .replace("def test_adds", "@pytest.mark.parametrize('n', ['x/y'])\n    def test_adds")
    )
    pytester.makepyfile(test_it=text.replace("(omnicore_host)", "(omnicore_host, n)"))
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=1)
    text = (pytester.path / "tapes" / "test_it.test_adds-x-y.json").read_text()
    assert "count:a" not in text
    pytester.runpytest_inprocess(*RUN).assert_outcomes(passed=1)


def test_compiled_code_is_kept_from_run_to_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(adds())
    pytester.runpytest_inprocess(*RUN[2:]).assert_outcomes(passed=1)
    folder = pytester.path / ".pytest_cache" / "d" / "omnicore-code"
    kept = {path.name for path in folder.glob("*.code")}
    assert kept
    pytester.runpytest_inprocess(*RUN[2:]).assert_outcomes(passed=1)
    assert {path.name for path in folder.glob("*.code")} == kept


@pytest.mark.long
@pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_workers_of_xdist_share_cassettes_and_code(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(*[adds().replace("counts", f"counts-{number}") for number in range(2)])
    for _ in range(2):
        pytester.runpytest_subprocess(*RUN[2:], "-n", "2").assert_outcomes(passed=1)


def test_a_run_without_a_host_imports_nothing_of_it(tmp_path: Path) -> None:
    program = """
import sys
import omnicore.testing.pytest_plugin
print([name for name in sys.modules if name.startswith("omnicore")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    names = ast.literal_eval(done.stdout)
    assert set(names) == {"omnicore", "omnicore.version", "omnicore.testing", "omnicore.testing.pytest_plugin"}


def test_pytest_is_imported_by_the_plugin_only(tmp_path: Path) -> None:
    program = "import sys, omnicore.testing as t; [getattr(t, n) for n in t.__all__]; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "False"
