"""Every example plugin answers as its `expected.json` says, as built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnicore import BlockingHost, Host
from omnicore.errors import OmniError

PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = sorted(path.parent.name for path in PLUGINS.glob("*/plugin.toml"))


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Iterator[BlockingHost]:
    """One host for all of them: the Go module takes seconds to compile."""
    with Host(plugins=PLUGINS, data=tmp_path_factory.mktemp("data"), watch=False) as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_plugin_answers_as_it_promises(name, host):
    cases = json.loads((PLUGINS / name / "expected.json").read_text())
    assert cases
    if host.plugins.get(name).asked:
        host.plugins.grant(name, None, who="test")
    for case in cases:
        reference = f"{name}.{case['function']}"
        if "error" in case:
            with pytest.raises(OmniError) as caught:
                host.call(reference, case["input"])
            assert case["error"] in str(caught.value)
        else:
            assert host.call(reference, case["input"]) == case["output"], (reference, case["input"])


def test_the_examples_come_from_at_least_three_toolchains():
    sources = {
        suffix for name in NAMES for suffix in (".rs", ".go", ".c", ".ts") if any((PLUGINS / name).rglob(f"*{suffix}"))
    }
    assert len(NAMES) >= 4
    assert len(sources) >= 3
