"""What each lane does by itself, without any model: six duties; the reflexive one is in `reflexive.py`."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omnicore.clock import Clock
from omnicore.ids import new_id
from omnicore.loops.archive import old_bundles, verify, write_bundle
from omnicore.loops.assignment import assign
from omnicore.loops.audit import audit
from omnicore.loops.chores import Chores
from omnicore.loops.comparison import Proposal, compare, numbers_of, week_of
from omnicore.loops.cycle import CycleInput
from omnicore.loops.lane import LoopType
from omnicore.loops.running import Done, Duty
from omnicore.storage.tables.intelligences import SkillRow
from omnicore.storage.tables.loops import LoopsTable

__all__ = ["Duties"]

_MOST_INSIGHTS = 100
_NEAR_DEADLINE = 0.8
_POOR_RATE = 0.5
_LEAST_CALLS = 10


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
    if note.calls >= _LEAST_CALLS and note.failures >= note.calls * _POOR_RATE:
        text = f"{note.ref} failed {note.failures} of {note.calls} times; alternates are preferred"
        found.append({"kind": "skill", "description": text})
    if limit_s and note.p95_s >= limit_s * _NEAR_DEADLINE:
        text = f"{note.ref} takes up to {note.p95_s:.3g} s of the {limit_s:.3g} s it may; raise its limits"
        found.append({"kind": "timeout", "description": text})
    return found
