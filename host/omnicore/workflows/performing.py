"""What the runner asks of those who do a step's action: plugins, connectors, HTTP, scripts, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from omnicore.quick import quick
from omnicore.workflows.entries import Action

__all__ = ["Performed", "Performer", "RunContext"]


@quick
@dataclass(frozen=True, slots=True)
class RunContext:
    """The run that an action belongs to.

    Args:
        root: the run at the top of a chain of sub-workflows; itself where there is none above.
        trigger: what began it, as `Start.trigger`.
        secrets: name to the placeholder that stands for it in this run, as `Start.secrets`.
        by: who began it.
    """

    run: str
    workflow: str
    root: str
    depth: int
    trigger: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    by: str = ""


@quick
@dataclass(frozen=True, slots=True)
class Performed:
    """What an action gave.

    Args:
        output: a JSON value. The runner bounds its size.
        meta: what it cost and who did it: `plugin`, `hash`, `fuel`, `memory_bytes`; small.
        events: CloudEvents envelopes that go out in the transaction that keeps the step (`emit`), not before.
    """

    output: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()


class Performer(Protocol):
    """Does `call`, `script` and `emit`. The other kinds are the runner's own."""

    async def perform(self, action: Action, run: RunContext) -> Performed:
        """Does it once; retries are the run's own. The runner bounds the time and cancels the task: then the guest or
        the request is cut.

        Raises: StorageFailed: the host's own database; it is done again once that is there. Fault: of the
            specification's types. Whatever else is raised becomes a fault of type `runtime`
            (`OmniError` with its code, fact and remedy), so that the run goes on by its own rules.
        """
