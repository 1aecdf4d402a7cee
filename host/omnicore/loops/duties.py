"""The duty of each lane but the reflexive one: what a lane does by itself, without a model.

Assignment, audit and comparison are pure. An archive is a folder with everything the host stores and a manifest of
hashes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.files import own_folder, own_opener
from omnicore.ids import new_id
from omnicore.loops.lane import CycleInput, Done, Duty, LoopType

if TYPE_CHECKING:
    from pathlib import Path

    from omnicore.clock import Clock
    from omnicore.storage.tables.intelligences import SkillRow
    from omnicore.storage.tables.loops import LoopsTable


_WEEK_S = 7 * 86_400
_LEAST_CALLS = 20  # fewer calls than these say nothing about a rate


@dataclass(frozen=True, slots=True)
class Proposal:
    """An improvement of something measured, and how much it matters, 0 to 1."""

    name: str
    description: str
    importance: float


@dataclass(frozen=True, slots=True)
class _Rule:
    """Something that must not grow: by this factor, and by this much at least."""

    suffix: str
    factor: float
    least: float
    says: str


_RULES = (
    _Rule("error_rate", 1.25, 0.01, "calls fail more often; look at the last errors with `omnicore plugins show`"),
    _Rule("avg_response_s", 1.5, 0.005, "answers take longer; look for the slow function in the metrics"),
    _Rule("p95_s", 1.5, 0.005, "its slowest calls take longer; raise its limits or keep it warm"),
    _Rule("rss_bytes", 1.5, 64 * 1024 * 1024, "the process has grown; look at warm instances and vector collections"),
    _Rule("storage_bytes", 2.0, 64 * 1024 * 1024, "the database has grown; lower what tiers may hold"),
    _Rule("loop_failures", 1.0, 1.0, "cycles of lanes failed; see `omnicore loops ls`"),
    _Rule("dead_letters", 1.0, 1.0, "tasks were given up; see `omnicore tasks ls --state failed`"),
)


def week_of(at: float) -> int:
    """The number of a week, counted from the epoch."""
    return int(at // _WEEK_S)


def numbers_of(data: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among the values of an object."""
    return {
        str(key)[:100]: float(value)
        for key, value in list(data.items())[:200]
        if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
    }


def compare(now: Mapping[str, float], before: Mapping[str, float]) -> tuple[dict[str, Any], list[Proposal]]:
    """Changes as `{name: [before, now]}`, and proposals for values that got worse."""
    changes = {
        name: [before[name], value] for name, value in sorted(now.items()) if name in before and before[name] != value
    }
    proposals = [
        proposal
        for name, (old, new) in changes.items()
        for rule in _RULES
        if _is_of(name, rule) and (proposal := _judge(name, rule, old, new, now))
    ]
    return changes, proposals


def _is_of(name: str, rule: _Rule) -> bool:
    return name == rule.suffix or name.endswith(f".{rule.suffix}")


