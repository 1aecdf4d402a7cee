"""Every example plugin answers as its `expected.json` says, as built."""

from __future__ import annotations

from pathlib import Path

import pytest

from omnicore.testing.expected import read_cases, run_cases
from omnicore.testing.trial import read_subject

PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = sorted(path.stem for path in PLUGINS.glob("*/dist/*.wasm"))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_plugin_answers_as_it_promises(name):
    subject = read_subject(PLUGINS / name / "dist" / f"{name}.wasm")
    results = list(run_cases(subject, read_cases(PLUGINS / name / "expected.json")))
    assert results
    assert [(result.case.function, result.problem, result.diff) for result in results if not result.passed] == []


def test_the_examples_come_from_at_least_three_toolchains():
    sources = {
        suffix for name in NAMES for suffix in (".rs", ".go", ".c", ".ts") if any((PLUGINS / name).rglob(f"*{suffix}"))
    }
    assert len(NAMES) >= 4
    assert len(sources) >= 3
