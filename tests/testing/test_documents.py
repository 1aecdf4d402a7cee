"""What `sdk/testing.md` shows runs as it stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.testing.guests import PLUGINS, REPOSITORY
from tests.testing.test_pytest_plugin import LOAD

from omnicore import testing
from omnicore.testing import IsolatedHost

pytest_plugins = "pytester"
TEXT = (REPOSITORY / "sdk" / "testing.md").read_text()
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", TEXT, re.DOTALL))


def test_every_snippet_of_the_page_passes_as_a_test_file(pytester: pytest.Pytester) -> None:
    place = pytester.path / "plugins"
    place.mkdir()
    for name in ("counter", "fetch"):
        shutil.copy(PLUGINS / name / "dist" / f"{name}.wasm", place)
        shutil.copy(PLUGINS / name / "plugin.toml", place / f"{name}.toml")
    for name, text in FILES.items():
        (pytester.path / name).write_text(text)
    for _ in range(2):
        result = pytester.runpytest_inprocess("-W", "error", *LOAD)
        result.assert_outcomes(passed=sum(text.count("def test_") for text in FILES.values()))
    assert (pytester.path / "cassettes" / "visits.json").is_file()


def test_the_page_holds_no_other_snippet() -> None:
    assert TEXT.count("```python") == len(FILES) == 4


def test_the_page_names_what_there_is() -> None:
    public = {*testing.__all__, *dir(IsolatedHost)}
    for name in ("call_async", "door_calls", "asked", "logs", "measure", "cassette", "script", "assert_fuel"):
        assert name in public
        assert name in TEXT
    plugin = Path(testing.__file__).with_name("pytest_plugin.py").read_text()
    for name in ("omnicore_plugins", "omnicore_redact_keys", "omnicore_redact_patterns", "--omnicore-cassettes"):
        assert name in TEXT
        assert name in plugin
