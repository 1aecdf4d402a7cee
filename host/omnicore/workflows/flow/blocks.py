"""Tasks with tasks inside: one after the other, once for each item, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from omnicore.workflows.entries import Fault
from omnicore.workflows.flow.frames import Frame, Names
from omnicore.workflows.flow.machine import End, Join, Steps, Strand
from omnicore.workflows.flow.truth import holds
from omnicore.workflows.graph import Block, Do, For, Fork

__all__ = ["do", "each", "fork", "run_block"]


def run_block(frame: Frame, strand: Strand, block: Block, raw: Any, prefix: str, names: Names, cut: int = -1) -> Steps:
    """Tasks of a frame one after the other, as `then` says; the output of the last one.

    A task's place is `prefix` and what its path has beyond the first `cut` characters, those of the frame's own path.
    """
    machine, index = frame.machine, 0
    visits: dict[int, int] = {}
    cut = len(frame.node.path) if cut < 0 else cut
    while index < len(block):
        node = block[index]
        visits[index] = seen = visits.get(index, 0) + 1
        place = prefix + node.path[cut:]
        inner = frame.inside(strand, node, place if seen == 1 else f"{place}~{seen}", raw, names)
        raw, then = yield machine.perform(inner)
        if then == "continue":
            index += 1
        elif then == "exit":
            break
        elif then == "end":
            raise End(raw)
        else:
            index = _index(block, then)
    return raw


def do(frame: Frame) -> Steps:
    """`do`: the tasks of the block."""
    return run_block(frame, frame.strand, cast(Do, frame.node).block, frame.input, frame.place, frame.names)


def each(frame: Frame) -> Steps:
    """`for`: the block for each item, one after the other or several at once."""
    node = cast(For, frame.node)
    items = node.items(frame.input, frame.scope) if node.items is not None else []
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise Fault("expression", 400, "No list", f"`for.in` of {node.name} gave no list to go through")
    return _side_by_side(frame, node, items) if node.at_once > 1 else _in_turn(frame, node, items)


def fork(frame: Frame) -> Steps:
    """`fork`: the branches side by side; all of their outputs, or that of the first to be done."""
    node = cast(Fork, frame.node)
    cut, race = len(frame.node.path), node.compete
    outputs: list[Any] = [None] * len(node.branches)
    join, begun, ended, failed = Join(frame), 0, 0, None
    while ended < len(outputs):
        while begun < len(outputs) and begun - ended < (node.at_once or len(outputs)):
            branch, strand = node.branches[begun], Strand(frame.machine, frame.strand)
            place = frame.place + branch.path[cut:]
            inner = frame.inside(strand, branch, place, frame.input, frame.names)
            join.spawn(begun, strand, frame.machine.perform(inner))
            begun += 1
        number, value, error = yield join
        ended += 1
        if isinstance(error, End) or (error is not None and not race):
            raise error
        failed = failed or error
        if error is None:
            output, then = value
            if then == "end":
                raise End(output)
            if race:
                return output
            outputs[number] = output
    if failed is not None:
        raise failed
    return outputs


def _in_turn(frame: Frame, node: For, items: Sequence[Any]) -> Steps:
    raw = frame.input
    for index, item in enumerate(items):
        round_ = {node.each: item, node.at: index}
        if node.going is not None and not holds(node.going, raw, frame.scope.with_(round_)):
            break
        prefix = f"{frame.place}/for/{index}"
        raw = yield run_block(frame, frame.strand, node.block, raw, prefix, {**frame.names, **round_})
    return raw


def _side_by_side(frame: Frame, node: For, items: Sequence[Any]) -> Steps:
    join, begun, ended, most = Join(frame), 0, 0, len(items)
    outputs: list[Any] = []
    while True:
        while begun < most and begun - ended < node.at_once:
            round_ = {node.each: items[begun], node.at: begun}
            if node.going is not None and not holds(node.going, frame.input, frame.scope.with_(round_)):
                most = begun
                break
            strand, prefix = Strand(frame.machine, frame.strand), f"{frame.place}/for/{begun}"
            names = {**frame.names, **round_}
            join.spawn(begun, strand, run_block(frame, strand, node.block, frame.input, prefix, names))
            begun += 1
            if node.collect:
                outputs.append(None)
        if ended == begun:
            return outputs if node.collect else frame.input
        number, value, error = yield join
        ended += 1
        if error is not None:
            raise error
        if node.collect:
            outputs[number] = value


def _index(block: Block, name: str) -> int:
    for index, node in enumerate(block):
        if node.name == name:
            return index
    raise Fault("configuration", 400, "No such task", f"`then` names {name!r}, which is not in this block")