def _judge(name: str, rule: _Rule, old: float, new: float, now: Mapping[str, float]) -> Proposal | None:
    if new < old * rule.factor or new - old < rule.least:
        return None
    calls = now.get(name.removesuffix(rule.suffix) + "calls")
    if calls is not None and calls < _LEAST_CALLS:
        return None
    growth = (new - old) / max(abs(old), rule.least)
    text = f"{name} went from {old:.6g} to {new:.6g} in a week: {rule.says}"
    return Proposal(name, text, round(min(0.95, 0.6 + 0.1 * math.log2(1 + growth)), 3))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who can be given a task: an intelligence, what it is for, and whether it can begin now."""

    id: str
    name: str
    capabilities: frozenset[str]
    ready: bool


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """Facts about a plugin for an audit. `calls` are counted calls; `newest` says that its newest version serves."""

    name: str
    state: str
    asked: frozenset[str]
    granted: Mapping[str, Mapping[str, Any]]
    newest: bool
    calls: int


@dataclass(frozen=True, slots=True)
class Chores:
    """Each function does one thing for a duty; None is a part that this host does not have.

    Args:
        probe: probes every part now and returns the state of each by name.
        drain: lets what waits to be tried again be tried; how many there were, by kind.
        consolidate: moves memories on, derives knowledge and lets go of what is over; counts of each.
        learn: takes in how functions did since the last time, and returns that.
        limit_s: how long a call of a function may take; 0 where that is not known.
        staff: who can be given tasks.
        measure: what the host can say of itself in numbers.
        remember: keeps a text as a Strategic memory of the host, with its importance.
        survey: every plugin.
        versions: what the host is made of, such as the schema's step.
        export: writes all that the host keeps into a folder; what it wrote, in counts.
        archives: the folder of archives.
    """

    probe: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    drain: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    consolidate: Callable[[], Awaitable[Mapping[str, int]]] | None = None
    learn: Callable[[], Sequence[SkillRow]] | None = None
    limit_s: Callable[[str], float] | None = None
    staff: Callable[[], Sequence[Worker]] | None = None
    measure: Callable[[], Mapping[str, float]] | None = None
    remember: Callable[[str, float], Awaitable[str]] | None = None
    survey: Callable[[], Sequence[PluginFacts]] | None = None
    versions: Callable[[], Mapping[str, str]] = field(default=dict)
    export: Callable[[Path], Mapping[str, int]] | None = None
    archives: Path | None = None


_MOST_TASKS = 1_000
_MOST_NEEDS = 50


def assign(tasks: Any, workers: Sequence[Worker]) -> dict[str, Any]:
    """Gives each task to somebody who has all that it needs.

    Those who can begin now come first, then those with the fewest other abilities, then those with the least to
    do, then by name. A task nobody can do is unmatched, with what is missing.

    Args:
        tasks: a list of objects with `id` and `needs`, a text or a list of texts; anything else is no task.
    """
    load: dict[str, int] = {}
    assignments, unmatched = [], []
    listed = tasks if isinstance(tasks, list) else []
    for place, task in enumerate(listed[:_MOST_TASKS]):
        if not isinstance(task, Mapping):
            unmatched.append({"task": str(place), "needs": [], "reason": "it is no object with id and needs"})
            continue
        name, needs = str(task.get("id", place))[:200], needs_of(task)
        chosen = _best(needs, workers, load)
        if chosen is None:
            unmatched.append({"task": name, "needs": sorted(needs), "reason": _reason(needs, workers)})
            continue
        load[chosen.id] = load.get(chosen.id, 0) + 1
        assignments.append(
            {
                "task": name,
                "intelligence": chosen.id,
                "name": chosen.name,
                "needs": sorted(needs),
                "ready": chosen.ready,
            }
        )
    return {"assignments": assignments, "unmatched": unmatched, "left_out": max(0, len(listed) - _MOST_TASKS)}


def needs_of(task: Mapping[str, Any]) -> frozenset[str]:
    """The requirements of a task."""
    needs = task.get("needs", ())
    words = [needs] if isinstance(needs, str) else needs if isinstance(needs, list) else []
    return frozenset(word[:200] for word in words[:_MOST_NEEDS] if isinstance(word, str) and word)


def _best(needs: frozenset[str], workers: Sequence[Worker], load: Mapping[str, int]) -> Worker | None:
    able = [one for one in workers if needs <= one.capabilities]
    return min(
        able,
        key=lambda one: (not one.ready, len(one.capabilities - needs), load.get(one.id, 0), one.name, one.id),
        default=None,
    )


def _reason(needs: frozenset[str], workers: Sequence[Worker]) -> str:
    known = frozenset().union(*(one.capabilities for one in workers))
    missing = sorted(needs - known)
    return f"nobody has {', '.join(missing)}" if missing else "nobody has all of it"


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
        found.append(_finding("unwell", name, f"it is {plugin.state}", f"omnicore plugins show {name}"))
    if plugin.state == "needs-grant":
        found.append(_finding("waiting", name, "it waits for a grant", f"omnicore plugins diff {name}"))
    if plugin.state == "needs-review":
        proposal = f"omnicore plugins upgrade {name}"
        found.append(_finding("waiting", name, "new code waits for a decision", proposal))
    for capability in sorted(plugin.granted):
        if capability not in plugin.asked:
            proposal = f"omnicore plugins revoke {name} {capability}"
            found.append(_finding("idle-grant", name, f"it no longer asks for {capability}", proposal))
        elif wide := _wide(plugin.granted[capability]):
            proposal = f"name what it needs in its manifest, then omnicore plugins grant {name} {capability}"
            found.append(_finding("wide-grant", name, f"{capability} is granted for {wide}", proposal))
    if not plugin.newest and plugin.state not in ("rejected", "needs-grant", "needs-review"):
        found.append(_finding("held-back", name, "an older version of it serves", f"omnicore plugins show {name}"))
    return found


def _wide(scope: Mapping[str, Any]) -> str:
    """The field of a scope that leaves nothing out, or ""."""
    for key, value in scope.items():
        if isinstance(value, list | tuple) and any(one in _WIDE for one in value):
            return f"every one of its {key}"
    return ""


def _finding(kind: str, plugin: str, fact: str, proposal: str) -> dict[str, str]:
    return {"kind": kind, "plugin": plugin, "fact": fact, "proposal": proposal}


MANIFEST = "MANIFEST.json"
_PARTIAL = ".partial"
_BLOCK = 1024 * 1024
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive: where it is, the hash of its manifest, and what is in it."""

    path: Path
    digest: str
    files: int
    counts: Mapping[str, int]


