"""What somebody may begin who has written nothing: an operator runs what an administrator has applied."""

from __future__ import annotations

import asyncio

from omnicore.errors import Conflict, PermissionDenied
from omnicore.storage.tables.workflow_runs import RunRow
from omnicore.workflows.definitions import Definitions
from omnicore.workflows.graph import Approval, Graph
from omnicore.workflows.people import may_decide
from omnicore.workflows.reading import RunReader

__all__ = ["Rights"]

_ADMIN = "admin"


class Rights:
    """Looks before a run begins; used on the host's event loop."""

    def __init__(self, definitions: Definitions, reader: RunReader) -> None:
        self._definitions, self._reader = definitions, reader

    async def check_version(self, workflow: str, number: int | None, role: str) -> None:
        """Raises: PermissionDenied: an earlier version, and no administrator asks. NotFound."""
        if role != _ADMIN and number is not None and number != (await self._definitions.present(workflow)).number:
            raise _denied(f"the version {number} of {workflow} is not the present one", workflow)

    async def check_again(self, row: RunRow, role: str, *, until: int | None) -> None:
        """Whether a run may begin that follows from another one.

        Args:
            until: how many rows of the other one it takes over; 0: it begins anew. None: it goes on where that failed.
        Raises: NotFound: the workflow was removed. Conflict: it is switched off. PermissionDenied: it runs what is not
            applied, or repeats what somebody of a higher role has approved once.
        """
        if row.trial:
            if role != _ADMIN:
                raise _denied(f"{row.id} ran a text that was not applied", row.workflow)
            return
        present = await self._definitions.present(row.workflow)
        if not present.enabled:
            raise Conflict(f"{row.workflow} is switched off", remedy="switch it on first", workflow=row.workflow)
        if role == _ADMIN or until is None:
            return
        if row.digest != present.graph.digest:
            raise _denied(f"{row.id} ran an earlier version of {row.workflow}", row.workflow)
        await self._check_decisions(row.id, present.graph, role, until)

    async def _check_decisions(self, run: str, graph: Graph, role: str, until: int) -> None:
        above = {
            path: node.role
            for path, node in graph.nodes.items()
            if isinstance(node, Approval) and not may_decide(role, node.role)
        }
        found = await asyncio.to_thread(self._reader.decided, run, until) if above else ()
        taken = next((above[path] for path in found if path in above), None)
        if taken is not None:
            raise PermissionDenied(
                f"{run} holds a decision of {taken}, which counts once",
                remedy=f"begin from a step before it, or ask somebody who is {taken}",
                resource=run,
            )


def _denied(fact: str, workflow: str) -> PermissionDenied:
    return PermissionDenied(fact, remedy="ask an administrator to run it", resource=workflow)
