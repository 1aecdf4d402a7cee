"""The palette: functions of plugins, actions of connectors and verbs of the host that a step can call. Pure.

`tell_unknown` checks the names in a graph against it. Plugins and connectors come and go, so a missing name is a
warning and never an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.connectors.kind import Schema, check_value, number, obj, text
from omnicore.memory.tiers import TIERS
from omnicore.sandbox.abi import KIB
from omnicore.telemetry.logs import LEVELS
from omnicore.workflows.language.graph import RunTask, WorkflowGraph, name_of, split_ref
from omnicore.workflows.language.text import Path, Report, shown, steps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from omnicore.connectors.kind import Connector
    from omnicore.plugins.view import PluginView


_LONGEST_S = 10 * 366 * 86_400
_MOST_VECTORS = 1000


@dataclass(frozen=True, slots=True)
class HostVerb:
    """One thing the host can do for a step.

    Args:
        input: the JSON Schema of what it takes.
        keeps: whether it stores what it is given, where a secret must not be.
    """

    ref: str
    says: str
    input: Schema
    keeps: bool = True

    def check(self, given: Any) -> None:
        """Raises: InvalidInput: what is wrong first, with its place."""
        check_value(self.input, given, what=f"{self.ref}@host", within="input")

    def to_json(self) -> dict[str, Any]:
        """As the palette shows it."""
        return {"ref": f"{self.ref}@host", "description": self.says, "input": self.input}


_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 4096}
_TABLE: Schema = {"type": "object"}
_TIER: Schema = {"enum": list(TIERS), "description": "where it is kept"}
_KEY = text("the workflow's own key", most=512)
_COLLECTION = text("one of the host's collections", most=128)
_SECONDS: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": _LONGEST_S}

_ALL: Sequence[HostVerb] = (
    HostVerb(
        "memory.store",
        "Remembers a text in the host's memory. Output: its id.",
        obj(
            "text",
            text=text("what to remember", most=64 * KIB),
            tier=_TIER,
            importance={"type": "number", "minimum": 0, "maximum": 1},
            embedding=_NUMBERS,
            metadata=_TABLE,
            pinned={"type": "boolean"},
        ),
    ),
    HostVerb(
        "memory.recall",
        "Finds what fits a text in the host's memory. Output: items, best first, and the core blocks of the scope.",
        {
            **obj(
                text=text("what to look for", most=8 * KIB),
                embedding=_NUMBERS,
                tiers={"type": "array", "items": _TIER, "minItems": 1, "maxItems": len(TIERS)},
                limit=number("how many", least=1, most=100),
                budget=number("the most characters of all texts, core blocks first", least=1, most=10_000_000),
                user=text("only of this user", most=256),
                agent=text("only of this agent", most=256),
                session=text("only of this session", most=256),
                app=text("only of this app", most=256),
            ),
            "anyOf": [{"required": ["text"]}, {"required": ["embedding"]}],
        },
    ),
    HostVerb(
        "memory.forget",
        "Forgets a memory. Output: whether it was there.",
        obj("id", id=text("the memory's id", most=64)),
    ),
    HostVerb(
        "vectors.search",
        "Finds the nearest vectors of one of the host's collections. Output: matches, nearest first.",
        obj(
            *("collection", "values"),
            collection=_COLLECTION,
            values=_NUMBERS,
            limit=number("how many", least=1, most=_MOST_VECTORS),
            filter={**_TABLE, "description": "metadata that must be equal"},
        ),
    ),
    HostVerb(
        "vectors.upsert",
        "Keeps vectors in one of the host's collections, all or none. Output: how many.",
        obj(
            *("collection", "vectors"),
            collection=_COLLECTION,
            vectors={
                "type": "array",
                "items": obj("id", "values", id=text(most=512), values=_NUMBERS, metadata=_TABLE),
                "minItems": 1,
                "maxItems": _MOST_VECTORS,
            },
        ),
    ),
    HostVerb(
        "tasks.submit",
        "Stores a task that calls a plugin's function later. Output: its id; the step made again is the same task.",
        obj(
            "function",
            function=text("plugin.function", most=256),
            input={"description": "any JSON value"},
            queue=text(most=64),
            delay_s={"type": "number", "minimum": 0, "maximum": _LONGEST_S},
            priority=number("higher first", most=9),
            attempts=number("that may fail", least=1, most=100),
            timeout_s=_SECONDS,
            key=text("tasks with the same key are one", most=128),
            expires_s=_SECONDS,
        ),
    ),
    HostVerb(
        "kv.get",
        "Reads what the workflow keeps under a key. Output: value, and version or null.",
        obj("key", key=_KEY, default={"description": "the value where there is none"}),
    ),
    HostVerb(
        "kv.put",
        "Keeps a JSON value for all runs of this workflow. Output: its version.",
        obj("key", "value", key=_KEY, value={"description": "any JSON value"}, ttl_s=_SECONDS),
    ),
    HostVerb(
        "log.write",
        "Writes a line into the host's log.",
        obj("message", message=text("the line", most=8 * KIB), level={"enum": list(LEVELS)}),
        keeps=False,
    ),
)

VERBS: Mapping[str, HostVerb] = {verb.ref: verb for verb in _ALL}
"""By `room.verb`."""


def palette_of(plugins: Iterable[PluginView], connectors: Iterable[Connector]) -> dict[str, Any]:
    """The palette as `GET /workflows/palette` has it."""
    return {
        "plugins": [_plugin(one) for one in plugins],
        "connectors": [_connector(one) for one in connectors],
        "host": [verb.to_json() for verb in VERBS.values()],
    }


def _plugin(view: PluginView) -> dict[str, Any]:
    functions = [
        {
            "ref": f"{view.name}.{one.name}",
            "title": one.name.replace("_", " "),
            "description": one.description,
            "input": one.input,
            "output": one.output,
        }
        for one in view.functions
    ]
    return {"plugin": view.name, "title": view.description or view.name, "state": view.state, "functions": functions}


def _connector(one: Connector) -> dict[str, Any]:
    actions = [
        {"ref": f"{one.name}.{action.name}@connectors", "description": action.says, "input": action.input}
        for action in one.details
    ]
    return {"connector": one.name, "kind": one.kind, "actions": actions}


_ANSWERS = "enabled"


def _unasked(name: str) -> bool:
    """Nothing is said of what nobody was asked about."""
    return True


@dataclass(frozen=True, slots=True)
class Known:
    """Names that a host has now: functions of plugins and actions of connectors, by plugin and connector.

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
    """The names in a palette; None: it is that of no host."""
    if not palette:
        return None
    plugins = {one["plugin"]: _names(one["functions"]) for one in palette["plugins"]}
    states = {one["plugin"]: one["state"] for one in palette["plugins"]}
    connectors = {one["connector"]: _names(one["actions"]) for one in palette["connectors"]}
    return Known(plugins, states, connectors, webhook, workflow)


