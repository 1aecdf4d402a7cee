"""The default engine as the conformance runner wants it: plugins opened from Extism manifests.

What a manifest says is turned into modules, limits and doors of `omnicore.sandbox`, with the meaning the Extism
host gives it: no limits unless named, vars of its own for every plugin, private addresses not special.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omnicore.connectors.http import HttpClient, HttpPolicy
from omnicore.errors import InvalidSetting, LinkFailed, ManifestInvalid, MemoryExceeded, ModuleRejected, NotFound
from omnicore.sandbox.abi import Doors, HostFunction, HttpSend, Limits, WasiGrant
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import inspect
from omnicore.sandbox.wasm import PAGE_BYTES

Function = tuple[str, str, Sequence[str], Sequence[str], Callable[..., Any]]

_FIELDS = {"wasm", "memory", "config", "allowed_hosts", "allowed_paths", "timeout_ms"}
_MEMORY_FIELDS = {"max_pages", "max_var_bytes", "max_http_response_bytes"}
_MODULE_FIELDS = {"path", "data", "url", "headers", "method", "name", "hash"}
_FREE = 1 << 30  # where the Extism host has no limit


class Host:
    """Opens plugins."""

    version = ExtismEngine.version

    def open(
        self,
        manifest: Mapping[str, Any] | bytes,
        wasi: bool,
        functions: Sequence[Function],
        fuel: int | None = None,
        http_headers: bool = False,
        log_level: str | None = None,
    ) -> Plugin | Oversized:
        """A plugin. Raises: OmniError, with a text that says what is wrong."""
        described = _described(manifest)
        modules = _modules(described["wasm"])
        lines: list[str] = []
        level = log_level.rpartition("=")[2] if log_level else None
        shown = "EXTISM_ENABLE_WASI_OUTPUT" in os.environ

        def note(rank: str, text: str) -> None:
            lines.append(f"{rank}: {text}")
            if shown:
                print(text)

        doors = Doors(
            functions=tuple(_function(function) for function in functions),
            config=_config(described.get("config")),
            http=_http(described.get("allowed_hosts") or []),
            http_headers=http_headers,
            log=note if level or shown else None,
            log_level=level,  # type: ignore[arg-type]
            wasi=_wasi(described.get("allowed_paths") or {}) if wasi else None,
        )
        try:
            limits = _limits(described, modules, fuel)
        except MemoryExceeded as error:
            return Oversized(error)
        command = not any(item.name == "output_set" for item in inspect(dict(modules)["main"]).imports)
        return Plugin(ExtismEngine().load(modules, limits, doors), lines, command=command, shown=shown)


class Plugin:
    """A template with one instance, which is what an Extism plugin is.

    A `command` has no output but what it prints; the Extism host gives that to its own standard output, and
    only when `shown`.
    """

    def __init__(self, template: Any, lines: list[str], *, command: bool, shown: bool) -> None:
        self._template = template
        self._command, self._shown = command, shown
        self._instance = template.instance()
        self._lines = lines

    def call(self, name: str, data: bytes, host_context: Any = None) -> bytes:
        """Calls an export."""
        output = self._instance.call(name, data, host_context=host_context)
        if name != "_start" or not self._command:
            return output
        if self._shown:
            print(output.decode(errors="replace"))
        return b""

    def exists(self, name: str) -> bool:
        """Whether an export can be called."""
        return self._template.exists(name)

    def cancel(self) -> None:
        """Cuts the running call."""
        self._instance.cancel()

    def logs(self) -> str:
        """What the plugin logged."""
        return "\n".join(self._lines)


class Oversized:
    """A plugin whose memory begins over its limit: the Extism host opens it and fails its calls; ours refuses
    it when it is loaded."""

    def __init__(self, error: MemoryExceeded) -> None:
        self._error = error

    def call(self, name: str, data: bytes, host_context: Any = None) -> bytes:
        """Fails."""
        raise self._error


def _described(manifest: Mapping[str, Any] | bytes) -> dict[str, Any]:
    if isinstance(manifest, bytes):
        manifest = _read(manifest)
    if not isinstance(manifest, Mapping):
        raise ManifestInvalid("Unknown manifest format", remedy="send an object")
    memory = manifest.get("memory") or {}
    well = (
        not set(manifest) - _FIELDS
        and isinstance(manifest.get("wasm"), list)
        and manifest["wasm"]
        and isinstance(memory, dict)
        and not set(memory) - _MEMORY_FIELDS
        and all(isinstance(entry, dict) and not set(entry) - _MODULE_FIELDS for entry in manifest["wasm"])
    )
    if not well:
        raise ManifestInvalid("Unknown manifest format", remedy="see the fields of an Extism manifest")
    return dict(manifest)


def _read(data: bytes) -> dict[str, Any]:
    if data.startswith(b"\0asm") or data.lstrip().startswith(b"("):
        return {"wasm": [{"data": base64.b64encode(data).decode()}]}
    try:
        found = json.loads(data)
    except ValueError:
        try:
            found = tomllib.loads(data.decode())
        except ValueError:
            found = None
    if not isinstance(found, dict):
        raise ManifestInvalid("Unknown manifest format", remedy="send JSON, TOML or a module")
    return found


def _modules(entries: list[dict[str, Any]]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for index, entry in enumerate(entries):
        last = index == len(entries) - 1
        name = entry.get("name") or "main"
        if len(entries) == 1 or (last and "main" not in dict(found)):
            name = "main"
        if name in dict(found) or name == "extism:host/env":
            raise LinkFailed(f"Duplicate module name found in Extism manifest: {name}")
        found.append((name, _module(entry)))
    return found


def _module(entry: Mapping[str, Any]) -> bytes:
    if "data" in entry:
        data = base64.b64decode(entry["data"])
    elif "path" in entry:
        try:
            data = Path(entry["path"]).read_bytes()
        except OSError as error:
            raise NotFound(f"{entry['path']} cannot be read: {error.strerror}") from error
    else:
        raise ManifestInvalid("Unknown manifest format: a module has `path` or `data`")
    if entry.get("hash") is not None and hashlib.sha256(data).hexdigest() != entry["hash"]:
        raise ModuleRejected("hash mismatch: the module is not the one that the manifest names")
    return data if data.startswith(b"\0asm") else wat_to_wasm(data)


def _limits(manifest: Mapping[str, Any], modules: list[tuple[str, bytes]], fuel: int | None) -> Limits:
    memory = manifest.get("memory") or {}
    pages, variables = memory.get("max_pages"), memory.get("max_var_bytes")
    timeout_ms = manifest.get("timeout_ms")
    return Limits(
        timeout_s=math.inf if timeout_ms is None else timeout_ms / 1000,
        fuel=fuel,
        memory_bytes=4 * _FREE if pages is None else _grown(pages, modules),
        table_elements=100_000,
        input_bytes=_FREE,
        output_bytes=_FREE,
        log_bytes=_FREE,
        log_lines=_FREE,
        var_bytes=1 << 20 if variables is None else variables,
        host_calls=_FREE,
        http_requests=_FREE,
        http_request_bytes=_FREE,
        http_response_bytes=memory.get("max_http_response_bytes") or 50 << 20,
        module_bytes=_FREE,
        compile_s=60.0,
        compile_bytes=4 * _FREE,
    )


def _grown(pages: int, modules: list[tuple[str, bytes]]) -> int:
    """The sum allowed: `max_pages` counts what memories grow by; each must itself begin within it."""
    starts = [memory.minimum_pages for _, wasm in modules for memory in inspect(wasm).memories if not memory.imported]
    if any(start > pages for start in starts):
        raise MemoryExceeded(f"oom: a memory starts with more than {pages} pages", limit="memory_bytes")
    return (sum(starts) + pages) * PAGE_BYTES


def _config(config: Any) -> dict[str, str]:
    config = config or {}
    if not all(isinstance(value, str) for value in config.values()):
        raise ManifestInvalid("Unknown manifest format: config maps text to text")
    return dict(config)


def _function(function: Function) -> HostFunction:
    namespace, name, params, results, run = function
    return HostFunction(namespace, name, tuple(params), tuple(results), run)  # type: ignore[arg-type]


def _http(hosts: list[str]) -> HttpSend:
    # A manifest of Extism names hosts without ports.
    client, policy = HttpClient(), HttpPolicy(hosts=tuple(f"{host}:*" for host in hosts), private="allow")

    async def send(request: Any) -> Any:
        return await client.send(request, policy)

    return send


def _wasi(paths: Mapping[str, str]) -> WasiGrant:
    preopens = []
    for host, guest in paths.items():
        folder = host.removeprefix("ro:")
        if not Path(folder).is_dir():
            raise InvalidSetting(f"{folder} is no directory", remedy="correct allowed_paths")
        preopens.append((folder, guest, not host.startswith("ro:")))
    return WasiGrant(preopens=tuple(preopens))
