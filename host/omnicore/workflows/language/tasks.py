"""Tasks of a document as nodes of the graph: checked against the form of their kind, then built, then their blocks.

The order of a list of tasks follows from the names, from `then`, and from tasks that nothing leads to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from omnicore.errors import InvalidInput
from omnicore.workflows.language.builder import (
    INSIDE,
    Build,
    authentication_of,
    check_shape,
    data_of,
    extended,
    extensions_of,
    marked,
    retry_of,
    schema_document,
    timeout_of,
)
from omnicore.workflows.language.graph import (
    PLAIN,
    ApprovalTask,
    Block,
    CallTask,
    Catch,
    Data,
    DoTask,
    EmitTask,
    EventFilter,
    ForkTask,
    ForTask,
    Kind,
    ListenTask,
    Node,
    RaiseTask,
    RunTask,
    ScriptTask,
    SetTask,
    SwitchCase,
    SwitchTask,
    TryTask,
    WaitTask,
)
from omnicore.workflows.language.palette import VERBS
from omnicore.workflows.language.text import Path, Report, pointer, shown
from omnicore.workflows.language.triggers import check_attribute

if TYPE_CHECKING:
    from omnicore.workflows.expressions.expression import CompiledValue


UNSUPPORTED: Mapping[str, str] = {
    "grpc": "put a REST gateway before the service and use `call: http`, or write a plugin",
    "asyncapi": "use `emit` and `listen`, or a connector: `call: name.action@connectors`",
    "a2a": "use `call: http`, or write a plugin",
    "mcp": "use `call: http`, or write a plugin",
}
"""Calls of the DSL that this host does not make, and what to use instead."""
_REF = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.[A-Za-z_$][A-Za-z0-9_$.-]{0,127}(?::[A-Za-z0-9][A-Za-z0-9.+-]{0,63})?"
)
_HOWTO = "write plugin.function, connector.action@connectors, room.verb@host, http or openapi"


@dataclass(frozen=True, slots=True)
class CallTarget:
    """The target of a call. `function`: one of `use.functions`, which is inlined where it is called."""

    kind: Literal["http", "openapi", "plugin", "connector", "host", "function"]
    ref: str = ""


def target_of(build: Build, call: str, path: Path) -> CallTarget | None:
    """The target that the name after `call:` stands for; None, once it is reported as unknown."""
    functions = build.use.get("functions", {})
    if call in functions:
        return CallTarget("function", call)
    if call == "http":
        return CallTarget("http", call)
    if call == "openapi":
        return CallTarget("openapi", call)
    name, _, catalog = call.partition("@")
    if catalog == "host":
        return _host(build, name, path)
    if catalog not in ("", "default", "connectors"):
        build.report.error(
            path, f"there is no catalog {shown(catalog)}", "the catalogs are default, connectors and host"
        )
    elif not _REF.fullmatch(name) or (catalog == "connectors" and ":" in name):
        known = (*functions, "http", "openapi", *(f"{ref}@host" for ref in VERBS))
        build.report.error(
            path, f"{shown(call)} is not a function", build.report.closest(call, known, otherwise=_HOWTO)
        )
    else:
        return CallTarget("connector" if catalog == "connectors" else "plugin", name)
    return None


def _host(build: Build, name: str, path: Path) -> CallTarget | None:
    if name in VERBS:
        return CallTarget("host", name)
    known = ", ".join(sorted(VERBS))
    fact = f"the host has no service {shown(name)}"
    build.report.error(path, fact, build.report.closest(name, VERBS, otherwise=f"it has {known}"))
    return None


def call_fields(build: Build, target: CallTarget, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The fields of a `CallTask` node. References in `with` are resolved."""
    given, authentication = value.get("with"), None
    if target.kind == "http":
        given, authentication = _with_endpoint(build, given, "endpoint", (*path, "with"))
    elif target.kind == "openapi":
        given, authentication = _openapi(build, value["with"], (*path, "with"))
    absent = "with" not in value
    return {
        "target": target.kind,
        "ref": target.ref,
        "given": None if absent else build.template(given, (*path, "with")),
        "authentication": authentication,
    }