def write_bundle(
    folder: Path, name: str, export: Callable[[Path], Mapping[str, int]], *, at: float, versions: Mapping[str, str]
) -> Bundle:
    """Writes an archive. It has its name only when it is whole: one that was broken off is taken away next time.

    Raises: OSError, and what `export` raises.
    """
    own_folder(folder)
    for broken in folder.glob(f"*{_PARTIAL}"):
        shutil.rmtree(broken, ignore_errors=True)
    partial = folder / f"{name}{_PARTIAL}"
    own_folder(partial)
    counts = dict(export(partial))
    files = {str(path.relative_to(partial)): _digest(path) for path in sorted(partial.rglob("*")) if path.is_file()}
    manifest = {"format": _FORMAT, "made_at": at, "versions": dict(versions), "counts": counts, "sha256": files}
    text = json.dumps(manifest, indent=1, sort_keys=True)
    _write_down(partial / MANIFEST, text)
    whole = folder / name
    partial.rename(whole)
    _sync(folder)
    return Bundle(whole, hashlib.sha256(text.encode()).hexdigest(), len(files), counts)


def old_bundles(folder: Path) -> list[Path]:
    """The archives that are whole, oldest first; names sort by the time they were made."""
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}") if not path.parent.name.endswith(_PARTIAL))


