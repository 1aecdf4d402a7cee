"""A look at all that is installed: what is unused, too wide or out of date. It only proposes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.loops.chores import PluginFacts

__all__ = ["audit"]

_WIDE = frozenset({"*", "**", "*.*"})


def audit(plugins: Sequence[PluginFacts]) -> list[dict[str, str]]:
    """Findings, each with the command that would settle it; nothing is changed."""
    return [finding for one in plugins for finding in _of(one)]


def _of(plugin: PluginFacts) -> list[dict[str, str]]:
    found = []
    name = plugin.name
    if plugin.calls == 0 and plugin.state == "enabled":
        found.append(_finding("unused", name, "it was never called", f"omnicore plugins disable {name}"))
    if plugin.state in ("rejected", "quarantined"):
        found.append(_finding("unwell", name, f"it is {plugin.state}", f"omnicore plugins inspect {name}"))
    if plugin.state == "needs-grant":
        found.append(_finding("waiting", name, "it waits for a grant", f"omnicore plugins diff {name}"))
    for capability in sorted(plugin.granted):
        if capability not in plugin.asked:
            proposal = f"omnicore plugins revoke {name} {capability}"
            found.append(_finding("idle-grant", name, f"it no longer asks for {capability}", proposal))
        elif wide := _wide(plugin.granted[capability]):
            proposal = f"name what it needs in its manifest, then omnicore plugins grant {name} {capability}"
            found.append(_finding("wide-grant", name, f"{capability} is granted for {wide}", proposal))
    if not plugin.newest and plugin.state not in ("rejected", "needs-grant"):
        found.append(_finding("held-back", name, "an older version of it serves", f"omnicore plugins inspect {name}"))
    return found


def _wide(scope: Mapping[str, Any]) -> str:
    """The field of a scope that leaves nothing out, or ""."""
    for key, value in scope.items():
        if isinstance(value, list | tuple) and any(one in _WIDE for one in value):
            return f"every one of its {key}"
    return ""


def _finding(kind: str, plugin: str, fact: str, proposal: str) -> dict[str, str]:
    return {"kind": kind, "plugin": plugin, "fact": fact, "proposal": proposal}
