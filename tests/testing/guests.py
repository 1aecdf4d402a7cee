"""Plugins for tests of the testing room: one for each door, one with clock and chance, a server to fetch from."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.plugins.guests import door, module

REPOSITORY = Path(__file__).parents[2]
PLUGINS = REPOSITORY / "plugins"
SCOPES: dict[str, dict[str, Any]] = {
    "http": {"hosts": ["127.0.0.1:*"], "methods": ["GET", "POST"], "private": True},
    "events": {"topics": ["case.*"]},
    "tasks": {"functions": ["mail.*"]},
    "vectors": {"collections": ["docs"]},
    "connectors": {"connectors": ["shop"]},
}
KIT_DICE = module(
    """(func (export "roll") (result i32) (local $i i64) (local $at i64) (local $from i64)
      (local.set $at (call $alloc (i64.const 16)))
      (local.set $from (call $random (i64.const 8)))
      (i64.store (i32.const 0) (call $clock (i32.const 0)))
      (loop $next
        (call $store (i64.add (local.get $at) (local.get $i)) (call $byte (i64.add (local.get $from) (local.get $i))))
        (call $store (i64.add (local.get $at) (i64.add (i64.const 8) (local.get $i)))
          (i32.load8_u (i32.wrap_i64 (local.get $i))))
        (br_if $next (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const 8))))
      (call $output (local.get $at) (i64.const 16)) (i32.const 0))""",
    imports="""
  (import "extism:host/env" "load_u8" (func $byte (param i64) (result i32)))
  (import "extism:host/user" "random_fill_v1" (func $random (param i64) (result i64)))
  (import "extism:host/user" "clock_now_v1" (func $clock (param i32) (result i64)))""",
)
FETCHES = module(
    """(func (export "ask") (result i32) (local $reply i64)
      (local.set $reply (call $fetch (call $input) (i64.const 0)))
      (call $output (local.get $reply) (call $block_length (local.get $reply))) (i32.const 0))""",
    imports='(import "extism:host/env" "http_request" (func $fetch (param i64 i64) (result i64)))',
)
DICE = module(
    """(func (export "roll") (result i32) (local $i i32) (local $at i64)
      (drop (call $random (i32.const 0) (i32.const 8)))
      (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 8)))
      (local.set $at (call $alloc (i64.const 16)))
      (loop $next
        (call $store (i64.add (local.get $at) (i64.extend_i32_u (local.get $i))) (i32.load8_u (local.get $i)))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
      (call $output (local.get $at) (i64.const 16)) (i32.const 0))""",
    imports="""
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))""",
)


def asker(folder: Path, function: str) -> Path:
    """A plugin `asker` whose function `ask` hands its input to a door that it asks for in its manifest."""
    name = "http" if function == "http_request" else function.split("_", maxsplit=1)[0]
    manifest = 'name = "asker"\n[functions.ask]\ninput_media = "application/json"\n'
    if name not in ("log", "config"):
        scope = ", ".join(f"{key} = {json.dumps(value)}" for key, value in SCOPES.get(name, {}).items())
        manifest += f'[[capabilities]]\nname = "{name}"\nreason = "for a test"\nscope = {{ {scope} }}\n'
    return written(folder, "asker", FETCHES if function == "http_request" else door(function), manifest)


def written(folder: Path, name: str, text: str, manifest: str | None = None) -> Path:
    """A plugin in WebAssembly text, with a manifest beside it if there is one."""
    if manifest is not None:
        (folder / f"{name}.toml").write_text(manifest)
    path = folder / f"{name}.wat"
    path.write_text(text)
    return path


def ask(host: Any, request: Any) -> Any:
    """What the door of an `asker` replies."""
    return json.loads(host.call("asker.ask", request))


@dataclass
class Server:
    """A server on loopback: its address, and what it was asked."""

    url: str = ""
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def serving(answer: dict[str, Any]) -> Iterator[Server]:
    """Answers every request with the JSON value."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.send_header("set-cookie", "session=5up3r")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Says nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()
