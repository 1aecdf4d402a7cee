"""Views of a run for people: its news, a tree that changes on a terminal, lines in a pipe, rows of its journal."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from omnicore.cli.client import Client
from omnicore.cli.output import Output, clock, date, moment, printable, span, styled
from omnicore.errors import CallCancelled, CallerError, DeadlineExceeded, WorkflowFailed
from omnicore.jobs.engine import ENDED, RunView, StepView
from omnicore.workflows.view import OpenView

_PAGE = 500
_EVERY_S = 0.1
_LONGEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """The news of a run: the run, the rows since the last look, and current actions and waits.

    `more`: there are further rows.
    """

    run: RunView
    steps: Sequence[StepView]
    open: Sequence[OpenView]
    more: bool = False

    @property
    def over(self) -> bool:
        """True if nothing more will come."""
        return self.run.status in ENDED and not self.more


def run_of(client: Client, run: str) -> RunView:
    """A run. Raises: NotFound."""
    return RunView(**client.get("runs", run))


def steps_of(client: Client, run: str, *, after: int, limit: int = _PAGE) -> tuple[list[StepView], bool]:
    """Rows of a run's journal, and true if there are more."""
    page = client.get("runs", run, "steps", after=after, limit=limit)
    return [StepView(**one) for one in page["items"]], page["next"] is not None


class Following:
    """The news of one run, asked of its host again and again.

    Args: after: the row behind which rows are new.
    """

    def __init__(self, client: Client, run: str, *, after: int = 0) -> None:
        self._client, self._run, self._after = client, run, after
        self._status = ""
        self._open: list[tuple[str, int, str]] = []
        self._shown: Sequence[OpenView] = ()

    def look(self) -> Look:
        """The run as it stands, with at most a page of new rows. Raises: NotFound."""
        # The run first: rows that come after it was read as ended would be missed.
        run = run_of(self._client, self._run)
        steps, more = steps_of(self._client, self._run, after=self._after)
        shown: Sequence[OpenView] = ()
        if run.status not in ENDED:
            shown = [OpenView(**one) for one in self._client.get("runs", self._run, "open")["items"]]
        if run.status == "waiting" and not shown:  # it has left memory, and the moments that it waits for with it
            came = {one.place for one in steps}
            shown = [one for one in self._shown if one.place not in came]
        self._shown = shown
        if steps:
            self._after = steps[-1].seq
        return Look(run, steps, shown, more=more)

    def next(self, seconds: float = _LONGEST_S) -> Look:
        """The next look in which something is new, or that of a while later. Raises: NotFound."""
        end = time.monotonic() + seconds
        while True:
            found = self.look()
            state = [(one.place, one.attempt, one.waits_for) for one in found.open]
            new = bool(found.steps) or found.run.status != self._status or state != self._open
            self._status, self._open = found.run.status, state
            if new or found.over or time.monotonic() >= end:
                return found
            time.sleep(_EVERY_S)


def output_of(run: RunView) -> Any:
    """The output of a run that has ended. Raises: WorkflowFailed. CallCancelled."""
    if run.status == "completed":
        return run.output
    if run.status == "cancelled":
        raise CallCancelled(f"{run.id} was cancelled", run=run.id)
    fault = run.fault or {}
    told = ": ".join(str(fault[name]) for name in ("title", "detail") if fault.get(name))
    raise WorkflowFailed(
        f"{run.id} faulted{_at(fault)}: {told or fault.get('type', 'the run faulted')}",
        remedy=f"see `omnicore workflows logs {run.id}`; retry it with `omnicore workflows retry {run.id}`",
        run=run.id,
        fault=dict(fault),
    )


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
    """The active steps in one line."""
    words = "waits: " + printable(one.waits_for) if one.waits_for else _WAITS.get(one.kind, "runs")
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
    waits = one.kind in ("timer", "listen", "approval") or bool(one.waits_for)
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


_FRAME_S, _LINE_S = 0.25, 1.0
Show: TypeAlias = Callable[[Look], None]


@dataclass(frozen=True, slots=True)
class Watched:
    """The run as it was seen last, and why nobody looks any more."""

    run: RunView
    why: Literal["over", "interrupted", "late"] = "over"


def watch(
    client: Client, output: Output, run: str, *, timeout_s: float | None = None, cancels: bool = False
) -> Watched:
    """Shows a run until it is over, until the time is, or until Ctrl-C.

    Args: cancels: the first Ctrl-C cancels the run; the next one leaves it.
    """
    began = time.monotonic()
    seen: Look | None = None
    news = Following(client, run)
    with _screen(output) as (show, every_s):
        while True:
            try:
                left_s = every_s if timeout_s is None else timeout_s - (time.monotonic() - began)
                if seen is not None and left_s <= 0:
                    return Watched(seen.run, "late")
                seen = news.next(max(0.0, min(every_s, left_s)))
                show(seen)
                if seen.over:
                    return Watched(seen.run)
            except KeyboardInterrupt:
                if not cancels:
                    return Watched(run_of(client, run), "interrupted")
                cancels = False
                _cancel(client, output, run)


