"""An audit proposes and names the command that settles it."""

from __future__ import annotations

from typing import Any

from omnicore.loops.duties import PluginFacts, audit


def _plugin(**changes: Any) -> PluginFacts:
    usual: dict[str, Any] = {"state": "enabled", "asked": frozenset(), "granted": {}, "newest": True, "calls": 5}
    return PluginFacts("text", **{**usual, **changes})


def _kinds(plugin: PluginFacts) -> list[str]:
    return [one["kind"] for one in audit([plugin])]


def test_a_plugin_in_good_order_is_no_finding() -> None:
    granted = {"kv": {}, "http": {"hosts": ["example.org"]}}
    assert audit([_plugin(asked=frozenset(granted), granted=granted)]) == []


def test_findings_name_what_is_unused_unwell_waiting_or_held_back() -> None:
    assert _kinds(_plugin(calls=0)) == ["unused"]
    assert _kinds(_plugin(calls=0, state="disabled")) == []
    assert _kinds(_plugin(state="quarantined")) == ["unwell"]
    assert _kinds(_plugin(state="needs-grant", newest=False)) == ["waiting"]
    assert _kinds(_plugin(newest=False)) == ["held-back"]


def test_findings_name_grants_that_are_idle_or_leave_nothing_out() -> None:
    found = audit([_plugin(granted={"kv": {}})])
    assert (found[0]["kind"], found[0]["proposal"]) == ("idle-grant", "omnicore plugins revoke text kv")
    wide = _plugin(asked=frozenset({"http"}), granted={"http": {"hosts": ["*"], "private": True}})
    assert _kinds(wide) == ["wide-grant"]
