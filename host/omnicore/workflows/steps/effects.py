"""`Effects` performs one action of a run and reports every failure as a fault of the specification.

`SERVE` has the functions behind `call: room.verb@host`.

`run.script` runs code of the document in a fresh sandbox with a clock and random numbers and nothing else. Each
language has one plugin, compiled once, that evaluates the code it is given.

Source: DSL 1.0.3, script process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, cast

from omnicore.capabilities.clock import clock_functions
from omnicore.capabilities.doors import NAMESPACE
from omnicore.capabilities.services import present
from omnicore.errors import (
    GuestError,
    GuestFailed,
    InvalidInput,
    NotFound,
    NotServed,
    OmniError,
    StorageFailed,
    ToolMissing,
)
from omnicore.memory.tiers import MemoryTier
from omnicore.plugins.call import from_json, to_json
from omnicore.plugins.costs import METER, asked_of
from omnicore.sandbox.abi import KIB, MIB, Doors, Usage, WasiGrant
from omnicore.storage.tables.tasks import TaskOrder
from omnicore.telemetry.logs import LEVELS, harmless
from omnicore.vectors.vector import HOST, Vector
from omnicore.workflows.entries import Performed, RunContext, StepAction
from omnicore.workflows.faults import Fault, fault_of
from omnicore.workflows.language.graph import CallTask, EmitTask, Node, ScriptTask, split_ref
from omnicore.workflows.language.palette import VERBS
from omnicore.workflows.steps.authentication import TokenCache
from omnicore.workflows.steps.cloud_events import envelope
from omnicore.workflows.steps.http import HttpCalls
from omnicore.workflows.steps.openapi import OpenApiCalls
from omnicore.workflows.steps.step import (
    EffectLimits,
    Scripting,
    SecretReader,
    StepSecrets,
    StepServices,
    StepWork,
    checked_output,
    marked,
    parse_json,
)

if TYPE_CHECKING:
    from omnicore.plugins.catalogue import Serving
    from omnicore.plugins.host import PluginHost
    from omnicore.sandbox.engine import Instance, Template


JAVASCRIPT = """\
export function run({ code, names, values }) {
  const lines = [];
  const text = (one) => (typeof one === "string" ? one : JSON.stringify(one) ?? String(one));
  const print = (...all) => { lines.push(all.map(text).join(" ")); };
  const silent = () => {};
  globalThis.console = { log: print, info: print, debug: silent, trace: silent, warn: silent, error: silent };
  // Named here, so that they are bound: Date, performance, crypto, Math.random.
  const AsyncFunction = (async () => {}).constructor;
  return new AsyncFunction(...names, code)(...values).then((value) => ({
    value: value === undefined ? null : value,
    given: value !== undefined,
    printed: lines.join("\\n"),
  }));
}
"""

PYTHON = '''\
"""Runs a script."""
import contextlib
import io
import json

from omnicore_sdk import function


@function
def run(given: str) -> str:
    asked = json.loads(given)
    names = dict(zip(asked["names"], asked["values"]))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(asked["code"], "script", "exec"), names)
    found = {"value": names.get("result"), "given": "result" in names, "printed": printed.getvalue().rstrip("\\n")}
    return json.dumps(found, allow_nan=False)
'''


Language = Literal["js", "python"]
_SOURCES: Mapping[Language, str] = {"js": JAVASCRIPT, "python": PYTHON}
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
_MOST, _THREADS = 64, 4
_TITLES: Mapping[Language, str] = {"js": "JavaScript", "python": "Python"}
_BUILT = "the engine of {} scripts is being built: up to a minute, once for each data folder"
_COMPILED = "the engine of {} scripts is being compiled: up to a minute, once for each data folder"
_EXPORT = "run"
_CUT_AGAIN_S = 0.02


class ScriptRunner:
    """Runs scripts on threads. The first one of a language waits for its engine, some seconds.

    Owns: one compiled template for each language that was used, and a few threads, until `close`.
    """

    def __init__(self, scripting: Scripting | None, limits: EffectLimits) -> None:
        self._scripting = scripting
        self._limits = limits.script
        self._templates: dict[Language, Template] = {}
        self._made_now: Mapping[Language, str] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="omnicore-script")

    async def run(self, work: StepWork) -> Performed:
        """Runs the script of a node. Cancelling cuts it.

        Raises: Fault: the script failed; ToolMissing: nothing here runs its language; InvalidInput, LimitExceeded.
        """
        node = cast("ScriptTask", work.action.node)
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
        # A function or a symbol is no JSON value, and so left out: null, as JSON has it in a list.
        output = found.get("value") if found["given"] else found["printed"]
        used = {"fuel": usage.fuel, "memory_bytes": usage.memory_bytes}
        return Performed(output, {"language": node.language, **{name: one for name, one in used.items() if one}})

    def waits_for(self, language: Language) -> str:
        """The reason why scripts of a language do not run yet; empty: their engine is there, or nobody has asked."""
        return self._made_now.get(language, "") if language not in self._templates else ""

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
            try:
                self._made_now = {language: _BUILT.format(_TITLES[language])}
                wasm = self._scripting.build(language, _SOURCES[language])
                self._made_now = {language: _COMPILED.format(_TITLES[language])}
                wasi = WasiGrant() if language == "python" else None
                doors = Doors(functions=clock_functions(WasiGrant(), NAMESPACE), log_level=None, wasi=wasi)
                made = self._templates[language] = self._scripting.engine().load([("main", wasm)], self._limits, doors)
            finally:
                self._made_now = {}
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
    """The fault of a script; the detail is the script's own message without the lines of its runner."""
    if not isinstance(error, GuestFailed):
        return fault_of(error)
    lines = [line for line in error.fact.splitlines() if line and not line.lstrip().startswith("at ")]
    return Fault("runtime", 500, "The script failed", "\n".join(lines)[:2000], extra={"code": error.code})