def verify(bundle: Path) -> list[str]:
    """Problems of an archive: files that are missing, changed or unknown. Empty when it is complete."""
    try:
        manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
        listed: dict[str, str] = dict(manifest["sha256"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    problems = []
    there = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file() and not path.is_symlink()}
    for name, digest in sorted(listed.items()):
        if name not in there:
            problems.append(f"{name} is missing")
        elif _digest(bundle / name) != digest:
            problems.append(f"{name} was changed")
    return problems + [f"{name} is not in the manifest" for name in sorted(there - set(listed) - {MANIFEST})]


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _write_down(path: Path, text: str) -> None:
    with open(path, "w", encoding="utf-8", opener=own_opener) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_MOST_INSIGHTS = 100
_NEAR_DEADLINE = 0.8
_POOR_RATE = 0.5
_LEAST_SKILL_CALLS = 10


class Duties:
    """The duties of one host, as functions for the lanes.

    Args:
        kept: how many archives are kept.
    """

    def __init__(self, chores: Chores, *, table: LoopsTable, clock: Clock, kept: int) -> None:
        self._chores, self._table, self._clock, self._kept = chores, table, clock, kept

    def by_lane(self) -> Mapping[LoopType, Duty]:
        """The duty of each lane but the reflexive one."""
        return {
            LoopType.Reactive: self.reactive,
            LoopType.Adaptive: self.adaptive,
            LoopType.Deliberative: self.deliberative,
            LoopType.Evolutionary: self.evolutionary,
            LoopType.Transformative: self.transformative,
            LoopType.Transcendent: self.transcendent,
        }

    async def reactive(self, _given: CycleInput) -> Done:
        """Probes the health of every part, and lets what waits to be tried again be tried."""
        health = dict(await self._chores.probe()) if self._chores.probe else {}
        drained = dict(await self._chores.drain()) if self._chores.drain else {}
        unwell = {name: state for name, state in health.items() if state != "Healthy"}
        insights = [{"kind": "health", "description": f"{name} is {state}"} for name, state in sorted(unwell.items())]
        return Done({"health": health, "retries": drained}, insights)

    async def adaptive(self, _given: CycleInput) -> Done:
        """Consolidates memories, and takes in how functions of plugins did."""
        moved = dict(await self._chores.consolidate()) if self._chores.consolidate else {}
        notes = await asyncio.to_thread(self._chores.learn) if self._chores.learn else ()
        rates = {
            one.ref: {"calls": one.calls, "failures": one.failures, "p95_s": one.p95_s}
            for one in sorted(notes, key=lambda one: -one.calls)[:_MOST_INSIGHTS]
        }
        insights = await asyncio.to_thread(self._told, notes)
        return Done({"moved": moved, "skills_updated": len(notes), "skills": rates}, insights[:_MOST_INSIGHTS])

    def _told(self, notes: Sequence[SkillRow]) -> list[dict[str, Any]]:
        return [told for one in notes for told in _about(one, self._limit_s(one.ref))]

    async def deliberative(self, given: CycleInput) -> Done:
        """Gives tasks to intelligences, consolidates what they left, and sums up."""
        staff = await asyncio.to_thread(self._chores.staff) if self._chores.staff else ()
        plan = await asyncio.to_thread(assign, given.data.get("tasks"), staff)  # a thousand times ten thousand
        moved = dict(await self._chores.consolidate()) if self._chores.consolidate else {}
        digest = dict(await asyncio.to_thread(self._chores.measure)) if self._chores.measure else {}
        unready = sorted({one["name"] for one in plan["assignments"] if not one["ready"]})
        goals = [f"find somebody for {one['task']}: {one['reason']}" for one in plan["unmatched"][:20]]
        goals += [f"make {name} ready: see what it lacks" for name in unready[:20]]
        return Done({**plan, "moved": moved, "digest": digest}, (), goals)

    async def evolutionary(self, given: CycleInput) -> Done:
        """Compares the measures of this week with those before, and keeps what follows as Strategic memories."""
        now = self._clock.now()
        week = week_of(now)
        own = dict(await asyncio.to_thread(self._chores.measure)) if self._chores.measure else {}
        measured = {**own, **numbers_of(given.data)}
        told = set((await asyncio.to_thread(self._table.measured, week)).get("told", ()))
        before = await asyncio.to_thread(self._table.measured_before, week)
        changes, proposals = compare(measured, before[1].get("numbers", {})) if before else ({}, [])
        kept = await self._remembered([one for one in proposals if one.name not in told])
        document = {"numbers": measured, "told": sorted(told | {one.name for one in proposals})}
        await asyncio.to_thread(self._table.measure, week, document, now)
        insights = [
            {"kind": "improvement", "description": one.description, "importance": one.importance} for one in proposals
        ]
        results: dict[str, Any] = {"week": week, "compared_with": before[0] if before else None}
        return Done({**results, "measures": measured, "changes": changes, "memories": kept}, insights)

    async def _remembered(self, proposals: Sequence[Proposal]) -> list[str]:
        """Keeps each proposal once a week, however often the lane runs in it."""
        remember = self._chores.remember
        return [await remember(one.description, one.importance) for one in proposals] if remember else []

    async def transformative(self, _given: CycleInput) -> Done:
        """Audits capabilities, unused plugins and interfaces. It proposes, and changes nothing."""
        plugins = await asyncio.to_thread(self._chores.survey) if self._chores.survey else ()
        versions = dict(await asyncio.to_thread(self._chores.versions))
        findings = audit(plugins)
        kinds: dict[str, int] = {}
        for one in findings:
            kinds[one["kind"]] = kinds.get(one["kind"], 0) + 1
        insights = [
            {"kind": "proposal", "description": f"{one['plugin']}: {one['fact']}; {one['proposal']}"}
            for one in findings[:_MOST_INSIGHTS]
        ]
        return Done({"plugins": len(plugins), "versions": versions, "findings": kinds, "list": findings}, insights)

    async def transcendent(self, _given: CycleInput) -> Done:
        """Writes an archive of all that is kept, and looks whether the older ones are whole."""
        export, folder = self._chores.export, self._chores.archives
        if export is None or folder is None:
            return Done(problem="this host has no folder for archives")
        return await asyncio.to_thread(self._archive, export, folder)

    def _limit_s(self, ref: str) -> float:
        return self._chores.limit_s(ref) if self._chores.limit_s else 0.0

    def _archive(self, export: Callable[[Path], Mapping[str, int]], folder: Path) -> Done:
        now = self._clock.now()
        checks = {old.name: verify(old) for old in old_bundles(folder)}
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        name = f"{stamp}-{new_id('arc')}"
        bundle = write_bundle(folder, name, export, at=now, versions=self._chores.versions())
        broken = {name: problems[:20] for name, problems in checks.items() if problems}
        whole = [name for name, problems in checks.items() if not problems]
        for name in whole[: max(0, len(whole) - (self._kept - 1))]:  # one that is broken stays, to be looked at
            shutil.rmtree(folder / name, ignore_errors=True)
        results = {
            "bundle": bundle.path.name,
            "sha256": bundle.digest,
            "files": bundle.files,
            "counts": dict(bundle.counts),
            "verified": len(checks),
            "broken": broken,
        }
        insights = [
            {"kind": "archive", "description": f"{name} is not whole: {problems[0]}"}
            for name, problems in sorted(broken.items())
        ]
        return Done(results, insights)


def _about(note: SkillRow, limit_s: float) -> list[dict[str, Any]]:
    found = []
    if note.calls >= _LEAST_SKILL_CALLS and note.failures >= note.calls * _POOR_RATE:
        text = f"{note.ref} failed {note.failures} of {note.calls} times; alternates are preferred"
        found.append({"kind": "skill", "description": text})
    if limit_s and note.p95_s >= limit_s * _NEAR_DEADLINE:
        text = f"{note.ref} takes up to {note.p95_s:.3g} s of the {limit_s:.3g} s it may; raise its limits"
        found.append({"kind": "timeout", "description": text})
    return found
