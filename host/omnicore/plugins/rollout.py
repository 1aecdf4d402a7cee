"""`Rollouts`: new versions that get more and more of a plugin's calls, and are taken back when a guard trips.

The order and its progress are a row of the database, so that any host carries it on. One host does at a time: it holds
a lease on the row, and each change is a compare-and-set. A step is written down before it is carried out.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from omnicore.errors import CallerError, Conflict, InvalidInput, NotFound, OmniError
from omnicore.plugins.view import percentile_ms
from omnicore.records import Meta, Record, Seconds, replace
from omnicore.storage.tables.plugins import PluginRow, Rollout, RolloutCount, RolloutsTable

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.events.bus import EventBus
    from omnicore.plugins.host import PluginHost
    from omnicore.plugins.view import PluginView
    from omnicore.storage.store import Store


LEAST_CALLS = 100
"""Calls of a version in a step before a guard judges it: of fewer, a single error is over 1 %, and p95 is a guess."""
_LEASE_S = 10.0
_LOOK_S = 1.0
_STOP_S = 5.0
_LEAST_HASH = 8
_TRIES = 5  # the host that carries it changes the row once in five seconds
_MOST_STEPS, _MOST_GUARDS = 20, 8
_LONGEST_S = 30 * 86400.0
_FOR_EVER = 253_370_764_800.0
"""The end of the lease of a rollout that rests, in the year 9999: hosts of a version without pauses leave it alone."""
_GUARD = re.compile(r"(?:(errors)\s*<\s*(\d{1,3}(?:\.\d{1,4})?)(%)|(p95)\s*<\s*(\d{1,6}(?:\.\d{1,4})?)(x|ms|s))")

_log = logging.getLogger("omnicore.plugins")


class RolloutOrder(Record, frozen=True):
    """A version that is to get the calls of a plugin step by step."""

    version: Annotated[str, Meta(description="A version that is kept, or the first 8 characters or more of its hash.")]
    shares: Annotated[tuple[int, ...], Meta(description="Per cent of the calls, rising; the last is 100.")] = (
        5,
        25,
        100,
    )
    every_s: Annotated[Seconds, Meta(description="The time that a step lasts at least.")] = 600.0
    guards: Annotated[
        tuple[str, ...],
        Meta(description="Conditions: errors<1%; p95<200ms or p95<2s; p95<2x, against the version that served."),
    ] = ()


@dataclass(frozen=True, slots=True)
class RolloutGuard:
    """A condition on the calls of the new version."""

    text: str
    figure: Literal["errors", "p95"]
    limit: float
    unit: Literal["%", "x", "ms", "s"]


class GuardReading(Record, frozen=True):
    """A guard and the figures that it judges, all of one unit: per cent of errors, or milliseconds of p95."""

    guard: Annotated[str, Meta(description="The guard, as it was given.")]
    figure: Literal["errors", "p95"]
    state: Annotated[
        Literal["holds", "waits", "failed"], Meta(description="waits: not enough calls in this step yet to judge.")
    ]
    measured: Annotated[float | None, Meta(description="Of the new version, in per cent or milliseconds.")]
    before: Annotated[float | None, Meta(description="Of the version that served, for comparison.")]
    most: Annotated[float | None, Meta(description="What the new version must stay below; null while it is unknown.")]
    says: Annotated[str, Meta(description="Why it waits or failed.")] = ""


class VersionFigures(Record, frozen=True):
    """Calls of one version in the present step, at all hosts, without those that their callers spoiled."""

    hash: str
    version: str
    share: Annotated[int, Meta(description="Per cent of the calls.")]
    calls: int
    errors: Annotated[int, Meta(description="Calls that the version failed.")]
    p95_ms: Annotated[float | None, Meta(description="No call in 20 took longer; null without calls.")]


class RolloutProgress(Record, frozen=True):
    """A rollout as it goes on."""

    rollout: Rollout
    share: Annotated[int, Meta(description="Per cent of the calls that the new version has now.")]
    next_at: Annotated[
        float | None, Meta(description="When the next step is taken, at the soonest; null where none follows.")
    ]
    before: VersionFigures
    after: VersionFigures
    guards: tuple[GuardReading, ...]


class RolloutList(Record, frozen=True):
    """The rollouts under way."""

    items: tuple[RolloutProgress, ...]


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """The judgement on a step. `failed` says which guard tripped, `waits` what is missing for a judgement."""

    failed: str = ""
    waits: str = ""


def read_guard(text: str) -> RolloutGuard:
    """A guard such as `errors<1%`. Raises: InvalidInput."""
    found = _GUARD.fullmatch(text.strip())
    figure, limit, unit = [one for one in found.groups() if one is not None] if found else ("", "0", "")
    if float(limit) <= 0 or (unit == "%" and float(limit) > 100):
        raise InvalidInput(
            f"{text[:80]!r} is not a guard", remedy="write errors<1%, p95<200ms, p95<2s or p95<2x", path="guards"
        )
    return RolloutGuard(text.strip(), figure, float(limit), unit)  # type: ignore[arg-type]  # the pattern has these words


def check_order(order: RolloutOrder) -> None:
    """Checks an order. Raises: InvalidInput, with its path."""
    shares = order.shares
    rises = all(low < high for low, high in zip((0, *shares), shares, strict=False))
    if not rises or not shares or shares[-1] != 100 or len(shares) > _MOST_STEPS:
        raise InvalidInput(
            "these are no shares of a rollout",
            remedy=f"give up to {_MOST_STEPS} rising whole numbers, the last of them 100",
            path="shares",
        )
    if not 1 <= order.every_s <= _LONGEST_S:
        raise InvalidInput("a step cannot last so long", remedy="give 1 second to 30 days", path="every_s")
    if len(order.guards) > _MOST_GUARDS:
        raise InvalidInput("these are too many guards", remedy=f"give up to {_MOST_GUARDS}", path="guards")
    for text in order.guards:
        read_guard(text)


def division(rollout: Rollout) -> Mapping[str, int]:
    """The shares of calls that the present step wants, by hash."""
    percent = rollout.shares[rollout.step] if rollout.step >= 0 else 0
    wanted = {rollout.before: 100 - percent, rollout.digest: percent}
    return {hash_: share for hash_, share in wanted.items() if share}


def judge(rollout: Rollout, counts: Sequence[RolloutCount]) -> StepVerdict:
    """The judgement of all guards on the calls that all hosts have counted in a step."""
    found = readings(rollout, counts)
    failed = next((one.says for one in found if one.state == "failed"), "")
    return StepVerdict(failed) if failed else StepVerdict(waits=next((one.says for one in found if one.says), ""))


def readings(rollout: Rollout, counts: Sequence[RolloutCount]) -> tuple[GuardReading, ...]:
    """Each guard, and how it stands."""
    new, old = _total(counts, rollout.digest), _total(counts, rollout.before)
    return tuple(_reading(guard, new, old) for guard in map(read_guard, rollout.guards))


def _reading(guard: RolloutGuard, new: RolloutCount, old: RolloutCount) -> GuardReading:
    measured, before = (_figure(guard, one) for one in (new, old))
    most: float | None = guard.limit * (1000 if guard.unit == "s" else 1)
    if guard.unit == "x":
        most = guard.limit * before if before is not None else None
    state: Literal["holds", "waits", "failed"] = "holds"
    few = next((one for one in ((new, old) if guard.unit == "x" else (new,)) if one.calls < LEAST_CALLS), None)
    says = ""
    if few is not None:
        state, says = "waits", f"{guard.text} waits for {LEAST_CALLS} calls of version {few.hash[:8]} in this step"
    elif measured is not None and most is not None and measured >= most:
        shown = f"{measured:.2f} % of the calls failed" if guard.figure == "errors" else f"p95 is {measured:.3g} ms"
        if guard.unit == "x":
            shown += f", and {before:.3g} ms with the version before"
        state, says = "failed", f"guard {guard.text}: {shown}, in {new.calls} calls"
    return GuardReading(guard.text, guard.figure, state, measured, before, most, says)


def _figure(guard: RolloutGuard, count: RolloutCount) -> float | None:
    """Per cent of errors, or p95 in milliseconds; None without calls."""
    if guard.figure == "p95":
        return percentile_ms(count.durations, 0.95)
    return 100 * count.errors / count.calls if count.calls else None


def _total(counts: Sequence[RolloutCount], hash_: str) -> RolloutCount:
    found = [one for one in counts if one.hash == hash_]
    durations = tuple(map(sum, zip(*(one.durations for one in found if one.durations), strict=False)))
    calls, errors = sum(one.calls for one in found), sum(one.errors for one in found)
    return RolloutCount("", "", hash_, 0.0, calls, errors, durations or (0,))


class Rollouts:
    """Rollouts of new versions on the hosts of one database. Usable from any thread.

    Args:
        host: the name by which this host holds leases.
        work: True to carry rollouts on in this process; a command that only gives orders leaves them to the server.
    Owns: a thread, while a rollout is under way.
    """

    def __init__(
        self, plugins: PluginHost, store: Store, events: EventBus, clock: Clock, *, host: str, work: bool = True
    ) -> None:
        self._plugins, self._table, self._events, self._clock = plugins, RolloutsTable(store), events, clock
        self._host, self._work = host, work
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._again = False

    async def start(self) -> None:
        """Carries on rollouts that were under way."""
        if self._work:
            self._plugins.routes.following.append(self._followed)
            if await asyncio.to_thread(self._table.running):
                self._wake()

    async def stop(self) -> None:
        """Leaves rollouts to other hosts."""
        self._ended.set()
        thread = self._thread
        if thread is not None:
            await asyncio.to_thread(thread.join, _STOP_S)

    def of(self, name: str) -> Rollout | None:
        """The last rollout of a plugin, under way or ended; None when there was none."""
        return self._table.of(name)

    def progress(self, name: str) -> RolloutProgress:
        """The last rollout of a plugin, with what its guards measure. Raises: NotFound: no plugin, or no rollout."""
        self._plugins.get(name)
        rollout = self._table.of(name)
        if rollout is None:
            raise NotFound(f"{name} had no rollout", remedy=f"begin one with `omnicore plugins rollout {name} VERSION`")
        return self._progress(rollout)

    def under_way(self) -> RolloutList:
        """The rollouts under way, by plugin."""
        return RolloutList(tuple(map(self._progress, self._table.running())))

    def begin(self, name: str, order: RolloutOrder, *, who: str) -> Rollout:
        """Begins to give a version the calls of a plugin: its first share at once, each further one after `every_s`.

        While guards are given, a step also lasts until each could be judged (100 calls). A guard that trips gives all
        calls back to the version that served. So does a quarantine at any host. A division, install or rollback by
        hand ends it.

        Raises:
            NotFound: no such plugin or version. InvalidInput: the order is wrong.
            Conflict: one is under way, no version serves, the version serves already, or it lacks a grant.
        """
        check_order(order)
        view = self._plugins.get(name)
        if view.serving is None or view.shares is not None or view.trust == "native":
            raise Conflict(
                f"{name} has no single version that serves",
                remedy=f"see `omnicore plugins show {name}`, and give one version all calls first",
            )
        rollout = self._first(view, order, who)
        if not self._table.begin(rollout):
            raise Conflict(
                f"a rollout of {name} is under way", remedy=f"stop it with `omnicore plugins rollout {name} --stop`"
            )
        try:
            self._apply(rollout, view)
        except OmniError as error:
            self._end(self._table.of(name), "stopped", f"it could not begin: {error.fact}")
            raise
        self._wake()
        return self._table.of(name) or rollout

    def abort(self, name: str, *, who: str) -> Rollout:
        """Stops the rollout of a plugin: the version that served before gets all calls.

        Raises: NotFound: no such plugin. Conflict: no rollout is under way, or another host changes it now.
        """
        return self._decided(name, lambda rollout: self._back(rollout, "stopped", f"stopped by {who}"))

    def pause(self, name: str, *, who: str) -> Rollout:
        """Leaves the rollout of a plugin at its share until it is resumed, also through restarts of all hosts.

        Guards and quarantines go on to give all calls back. Raises: as `resume`.
        """
        return self._decided(name, lambda rollout: self._paused(rollout, who))

    def resume(self, name: str, *, who: str) -> Rollout:
        """Carries on a rollout that was paused: the present step lasts as much longer as it rested.

        Raises: NotFound: no such plugin. Conflict: no rollout is under way, it goes back already, it is paused (or is
            not) already, or another host changes it now.
        """
        return self._decided(name, lambda rollout: self._resumed(rollout, who))

    def promote(self, name: str, *, who: str) -> Rollout:
        """Gives the new version all calls of a plugin at once; nothing is judged any more.

        Raises:
            NotFound: no such plugin. Conflict: no rollout is under way, it goes back already, another host changes it
                now, or the version lacks a grant.
        """
        return self._decided(name, lambda rollout: self._promoted(rollout, who))

    def look(self) -> bool:
        """One round: stores what this host has counted, and carries on what no other host does.

        Returns: True while a rollout is under way. Raises: StorageFailed.
        """
        running = self._table.running()
        for rollout in running:
            self._count(rollout)
            if not rollout.ends and rollout.digest in self._plugins.routes.tripped(rollout.plugin):
                self._back(rollout, "rolled-back", self._quarantined(rollout))  # whichever host carries it
                continue
            mine = self._claim(rollout)
            if mine is not None:
                self._carry(mine)
        return bool(running)

    # -- inner parts

    def _decided(self, name: str, decide: Callable[[Rollout], bool]) -> Rollout:
        """The rollout after a decision by hand. Raises: NotFound, Conflict."""
        self._plugins.get(name)
        for _ in range(_TRIES):
            rollout = self._table.of(name)
            if rollout is None or rollout.state != "running":
                raise Conflict(f"no rollout of {name} is under way", remedy=f"see `omnicore plugins show {name}`")
            if decide(rollout):
                return self._table.of(name) or rollout
        raise Conflict(f"the rollout of {name} changes at this moment", remedy="try again")

    def _promoted(self, rollout: Rollout, who: str) -> bool:
        """Takes the last step now; False when another host changed the rollout first. Raises: Conflict."""
        if rollout.ends:
            raise Conflict(f"the rollout of {rollout.plugin} goes back", remedy="begin it anew")
        last, now = len(rollout.shares) - 1, self._clock.now()
        going = self._goes_on(rollout)
        following = replace(going, step=last, step_at=now, applied=False, reason=f"promoted by {who}")
        changed = self._table.change(following)
        if changed is None:
            return False
        self._apply(changed, self._plugins.get(rollout.plugin))
        return True

    def _paused(self, rollout: Rollout, who: str) -> bool:
        """Lets a rollout rest; False when another host changed it first. Raises: Conflict."""
        if rollout.ends or rollout.paused_at is not None:
            why = "goes back" if rollout.ends else "is paused"
            raise Conflict(f"the rollout of {rollout.plugin} {why} already", remedy="see `omnicore plugins show`")
        rests = replace(rollout, paused_at=self._clock.now(), reason=f"paused by {who}")
        changed = self._table.change(replace(rests, carrier="", carried_until=_FOR_EVER))
        return self._told(changed, who)

    def _resumed(self, rollout: Rollout, who: str) -> bool:
        """Ends the rest of a rollout; False when another host changed it first. Raises: Conflict."""
        if rollout.paused_at is None:
            raise Conflict(f"the rollout of {rollout.plugin} is not paused", remedy="see `omnicore plugins show`")
        now = self._clock.now()
        rested = rollout.paused_s + now - rollout.paused_at
        goes_on = replace(rollout, paused_at=None, paused_s=rested, reason="")
        changed = self._table.change(replace(goes_on, carrier=self._host, carried_until=now + _LEASE_S))
        self._wake()
        return self._told(changed, who)

    def _goes_on(self, rollout: Rollout) -> Rollout:
        """A rollout that rests no more, in the hands of this host; one that does not rest is as it was."""
        if rollout.paused_at is None:
            return rollout
        until = self._clock.now() + _LEASE_S
        return replace(rollout, paused_at=None, paused_s=0.0, carrier=self._host, carried_until=until)

    def _told(self, changed: Rollout | None, who: str) -> bool:
        if changed is not None:
            names = {"name": changed.plugin, "version": changed.digest, "paused": changed.paused_at is not None}
            self._events.publish("plugin.rollout-paused", {**names, "who": who})
        return changed is not None

    def _progress(self, rollout: Rollout) -> RolloutProgress:
        counts = self._table.counts(rollout)
        share = rollout.shares[rollout.step] if rollout.step >= 0 else 0
        follows = rollout.state == "running" and 0 <= rollout.step < len(rollout.shares) - 1
        return RolloutProgress(
            rollout,
            share,
            rollout.step_at + rollout.every_s + rollout.paused_s if follows and rollout.paused_at is None else None,
            self._figures(rollout, rollout.before, 100 - share, counts),
            self._figures(rollout, rollout.digest, share, counts),
            readings(rollout, counts),
        )

    def _figures(self, rollout: Rollout, digest: str, share: int, counts: Sequence[RolloutCount]) -> VersionFigures:
        try:
            kept = self._plugins.versions(rollout.plugin)
        except NotFound:  # the plugin was removed at this moment
            kept = ()
        named = next((one.version for one in kept if one.hash == digest), "")
        total = _total(counts, digest)
        return VersionFigures(digest, named, share, total.calls, total.errors, percentile_ms(total.durations, 0.95))

    def _first(self, view: PluginView, order: RolloutOrder, who: str) -> Rollout:
        """A rollout at its first step, carried by this host. Raises: NotFound, Conflict: no such version."""
        digest = self._version(view, order.version)
        now = self._clock.now()
        return Rollout(
            plugin=view.name,
            version=order.version,
            digest=digest,
            before=view.serving or "",
            shares=order.shares,
            every_s=order.every_s,
            guards=order.guards,
            who=who,
            began_at=now,
            step_at=now,
            carrier=self._host,
            carried_until=now + _LEASE_S,
        )

    def _version(self, view: PluginView, text: str) -> str:
        """The hash of a version that is kept and does not serve. Raises: NotFound, Conflict."""
        kept = self._plugins.versions(view.name)
        named = [one for one in kept if one.version == text]
        if len(text) >= _LEAST_HASH:
            named += [one for one in kept if one.hash.startswith(text) and one not in named]
        found = [one.hash for one in named if one.hash != view.serving]
        if len(found) == 1:
            return found[0]
        remedy = f"see `omnicore plugins versions {view.name}`"
        if named and not found:
            raise Conflict(f"version {text[:64]} of {view.name} serves already", remedy=remedy)
        if found:
            raise Conflict(f"{text[:64]} names {len(found)} versions of {view.name}", remedy=f"give a hash; {remedy}")
        raise NotFound(f"no version {text[:64]} of {view.name} is kept", remedy=remedy)

    def _followed(self, row: PluginRow) -> None:
        if row.shares:  # decided at whichever host, perhaps by a rollout
            self._wake()

    def _wake(self) -> None:
        """Has a thread look once a second while a rollout is under way."""
        with self._lock:
            self._again = True
            if self._work and self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._run, name="omnicore-rollouts", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self._again = False
            under_way = True
            try:
                under_way = self.look()
            except (OmniError, OSError) as error:
                _log.warning("rollouts of plugins cannot be carried on now: %s", error)
            except Exception:
                _log.exception("rollouts of plugins cannot be carried on")
            with self._lock:
                if not under_way and not self._again:
                    self._thread = None
                    return

    def _count(self, rollout: Rollout) -> None:
        counts = []
        for hash_, tally in self._plugins.routes.counted(rollout.plugin).items():
            calls, errors, durations = tally.totals() if tally is not None else (0, 0, [])
            key = (self._host, rollout.plugin, hash_, rollout.step_at)
            counts.append(RolloutCount(*key, calls, errors, tuple(durations)))
        if counts:
            self._table.count(counts)

    def _claim(self, rollout: Rollout) -> Rollout | None:
        """The rollout when this host carries it on; None when another one does. All watch one that rests."""
        now = self._clock.now()
        if rollout.paused_at is not None:
            return rollout
        # A lease is renewed in its second half, so that a rollout at rest writes every 5 s.
        if rollout.carrier == self._host and now < rollout.carried_until - _LEASE_S / 2:
            return rollout
        if rollout.carrier != self._host and now < rollout.carried_until:
            return None
        return self._table.change(replace(rollout, carrier=self._host, carried_until=now + _LEASE_S))

    def _carry(self, rollout: Rollout) -> None:
        try:
            view = self._plugins.get(rollout.plugin)
        except NotFound:
            self._end(rollout, "stopped", "the plugin was removed")
            return
        if not _is_ours(rollout, view):
            self._end(rollout, "stopped", "somebody decided about the plugin's versions")
        elif not rollout.applied:
            try:
                self._apply(rollout, view)
            except CallerError as error:
                self._refused(rollout, error)
        else:
            self._step(rollout, view)

    def _quarantined(self, rollout: Rollout) -> str:
        last = self._plugins.get(rollout.plugin).last_error
        return f"quarantine: version {rollout.digest[:8]} failed too often" + (f", {last['message']}" if last else "")

    def _step(self, rollout: Rollout, view: PluginView) -> None:
        """Judges a step, and takes the next one when this one has lasted long enough."""
        verdict = judge(rollout, self._table.counts(rollout))
        if verdict.failed:
            self._back(rollout, "rolled-back", verdict.failed)
            return
        if rollout.paused_at is not None:
            return
        waits = verdict.waits if view.state == "enabled" else f"the plugin is {view.state}"
        if waits or self._clock.now() - rollout.step_at < rollout.every_s + rollout.paused_s:
            if waits != rollout.reason:
                self._table.change(replace(rollout, reason=waits))
            return
        now = self._clock.now()
        following = replace(rollout, step=rollout.step + 1, step_at=now, paused_s=0.0, applied=False, reason="")
        changed = self._table.change(following)
        if changed is not None:
            self._apply(changed, view)

    def _apply(self, rollout: Rollout, view: PluginView) -> None:
        """Carries out a step that was written down. Raises: as `PluginHost.divide`."""
        wanted = division(rollout)
        if view.shares != wanted and not (len(wanted) == 1 and view.shares is None and view.serving in wanted):
            self._plugins.divide(rollout.plugin, wanted, who=rollout.who, revision=view.revision)
        if rollout.ends or wanted == {rollout.digest: 100}:
            self._end(rollout, rollout.ends or "done", rollout.reason)
        else:
            self._table.change(replace(rollout, applied=True))

    def _back(self, rollout: Rollout, ends: str, reason: str) -> bool:
        """Gives all calls to the version before; False when another host changed the rollout first."""
        back = replace(self._goes_on(rollout), step=-1, applied=False, ends=ends, reason=reason)
        changed = self._table.change(back)
        if changed is None:
            return False
        with suppress(CallerError):  # it is tried again, whoever carries it then
            self._apply(changed, self._plugins.get(rollout.plugin))
        return True

    def _refused(self, rollout: Rollout, error: CallerError) -> None:
        """Ends a step that cannot be carried out; one that was decided by somebody else meanwhile is seen next time."""
        if "revision" in error.details:
            return
        if rollout.step > 0:
            self._back(rollout, "rolled-back", f"share refused: {error.fact}")
        else:
            self._end(rollout, rollout.ends or "stopped", f"{rollout.reason} {error.fact}".strip())

    def _end(self, rollout: Rollout | None, state: str, reason: str) -> None:
        if rollout is None:
            return
        ended = replace(rollout, state=state, reason=reason, ended_at=self._clock.now(), applied=True)
        if self._table.change(ended) is not None:
            names = {"name": rollout.plugin, "version": rollout.digest, "state": state, "reason": reason}
            self._events.publish("plugin.rollout-ended", {**names, "who": rollout.who})


def _is_ours(rollout: Rollout, view: PluginView) -> bool:
    """True while the plugin's calls are divided as a step of the rollout wants, or as it was before the first."""
    if view.shares is None:
        return not rollout.applied and view.serving in (None, rollout.before, rollout.digest)
    if rollout.applied:
        return dict(view.shares) == dict(division(rollout))
    steps = (division(replace(rollout, step=step)) for step in range(len(rollout.shares)))
    return dict(view.shares) in map(dict, steps)