_LONGEST_S = 3600.0
_MOST_ASKED = 16  # of what a call asked of the host, in the journal


async def call_plugin(plugins: PluginHost, work: StepWork, *, costs: bool) -> Performed:
    """Calls a function with JSON in and out.

    The plugin's own limit is the deadline, or less where the step has less time left.

    `meta` has the time of the call and the first things that it asked of the host.

    Args: costs: whether it has its fuel and memory too.
    Raises: Fault; what `PluginHost.call` raises.
    """
    function, version = split_ref(work.call.ref)
    context = work.context(version)
    if version:
        try:
            _check_version(await asyncio.to_thread(plugins.serving, function), version)
        except NotFound:
            if not plugins.calls.fleet:
                raise
    given = from_json(_payload(work.opened()))
    timeout_s = None if work.action.due_at is None else work.left_s(_LONGEST_S)
    spent, begun = _Spent(), perf_counter()
    before = METER.set(spent)
    try:
        with plugins.callers.named(f"workflow {work.run.workflow}"):
            output = await plugins.call(function, given, timeout_s=timeout_s, host_context=context)
    except NotServed as error:
        if error.details.get("plugin") != function.partition(".")[0]:  # a plugin that the called one wanted
            raise fault_of(error) from None
        raise
    except GuestError as error:
        raise fault_of(error, plugin=function.partition(".")[0]) from None
    finally:
        METER.reset(before)
    told = _told(spent.usage, (begun, perf_counter()), costs=costs)
    if context.served:
        return Performed(to_json(output), {**context.served, **told})
    with suppress(NotServed):  # placed elsewhere since then: the call was made all the same
        serving = plugins.serving(function)
        return Performed(to_json(output), {"plugin": serving.name, "hash": serving.hash, **told})
    return Performed(to_json(output), told)


class _Spent:
    """Is told of the usage of a step's call."""

    def __init__(self) -> None:
        self.usage = Usage()

    def take(self, usage: Usage) -> None:
        self.usage = usage


def _told(usage: Usage, times: tuple[float, float], *, costs: bool) -> dict[str, Any]:
    """The time of a call and the last things that it asked of the host, its fuel and memory where they are wanted."""
    begun, ended = times
    call: dict[str, Any] = {"ms": round((ended - begun) * 1000, 3)}
    if usage.doors and (asked := asked_of(usage.doors[-_MOST_ASKED:], begun, ended)):
        call["asked"] = [[one.verb, one.begin_ms, one.time_ms, one.outcome] for one in asked]
    used = {"fuel": usage.fuel, "memory_bytes": usage.memory_bytes or None} if costs else {}
    return {**{name: value for name, value in used.items() if value is not None}, "call": call}


