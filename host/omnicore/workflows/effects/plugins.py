"""Calls of plugin functions."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

from omnicore.capabilities.costs import CallCosts
from omnicore.errors import GuestError
from omnicore.plugins.calls import Calls
from omnicore.plugins.catalogue import Serving
from omnicore.plugins.json_calls import from_json, to_json
from omnicore.workflows.effects.faults import fault_of
from omnicore.workflows.effects.work import Work
from omnicore.workflows.entries import Fault
from omnicore.workflows.performing import Performed

__all__ = ["call_plugin", "split_ref"]

_LONGEST_S = 3600.0


@lru_cache(maxsize=4096)
def split_ref(ref: str) -> tuple[str, str]:
    """The function and the version that `plugin.function:version` names; no version is the one in service.

    >>> split_ref("text.count:1.2.0@default"), split_ref("text.count")
    (('text.count', '1.2.0'), ('text.count', ''))
    """
    function, _, version = ref.removesuffix("@default").partition(":")
    return function, "" if version == "latest" else version


async def call_plugin(plugins: Calls, work: Work, *, costs: bool) -> Performed:
    """Calls a function with JSON in and out.

    The plugin's own limit is the deadline, or less where the step has less time left.

    Args: costs: whether `meta` has its fuel and memory.
    Raises: Fault; what `Calls.call` raises.
    """
    function, version = split_ref(work.call.ref)
    if version:
        _check_version(await asyncio.to_thread(plugins.serving, function), version)
    given = from_json(_given(work.opened()))
    more: dict[str, Any] = {
        "timeout_s": None if work.action.due_at is None else work.left_s(_LONGEST_S),
        "host_context": work.context(),
    }
    spent = CallCosts()
    try:
        if costs:
            output = await plugins.call_counted(function, given, costs=spent, **more)
        else:
            output = await plugins.call(function, given, **more)
    except GuestError as error:
        raise fault_of(error, plugin=function.partition(".")[0]) from None
    serving = plugins.serving(function)
    used = {"fuel": spent.fuel, "memory_bytes": spent.memory_bytes}
    told = {name: value for name, value in used.items() if value is not None}
    return Performed(to_json(output), {"plugin": serving.name, "hash": serving.hash, **told})


def _given(value: Any) -> Any:
    return b"" if value is None else value


def _check_version(serving: Serving, wanted: str) -> None:
    there = serving.manifest.version
    if wanted not in (there, serving.hash):
        raise Fault(
            "configuration",
            409,
            "Another version",
            f"{serving.name} has the version {there}, the workflow asks for {wanted}; name the one in service, or none",
        )
