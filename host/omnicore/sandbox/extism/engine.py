"""The default engine: compile, check, link, and the functions of `extism:host/env` that the host serves.

`kernel.wat` serves the other functions. Keys and messages are consumed: their handles are invalid afterwards.

Source: the Extism guest ABI.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from omnicore.errors import GuestFailed, LimitExceeded, LinkFailed, ModuleRejected, PermissionDenied
from omnicore.sandbox.abi import (
    KIB,
    LOG_LEVELS,
    Doors,
    HostCall,
    HostFunction,
    HttpRequest,
    Limits,
    LogLevel,
    ValueType,
)
from omnicore.sandbox.capi.code import preset_for
from omnicore.sandbox.capi.library import LIBRARY_VERSION
from omnicore.sandbox.compiler import Compiler
from omnicore.sandbox.engine import Module
from omnicore.sandbox.extism.call import COMMITTED_AT_START, GuestCall, HostFunctions, Policy
from omnicore.sandbox.extism.instance import ExtismTemplate
from omnicore.sandbox.extism.links import NAMESPACE, LinkPlan, plan_links
from omnicore.sandbox.extism.store import (
    I32_RESULT,
    NO_RESULT,
    OTHER_RESULT,
    EntryPoint,
    LinkedPlugin,
    commands_of,
    generation,
    kernel_for,
)
from omnicore.sandbox.inspect import OWN_PREFIX, FuncType, ModuleInfo, admit, inspect, with_visible_limits
from omnicore.sandbox.lines import SourceLines
from omnicore.sandbox.wasi.functions import wasi_functions
from omnicore.sandbox.wasi.session import WasiSession
from omnicore.sandbox.wasm import PAGE_BYTES
from omnicore.texts import too_deep

_H: tuple[ValueType, ...] = ("i64",)

# What is decoded or parsed takes many times its size and cannot be interrupted.
_KEY_BYTES = 64 * KIB
_REQUEST_BYTES = 64 * KIB  # a URL and headers


def _key(call: GuestCall, handle: int) -> str:
    try:
        key = _bounded(call, handle, "a key", _KEY_BYTES).decode()
    except UnicodeDecodeError as error:
        raise GuestFailed("a key is not UTF-8", remedy="use text for keys") from error
    call.free(handle)
    return key


def _bounded(call: GuestCall, handle: int, what: str, most: int) -> bytes:
    """The bytes of a block, measured before they are copied."""
    size = call.size(handle)
    if size > most:
        raise GuestFailed(f"{what} of {size} bytes where {most} are allowed", remedy="make it shorter")
    return call.read(handle)


def _config_get(call: GuestCall, handle: int) -> int:
    value = call.policy.config.get(_key(call, handle))
    return 0 if value is None else call.write(value)


def _var_get(call: GuestCall, handle: int) -> int:
    value = call.variables.get(_key(call, handle))
    return 0 if value is None else call.write(value)


def _var_set(call: GuestCall, key: int, handle: int) -> None:
    value = call.read(handle) if handle else None
    call.variables.set(_key(call, key), value)
    call.free(handle)


def _log(level: LogLevel) -> Callable[[GuestCall, int], None]:
    rank = LOG_LEVELS.index(level)

    def log(call: GuestCall, handle: int) -> None:
        if rank >= call.policy.log_rank:
            line = call.read(handle)[: call.policy.limits.log_bytes + 1]  # one byte more is over the budget
            call.log(level, line.decode(errors="replace"))
        call.free(handle)

    return log


def _get_log_level(call: GuestCall) -> int:
    return call.policy.log_rank


def _http_status(call: GuestCall) -> int:
    return call.http_reply[0]


def _http_headers(call: GuestCall) -> int:
    if not call.policy.doors.http_headers:
        return 0
    return call.write(json.dumps(call.http_reply[1]).encode())


async def _http_request(call: GuestCall, request: int, body: int) -> int:
    call.receive(0, {})
    prepared = _http_request_of(call, request, body)
    if call.policy.doors.http is None:
        raise PermissionDenied(
            f"HTTP request to {prepared.url[:200]} is not allowed: the plugin has no grant for http",
            remedy="ask for `http` in its manifest and run `omnicore plugins grant PLUGIN http`",
            capability="http",
            resource=prepared.url[:200],
        )
    response = await call.policy.doors.http(prepared)
    call.receive(response.status, dict(response.headers))
    return call.write(response.body)


def _http_request_of(call: GuestCall, request: int, body: int) -> HttpRequest:
    limits = call.policy.limits
    call.spend_http()
    fields = _fields(_bounded(call, request, "an HTTP request", _REQUEST_BYTES))
    call.free(request)
    size = call.size(body)
    if size > limits.http_request_bytes:
        raise LimitExceeded(
            f"the HTTP request has {size} bytes, {limits.http_request_bytes} are allowed",
            remedy="send less, or raise limits.http_request_bytes",
            limit="http_request_bytes",
            allowed=limits.http_request_bytes,
        )
    content = call.read(body) if body else b""
    call.free(body)
    return HttpRequest(
        method=(fields.get("method") or "GET").upper(),
        url=fields["url"],
        headers=fields.get("headers") or {},
        body=content,
        timeout_s=max(0.001, call.seconds_left()),
        max_bytes=limits.http_response_bytes,
    )


def _fields(data: bytes) -> dict[str, Any]:
    if too_deep(data, 2):
        raise _malformed("it is nested deeper than its `headers`")
    try:
        fields = json.loads(data.decode())  # UTF-8 only: the brackets were counted in it
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("url"), str):
        raise _malformed("it is an object with a `url`")
    unknown = set(fields) - {"url", "method", "headers"}
    if unknown:
        raise _malformed(f"unknown field {sorted(unknown)[0]!r}")
    headers = fields.get("headers") or {}
    texts = [fields.get("method") or "", *headers, *headers.values()] if isinstance(headers, dict) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise _malformed("`method` is text, `headers` maps names to text")
    return fields


def _malformed(detail: str) -> GuestFailed:
    return GuestFailed(f"the HTTP request cannot be read: {detail}", remedy='send {"url", "method", "headers"}')


ENV: tuple[HostFunction, ...] = (
    HostFunction(NAMESPACE, "config_get", _H, _H, _config_get),
    HostFunction(NAMESPACE, "var_get", _H, _H, _var_get),
    HostFunction(NAMESPACE, "var_set", ("i64", "i64"), (), _var_set),
    HostFunction(NAMESPACE, "http_request", ("i64", "i64"), _H, _http_request),
    HostFunction(NAMESPACE, "http_status_code", (), ("i32",), _http_status),
    HostFunction(NAMESPACE, "http_headers", (), _H, _http_headers),
    HostFunction(NAMESPACE, "get_log_level", (), ("i32",), _get_log_level),
    *(HostFunction(NAMESPACE, f"log_{level}", _H, (), _log(level)) for level in LOG_LEVELS),
)


_BATCH = 32
_BATCH_PAGES = 32  # guests that start with more memory get a store each: it is freed with the store only
_MOST_EXCHANGE_BYTES = 1 << 29
_START = OWN_PREFIX + "start"
_VOID = FuncType((), ())


class ExtismEngine:
    """Runs core modules that speak the Extism guest ABI, and WASI commands.

    Args:
        cache: a folder of this user for compiled code; None compiles every time.
        instances: how many sandboxes may exist at once.
    """

    name = "omnicore"
    version = LIBRARY_VERSION

    def __init__(self, cache: Path | None = None, *, instances: int = 1_000) -> None:
        self._compiler = Compiler(cache)
        # A kernel and a guest each, and guests that are done in stores that are still in use.
        self._slots = instances * 4

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> ExtismTemplate:
        """See `omnicore.sandbox.engine.Engine.load`."""
        named = dict(modules)
        if len(named) != len(modules) or "extism:host/env" in named:
            raise LinkFailed("Duplicate module name found in Extism manifest", remedy="give each module its own name")
        if "main" not in named:
            raise LinkFailed("the plugin has no module `main`", remedy="name one of its modules `main`")
        build = functools.partial(self._build, named, limits, doors)
        return ExtismTemplate(build(), build)

    def close(self) -> None:
        """See `omnicore.sandbox.engine.Engine.close`."""
        self._compiler.close()

    def _build(self, modules: Mapping[str, bytes], limits: Limits, doors: Doors) -> LinkedPlugin:
        prepared = {name: _prepare(wasm, limits) for name, wasm in modules.items()}
        infos = {name: info for name, (_, info) in prepared.items()}
        plan = plan_links(infos, _functions(doors))
        kernel = kernel_for(preset_for(fuel=limits.fuel is not None, instances=self._slots))
        compiled = tuple(
            self._compiler.compile(kernel.engine, prepared[module.name][0], module.info, limits)
            for module in plan.modules
        )
        commands = commands_of(plan)
        first = len(plan.host)
        return LinkedPlugin(
            engine=kernel.engine,
            kernel=kernel,
            plan=plan,
            modules=compiled,
            host_functions=HostFunctions(kernel.engine, plan.host, tuple(commands.values())),
            policy=Policy(limits, doors, several=len(plan.modules) > 1),
            forwarded={key: first + position for position, key in enumerate(commands)},
            entry_points=_entries(infos["main"]),
            exchange_bytes=_exchange_bytes(limits, kernel.engine.preset.address_mib << 20),
            first_bytes=_pages(plan) * PAGE_BYTES,
            batch=_batch(plan) if kernel.engine.preset.pooled else 1,
            generation=generation(),
            lines=SourceLines.of(infos["main"]) if len(infos) == 1 else None,
        )


def _prepare(wasm: bytes, limits: Limits) -> tuple[bytes, ModuleInfo]:
    wasm = bytes(wasm)  # C reads it without a copy: it must not be a mutable buffer
    admit(inspect(wasm), limits)
    visible = with_visible_limits(wasm, inspect(wasm))
    info = inspect(visible)
    start = next((export for export in info.exports if export.name == _START), None)
    if start is not None and start.type != _VOID:
        raise ModuleRejected("the module's start function takes or returns something", remedy="rebuild it")
    return visible, info


def _functions(doors: Doors) -> list[HostFunction]:
    """Later ones win: a host function may stand in for one of ours."""
    wasi = wasi_functions(_session) if doors.wasi is not None else ()
    return [*ENV, *wasi, *doors.functions]


def _session(call: HostCall) -> WasiSession:
    return cast("GuestCall", call).session()


def _entries(info: ModuleInfo) -> dict[str, EntryPoint]:
    found = {}
    for export in info.exports:
        if isinstance(export.type, FuncType) and not export.name.startswith(OWN_PREFIX):
            found[export.name] = _entry(export.name[:100], export.type)
    return found


def _entry(name: str, kind: FuncType) -> EntryPoint:
    results = len(kind.results)
    if results > 1:
        return EntryPoint(NO_RESULT, f"Function {name} has {results} results, expected 0 or 1")
    if kind.params:
        return EntryPoint(NO_RESULT, f"Function {name} takes {len(kind.params)} parameters, expected none")
    if not results:
        return EntryPoint(NO_RESULT)
    return EntryPoint(I32_RESULT if kind.results == ("i32",) else OTHER_RESULT)


def _exchange_bytes(limits: Limits, address_bytes: int) -> int:
    wanted = max(limits.memory_bytes, limits.input_bytes + limits.output_bytes) + COMMITTED_AT_START
    return min(_MOST_EXCHANGE_BYTES, address_bytes, wanted) & -PAGE_BYTES


def _pages(plan: LinkPlan) -> int:
    memories = (memory for module in plan.modules for memory in module.info.memories)
    return sum(memory.minimum_pages for memory in memories if not memory.imported)


def _batch(plan: LinkPlan) -> int:
    """Guests that are done keep their slots of the engine's pool, too: many tables or modules, few guests."""
    if _pages(plan) > _BATCH_PAGES or any(module.command for module in plan.modules):
        return 1
    tables = sum(len(module.info.tables) for module in plan.modules)
    return max(1, _BATCH // max(1, tables, len(plan.modules)))