def _payload(value: Any) -> Any:
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


_log = logging.getLogger("omnicore.workflows.log")
_Serve = Callable[[StepServices, StepWork, Mapping[str, Any]], Awaitable[Any]]
_KV_BYTES, _KV_KEYS, _VALUE_BYTES = 16 * MIB, 10_000, 256 * KIB


def namespace_of(workflow: str) -> str:
    """The namespace of a workflow's keys and values. No plugin's name begins with `@`."""
    return f"@workflow:{workflow}"


async def _store(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    tier = given.get("tier", MemoryTier.Episodic)
    item = await present(services.memory, "memory").store(
        given["text"],
        tier,
        importance=given.get("importance"),
        embedding=given.get("embedding"),
        metadata=given.get("metadata"),
        source=f"workflow:{work.run.workflow}",
        pinned=given.get("pinned", False),
    )
    return {"id": item}


async def _recall(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    found = await present(services.memory, "memory").recall(
        given.get("text"),
        embedding=given.get("embedding"),
        tiers=given.get("tiers"),
        limit=given.get("limit", 10),
        budget=given.get("budget"),
        user=given.get("user"),
        agent=given.get("agent"),
        session=given.get("session"),
        app=given.get("app"),
    )
    blocks = [{"name": block.name, "text": block.text} for block in found.blocks]
    return {"items": [memory.item().to_json() for memory in found.items], "blocks": blocks}


async def _forget(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    return {"forgotten": bool(await present(services.memory, "memory").forget(given["id"]))}


async def _search(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    service = present(services.vectors, "vectors")
    found, exact = await asyncio.to_thread(
        service.search, HOST, given["collection"], given["values"], given.get("limit", 10), given.get("filter")
    )
    return {"matches": [match.to_json() for match in found], "exact": exact}


async def _upsert(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    vectors = [Vector(one["id"], one["values"], one.get("metadata", {})) for one in given["vectors"]]
    count = await asyncio.to_thread(present(services.vectors, "vectors").upsert, HOST, given["collection"], vectors)
    return {"count": count}


async def _submit(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    order = TaskOrder(**{"key": work.key, **given})
    return {"id": await asyncio.to_thread(present(services.tasks, "tasks").submit, order)}


async def _get(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    found = await asyncio.to_thread(services.kv.get, namespace_of(work.run.workflow), given["key"])
    if found is None:
        return {"value": given.get("default"), "version": None}
    return {"value": parse_json(found[0], "the stored value"), "version": found[1]}


async def _put(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    data = _bounded(given["value"])
    version = await asyncio.to_thread(
        services.kv.put,
        namespace_of(work.run.workflow),
        given["key"],
        data,
        given.get("ttl_s"),
        max_bytes=_KV_BYTES,
        max_keys=_KV_KEYS,
    )
    return {"version": version}


async def _write(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    message = marked(given["message"], work.run.secrets)
    level = LEVELS[given.get("level", "info")]
    _log.log(level, "%s %s %s", work.run.workflow, work.run.run, harmless(message))
    return None


def _bounded(value: Any) -> bytes:
    try:
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("the value is no JSON", remedy="give a JSON value") from error
    if len(data) > _VALUE_BYTES:
        raise InvalidInput(f"the value is over {_VALUE_BYTES} bytes as JSON", remedy="keep less, or in several keys")
    return data


SERVE: Mapping[str, _Serve] = {
    "memory.store": _store,
    "memory.recall": _recall,
    "memory.forget": _forget,
    "vectors.search": _search,
    "vectors.upsert": _upsert,
    "tasks.submit": _submit,
    "kv.get": _get,
    "kv.put": _put,
    "log.write": _write,
}
"""The function behind each verb of `omnicore.workflows.language.palette.VERBS`."""


_MUCH = 256 * 1024
_Do = Callable[[StepWork], Awaitable[Performed]]


class Effects:
    """Does the calls, scripts and events of runs; see `omnicore.workflows.entries.Performer`.

    One object serves all runs of a host, on one event loop. Cancelling `perform` cuts the guest or the request.

    Args:
        services: the services of the host.
        limits: what one effect may take.

    Owns: caches of tokens, of OpenAPI documents and of secrets, all bounded, and the compiled script engines; `close`
        frees them.
    """

    def __init__(self, services: StepServices, limits: EffectLimits | None = None) -> None:
        self.limits = limits or EffectLimits()
        self._services = services
        self._secrets = SecretReader(services.vault, services.clock)
        http = HttpCalls(services, self.limits, TokenCache(services.clock))
        self._scripts = ScriptRunner(services.scripting, self.limits)
        self._kinds: Mapping[str, _Do] = {
            "connector": self._connector,
            "host": self._host,
            "http": http.call,
            "openapi": OpenApiCalls(http, services.clock).call,
        }

    async def perform(self, action: StepAction, run: RunContext) -> Performed:
        """Does an action once.

        `value` of a call or a script is what its `with` or its arguments gave. The placeholders of the run's secrets
        in it become the secrets here, and nowhere before; what comes back is searched for them.

        Raises: Fault: whatever went wrong, without a secret in it. StorageFailed: the host's own database.
        """
        secrets = StepSecrets()
        try:
            if run.secrets:
                secrets = await self._secrets.open(run.secrets)
            done = await self._done(action, run, secrets)
            if done.meta.get("bytes", 0) > _MUCH:  # tens of milliseconds, which the loop should not wait for
                return await asyncio.to_thread(self._clean, done, secrets)
            return self._clean(done, secrets)
        except Fault as fault:
            raise secrets.hidden_fault(fault) from None
        except NotServed:  # nor is this: it is done once a host is there that can
            raise
        except StorageFailed as error:  # not the step's: it is done again once the database is there
            raise StorageFailed(secrets.hidden(str(error))) from None
        except OmniError as error:
            raise secrets.hidden_fault(fault_of(error)) from None

    def _clean(self, done: Performed, secrets: StepSecrets) -> Performed:
        output = checked_output(secrets.hidden(done.output), self.limits.output_bytes)
        return Performed(output, done.meta, done.events)

    def serves(self, ref: str) -> bool:
        """True if a plugin's function can be called, here or on another host."""
        return self._services.plugins.calls.serves(split_ref(ref)[0])

    def waits_for(self, node: Node) -> str:
        """The reason why a task that this host does has not begun: its engine is being made. Empty: there is none."""
        return self._scripts.waits_for(node.language) if isinstance(node, ScriptTask) else ""

    def forget(self, workflow: str) -> None:
        """Deletes what a workflow kept with `kv.put`, for when it is removed. Blocks."""
        self._services.kv.clear(namespace_of(workflow))

    def close(self) -> None:
        """Frees the script engines; a second time does nothing. Blocks."""
        self._scripts.close()

    async def _done(self, action: StepAction, run: RunContext, secrets: StepSecrets) -> Performed:
        work = StepWork(action, run, secrets, self._services.clock)
        match action.node:
            case CallTask(target="plugin"):  # the common case, without a further frame
                return await call_plugin(self._services.plugins, work, costs=self.limits.costs)
            case CallTask(target=target):
                return await self._kinds[target](work)
            case ScriptTask():
                return await self._scripts.run(work)
            case EmitTask():
                event = envelope(work)
                return Performed(event, events=(event,))
        raise Fault("configuration", 500, "No effect", f"{action.kind} is done by the runner, not by an effect")

    async def _connector(self, work: StepWork) -> Performed:
        connector, _, name = work.call.ref.rpartition(".")
        output = await self._services.connectors.use(
            f"workflow:{work.run.workflow}",
            connector,
            name,
            work.opened(),
            timeout_s=work.left_s(self.limits.longest_s),
            key=work.key,
        )
        return Performed(output, {"connector": connector})

    async def _host(self, work: StepWork) -> Performed:
        verb = VERBS.get(work.call.ref)
        if verb is None:
            raise Fault("configuration", 404, "Unknown verb", f"the host has no {work.call.ref[:80]}@host")
        given = work.action.value
        verb.check(given)
        if verb.keeps and work.secrets.within(given):
            raise InvalidInput(f"{verb.ref} would keep a secret where others read it", remedy="leave the secret out")
        return Performed(await SERVE[verb.ref](self._services, work, cast("Mapping[str, Any]", given)))
