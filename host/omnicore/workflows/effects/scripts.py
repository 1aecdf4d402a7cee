"""`run.script`: code of the document, in a sandbox that reaches nothing.

Source: DSL 1.0.3, script process.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, cast

from omnicore.capabilities.clock import clock_functions
from omnicore.capabilities.doors import NAMESPACE
from omnicore.errors import GuestError, GuestFailed, InvalidInput, ToolMissing
from omnicore.sandbox.abi import Doors, Usage, WasiGrant
from omnicore.sandbox.engine import Instance, Template
from omnicore.workflows.effects.faults import fault_of
from omnicore.workflows.effects.harness import JAVASCRIPT, PYTHON
from omnicore.workflows.effects.limits import EffectLimits
from omnicore.workflows.effects.means import Scripting
from omnicore.workflows.effects.values import parse_json
from omnicore.workflows.effects.work import Work
from omnicore.workflows.entries import Fault
from omnicore.workflows.graph import Script
from omnicore.workflows.performing import Performed

__all__ = ["Scripts"]

Language = Literal["js", "python"]
_SOURCES: Mapping[Language, str] = {"js": JAVASCRIPT, "python": PYTHON}
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
_MOST, _THREADS = 64, 4
_EXPORT = "run"
_CUT_AGAIN_S = 0.02


class Scripts:
    """Runs scripts on threads. The first one of a language waits for its engine, some seconds.

    Owns: one compiled template for each language that was used, and a few threads, until `close`.
    """

    def __init__(self, scripting: Scripting | None, limits: EffectLimits) -> None:
        self._scripting = scripting
        self._limits = limits.script
        self._templates: dict[Language, Template] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="omnicore-script")

    async def run(self, work: Work) -> Performed:
        """Runs the script of a node. Cancelling cuts it.

        Raises: Fault: the script failed; ToolMissing: nothing here runs its language; InvalidInput, LimitExceeded.
        """
        node = cast(Script, work.action.node)
        given = _given(node.code, work.opened())
        timeout_s = work.left_s(self._limits.timeout_s)
        template = self._templates.get(node.language)
        if template is None:
            template = await asyncio.to_thread(self._made, node.language)
        try:
            data, usage = await self._called(template.instance(), given, timeout_s)
        except GuestError as error:
            raise _failed(error) from None
        found = parse_json(data, "the script's output")
        output = found["value"] if found["given"] else found["printed"]
        used = {"fuel": usage.fuel, "memory_bytes": usage.memory_bytes}
        return Performed(output, {"language": node.language, **{name: one for name, one in used.items() if one}})

    def close(self) -> None:
        """Frees the templates; a second time does nothing."""
        with self._lock:
            templates, self._templates = self._templates, {}
        self._threads.shutdown(cancel_futures=True)
        for template in templates.values():
            template.close()

    async def _called(self, instance: Instance, given: bytes, timeout_s: float) -> tuple[bytes, Usage]:
        """Calls on a thread, which frees the instance itself: a cancelled task must not do it while it runs."""
        loop, over = asyncio.get_running_loop(), threading.Event()
        future = loop.run_in_executor(self._threads, partial(_run, instance, given, timeout_s, over))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(_look)
            _cut(instance, over, loop)
            raise

    def _made(self, language: Language) -> Template:
        with self._lock:
            found = self._templates.get(language)
            if found is not None:
                return found
            if self._scripting is None:
                raise ToolMissing("this host runs no scripts", remedy="put the code into a plugin", tool=language)
            wasm = self._scripting.build(language, _SOURCES[language])
            wasi = WasiGrant() if language == "python" else None
            doors = Doors(functions=clock_functions(WasiGrant(), NAMESPACE), log_level=None, wasi=wasi)
            made = self._templates[language] = self._scripting.engine().load([("main", wasm)], self._limits, doors)
            return made


def _given(code: str, arguments: Any) -> bytes:
    if not isinstance(arguments, Mapping | None):
        raise InvalidInput("the arguments of a script are no object", remedy="give names and values", path="arguments")
    arguments = arguments or {}
    odd = next((str(name) for name in arguments if not _NAME.fullmatch(str(name))), None)
    if odd is not None or len(arguments) > _MOST:
        told = f"{odd[:80]!r} is no name of a variable" if odd is not None else f"there are over {_MOST} arguments"
        raise InvalidInput(told, remedy="use letters, digits and _, or one object with all of them", path="arguments")
    asked = {"code": code, "names": list(arguments), "values": list(arguments.values())}
    return json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()


def _run(instance: Instance, given: bytes, timeout_s: float, over: threading.Event) -> tuple[bytes, Usage]:
    try:
        return instance.call(_EXPORT, given, timeout_s=timeout_s), instance.usage()
    finally:
        over.set()
        instance.close()


def _look(future: asyncio.Future[tuple[bytes, Usage]]) -> None:
    """Looks at what nobody waits for any more, so that it leaves no complaint behind."""
    if not future.cancelled():
        future.exception()


def _cut(instance: Instance, over: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
    # Repeated, because a cancel that comes just before the guest starts finds nothing to cut.
    if not over.is_set():
        instance.cancel()
        loop.call_later(_CUT_AGAIN_S, _cut, instance, over, loop)


def _failed(error: GuestError) -> Fault:
    """What the script itself says is the detail, without the lines of what runs it."""
    if not isinstance(error, GuestFailed):
        return fault_of(error)
    lines = [line for line in error.fact.splitlines() if line and not line.lstrip().startswith("at ")]
    return Fault("runtime", 500, "The script failed", "\n".join(lines)[:2000], extra={"code": error.code})
