"""A run in the hands of who started it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

from omnicore.errors import WorkflowFailed
from omnicore.workflows.entries import Fault
from omnicore.workflows.view import RunView

__all__ = ["RunHandle", "failed"]


class _Runs(Protocol):
    """What a handle needs of the service."""

    async def output(self, run: str) -> Any: ...

    async def run_view(self, run: str) -> RunView: ...

    async def cancel(self, run: str, *, by: str = "host") -> RunView: ...


class RunHandle:
    """A run. Awaiting it gives the output once it has completed, on whichever host it ran.

    Raises: WorkflowFailed: it faulted; details: `run`, `fault`. CallCancelled: somebody cancelled it.

    Args: duplicate: the start had the key of an earlier one, and this is that one's run.
    """

    __slots__ = ("_runs", "duplicate", "id")

    def __init__(self, runs: _Runs, run: str, *, duplicate: bool = False) -> None:
        self.id = run
        self.duplicate = duplicate
        self._runs = runs

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait().__await__()

    async def view(self) -> RunView:
        """The run as it stands."""
        return await self._runs.run_view(self.id)

    async def cancel(self, *, by: str = "host") -> RunView:
        """Has it cancelled. Raises: Conflict: it is over."""
        return await self._runs.cancel(self.id, by=by)

    async def _wait(self) -> Any:
        return await self._runs.output(self.id)


def failed(run: str, fault: Fault | None) -> WorkflowFailed:
    """What who waits for a run is told of its fault."""
    told = fault or Fault("runtime", 500, "the run faulted")
    about = ": ".join(part for part in (told.title, told.detail) if part)
    return WorkflowFailed(
        f"{run} faulted at {told.instance or 'its root'}: {about}",
        remedy=f"once the cause is gone, retry it: `omnicore workflows retry {run}`",
        run=run,
        fault=told.to_json(),
    )
