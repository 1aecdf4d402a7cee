"""`Effects`: does one action of a run, and tells every failure in the specification's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from omnicore.errors import InvalidInput, OmniError, StorageFailed
from omnicore.workflows.effects.emitting import envelope
from omnicore.workflows.effects.faults import fault_of
from omnicore.workflows.effects.http import HttpCalls
from omnicore.workflows.effects.limits import EffectLimits
from omnicore.workflows.effects.means import Means
from omnicore.workflows.effects.oauth import Tokens
from omnicore.workflows.effects.openapi import OpenApiCalls
from omnicore.workflows.effects.plugins import call_plugin
from omnicore.workflows.effects.scripts import Scripts
from omnicore.workflows.effects.secrets import Opened, SecretReader
from omnicore.workflows.effects.values import checked_output
from omnicore.workflows.effects.verbs import VERBS, namespace_of
from omnicore.workflows.effects.work import Work
from omnicore.workflows.entries import Action, Fault
from omnicore.workflows.graph import Call, Emit, Script
from omnicore.workflows.performing import Performed, RunContext

__all__ = ["EffectLimits", "Effects", "Means"]

_MUCH = 256 * 1024
_Do = Callable[[Work], Awaitable[Performed]]


class Effects:
    """Does the calls, scripts and events of runs; see `omnicore.workflows.performing.Performer`.

    One object serves all runs of a host, on one event loop. Cancelling `perform` cuts the guest or the request.

    Args:
        means: the services of the host.
        limits: what one effect may take.

    Owns: caches of tokens, of OpenAPI documents and of secrets, all bounded, and the compiled script engines; `close`
        frees them.
    """

    def __init__(self, means: Means, limits: EffectLimits | None = None) -> None:
        self.limits = limits or EffectLimits()
        self._means = means
        self._secrets = SecretReader(means.vault, means.clock)
        http = HttpCalls(means, self.limits, Tokens(means.clock))
        self._scripts = Scripts(means.scripting, self.limits)
        self._kinds: Mapping[str, _Do] = {
            "plugin": self._plugin,
            "connector": self._connector,
            "host": self._host,
            "http": http.call,
            "openapi": OpenApiCalls(http, means.clock).call,
        }

    async def perform(self, action: Action, run: RunContext) -> Performed:
        """Does an action once.

        `value` of a call or a script is what its `with` or its arguments gave. The placeholders of the run's secrets
        in it become the secrets here, and nowhere before; what comes back is searched for them.

        Raises: Fault: whatever went wrong, without a secret in it. StorageFailed: the host's own database.
        """
        secrets = Opened()
        try:
            secrets = await self._secrets.open(run.secrets)
            done = await self._done(action, run, secrets)
            if done.meta.get("bytes", 0) > _MUCH:  # tens of milliseconds, which the loop should not wait for
                return await asyncio.to_thread(self._clean, done, secrets)
            return self._clean(done, secrets)
        except Fault as fault:
            raise secrets.hidden_fault(fault) from None
        except StorageFailed as error:  # not the step's: it is done again once the database is there
            raise StorageFailed(secrets.hidden(str(error))) from None
        except OmniError as error:
            raise secrets.hidden_fault(fault_of(error)) from None

    def _clean(self, done: Performed, secrets: Opened) -> Performed:
        output = checked_output(secrets.hidden(done.output), self.limits.output_bytes)
        return Performed(output, done.meta, done.events)

    def forget(self, workflow: str) -> None:
        """Deletes what a workflow kept with `kv.put`, for when it is removed. Blocks."""
        self._means.kv.clear(namespace_of(workflow))

    def close(self) -> None:
        """Frees the script engines; a second time does nothing. Blocks."""
        self._scripts.close()

    async def _done(self, action: Action, run: RunContext, secrets: Opened) -> Performed:
        work = Work(action, run, secrets, self._means.clock)
        match action.node:
            case Call(target=target):
                return await self._kinds[target](work)
            case Script():
                return await self._scripts.run(work)
            case Emit():
                event = envelope(work)
                return Performed(event, events=(event,))
        raise Fault("configuration", 500, "No effect", f"{action.kind} is done by the runner, not by an effect")

    async def _plugin(self, work: Work) -> Performed:
        return await call_plugin(self._means.plugins, work, costs=self.limits.costs)

    async def _connector(self, work: Work) -> Performed:
        connector, _, name = work.call.ref.rpartition(".")
        output = await self._means.connectors.use(
            f"workflow:{work.run.workflow}",
            connector,
            name,
            work.opened(),
            timeout_s=work.left_s(self.limits.longest_s),
            key=work.key,
        )
        return Performed(output, {"connector": connector})

    async def _host(self, work: Work) -> Performed:
        verb = VERBS.get(work.call.ref)
        if verb is None:
            raise Fault("configuration", 404, "Unknown verb", f"the host has no {work.call.ref[:80]}@host")
        given = work.action.value
        verb.check(given)
        if verb.keeps and work.secrets.within(given):
            raise InvalidInput(f"{verb.ref} would keep a secret where others read it", remedy="leave the secret out")
        return Performed(await verb.serve(self._means, work, cast("Mapping[str, Any]", given)))