def _with_endpoint(build: Build, given: Any, key: str, path: Path) -> tuple[Any, Mapping[str, Any] | None]:
    endpoint = given[key]
    if not isinstance(endpoint, Mapping) or "authentication" not in endpoint:
        return given, None
    found = authentication_of(build, endpoint["authentication"], (*path, key, "authentication"))
    return {**given, key: {**endpoint, "authentication": found}}, found


def _openapi(build: Build, given: Mapping[str, Any], path: Path) -> tuple[Any, Mapping[str, Any] | None]:
    document, _ = _with_endpoint(build, given["document"], "endpoint", (*path, "document"))
    found = authentication_of(build, given.get("authentication"), (*path, "authentication"))
    resolved = {**given, "document": document}
    return ({**resolved, "authentication": found} if found else resolved), found


DIRECTIVES = frozenset({"continue", "exit", "end"})


def check_order(tasks: list[tuple[str, Any, Path]], report: Report, *, side_by_side: bool = False) -> None:
    """Checks a list of tasks: name, definition and path of each.

    `side_by_side`: the branches of a fork, which no `then` can tie together.
    """
    names: set[str] = set()
    for name, _, path in tasks:
        if name in names:
            report.error(
                path, f"another task here is called {shown(name)} too", "give each task of a list its own name"
            )
        elif name in DIRECTIVES:
            report.warning(path, f"no `then` can lead to a task called `{name}`", "give it another name")
        names.add(name)
    known = set() if side_by_side else names
    sound = [_targets_known(task, path, known, report) for _, task, path in tasks]
    if all(sound) and not side_by_side:
        _check_reached(tasks, report)


def _targets_known(task: Any, path: Path, names: set[str], report: Report) -> bool:
    sound = True
    for target, where in _targets(task, path):
        if target not in DIRECTIVES and target not in names:
            sound = False
            otherwise = "use continue, exit, end or the name of a task in the same list"
            report.error(
                where,
                f"no task in this list is called {shown(target)}",
                report.closest(target, names, otherwise=otherwise),
            )
    return sound


