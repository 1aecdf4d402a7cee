from __future__ import annotations

from itertools import product

import pytest

from omnicore.capabilities.capability import CapabilityRequest
from omnicore.plugins.acceptance import Facts, PluginStanding, next_state

KV = CapabilityRequest(name="kv", scope={}, reason="r")

DECISIONS = [
    (Facts("new", None), PluginStanding("enabled", "", "new")),
    (Facts("new", None, missing=[KV]), PluginStanding("needs-grant", "asks for kv", None)),
    (Facts(None, None, problem="broken"), PluginStanding("rejected", "broken", None)),
    (Facts("new", "old" * 4), PluginStanding("enabled", "", "new")),
    (
        Facts("new", "old" * 4, missing=[KV]),
        PluginStanding("needs-grant", "asks for kv; version oldoldol serves until then", "old" * 4),
    ),
    (
        Facts("old", "old" * 4, problem="broken"),
        PluginStanding("rejected", "broken; version oldoldol serves until then", "old" * 4),
    ),
    (Facts("new", "old", missing=[KV], serving_missing=[KV]), PluginStanding("needs-grant", "asks for kv", None)),
    (Facts("one", "one", serving_missing=[KV], missing=[KV]), PluginStanding("needs-grant", "asks for kv", None)),
    (Facts("new", None, switched_off=True), PluginStanding("disabled", "switched off", "new")),
    (Facts("new", "old", switched_off=True, missing=[KV]), PluginStanding("disabled", "switched off", "old")),
    (Facts("one", "one", quarantine="failed 5 times"), PluginStanding("quarantined", "failed 5 times", "one")),
    (Facts("new", "one", quarantine="failed 5 times"), PluginStanding("enabled", "", "new")),
    (
        Facts("one", "one", quarantine="x", problem="broken"),
        PluginStanding("rejected", "broken; version one serves until then", "one"),
    ),
]


@pytest.mark.parametrize(("facts", "standing"), DECISIONS)
def test_a_plugin_stands_where_the_facts_put_it(facts: Facts, standing: PluginStanding) -> None:
    assert next_state(facts) == standing


def test_nothing_serves_without_its_grants_whatever_else_holds() -> None:
    for newest, serving, problem, off, quarantine in product(
        (None, "n"), (None, "n", "o"), ("", "broken"), (False, True), ("", "failed")
    ):
        facts = Facts(newest, serving, problem, off, quarantine, missing=[KV], serving_missing=[KV])
        assert next_state(facts).serving is None