def settle(client: Client, run: str, *, until: frozenset[str], seconds: float) -> RunView:
    """The run once it has one of some states or has ended, or as it is when the time is over."""
    end = time.monotonic() + seconds
    news = Following(client, run)
    while True:
        found = news.next(_FRAME_S)
        if found.run.status in until or found.run.status in ENDED or time.monotonic() >= end:
            return found.run


def left(watched: Watched, timeout_s: float | None) -> DeadlineExceeded:
    """The message for a run that outlasted the wait."""
    return DeadlineExceeded(
        f"{watched.run.id} goes on longer than {timeout_s or 0:g} s",
        remedy=f"go on with `omnicore workflows resume {watched.run.id}`; a server on the same data does by itself",
        limit="timeout",
        allowed=timeout_s,
    )


def step_line(one: StepView) -> str:
    """A row of a run's journal in a line."""
    again = f", attempt {one.attempt}" if one.attempt > 1 else ""
    fault = f": {fault_line(one.fault)}" if one.fault and one.status in ("faulted", "retried") else ""
    moved = f", taken over by {one.meta['taken_over_by']}" if "taken_over_by" in one.meta else ""
    return f"{one.status:<9}  {one.place}  {one.kind}, {span(one.at - one.began_at)}{again}{moved}{fault}"


@contextmanager
def _screen(output: Output) -> Iterator[tuple[Show, float]]:
    """The screen that shows looks, and the seconds between them."""
    if output.is_json:
        yield lambda look: None, _LINE_S
    elif output.errors_to_terminal:
        tree = RunTree()
        with Live(console=output.err, auto_refresh=False, transient=False) as live:

            def draw(look: Look) -> None:
                tree.take(look.steps, look.open)
                if not look.more:
                    live.update(tree.shown(look.run, time.time()), refresh=True)

            yield draw, _FRAME_S
    else:
        yield _Lines(output).show, _LINE_S


class _Lines:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._status = ""
        self._waits: set[str] = set()

    def show(self, look: Look) -> None:
        if not self._status:
            self._output.say(f"{look.run.workflow}  {look.run.id}")
        for step in look.steps:
            self._output.say(f"  {step_line(step)}", style=COLOURS.get(step.status, ""))
        waits = {f"  {'waiting':<9}  {one.place}  {open_line(one, time.time())}" for one in look.open if _rests(one)}
        if look.run.status == "waiting" and not waits and look.run.due_at is not None:
            waits.add(f"  {'waiting':<9}  until {moment(look.run.due_at, time.time())}")
        for line in sorted(waits - self._waits):
            self._output.say(line)
        self._waits = waits
        if look.run.status != self._status and (look.over or look.run.status == "suspended"):
            self._output.say(f"{look.run.id} {look.run.status}")
        self._status = look.run.status


def _rests(one: OpenView) -> bool:
    return one.kind in ("timer", "listen", "approval") or bool(one.waits_for)


def _cancel(client: Client, output: Output, run: str) -> None:
    output.say(f"Cancelling {run}; Ctrl-C once more leaves it.")
    with suppress(CallerError):  # it is over already: the next look says so
        client.ask("POST", "runs", run, "cancel")


STEP_HEADS = ("seq", "at", "place", "kind", "status", "attempt", "took", "about")


COLOURS: Mapping[str, str] = {
    **{"completed": "green", "running": "cyan", "waiting": "blue", "suspended": "yellow", "faulted": "red"},
    **{"retried": "yellow", "cancelled": "dim", "skipped": "dim", "fired": "blue", "received": "blue"},
}


_ABOUT = 80


def run_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    """A run; `about` is its output, the reason why it faulted, or the time until which it waits."""
    view = RunView(**one)
    return (
        view.id,
        view.workflow + (" (trial)" if view.trial else ""),
        coloured(view.status),
        date(view.created_at),
        "-" if view.ended_at is None else span(view.ended_at - view.created_at),
        _about_run(view),
    )


def step_row(one: StepView) -> tuple[str, ...]:
    """A row of a run's journal."""
    about = fault_line(one.fault) if one.fault else _short(one.output)
    if "taken_over_by" in one.meta:
        about = f"taken over by {one.meta['taken_over_by']}; {about}"
    return (
        str(one.seq),
        clock(one.at),
        one.place,
        one.kind,
        coloured(one.status),
        str(one.attempt),
        span(one.at - one.began_at),
        about,
    )


def _at(fault: Mapping[str, Any]) -> str:
    """The step of a fault, after ` at `; nothing of a run that came to no step."""
    return f" at {fault['instance']}" if fault.get("instance") else ""


def fault_line(fault: Mapping[str, Any]) -> str:
    """A fault in a line: what, where it says so, and why."""
    parts = (str(fault.get("title") or ""), str(fault.get("detail") or ""))
    told = ": ".join(part for part in parts if part) or str(fault.get("type", "")).rpartition("/")[2]
    return f"{fault.get('status', 500)} {told}"


def _about_run(one: RunView) -> str:
    if one.fault is not None:
        return f"{fault_line(one.fault)}{_at(one.fault)}"[:_ABOUT]
    if one.status in ("waiting", "pending"):
        return "" if one.due_at is None else f"until {moment(one.due_at, time.time())}"
    return _short(one.output)


def _short(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)[:_ABOUT]


def coloured(status: str) -> str:
    """The status in its colour."""
    return styled(printable(status), COLOURS.get(status, ""))
