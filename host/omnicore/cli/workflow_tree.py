"""The tree of a run: its steps as they are nested, with their states, times, retries and what they wait for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.text import Text
from rich.tree import Tree

from omnicore.cli.output import printable
from omnicore.cli.workflow_text import COLOURS, fault_line, moment, span
from omnicore.workflows.entries import ENDED
from omnicore.workflows.view import OpenView, RunView, StepView

__all__ = ["RunTree", "open_line", "parts_of"]

_SIGNS = {
    **{"completed": "✓", "faulted": "✗", "retried": "↻", "cancelled": "⊘", "skipped": "-", "fired": "✓"},
    **{"received": "✓", "running": "●", "waiting": "◌", "pending": "◌", "suspended": "‖"},
}
_WAITS = {"timer": "waits", "listen": "listens", "approval": "asks for a decision", "run": "runs a workflow"}
_MOST, _MOST_ROUNDS = 20, 4
_DEEPEST = 60
_ROUNDS = ("for", "foreach")
_VISIT = re.compile(r"(.+)~([2-9]|[1-9][0-9]+)")


@dataclass(slots=True)
class _Node:
    label: str
    inside: dict[str, _Node] = field(default_factory=dict)
    left_out: int = 0
    step: StepView | None = None
    open: OpenView | None = None
    retries: int = 0

    @property
    def busy(self) -> bool:
        return self.open is not None or any(one.busy for one in self.inside.values())


class RunTree:
    """Takes what looks bring and shows it. Of many children the first that are over are counted only, so that a loop
    over many items stays small.
    """

    def __init__(self) -> None:
        self._root = _Node("")
        self._open: list[_Node] = []

    def take(self, steps: Sequence[StepView], opened: Sequence[OpenView]) -> None:
        """Adds new rows, and what is under way in place of what was."""
        for step in steps:
            node = self._node(step.place)
            if step.status == "retried":
                node.retries += 1
            node.step = step
        for node in self._open:
            node.open = None
        self._open = []
        for one in opened[:_MOST]:
            node = self._node(one.place)
            node.open = one
            self._open.append(node)
        _prune(self._root, 0)

    def shown(self, run: RunView, now: float) -> Tree:
        """The tree. `now` in seconds since the Unix epoch."""
        tree = Tree(_head(run, now), guide_style="dim")
        self._add(tree, self._root, now, 0)
        return tree

    def _add(self, tree: Tree, node: _Node, now: float, depth: int) -> None:
        if node.left_out:
            tree.add(Text(f"… {node.left_out} before", style="dim"))
        for one in node.inside.values():
            branch = tree.add(_line(one, now))
            if depth < _DEEPEST:
                self._add(branch, one, now, depth + 1)

    def _node(self, place: str) -> _Node:
        node = self._root
        for key, label in parts_of(place):
            node = node.inside.setdefault(key, _Node(label))
        return node


def parts_of(place: str) -> Iterator[tuple[str, str]]:
    """The steps of a place that are shown, as (key, label): tasks by name, rounds of loops by number.

    >>> [label for _, label in parts_of("/do/1/each/for/3/do/0/send~2")]
    ['each', '#4', 'send (2)']
    >>> [label for _, label in parts_of("/do/0/risky/catch/do/0/mend")]
    ['risky', 'catch', 'mend']
    """
    words = place.split("/")[1:]
    key, at = "", 0
    while at < len(words):
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        key += f"/{word}"
        if word in _ROUNDS and following.isdecimal():
            key += f"/{following}"
            yield key, f"#{int(following) + 1}"
            at += 2
        elif word.isdecimal() and following:
            key += f"/{following}"
            yield key, _named(following)
            at += 2
        else:
            if word in ("catch", "compensate"):
                yield key, word
            at += 1


def _named(word: str) -> str:
    visited = _VISIT.fullmatch(word)
    name = (visited[1] if visited else word).replace("~1", "/").replace("~0", "~")
    return f"{name} ({visited[2]})" if visited else name


def open_line(one: OpenView, now: float) -> str:
    """What is under way, in words."""
    words = _WAITS.get(one.kind, "runs")
    until = "" if one.due_at is None else f" until {moment(one.due_at, now)}"
    again = f", attempt {one.attempt}" if one.attempt > 1 else ""
    return f"{words}{until}{again}"


def _head(run: RunView, now: float) -> Text:
    took = span((run.ended_at or now) - (run.started_at or run.created_at))
    text = Text().append(f"{_SIGNS.get(run.status, '●')} ", style=COLOURS.get(run.status, ""))
    text.append(printable(run.workflow), style="bold").append(f"  {run.id}  ", style="dim")
    text.append(run.status, style=COLOURS.get(run.status, ""))
    waits = run.status not in ENDED and run.due_at is not None and run.due_at > now
    text.append(f"  {took}" + (f", until {moment(run.due_at, now)}" if waits and run.due_at else ""), style="dim")
    return text


def _line(node: _Node, now: float) -> Text:
    if node.open is not None:
        return _going(node, node.open, now)
    step = node.step
    if step is None:
        sign = "●" if node.busy else " "
        return Text(f"{sign} ", style="cyan").append(printable(node.label), style="default")
    style = COLOURS.get(step.status, "")
    text = Text(f"{_SIGNS.get(step.status, '●')} ", style=style).append(printable(node.label), style="default")
    text.append(f"  {span(step.at - step.began_at)}", style="dim")
    if node.retries:
        text.append(f"  {node.retries} {'retry' if node.retries == 1 else 'retries'}", style="yellow")
    if step.fault is not None and step.status in ("faulted", "retried"):
        text.append(f"  {printable(fault_line(step.fault))[:200]}", style=style)
    return text


def _going(node: _Node, one: OpenView, now: float) -> Text:
    waits = one.kind in ("timer", "listen", "approval")
    style = COLOURS["waiting" if waits else "running"]
    text = Text("◌ " if waits else "● ", style=style).append(printable(node.label), style="default")
    text.append(f"  {open_line(one, now)}", style=style)
    return text


def _prune(node: _Node, depth: int) -> None:
    """Leaves out the first children beyond so many, and what is inside of rounds that are over.

    What is under way or faulted stays.
    """
    keys = list(node.inside)
    rounds = any(one.label[0] == "#" for one in node.inside.values())
    for key in keys[: max(0, len(keys) - (_MOST_ROUNDS if rounds else _MOST))]:
        one = node.inside[key]
        if not one.busy and not (one.step is not None and one.step.status == "faulted"):
            del node.inside[key]
            node.left_out += 1
    for one in list(node.inside.values())[:-2]:
        if one.label[0] == "#" and not one.busy:
            one.inside.clear()
    if depth < _DEEPEST:
        for one in node.inside.values():
            _prune(one, depth + 1)