def names_others(graph: WorkflowGraph) -> bool:
    """True if it names anything that a host may or may not have."""
    return any(True for _ in _triggers(graph)) or any(
        isinstance(node, RunTask) or getattr(node, "target", "") in ("plugin", "connector")
        for node in graph.nodes.values()
    )


def tell_unknown(graph: WorkflowGraph, known: Known, report: Report) -> None:
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


def _triggers(graph: WorkflowGraph) -> Iterable[tuple[Path, str, str]]:
    """The names of webhooks and connectors that begin runs, with their places and which they are."""
    for index, one in enumerate(graph.document.get("host", {}).get("triggers", ())):
        for kind in ("webhook", "connector"):
            if kind in one:
                yield ("host", "triggers", index, kind), kind, one[kind]


def _tell_workflows(graph: WorkflowGraph, known: Known, report: Report) -> None:
    told = {name_of(graph.name, graph.namespace): True}
    for node in graph.nodes.values():
        if not isinstance(node, RunTask):
            continue
        name = name_of(node.workflow, node.namespace)
        if name not in told:
            told[name] = known.workflow(name)
        if not told[name]:
            path: Path = (*steps_of(node.path), "run", "workflow", "name")
            report.warning(path, f"this host has no workflow {shown(name)} now", "apply it too, or correct the name")


def _tell_calls(graph: WorkflowGraph, known: Known, report: Report) -> None:
    told: dict[tuple[str, str], tuple[str, str] | None] = {}
    for node in graph.calls():
        if node.target not in ("plugin", "connector"):
            continue
        key = node.target, node.ref
        if key not in told:
            told[key] = (
                _missing_function(known, node.ref, report)
                if key[0] == "plugin"
                else _missing_action(known, node.ref, report)
            )
        if (found := told[key]) is not None:
            path: Path = (*steps_of(node.path), "call")
            report.warning(path, *found)


def _missing_function(known: Known, ref: str, report: Report) -> tuple[str, str] | None:
    name, _ = split_ref(ref)
    plugin, _, function = name.partition(".")
    functions = known.plugins.get(plugin)
    if functions is None:
        remedy = _nearest(name, known.plugins, report, "put it into the plugin folder, or correct the name")
        return f"this host has no plugin {shown(plugin)} now", remedy
    state = known.states.get(plugin, _ANSWERS)
    if state != _ANSWERS:
        return f"the plugin {shown(plugin)} does not answer now: {state}", f"see `omnicore plugins show {plugin}`"
    if function in functions:
        return None
    return f"{shown(plugin)} has no function {shown(function)}", _nearest(
        name, {plugin: functions}, report, _has(functions)
    )


def _missing_action(known: Known, ref: str, report: Report) -> tuple[str, str] | None:
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
