"""`Evolutions`: searches for better architectures of workflows, carried on by one host at a time, and promotion.

A candidate is judged by ordinary runs: each case is a trial run of the candidate's document whose key names search,
candidate and case, so that a search that was interrupted begins no run twice. Expectations never leave this module:
runs see inputs only, and the score is computed outside of their sandboxes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from omnicore.errors import (
    CallCancelled,
    Conflict,
    DeadlineExceeded,
    InvalidInput,
    NotFound,
    OmniError,
    StorageFailed,
    Unavailable,
    WorkflowFailed,
)
from omnicore.evolution.architecture import (
    DRAWN,
    EvolutionCanary,
    EvolutionOrder,
    check_order,
    division,
    document_with,
    example_places,
    granted,
    lower_bound,
    powers,
    score,
    scripts_of,
    value_at,
    verdict,
)
from omnicore.evolution.reflection import (
    MOST_FAILURES,
    REFLECTED,
    FailedCase,
    Unusable,
    chat_document,
    question,
    tokens_of,
    value_of,
)
from omnicore.evolution.search import MODEL, Examples, Search, judged
from omnicore.ids import new_id
from omnicore.optional import optional
from omnicore.records import decode, replace, view
from omnicore.storage.tables.evolution import Evolution, EvolutionCandidate, EvolutionTable, Genes
from omnicore.storage.tables.workflow_definitions import keep_document
from omnicore.workflows.journal_records import Beginning, ordered
from omnicore.workflows.language.graph import name_of
from omnicore.workflows.runs import TriedVersion

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.events.bus import EventBus
    from omnicore.plugins.host import PluginHost
    from omnicore.storage.store import Store
    from omnicore.workflows.language.graph import WorkflowGraph
    from omnicore.workflows.service import Workflows

_LEASE_S = 60.0
_LOOK_S = 30.0
_FLIGHTS = 4
_RUNG = 5  # a fifth of the cases says whether the rest is worth while
_SLACK = 0.15
_FINALISTS = 5
_MOST_RUNNING = 100
_KEY_S = 7 * 86_400.0
_WARM_S = 180.0
_TRIAL_S = 1.0

_log = logging.getLogger("omnicore.evolution")


class Evolutions:
    """Searches on the hosts of one database. Coroutines are for the host's event loop.

    Args:
        host: the name by which this host holds leases.
        work: True to carry searches on in this process.
    """

    def __init__(
        self,
        workflows: Workflows,
        plugins: PluginHost,
        store: Store,
        events: EventBus,
        clock: Clock,
        *,
        host: str,
        work: bool,
    ) -> None:
        self._workflows, self._plugins, self._events, self._clock = workflows, plugins, events, clock
        self._table, self._host, self._work = EvolutionTable(store), host, work
        self._shared = store.dialect == "postgresql"
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._canaries = _Canaries(self)

    async def start(self) -> None:
        """Carries on searches that were under way, and trials of what was promoted."""
        if self._work:
            await self._canaries.start()
            self._wake.set()
            self._task = asyncio.create_task(self._carry_on(), name="omnicore-evolution")

    async def stop(self) -> None:
        """Leaves searches to other hosts, or to the next start."""
        await self._canaries.stop()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # -- people

    async def begin(self, order: EvolutionOrder, *, who: str) -> Evolution:
        """Begins a search. It is kept when this returns, and goes on after a restart.

        Raises: WorkflowInvalid: the workflow cannot be read. InvalidInput: the order is wrong, with `path`.
            ToolMissing: a knob needs a package. Unavailable: no host carries searches on. Conflict: too many do.
        """
        if not self._work:
            raise Unavailable("a search needs a host that goes on running", remedy="start one: omnicore run")
        graph = await self._workflows.definitions.compile(order.workflow)
        check_order(order, graph.document)
        if any(one.kind in DRAWN for one in order.knobs):
            await asyncio.to_thread(_optuna)
        running = await asyncio.to_thread(self._table.running)
        if running >= _MOST_RUNNING:
            raise Conflict(f"{running} searches are under way", remedy="wait for one to end, or stop one")
        one = Evolution(
            id=new_id("evo"),
            workflow=name_of(graph.name, graph.namespace),
            task=view(replace(order, workflow=None)),
            document=graph.document,
            state="running",
            reason="",
            who=who,
            wanted=order.candidates,
            count=0,
            best=None,
            gain=None,
            least_gain=None,
            promoted=None,
            before=None,
            created_at=self._clock.now(),
            ended_at=None,
            carrier="",
            carried_until=0.0,
        )
        await asyncio.to_thread(self._table.begin, one)
        self._wake.set()
        return one

    async def get(self, id_: str) -> Evolution:
        """A search. Raises: NotFound."""
        found = await asyncio.to_thread(self._table.get, id_)
        if found is None:
            raise NotFound(f"there is no search {id_[:64]}", remedy="see `omnicore evolve ls`")
        return found

    async def page(self, *, limit: int = 100, cursor: str = "") -> tuple[Sequence[Evolution], str | None]:
        """Searches, the newest first, and where the next page begins."""
        found = await asyncio.to_thread(lambda: self._table.page(before=cursor, limit=limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def candidates(
        self, id_: str, *, limit: int = 100, cursor: int = -1
    ) -> tuple[Sequence[EvolutionCandidate], int | None]:
        """Candidates of a search in their order, and the number after which the next page begins. Raises: NotFound."""
        await self.get(id_)
        found = await asyncio.to_thread(lambda: self._table.candidates(id_, after=cursor, limit=limit + 1))
        return found[:limit], found[limit - 1].number if len(found) > limit else None

    async def document(self, id_: str, number: int) -> Mapping[str, Any]:
        """The workflow document of a candidate. Raises: NotFound. InvalidInput: it has none."""
        one = await self.get(id_)
        found = await asyncio.to_thread(self._table.candidate, id_, number)
        if found is None:
            raise NotFound(f"{id_} has no candidate {number}", remedy=f"see `omnicore evolve candidates {id_}`")
        return document_with(_order(one), one.document, found.genes)

    async def end(self, id_: str, *, who: str) -> Evolution:
        """Stops a search; its candidates stay, none is proposed. Raises: NotFound. Conflict: it has ended."""
        one = await self.get(id_)
        ended = replace(one, state="stopped", reason=f"stopped by {who}", ended_at=self._clock.now())
        if not await asyncio.to_thread(self._table.end, ended):
            raise Conflict(f"{id_} has ended already", remedy="there is nothing left to stop")
        self._wake.set()
        return await self.get(id_)

    async def promote(self, id_: str, *, who: str, canary: EvolutionCanary | None = None) -> Evolution:
        """Makes the best candidate the next version of the workflow, if it was shown to be better.

        Args: canary: the trial on a share of the runs that comes first; without one it serves all at once.

        Raises: NotFound. Conflict: the search has not shown a gain, or the workflow was changed since it began.
        """
        one = await self.get(id_)
        if one.best is None or one.promoted is not None:
            fact = "was promoted already" if one.promoted is not None else "has no candidate to promote"
            raise Conflict(f"{id_} {fact}", remedy=f"see `omnicore evolve show {id_}`")
        present = await self._present(one.workflow)
        if present is not None and present.document != one.document:
            raise Conflict(
                f"{one.workflow} was changed since the search began",
                remedy="begin a search from the present version, which this one has not been compared with",
            )
        document = await self.document(id_, one.best)
        if present is None:  # so that there is something to go back to
            present = await self._workflows.apply(one.document, by=who)
        kept = await self._workflows.apply(document, by=who, digest=present.digest)
        one = replace(one, promoted=one.best, before=present.number, version=kept.number)
        one = replace(one, promoted_at=self._clock.now())
        if canary is not None:
            one = replace(one, share=canary.share, runs=canary.runs)
        await asyncio.to_thread(self._table.promote, one)
        await self._canaries.look()
        if canary is None:
            await self.told(one)
        return await self.get(id_)

    async def told(self, one: Evolution) -> None:
        """Tells that a promoted candidate serves all runs."""
        best = await asyncio.to_thread(self._table.candidate, one.id, one.promoted or 0)
        said = {"id": one.workflow, "generation": one.version, "fitness": best.quality if best else 0.0}
        self._events.publish("architecture.evolved", said)

    async def roll_back(self, id_: str, *, who: str, reason: str = "") -> Evolution:
        """Makes the workflow as it was before the promotion its next version.

        Args: reason: why, for those who look at the search.

        Raises: NotFound. Conflict: nothing of it is promoted, or the workflow was changed since.
        """
        one = await self.get(id_)
        if one.promoted is None or one.before is None:
            raise Conflict(f"nothing of {id_} is promoted", remedy=f"see `omnicore evolve show {id_}`")
        present = await self._present(one.workflow)
        if present is None or present.document != await self.document(id_, one.promoted):
            raise Conflict(
                f"{one.workflow} was changed since the promotion", remedy="choose among its versions by hand"
            )
        before = await self._workflows.version(one.workflow, one.before)
        await self._workflows.apply(before.document or before.text, by=who, digest=present.digest)
        back = replace(one, promoted=None, before=None, version=None, share=None, runs=None, promoted_at=None)
        await asyncio.to_thread(self._table.promote, replace(back, reason=reason or one.reason))
        await self._canaries.look()
        self._events.publish("architecture.taken_back", {"id": id_, "workflow": one.workflow, "reason": reason})
        return await self.get(id_)

    # -- the search

    async def _present(self, workflow: str) -> Any:
        with suppress(NotFound):
            return await self._workflows.get(workflow)
        return None

    async def _carry_on(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_S if self._shared else None)
            self._wake.clear()
            try:
                while (one := await asyncio.to_thread(self._claim)) is not None:
                    await self._carry(one)
            except (StorageFailed, Unavailable) as error:
                _log.warning("searches cannot be carried on now: %s", error)
                await asyncio.sleep(1.0)
                self._wake.set()

    async def _carry(self, one: Evolution) -> None:
        try:
            await _Carried(self, one).run()
        except (StorageFailed, Unavailable):
            raise
        except OmniError as error:  # its judge failed, or what it needs is gone
            await self._stopped(one, error.fact[:500])
        except Exception:  # a fault of this host's: other searches go on
            _log.exception("%s failed", one.id)
            await self._stopped(one, "the host failed in it; its log says more")

    async def _stopped(self, one: Evolution, reason: str) -> None:
        ended = replace(one, state="stopped", reason=reason, ended_at=self._clock.now())
        await asyncio.to_thread(self._table.end, ended)

    def _claim(self) -> Evolution | None:
        now = self._clock.now()
        return self._table.claim(self._host, now, now + _LEASE_S)


class _Canaries:
    """Promoted candidates that are tried on a share of their workflow's runs; each host begins runs by them."""

    def __init__(self, evolutions: Evolutions) -> None:
        self._all = evolutions
        self._under_way: Sequence[Evolution] = ()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes up the trials under way, and looks after them."""
        await self.look()
        self._task = asyncio.create_task(self._watch(), name="omnicore-canaries")

    async def stop(self) -> None:
        """Leaves them to other hosts, or to the next start."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def look(self) -> None:
        """Reads which trials there are, and has them looked after."""
        was = self._under_way
        self._under_way = await asyncio.to_thread(self._all._table.canaries)
        tried = self._all._workflows.engine.starting.tried
        found = {
            one.workflow: TriedVersion(one.version, one.before, one.share)
            for one in self._under_way
            if one.version is not None and one.before is not None and one.share is not None
        }
        for name in tried.keys() - found.keys():
            del tried[name]
        for name, one in found.items():
            if name not in tried or tried[name].version != one.version:
                tried[name] = one
        if self._under_way and not was:
            self._wake.set()

    async def _watch(self) -> None:
        while True:
            rest = _LOOK_S if self._all._shared else None  # nothing to look after: another host may begin a trial
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TRIAL_S if self._under_way else rest)
            self._wake.clear()
            try:
                await self.look()
                for one in self._under_way:
                    await self._judge(one)
            except (StorageFailed, Unavailable) as error:
                _log.warning("trials cannot be looked after now: %s", error)
            except Exception:
                _log.exception("trials were not looked after")

    async def _judge(self, one: Evolution) -> None:
        found = await asyncio.to_thread(self._all._table.ended_runs, one)
        sides = [
            (found.get((at or 0, "completed"), 0), found.get((at or 0, "faulted"), 0))
            for at in (one.version, one.before)
        ]
        (good, bad), (good_before, bad_before) = sides
        said = verdict(good + bad, bad, good_before + bad_before, bad_before, one.runs or 1)
        if said is None:
            return
        if not said:
            if await asyncio.to_thread(self._all._table.settle, one, one.reason):
                await self._all.told(one)
        else:
            try:
                await self._all.roll_back(one.id, who=f"evolution:{one.id}", reason=f"taken back: {said}")
            except (Conflict, NotFound) as error:  # somebody changed the workflow, which ends the trial
                await asyncio.to_thread(self._all._table.settle, one, error.fact[:500])
        await self.look()


