"""Whether what a workflow names is there. Plugins and connectors come and go, so this is told and never refused.

Pure, over what `omnicore.workflows.palette` shows, and what is asked by name of webhooks and workflows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.workflows.effects.plugins import split_ref
from omnicore.workflows.graph import Graph, Run
from omnicore.workflows.language.problems import Path, Report, shown, steps_of
from omnicore.workflows.ordering import name_of

__all__ = ["Known", "known_of", "names_others", "tell_unknown"]

_ANSWERS = "enabled"


def _unasked(name: str) -> bool:
    """Nothing is said of what nobody was asked about."""
    return True


@dataclass(frozen=True, slots=True)
class Known:
    """What a host has now: functions of plugins and actions of connectors, by the names of these.

    `webhook` and `workflow` tell whether there is one of a name; these are asked, for there may be very many.
    """

    plugins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    """Of plugins."""
    connectors: Mapping[str, frozenset[str]] = field(default_factory=dict)
    webhook: Callable[[str], bool] = _unasked
    workflow: Callable[[str], bool] = _unasked


def known_of(
    palette: Mapping[str, Any],
    *,
    webhook: Callable[[str], bool] = _unasked,
    workflow: Callable[[str], bool] = _unasked,
) -> Known | None:
    """What a palette holds; None: it is that of no host."""
    if not palette:
        return None
    plugins = {one["plugin"]: _names(one["functions"]) for one in palette["plugins"]}
    states = {one["plugin"]: one["state"] for one in palette["plugins"]}
    connectors = {one["connector"]: _names(one["actions"]) for one in palette["connectors"]}
    return Known(plugins, states, connectors, webhook, workflow)


def names_others(graph: Graph) -> bool:
    """Whether it names anything that a host has or has not."""
    return any(True for _ in _triggers(graph)) or any(
        isinstance(node, Run) or getattr(node, "target", "") in ("plugin", "connector") for node in graph.nodes.values()
    )


def tell_unknown(graph: Graph, known: Known, report: Report) -> None:
    """Warns of what this host has not now, with the nearest that it has."""
    _tell_calls(graph, known, report)
    _tell_workflows(graph, known, report)
    for path, kind, name in _triggers(graph):
        if kind == "webhook" and not known.webhook(name):
            remedy = f"make it: `omnicore connectors hooks add {name} RULE`"
            report.warning(path, f"there is no webhook {shown(name)} yet", remedy)
        elif kind == "connector" and name not in known.connectors:
            remedy = report.closest(name, known.connectors, otherwise=f"add it: `omnicore connectors add {name} KIND`")
            report.warning(path, f"this host has no connector {shown(name)} now", remedy)


def _triggers(graph: Graph) -> Iterable[tuple[Path, str, str]]:
    """The names of webhooks and connectors that begin runs, with their places and which they are."""
    for number, one in enumerate(graph.document.get("host", {}).get("triggers", ())):
        for kind in ("webhook", "connector"):
            if kind in one:
                yield ("host", "triggers", number, kind), kind, one[kind]


def _tell_workflows(graph: Graph, known: Known, report: Report) -> None:
    told = {name_of(graph.name, graph.namespace): True}
    for node in graph.nodes.values():
        if not isinstance(node, Run):
            continue
        name = name_of(node.workflow, node.namespace)
        if name not in told:
            told[name] = known.workflow(name)
        if not told[name]:
            path: Path = (*steps_of(node.path), "run", "workflow", "name")
            report.warning(path, f"this host has no workflow {shown(name)} now", "apply it too, or correct the name")


def _tell_calls(graph: Graph, known: Known, report: Report) -> None:
    told: dict[tuple[str, str], tuple[str, str] | None] = {}
    for node in graph.calls():
        if node.target not in ("plugin", "connector"):
            continue
        key = node.target, node.ref
        if key not in told:
            told[key] = _plugin(known, node.ref, report) if key[0] == "plugin" else _connector(known, node.ref, report)
        if (found := told[key]) is not None:
            path: Path = (*steps_of(node.path), "call")
            report.warning(path, *found)


def _plugin(known: Known, ref: str, report: Report) -> tuple[str, str] | None:
    name, _ = split_ref(ref)
    plugin, _, function = name.partition(".")
    functions = known.plugins.get(plugin)
    if functions is None:
        remedy = _nearest(name, known.plugins, report, "put it into the plugin folder, or correct the name")
        return f"this host has no plugin {shown(plugin)} now", remedy
    state = known.states.get(plugin, _ANSWERS)
    if state != _ANSWERS:
        return f"the plugin {shown(plugin)} does not answer now: {state}", f"see `omnicore plugins inspect {plugin}`"
    if function in functions:
        return None
    return f"{shown(plugin)} has no function {shown(function)}", _nearest(
        name, {plugin: functions}, report, _has(functions)
    )


def _connector(known: Known, ref: str, report: Report) -> tuple[str, str] | None:
    connector, _, action = ref.partition(".")
    actions = known.connectors.get(connector)
    if actions is None:
        otherwise = f"add it: `omnicore connectors add {connector} KIND`"
        remedy = _nearest(ref, known.connectors, report, otherwise, "@connectors")
        return f"this host has no connector {shown(connector)} now", remedy
    if action in actions:
        return None
    remedy = _nearest(ref, {connector: actions}, report, _has(actions), "@connectors")
    return f"{shown(connector)} has no action {shown(action)}", remedy


def _nearest(name: str, known: Mapping[str, frozenset[str]], report: Report, otherwise: str, ending: str = "") -> str:
    """The known one that is most like a name; those of the same last word are looked at first."""
    last = name.partition(".")[2]
    refs = [(one != last, f"{owner}.{one}{ending}") for owner, ones in known.items() for one in ones]
    return report.closest(f"{name}{ending}", (ref for _, ref in sorted(refs)), otherwise=otherwise)


def _has(names: frozenset[str]) -> str:
    return f"it has {', '.join(sorted(names)[:10])}" if names else "it has none"


def _names(ones: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(one["ref"].partition("@")[0].partition(".")[2] for one in ones)
