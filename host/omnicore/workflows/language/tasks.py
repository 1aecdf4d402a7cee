"""Tasks to nodes: each is held against the form of its kind first, then made, then its blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from omnicore.workflows.graph import (
    PLAIN,
    Approval,
    Block,
    Call,
    Catch,
    Data,
    Do,
    Emit,
    For,
    Fork,
    Kind,
    Listen,
    Node,
    Raise,
    Run,
    Script,
    Set,
    Switch,
    Try,
    Wait,
)
from omnicore.workflows.language.build import Build
from omnicore.workflows.language.calls import UNSUPPORTED, Target, call_fields, target_of
from omnicore.workflows.language.events import filters_of, strategy_of
from omnicore.workflows.language.extending import INSIDE, extended, extensions_of
from omnicore.workflows.language.leaves import (
    approval_of,
    cases_of,
    end_of,
    error_of,
    event_of,
    run_of,
    time_of,
    value_of,
)
from omnicore.workflows.language.order import check_order
from omnicore.workflows.language.policies import data_of, retry_of, timeout_of
from omnicore.workflows.language.problems import Path, pointer, shown
from omnicore.workflows.language.shapes import check_shape

__all__ = ["KINDS", "block_of", "node_of"]

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
        return _made(build, Call, "call", name, task, path, call_fields(build, target, task, path))
    fields = _FIELDS[kind](build, task, path)
    cls, node_kind = _classes(kind, task)
    return _made(build, cls, node_kind, name, task, path, fields)


def _made(
    build: Build, cls: type[Node], kind: Kind, name: str, task: Mapping[str, Any], path: Path, fields: dict[str, Any]
) -> Node:
    node = cls(kind=kind, **_common(build, name, task, path), **fields)
    return build.add(node, path)


def _kind(build: Build, task: Any, path: Path) -> str | None:
    """What a task does: one of `KINDS`, or `approval` and `until` of the dialect."""
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
        return (Run, "run") if "workflow" in task["run"] else (Script, "script")
    classes: Mapping[str, type[Node]] = {
        "do": Do,
        "set": Set,
        "switch": Switch,
        "for": For,
        "fork": Fork,
        "try": Try,
        "raise": Raise,
        "wait": Wait,
        "emit": Emit,
        "listen": Listen,
        "approval": Approval,
    }
    name = "wait" if kind == "until" else kind
    return classes[name], cast(Kind, name)


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


def _function(build: Build, target: Target, name: str, task: Mapping[str, Any], path: Path) -> Node | None:
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
        inner = build.add(Do(pointer(around), target.ref, "do", Data(input_from=given), block=(inner,)), path)
    elif given is not None:
        inner = replace(inner, data=replace(inner.data, input_from=given))
        build.nodes[inner.path] = inner
    return build.add(Do(kind="do", block=(inner,), **common), path)