def _targets(task: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if not isinstance(task, Mapping):
        return
    if isinstance(task.get("then"), str):
        yield task["then"], (*path, "then")
    for index, (name, case) in enumerate(_cases(task)):
        if isinstance(case.get("then"), str):
            yield case["then"], (*path, "switch", index, name, "then")


def _cases(task: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    cases = task.get("switch")
    found = []
    for item in cases if isinstance(cases, list) else ():
        if isinstance(item, Mapping) and len(item) == 1:
            found += [(name, case) for name, case in item.items() if isinstance(case, Mapping)]
    return found


def _check_reached(tasks: list[tuple[str, Any, Path]], report: Report) -> None:
    places = {name: index for index, (name, _, _) in reversed(list(enumerate(tasks)))}
    reached: set[int] = set()
    waiting = [0]
    while waiting:
        index = waiting.pop()
        if index >= len(tasks) or index in reached:
            continue
        reached.add(index)
        for target in _ways_on(tasks[index][1]):
            if target == "continue":
                waiting.append(index + 1)
            elif target in places:
                waiting.append(places[target])
    for index, (name, _, path) in enumerate(tasks):
        if index not in reached:
            report.warning(path, f"nothing leads to {shown(name)}", "remove it, or lead to it with `then`")


def _ways_on(task: Any) -> set[str]:
    if not isinstance(task, Mapping):
        return {"continue"}
    onward = str(task.get("then", "continue"))
    cases = _cases(task)
    ways = {str(case.get("then")) for _, case in cases}
    if "raise" not in task and (not cases or all("when" in case for _, case in cases)):
        ways.add(onward)
    host = task.get("host")
    if "if" in task or (isinstance(host, Mapping) and host.get("onError") == "continue"):
        ways |= {onward, "continue"}
    return ways


Strategy: TypeAlias = Literal["one", "any", "all"]


def strategy_of(value: Mapping[str, Any]) -> Strategy:
    """The strategy that is meant, one of three."""
    return "one" if "one" in value else "any" if "any" in value else "all"


def filters_of(build: Build, value: Mapping[str, Any], path: Path) -> tuple[EventFilter, ...]:
    """The filters of `one`, `any` or `all`; `any: []` is one filter that every event fits."""
    mode = strategy_of(value)
    if mode == "any" and not value["any"]:
        return (EventFilter(),)
    if mode == "one":
        return (filter_of(build, value["one"], (*path, "one")),)
    return tuple(filter_of(build, one, (*path, mode, index)) for index, one in enumerate(value[mode]))


def filter_of(build: Build, value: Mapping[str, Any], path: Path) -> EventFilter:
    """One filter. A `data` that is no expression has to be equal to that of the event."""
    attributes: dict[str, Any] = {}
    data: CompiledValue | None = None
    for name, wanted in value["with"].items():
        here = (*path, "with", name)
        if name == "data":
            data = build.template(wanted, here)
        elif marked(wanted):
            attributes[name] = build.template(wanted, here)
        else:
            attributes[name] = _attribute(build, wanted, here)
    correlate = {
        name: _correlation(build, one, (*path, "correlate", name)) for name, one in value.get("correlate", {}).items()
    }
    return EventFilter(attributes, data, {name: one for name, one in correlate.items() if one is not None})


def _attribute(build: Build, wanted: Any, path: Path) -> Any:
    if isinstance(wanted, str):
        try:
            return check_attribute(wanted)
        except InvalidInput as error:
            build.report.error(path, error.fact, error.remedy)
    return wanted


def _correlation(
    build: Build, value: Mapping[str, Any], path: Path
) -> tuple[CompiledValue, CompiledValue | None] | None:
    source = build.expression(value["from"], (*path, "from"))
    expected = build.template(value["expect"], (*path, "expect")) if "expect" in value else None
    return None if source is None else (source, expected)


def value_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `set`."""
    value, here = task["set"], (*path, "set")
    return {"value": build.expression(value, here) if isinstance(value, str) else build.template(value, here)}


def cases_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `switch`."""
    cases: list[SwitchCase] = []
    seen: set[str] = set()
    for index, item in enumerate(task["switch"]):
        name, case = next(iter(item.items()))
        here = (*path, "switch", index, name)
        if name in seen:
            build.report.error(here, f"another case is called {shown(name)} too", "give each case its own name")
        if "when" not in case and any(one.when is None for one in cases):
            build.report.error(here, "is a second case without `when`", "only one case can be the default")
        seen.add(name)
        cases.append(SwitchCase(name, build.condition(case, here, "when"), case["then"]))
    return {"cases": tuple(cases)}


def error_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `raise`."""
    error, here = task["raise"]["error"], (*path, "raise", "error")
    if isinstance(error, str):
        name, error = error, build.reference("errors", error, here)
        here = ("use", "errors", name)
    return {"error": None if error is None else build.template(error, here)}


def time_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `wait`, with a duration or a moment."""
    until = task.get("host", {}).get("until")
    here = (*path, "host", "until")
    if isinstance(until, str) and not marked(until):
        try:
            datetime.fromisoformat(until)
        except ValueError:
            build.report.error(here, f"{shown(until)} is not a time", "write it as 2030-01-31T08:00:00Z")
    return {
        "duration_s": build.duration(task["wait"], (*path, "wait")) if "wait" in task else 0.0,
        "until": None if until is None else build.template(until, here),
    }


def event_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `emit`."""
    return {"event": build.template(task["emit"]["event"]["with"], (*path, "emit", "event", "with"))}


def end_of(build: Build, to: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The condition that ends `listen`."""
    until, here = to.get("until"), (*path, "until")
    if until is False:
        return {"forever": True}
    if isinstance(until, str):
        return {"until": build.expression(until, here)}
    if isinstance(until, Mapping):
        if len(until.get("all", ())) > 1:
            build.report.error((*here, "all"), "only one event can end it", "use `one`, or `any` of several")
        return {"until": filters_of(build, until, here)}
    return {}


def run_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `run`: another workflow, or a script."""
    value = task["run"]
    waits = {"wait": value.get("await", True)}
    if "workflow" in value:
        other = value["workflow"]
        return {
            "workflow": other["name"],
            "namespace": other.get("namespace", "default"),
            "version": other.get("version", "latest"),
            "value": build.template(other["input"], (*path, "run", "workflow", "input")) if "input" in other else None,
            **waits,
        }
    script, here = value["script"], (*path, "run", "script")
    arguments = build.template(script["arguments"], (*here, "arguments")) if "arguments" in script else None
    return {"language": script["language"], "code": script["code"], "arguments": arguments, **waits}


def approval_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of an approval."""
    asked, here = task["host"]["approval"], (*path, "host", "approval")
    return {
        "title": build.template(asked["title"], (*here, "title")) if "title" in asked else None,
        "text": build.template(asked["text"], (*here, "text")) if "text" in asked else None,
        "form": schema_document(build, asked.get("form", {}), (*here, "form")),
        "role": asked.get("role", "operator"),
        "deadline_s": build.duration(asked["deadline"], (*here, "deadline")) if "deadline" in asked else None,
        "late": asked.get("late", "fail"),
    }


KINDS = ("call", "emit", "for", "fork", "listen", "raise", "run", "set", "switch", "try", "wait", "do")
"""The keys that say what a task does; `do` last, for loops have one too."""
_NO_RUN = {
    "container": "write a plugin, or use `call: http` for a service that runs the container",
    "shell": "write a plugin, or `run: {script: ...}` in js or python",
}
_DEEPEST_CALLS = 16
_BLOCKS: tuple[Path, ...] = (("do",), ("try",), ("catch", "do"), ("fork", "branches"), ("foreach", "do"))


def block_of(build: Build, value: Any, path: Path, *, branches: bool = False) -> Block:
    """The nodes of a list of tasks."""
    if not isinstance(value, list):
        return ()
    tasks: list[tuple[str, Any, Path]] = []
    for index, item in enumerate(value):
        here = (*path, index)
        if not isinstance(item, Mapping) or len(item) != 1:
            fact = "holds several tasks: " + ", ".join(list(item)[:5]) if isinstance(item, Mapping) and item else None
            build.report.error(here, fact or f"is {shown(item)}, no task", "write `- name:` and the task below it")
            continue
        name, task = next(iter(item.items()))
        if not 0 < len(name) <= 200:
            build.report.error((*here, name), "a task's name has 1 to 200 characters", "give it another name")
        tasks.append((name, task, (*here, name)))
    check_order(tasks, build.report, side_by_side=branches)
    nodes: list[Node] = []
    for name, task, here in tasks:
        extensions = extensions_of(build, task)
        moved = (here, (*build.place(here), INSIDE)) if extensions and "switch" not in task else build.moved
        with build.within(moved=moved):
            node = node_of(build, name, task, here)
        if node is not None:
            nodes += extended(build, node, extensions, here, block_of)
    return tuple(nodes)


def node_of(build: Build, name: str, task: Any, path: Path) -> Node | None:
    """The node of a task; None, once it is reported what is wrong with it."""
    kind = _kind(build, task, path)
    if kind is None or not check_shape(_form(kind, task), task, path, build.report):
        if isinstance(task, Mapping):
            _look_inside(build, task, path)
        return None
    if kind == "call":
        target = target_of(build, task["call"], (*path, "call"))
        if target is None:
            return None
        if target.kind == "function":
            return _function(build, target, name, task, path)
        return _made(build, CallTask, "call", name, task, path, call_fields(build, target, task, path))
    fields = _FIELDS[kind](build, task, path)
    cls, node_kind = _classes(kind, task)
    return _made(build, cls, node_kind, name, task, path, fields)


def _made(
    build: Build, cls: type[Node], kind: Kind, name: str, task: Mapping[str, Any], path: Path, fields: dict[str, Any]
) -> Node:
    node = cls(kind=kind, **_common(build, name, task, path), **fields)
    return build.add(node, path)


def _kind(build: Build, task: Any, path: Path) -> str | None:
    """The kind of a task: one of `KINDS`, or `approval` and `until` of the dialect."""
    if not isinstance(task, Mapping):
        build.report.error(path, f"a task is an object, not {shown(task)}", f"say what it does with one of {_KNOWN}")
        return None
    found = [kind for kind in KINDS if kind in task]
    if "for" in found and "do" in found:
        found.remove("do")
    if len(found) > 1:
        fact = f"does several things: {', '.join(found)}"
        build.report.error((*path, found[1]), fact, "make a task of each, one after the other")
        return None
    if found:
        return found[0] if _supported(build, found[0], task, path) else None
    host = task.get("host")
    if isinstance(host, Mapping) and ("approval" in host or "until" in host):
        return "approval" if "approval" in host else "until"
    words = ((key, KINDS) for key in task)
    inner = ((key, ("approval", "until")) for key in host) if isinstance(host, Mapping) else ()
    near = next((remedy for key, known in (*inner, *words) if (remedy := build.report.closest(key, known))), "")
    build.report.error(path, "does not say what it does", near or f"use one of {_KNOWN}")
    return None


def _supported(build: Build, kind: str, task: Mapping[str, Any], path: Path) -> bool:
    word = task[kind]
    if kind == "call" and isinstance(word, str) and word in UNSUPPORTED:
        build.report.error((*path, "call"), f"`call: {word}` is not supported", UNSUPPORTED[word])
        return False
    ways = word if kind == "run" and isinstance(word, Mapping) else {}
    for way, remedy in _NO_RUN.items():
        if way in ways:
            build.report.error((*path, "run", way), f"`run: {way}` is not supported", remedy)
            return False
    if ways.get("return", "stdout") != "stdout":
        remedy = "leave it out: the output is what the script returns, or else what it prints"
        build.report.error((*path, "run", "return"), f"`return: {ways['return']}` is not supported", remedy)
        return False
    script = ways.get("script")
    for key, remedy in _NO_SCRIPT.items():
        if isinstance(script, Mapping) and key in script:
            build.report.error((*path, "run", "script", key), f"a script's `{key}` is not supported", remedy)
            return False
    return True


_NO_SCRIPT = {
    "source": "write the script itself into `code`",
    "environment": "hand the values over in `arguments`; a script sees nothing else",
}
_KNOWN = ", ".join(sorted(KINDS))


def _form(kind: str, task: Mapping[str, Any]) -> str:
    if kind != "call":
        return f"task_{kind}"
    return {"http": "task_callHttp", "openapi": "task_callOpenapi"}.get(str(task["call"]), "task_callFunction")


def _look_inside(build: Build, task: Mapping[str, Any], path: Path) -> None:
    """Finds what is wrong inside of a task that is wrong itself."""
    for steps in _BLOCKS:
        inner: Any = task
        for step in steps:
            inner = inner.get(step) if isinstance(inner, Mapping) else None
        if isinstance(inner, list):
            block_of(build, inner, (*path, *steps), branches=steps[0] == "fork")


def _common(build: Build, name: str, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    host = task.get("host", {})
    undo = host.get("compensate")
    return {
        "path": pointer(build.place(path)),
        "name": name,
        "data": data_of(build, task, path),
        "when": build.condition(task, path, "if"),
        "timeout_s": timeout_of(build, task.get("timeout"), (*path, "timeout")),
        "then": task.get("then", "continue"),
        "retry": _own_retry(build, host["retry"], (*path, "host", "retry")) if "retry" in host else None,
        "on_error": host.get("onError", "fail"),
        "compensate": None if undo is None else block_of(build, undo, (*path, "host", "compensate")),
    }


def _own_retry(build: Build, value: Any, path: Path) -> Any:
    with build.within(variables=build.variables | {"error"}):
        return retry_of(build, value, path)


def _classes(kind: str, task: Mapping[str, Any]) -> tuple[type[Node], Kind]:
    if kind == "run":
        return (RunTask, "run") if "workflow" in task["run"] else (ScriptTask, "script")
    classes: Mapping[str, type[Node]] = {
        "do": DoTask,
        "set": SetTask,
        "switch": SwitchTask,
        "for": ForTask,
        "fork": ForkTask,
        "try": TryTask,
        "raise": RaiseTask,
        "wait": WaitTask,
        "emit": EmitTask,
        "listen": ListenTask,
        "approval": ApprovalTask,
    }
    name = "wait" if kind == "until" else kind
    return classes[name], cast("Kind", name)


def _do(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    return {"block": block_of(build, task["do"], (*path, "do"))}


def _for(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    loop, host = task["for"], task.get("host", {})
    each, at = loop.get("each", "item"), loop.get("at", "index")
    if each == at:
        build.report.error((*path, "for"), f"`each` and `at` are both {shown(each)}", "give them different names")
    items = build.expression(loop["in"], (*path, "for", "in"))
    with build.within(variables=build.variables | {each, at}):
        return {
            "each": each,
            "at": at,
            "items": items,
            "going": build.condition(task, path, "while"),
            "block": block_of(build, task["do"], (*path, "do")),
            "at_once": host.get("concurrency", 1),
            "collect": host.get("collect", True),
        }


def _fork(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    fork = task["fork"]
    return {
        "branches": block_of(build, fork["branches"], (*path, "fork", "branches"), branches=True),
        "compete": fork.get("compete", False),
        "at_once": task.get("host", {}).get("concurrency"),
    }


def _try(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    value, here = task["catch"], (*path, "catch")
    block = block_of(build, task["try"], (*path, "try"))
    name = value.get("as", "error")
    wanted = dict(value.get("errors", {}).get("with", {}))
    if "details" in wanted:  # the schema's word for what errors call `detail`
        wanted["detail"] = wanted.pop("details")
    with build.within(variables=build.variables | {name}):
        caught = Catch(
            with_=wanted,
            as_=name,
            when=build.condition(value, here, "when"),
            except_when=build.condition(value, here, "exceptWhen"),
            retry=retry_of(build, value["retry"], (*here, "retry")) if "retry" in value else None,
            block=block_of(build, value["do"], (*here, "do")) if "do" in value else (),
        )
    return {"block": block, "catch": caught}


def _listen(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    to, here = task["listen"]["to"], (*path, "listen", "to")
    each = task.get("foreach")
    item, at = (each or {}).get("item", "item"), (each or {}).get("at", "index")
    inner: tuple[Block | None, Data] = (None, PLAIN)
    if each is not None:
        with build.within(variables=build.variables | {item, at}):
            do = block_of(build, each["do"], (*path, "foreach", "do")) if "do" in each else ()
            inner = (do, data_of(build, each, (*path, "foreach")))
    return {
        "mode": strategy_of(to),
        "filters": filters_of(build, to, here),
        **end_of(build, to, here),
        "read": task["listen"].get("read", "data"),
        "each": item,
        "at": at,
        "each_block": inner[0],
        "each_data": inner[1],
    }


_FIELDS = {
    "do": _do,
    "set": value_of,
    "switch": cases_of,
    "for": _for,
    "fork": _fork,
    "try": _try,
    "raise": error_of,
    "wait": time_of,
    "until": time_of,
    "emit": event_of,
    "listen": _listen,
    "run": run_of,
    "approval": approval_of,
}


def _function(build: Build, target: CallTarget, name: str, task: Mapping[str, Any], path: Path) -> Node | None:
    """A function of `use.functions`, put in where it is called; `with` is the function's input."""
    here = (*path, "call")
    if target.ref in build.functions or len(build.functions) >= _DEEPEST_CALLS:
        build.report.error(here, f"{shown(target.ref)} calls itself, or too deep", "use a loop, or `run: workflow`")
        return None
    common = _common(build, name, task, path)
    origin: Path = ("use", "functions", target.ref)
    definition = build.use["functions"][target.ref]
    given = build.template(task["with"], (*path, "with")) if "with" in task else None
    own_input = isinstance(definition, Mapping) and "from" in (definition.get("input") or {})
    around = (*build.place(path), "with") if given is not None and own_input else build.place(path)
    with build.within(functions=(*build.functions, target.ref), moved=(origin, (*around, "call", target.ref))):
        inner = node_of(build, target.ref, definition, origin)
    if inner is None:
        return None
    if given is not None and own_input:
        inner = build.add(DoTask(pointer(around), target.ref, "do", Data(input_from=given), block=(inner,)), path)
    elif given is not None:
        inner = replace(inner, data=replace(inner.data, input_from=given))
        build.nodes[inner.path] = inner
    return build.add(DoTask(kind="do", block=(inner,), **common), path)
