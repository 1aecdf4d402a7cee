"""The run as a whole: the workflow's own data flow, and what undoes it once it has failed."""

from __future__ import annotations

from collections import Counter

from omnicore.workflows.entries import Fault
from omnicore.workflows.flow.around import admitted, handed_on
from omnicore.workflows.flow.blocks import run_block
from omnicore.workflows.flow.frames import Frame, Tries
from omnicore.workflows.flow.machine import End, Machine, Steps, Strand
from omnicore.workflows.flow.moments import seconds_of
from omnicore.workflows.flow.truth import placed

__all__ = ["root_frame", "undo", "workflow"]


def root_frame(machine: Machine) -> Frame:
    """The frame of the workflow itself, on a strand of its own."""
    root = machine.graph.root
    return Frame(Strand(machine), root, "", machine.start.input, {}, Tries(), 0)


def workflow(frame: Frame) -> Steps:
    """The output of the workflow. Raises: Fault."""
    machine, data = frame.machine, frame.node.data
    try:
        frame.input = admitted(data, frame.raw, frame.scope)
        if machine.graph.timeout_s is not None:
            due_at = machine.at + seconds_of(machine.graph.timeout_s, frame.input, frame.scope)
            machine.ask(frame, "timer", place=f"{frame.place}/timeout", due_at=due_at, use="guard")
        block = machine.graph.root.block
        try:
            output = yield run_block(frame, frame.strand, block, frame.input, frame.place, {}, len(frame.place))
        except End as end:
            output = end.output
        output = handed_on(frame, data, output, frame.scope)
    except Fault as fault:
        error = placed(fault, frame.place)
    else:
        machine.clear(frame)
        return output
    machine.clear(frame)
    raise error


def undo(machine: Machine, strand: Strand) -> Steps:
    """What was completed is undone, the latest first. An error ends the undoing of that one task only: it has a row."""
    seen: Counter[str] = Counter()
    while machine.undo:
        one = machine.undo.pop()
        seen[one.place] += 1
        prefix = one.place if seen[one.place] == 1 else f"{one.place}/undo/{seen[one.place]}"
        names = {**one.names, "input": one.input, "output": one.output}
        frame = Frame(strand, one.node, prefix, one.output, names, Tries(), one.depth)
        try:
            yield run_block(frame, strand, one.node.compensate or (), one.output, prefix, names)
        except (Fault, End):
            continue
