"""How a thing that an operation changes looks before and after: as the operation that shows it says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.idempotency import Endpoint
from omnicore.api.operation import JSON, Operation

__all__ = ["Look", "Looks", "answer_of", "looks_of"]

Look = Callable[[Request], Awaitable[Any]]
"""Shows the thing that a request is about as it is now, None where it is not there."""


@dataclass(frozen=True, slots=True)
class Looks:
    """By path, the endpoints that show one thing, `.../plugins/{plugin}`, and those that list all, `.../tokens`."""

    ones: Mapping[str, Endpoint]
    lists: Mapping[str, Endpoint]

    def of(self, operation: Operation) -> Look | None:
        """How the thing that an operation changes can be looked at."""
        head, closing, _ = operation.path.partition("}")
        if not closing:
            return None
        one, every = self.ones.get(head + closing), self.lists.get(head.rpartition("/")[0])
        if one is not None:
            return partial(_shown, one)
        return partial(_listed, every) if every is not None else None


def looks_of(operations: Sequence[Operation]) -> Looks:
    """The operations by which things can be looked at before and after a change."""
    shown = {
        one.path: one.endpoint
        for one in operations
        if one.method == "GET"
        and not one.websocket
        and 200 in one.replies
        and one.replies[200].media == JSON
        and inspect.iscoroutinefunction(one.endpoint)
    }
    return Looks(
        {path: endpoint for path, endpoint in shown.items() if path.count("{") == 1 and path.endswith("}")},
        {path: endpoint for path, endpoint in shown.items() if "{" not in path},
    )


def answer_of(response: Response) -> Any:
    """The JSON value of an answer, None where it is something else."""
    body = getattr(response, "body", b"")
    if not body or not (response.media_type or "").startswith(JSON):
        return None
    return json.loads(body)


async def _shown(endpoint: Endpoint, request: Request) -> Any:
    name = next(iter(request.path_params))
    return answer_of(await endpoint(_inside(request, {name: request.path_params[name]})))


async def _listed(endpoint: Endpoint, request: Request) -> Any:
    """For what no operation shows alone. Of a long list only the first page is looked at."""
    listed = answer_of(await endpoint(_inside(request, {})))
    items = listed.get("items") if isinstance(listed, Mapping) else None
    wanted = next(iter(request.path_params.values()))
    found = (one for one in items or () if isinstance(one, Mapping) and wanted in (one.get("id"), one.get("name")))
    return next(found, None)


def _inside(request: Request, params: Mapping[str, Any]) -> Request:
    """A request to look at something, by whoever asked for the change."""
    scope = {**request.scope, "method": "GET", "path_params": params, "query_string": b"", "headers": []}
    return Request(scope)
