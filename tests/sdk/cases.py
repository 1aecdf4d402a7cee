"""The cases of `specs/conformance`, run against a kit's conformance plugin."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.sdk.services import with_services

from omnicore.capabilities.capability import Grant, PluginScope
from omnicore.capabilities.doors import open_doors
from omnicore.capabilities.services import Services
from omnicore.clock import SystemClock
from omnicore.connectors.http import HttpClient
from omnicore.events.bus import EventBus
from omnicore.events.subscriptions import Subscriptions
from omnicore.plugins.manifest import Manifest, effective_limits, read_manifest
from omnicore.plugins.settings import settled_settings
from omnicore.sandbox.abi import Doors, Limits, WasiGrant
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.engine import SandboxEngine
from omnicore.sandbox.inspect import inspect
from omnicore.storage.database import Database
from omnicore.storage.tables.events import SubscriptionsTable
from omnicore.storage.tables.kv import KvTable

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs" / "conformance"
Load = Callable[[Limits, Doors], Any]
KINDS = {"<text>": str, "<integer>": int, "<number>": (int, float), "<object>": dict, "<any>": object}


@dataclass(frozen=True)
class Case:
    """One case of one door."""

    door: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.door}: {self.values['name']}"


def cases() -> list[Case]:
    """All cases, door by door."""
    return [Case(path.stem, one) for path in sorted(SPECS.glob("*.json")) for one in json.loads(path.read_text())]


@contextmanager
def server() -> Iterator[str]:
    """A local server, and its address."""
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies = {"/hello": "hello ✓".encode(), "/large": b"x" * 5000}
        self._send(200 if self.path in bodies else 404, bodies.get(self.path, b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self._send(201, b"POST " + self.headers["x-case"].encode() + b" " + body)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def plugin(engine: SandboxEngine, wasm: bytes) -> Load:
    """A conformance plugin, to be run under any doors."""
    return lambda limits, doors: engine.load([("main", wasm)], limits, doors)


def _manifest() -> Manifest:
    export = inspect(wat_to_wasm(b'(module (func (export "door")))'))
    return read_manifest("conformance", export, sidecar=(SPECS / "plugin.toml").read_bytes())


class Run:
    """One case on one plugin."""

    def __init__(self, load: Load, address: str) -> None:
        self._load, self._address = load, address
        self._manifest = _manifest()

    def problem(self, case: Case) -> str | None:
        """What went otherwise than the case says, or None."""
        database = Database.open(None)
        client = HttpClient()
        clock = SystemClock()
        plain = Services(KvTable(database, clock), client, EventBus(clock=clock), clock)
        heard = Subscriptions(
            SubscriptionsTable(database, clock), offers=lambda _, name: name == "door", stir=lambda: None, most_all=100
        )
        services = plain if case.values.get("service") is False else with_services(replace(plain, subscriptions=heard))
        # Python's 18 MB take longer to compile than the default allows where the machine does other work.
        default, most = Limits(compile_s=120), Limits(module_bytes=1 << 26, timeout_s=60, compile_s=120)
        limits = effective_limits(self._manifest.limits, default, most)
        doors = open_doors(_scope(self._manifest, case, limits), services)
        template = self._load(limits, doors)
        try:
            kept: dict[str, Any] = {}
            for number, step in enumerate(case.values["steps"], 1):
                instance = template.instance()
                wrong = self._step(instance, case.door, step, kept)
                instance.close()
                if wrong:
                    return f"step {number}: {wrong}"
            return None
        finally:
            template.close()
            client.close()
            database.close()

    def _step(self, instance: Any, door: str, step: Mapping[str, Any], kept: dict[str, Any]) -> str | None:
        request = self._filled(step["request"], kept)
        call = {"door": door, "verb": step["verb"], "request": request}
        answer = json.loads(instance.call("door", json.dumps(call, ensure_ascii=False).encode()))
        if "error" in step:
            return _error_problem(step, answer.get("error"))
        wanted = self._filled(step["reply"], kept)
        if set(answer) != {"reply"} or not _same(wanted, answer["reply"]):
            return f"wanted {json.dumps({'reply': wanted})[:500]}, got {json.dumps(answer)[:500]}"
        kept.update({name: answer["reply"][field] for name, field in step.get("keep", {}).items()})
        return None

    def _filled(self, value: Any, kept: Mapping[str, Any]) -> Any:
        if isinstance(value, str):
            # Port 9 is the one for what is thrown away; nobody listens there.
            return value.replace("{server}", self._address).replace("{nowhere}", "http://127.0.0.1:9")
        if isinstance(value, list):
            return [self._filled(one, kept) for one in value]
        if isinstance(value, dict):
            if "$repeat" in value:
                return value["$repeat"] * value["times"]
            if "$kept" in value:
                return kept[value["$kept"]]
            return {key: self._filled(one, kept) for key, one in value.items()}
        return value


def _scope(manifest: Manifest, case: Case, limits: Limits) -> PluginScope:
    granted = case.values.get("granted", case.values["kind"] != "closed")
    asked = manifest.capabilities
    return PluginScope(
        name=manifest.name,
        asked=asked,
        grants=tuple(Grant(one.name, one.scope, "test", 0.0) for one in asked) if granted else (),
        settings=settled_settings(manifest.name, manifest.config, {}),
        limits=limits,
        log=lambda level, message: None,
        wasi=WasiGrant(),
    )


def _error_problem(step: Mapping[str, Any], error: Any) -> str | None:
    if not isinstance(error, dict) or error.get("code") != step["error"]:
        return f"wanted the error {step['error']}, got {json.dumps(error)[:500]}"
    wrong = [key for key in ("capability", "resource") if key in step and error.get(key) != step[key]]
    if step.get("remedy", "") not in error.get("remedy", ""):
        wrong.append("remedy")
    return f"{', '.join(wrong)} of the error is not as wanted: {json.dumps(error)[:500]}" if wrong else None


def _same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, str) and wanted in KINDS:
        return isinstance(got, KINDS[wanted]) and not (isinstance(got, bool) and wanted != "<any>")
    if isinstance(wanted, dict):
        return isinstance(got, dict) and wanted.keys() == got.keys() and all(_same(wanted[k], got[k]) for k in wanted)
    if isinstance(wanted, list):
        return isinstance(got, list) and len(wanted) == len(got) and all(map(_same, wanted, got))
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    return bool(wanted == got)