class _Unfit(Exception):
    """A run that gave no output."""


_NO_INPUT = object()


class _Carried:
    """A search in this host's hands."""

    def __init__(self, evolutions: Evolutions, one: Evolution) -> None:
        self._all, self._one = evolutions, one
        self._order = _order(one)
        self._train, self._held = division(self._order.cases)
        self._grants: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Carries it on to its end, or until it is stopped or another host has it."""
        order, table = self._order, self._all._table
        root = await self._all._workflows.definitions.compile(self._one.document)
        self._grants = granted(order, root)
        first = check_order(order, self._one.document)
        search = Search(order, self._one.document, first, await self._examples(root))
        for one in await asyncio.to_thread(lambda: list(table.all_candidates(self._one.id))):
            search.add(one)
        needed = any(one.kind in DRAWN for one in order.knobs)
        optuna = await asyncio.to_thread(_optuna) if needed else None
        if search.count == 0:
            await self._warmed(root)
        while search.count < order.candidates:
            if search.count == 0:
                found = (search.first, -1, "seed")
            else:
                proposed = await asyncio.to_thread(search.propose, optuna)
                if proposed is None:
                    break
                found = proposed
            one = await self._next(search, *found)
            until = self._all._clock.now() + _LEASE_S
            if not await asyncio.to_thread(table.add, one, self._all._host, until):
                return
            search.add(one)
            if one.number == 0 and one.state != "judged":
                await self._end(f"the workflow itself fails: {one.reason}")
                return
            if one.number == 0 and one.quality == 1.0 and "cost" not in order.objectives:
                await self._end("the workflow gets all cases for training right as it is")
                return
        await self._decide(search)

    async def _warmed(self, root: WorkflowGraph) -> None:
        """Runs a case that nobody counts: the first script of a host waits for its engine, longer than a case may."""
        if any(one.kind == "javascript" for one in self._order.knobs):
            await self._keep(root)
            with suppress(_Unfit):
                await self._output(root, -2, self._train[0], self._order.cases[self._train[0]].input, _WARM_S)

    async def _examples(self, root: WorkflowGraph) -> Examples:
        """Pairs of input and output for programs whose result is the workflow's own, of the cases for training."""
        cases = [self._order.cases[at] for at in self._train]
        places = example_places(self._order, root.document)
        before = sorted({at for at, _ in places.values()})
        inputs = {at: await self._inputs(root.document, at) for at in before}
        found = {}
        for name, (at, path) in places.items():
            given = zip(inputs[at], cases, strict=True)
            try:
                found[name] = [
                    (one, value_at(case.expect, path, "cases")) for one, case in given if one is not _NO_INPUT
                ]
            except InvalidInput:  # what is expected has no such member
                continue
        return found

    async def _inputs(self, document: Mapping[str, Any], at: int) -> list[Any]:
        """Inputs of the task at a place for the cases for training: the output of the tasks before it."""
        inputs = [self._order.cases[one].input for one in self._train]
        if at == 0:
            return inputs
        workflows = self._all._workflows
        graph = await workflows.definitions.compile({**document, "do": document["do"][:at]})
        await self._keep(graph)
        found = []
        for case, given in zip(self._train, inputs, strict=True):
            try:
                found.append((await self._output(graph, -1, case, given))[0])
            except _Unfit:
                found.append(_NO_INPUT)
        return found

    async def _next(self, search: Search, genes: Genes, parent: int, proposer: str) -> EvolutionCandidate:
        """The next candidate; where a model proposes it, after it was asked."""
        if proposer != MODEL:
            return await self._judged(search, genes, parent, proposer)
        genes, reason, tokens = await self._reflected(search, search.candidate(parent))
        if reason or search.seen(genes):
            said = reason or "the model proposes what was tried"
            one = EvolutionCandidate(
                *(self._one.id, search.count, parent, MODEL, genes, "dead", said, 0.0, 0.0, 0.0, 0.0, ()), held=None
            )
        else:
            one = await self._judged(search, genes, parent, MODEL)
        return replace(one, tokens=tokens)

    async def _reflected(self, search: Search, above: EvolutionCandidate) -> tuple[Genes, str, int]:
        """A model's change of a candidate, or why there is none, and the tokens it took.

        The question is a run with a key of its own: a search that was killed finds the answer there.
        """
        model = self._order.model
        if model is None:
            raise NotFound(f"{self._one.id} names no model", remedy="begin another search")
        chance = Random(f"{self._order.seed}:{search.count}:{MODEL}")  # noqa: S311  # the same for the same seed
        knob = chance.choice([one for one in self._order.knobs if one.kind in REFLECTED])
        failed = [at for at, score in zip(self._train, above.scores, strict=True) if score < 1.0]
        cases = chance.sample(failed, min(len(failed), MOST_FAILURES))
        failures = [await self._failure(above, at) for at in cases]
        asked = question(model, knob, above.genes.values[knob.name], failures, chance)
        graph = await self._all._workflows.definitions.compile(chat_document(model, self._one.document))
        await self._keep(graph)
        try:
            answer, _ = await self._output(graph, search.count, -1, asked.given, model.answer_s)
        except _Unfit as error:
            return above.genes, f"the model did not answer: {error}"[:500], asked.most
        tokens = tokens_of(asked, answer)
        try:
            value = value_of(knob, answer)
        except Unusable as error:
            return above.genes, str(error), tokens
        return replace(above.genes, values={**above.genes.values, knob.name: value}), "", tokens

    async def _failure(self, above: EvolutionCandidate, at: int) -> FailedCase:
        """A case with what a candidate made of it: its run has the same key, so that it is not run again."""
        case = self._order.cases[at]
        try:
            output, _ = await self._output(await self._compiled(above.genes), above.number, at, case.input)
        except _Unfit as error:
            output = f"none: {error}"
        return FailedCase(case.input, case.expect, output)

    async def _judged(self, search: Search, genes: Genes, parent: int, proposer: str) -> EvolutionCandidate:
        """The next candidate with its scores on the cases for training."""
        number = search.count
        one = EvolutionCandidate(
            *(self._one.id, number, parent, proposer, genes, "dead", "", 0.0, 0.0, 0.0, 0.0, ()),
            held=None,
        )
        try:
            graph = await self._compiled(genes)
        except OmniError as error:
            return replace(one, reason=error.fact[:500])
        above = await asyncio.to_thread(self._all._table.candidate, self._one.id, parent) if parent >= 0 else None
        began, scores, cost = self._all._clock.monotonic(), [], 0.0
        first = -(-len(self._train) // _RUNG)
        for cases in (self._train[:first], self._train[first:]):
            found = await self._scores(graph, number, cases)
            scores += [value for value, _ in found]
            cost += sum(rows for _, rows in found)
            if cases and above is not None and sum(scores) < sum(above.scores[: len(scores)]) - _SLACK * len(scores):
                break
        quality, fitness = judged(scores)
        done = len(scores) == len(self._train)
        return replace(
            one,
            state="judged" if done else "dropped",
            reason="" if done else f"{fitness:.2f} on the first {len(scores)} cases",
            quality=quality if done else 0.0,
            fitness=fitness if done else fitness / 2,
            cost=cost / len(scores),
            seconds=self._all._clock.monotonic() - began,
            scores=tuple(scores),
        )

    async def _compiled(self, genes: Genes) -> WorkflowGraph:
        """The graph of a candidate, kept for its runs. Raises: OmniError: it is refused."""
        workflows = self._all._workflows
        graph = await workflows.definitions.compile(document_with(self._order, self._one.document, genes))
        asked = sorted(powers(graph) - self._grants - scripts_of(self._order, genes))
        if asked:
            raise Conflict(f"it asks for {asked[0]}, which the workflow it comes from lacks", remedy="grant it there")
        await self._keep(graph)
        return graph

    async def _keep(self, graph: WorkflowGraph) -> None:
        text = json.dumps(graph.document, ensure_ascii=False, separators=(",", ":"))
        now = self._all._clock.now()
        journal = self._all._workflows.engine.journal
        await journal.apply(lambda session: keep_document(session, graph.digest, text, now))

    async def _scores(self, graph: WorkflowGraph, number: int, cases: Sequence[int]) -> list[tuple[float, int]]:
        """The score and the rows of each case."""
        turns = asyncio.Semaphore(_FLIGHTS)

        async def scored(at: int) -> tuple[float, int]:
            async with turns:
                return await self._score(graph, number, at)

        tasks = [asyncio.create_task(scored(at)) for at in cases]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def _score(self, graph: WorkflowGraph, number: int, at: int) -> tuple[float, int]:
        case, judge = self._order.cases[at], self._order.judge
        try:
            output, rows = await self._output(graph, number, at, case.input)
        except _Unfit:
            return 0.0, 0
        if judge.kind != "function":
            return score(judge, case.expect, output), rows
        given = {"input": case.input, "expect": case.expect, "output": output}
        said = await self._all._plugins.calls.call(judge.function, given)
        if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said <= 1:
            raise Conflict(f"{judge.function} judged {str(said)[:80]!r}", remedy="have it return a number from 0 to 1")
        return float(said), rows

    async def _output(
        self, graph: WorkflowGraph, number: int, at: int, given: Any, most_s: float | None = None
    ) -> tuple[Any, int]:
        """The output of a run for a case, and its rows. Raises: _Unfit: it failed, or took too long."""
        workflows = self._all._workflows
        about = {"kind": "evolution", "search": self._one.id, "candidate": number, "case": at}
        how = Beginning(by=f"evolution:{self._one.id}", trigger=about, trial=True, priority=0)
        new = replace(
            ordered(self._one.workflow, graph, 0, given, how),
            dedupe=f"{self._one.id}:{number}:{at}",
            dedupe_s=_KEY_S,
        )
        run = (await workflows.runs.begin(new)).run
        try:
            output = await workflows.output(run, timeout_s=most_s or self._order.case_s)
        except (WorkflowFailed, CallCancelled) as error:
            raise _Unfit(error.fact) from None
        except DeadlineExceeded:
            with suppress(Conflict):
                await workflows.cancel(run, by=how.by)
            raise _Unfit("it took too long") from None
        return output, (await workflows.run_view(run)).steps

    # -- its end

    async def _decide(self, search: Search) -> None:
        """Compares the finalists with the workflow itself on the cases held out, and proposes one."""
        seed = await self._held_scores(search, 0)
        found: tuple[float, float, int] | None = None
        cheaper: tuple[float, EvolutionCandidate] | None = None
        for one in search.finalists(_FINALISTS):
            scores = await self._held_scores(search, one.number)
            gains = [new - old for new, old in zip(scores, seed, strict=True)]
            least, gain = lower_bound(gains, self._order.seed), sum(gains) / len(gains)
            if min(gains) >= 0 and one.cost < (cheaper[1].cost if cheaper else search.candidate(0).cost):
                cheaper = (gain, one)
            if found is None or (least, gain) > found[:2]:
                found = (least, gain, one.number)
        if cheaper and "cost" in self._order.objectives and (found is None or found[0] <= self._order.margin):
            gain, one = cheaper
            said = f"no case held out is worse, and a case costs {one.cost:.1f} rows of {search.candidate(0).cost:.1f}"
            await self._end(said, best=one.number, gain=gain, least_gain=0.0)
        elif found is None or found[1] <= self._order.margin:
            await self._end("no candidate is better than the workflow on the cases held out")
        elif found[0] <= self._order.margin:
            cases = len(self._held)
            await self._end(
                f"candidate {found[2]} gets {100 * found[1]:.0f} % more of the {cases} cases held out,"
                " which may be chance: give more cases"
            )
        else:
            await self._end("", best=found[2], gain=found[1], least_gain=found[0])

    async def _held_scores(self, search: Search, number: int) -> list[float]:
        """The scores of a candidate on the cases held out: 1.0 or 0.0 each, unless a function judges."""
        table = self._all._table
        one = await asyncio.to_thread(table.candidate, self._one.id, number)
        if one is None:
            raise NotFound(f"candidate {number} of {self._one.id} is gone", remedy="begin the search again")
        if one.held is not None:
            return list(one.held)
        found = await self._scores(await self._compiled(one.genes), number, self._held)
        exact = self._order.judge.kind != "function"
        scores = [float(value == 1.0) if exact else value for value, _ in found]
        await asyncio.to_thread(table.hold, self._one.id, number, scores)
        return scores

    async def _end(self, reason: str, **found: Any) -> None:
        ended = replace(self._one, state="done", reason=reason, ended_at=self._all._clock.now(), **found)
        if await asyncio.to_thread(self._all._table.end, ended):
            said = {"id": ended.id, "workflow": ended.workflow, "best": ended.best, "reason": reason}
            self._all._events.publish("evolution.ended", said)
            if ended.best is not None and self._order.promotion is not None:
                by = f"evolution:{ended.id}"
                try:
                    await self._all.promote(ended.id, who=by, canary=self._order.promotion)
                except OmniError as error:  # it was changed meanwhile: a person decides
                    _log.warning("%s is not promoted: %s", ended.id, error)


def _order(one: Evolution) -> EvolutionOrder:
    return decode(EvolutionOrder, {**one.task, "workflow": one.document}, "search")


def _optuna() -> types.ModuleType:
    """The package that draws numbers and choices. Raises: ToolMissing."""
    found = optional("optuna", extra="evolve")
    found.logging.set_verbosity(found.logging.WARNING)
    return found
