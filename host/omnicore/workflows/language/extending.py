"""`use.extensions`: tasks before and after others, put around them in the graph.

They get the input (`before`) or the output (`after`) of the task they extend, and what they hand on is not looked at,
but for a task of `before` that leaves by `exit`: what it gives is then the output of the task it extends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from omnicore.workflows.expression import Template, expression
from omnicore.workflows.graph import PLAIN, Block, Data, Do, Node, Switch
from omnicore.workflows.language.build import Build
from omnicore.workflows.language.problems import Path, pointer

__all__ = ["INSIDE", "check_extensions", "extended", "extensions_of"]

INSIDE = "extended"
"""The step of a path between what is put around a task and the task itself."""
_Compile: TypeAlias = Callable[..., Block]
_Found: TypeAlias = Sequence[tuple[Path, Mapping[str, Any]]]
_COMPOSITE = ("do", "fork")


def check_extensions(build: Build, compile_block: _Compile) -> None:
    """Finds what is wrong in extensions, whether they extend something or not."""
    for index, item in enumerate(build.use.get("extensions", ())):
        for name, extension in item.items():
            path: Path = ("use", "extensions", index, name)
            if "when" in extension:
                build.expression(extension["when"], (*path, "when"))
            for side in ("before", "after"):
                if side in extension:
                    with build.within(extended=False, nodes={}):
                        compile_block(build, extension[side], (*path, side))


def extensions_of(build: Build, task: Any) -> _Found:
    """The extensions of a task, the outermost first."""
    if not build.extended or not isinstance(task, Mapping):
        return ()
    return [
        (("use", "extensions", index, name), extension)
        for index, item in enumerate(build.use.get("extensions", ()))
        for name, extension in item.items()
        if _applies(extension["extend"], task)
    ]


def extended(build: Build, node: Node, found: _Found, path: Path, compile_block: _Compile) -> Block:
    """A node with what extends it around it: one that takes its place in the list.

    A switch leads to tasks of its own list, so it cannot be put into another one: what comes before it stands in front
    of it, under its name, and nothing comes after it.
    """
    if not found:
        return (node,)
    before = [one for each in found for one in _side(build, "before", each, path, compile_block)]
    if isinstance(node, Switch):
        return _in_front(build, node, before)
    after = [one for each in reversed(found) for one in _side(build, "after", each, path, compile_block)]
    inner = replace(node, when=None, then="continue")
    build.nodes[inner.path] = inner
    block = (*before, inner, *after)
    around = Do(pointer(build.place(path)), node.name, "do", PLAIN, node.when, None, node.then, block=block)
    return (build.add(around, path),)


def _in_front(build: Build, node: Switch, before: list[Node]) -> Block:
    if not before:
        return (node,)
    first = replace(before[0], name=node.name)
    switch = replace(node, name=f"{node.name}: cases")
    build.nodes[first.path], build.nodes[switch.path] = first, switch
    return (first, *before[1:], switch)


def _applies(extend: str, task: Mapping[str, Any]) -> bool:
    if extend == "composite":
        return any(kind in task for kind in _COMPOSITE) and "for" not in task
    return extend == "all" or (extend in task and not (extend == "do" and "for" in task))


def _side(build: Build, side: str, found: tuple[Path, Mapping[str, Any]], path: Path, compile_block: _Compile) -> Block:
    origin, extension = found
    if side not in extension:
        return ()
    place = (*build.place(path), side, *origin[2:])
    when = build.expression(extension["when"], (*origin, "when")) if "when" in extension else None
    with build.within(extended=False, moved=((*origin, side), place)):
        block = compile_block(build, extension[side], (*origin, side))
    if side == "before" and any(_leaves(node) for node in block):
        return tuple(_flat(build, node, when, origin) for node in block)
    name = f"{origin[-1]} {side} {path[-1]}"
    data = Data(output_as=expression("$input"))
    return (build.add(Do(pointer(place), name, "do", data, when, block=block), path),)


def _leaves(node: Node) -> bool:
    """Whether a task in front of another one can make it be left out, by `exit`; then what it gives is the output."""
    return node.then == "exit" or (isinstance(node, Switch) and any(case.then == "exit" for case in node.cases))


def _flat(build: Build, node: Node, when: Template | None, origin: Path) -> Node:
    """A task of `before` that stands in the same list as what it extends."""
    if when is not None and node.when is not None:
        fact = "a task before others that are left out by `exit` cannot have an `if` and a `when`"
        build.report.error(origin, fact, "say both in `when`")
    data = node.data if _leaves(node) else replace(node.data, output_as=expression("$input"))
    found = replace(node, when=when or node.when, data=data)
    build.nodes[found.path] = found
    return found
