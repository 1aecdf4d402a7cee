"""A plugin uses a connector through its door: it gets the answer and never the credential."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.connectors.local_server import Answer, Seen, serve
from tests.connectors.test_connectors import answers

from omnicore import Host

TOKEN = "tok_9f8e7d6c5b4a39281706"
# Hands its input to the door as the request, and the door's reply out as its output.
PLUGIN = """(module
  (import "extism:host/env" "input_length" (func $input (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "connectors_call_v1" (func $call (param i64) (result i64)))
  (import "extism:host/user" "connectors_list_v1" (func $list (param i64) (result i64)))
  (memory (export "memory") 1)
  (func $copy (result i64) (local $i i64) (local $n i64) (local $at i64)
    (local.set $n (call $input))
    (local.set $at (call $alloc (local.get $n)))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $i) (local.get $n)))
      (call $store (i64.add (local.get $at) (local.get $i)) (call $load (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (local.get $at))
  (func (export "call") (result i32) (local $reply i64)
    (local.set $reply (call $call (call $copy)))
    (call $output (local.get $reply) (call $length (local.get $reply))) (i32.const 0))
  (func (export "list") (result i32) (local $reply i64)
    (local.set $reply (call $list (call $copy)))
    (call $output (local.get $reply) (call $length (local.get $reply))) (i32.const 0)))"""
MANIFEST = b"""
name = "buyer"
[[capabilities]]
name = "connectors"
reason = "Reads orders"
scope = { connectors = ["shop"], actions = ["get", "head"] }
"""


def test_a_plugin_calls_a_connector_and_never_sees_its_token(tmp_path: Path) -> None:
    async def ask(host: Host, function: str, **request: Any) -> Any:
        return json.loads(await host.call(f"buyer.{function}", json.dumps(request)))

    def script(seen: Seen) -> Answer:
        return answers({"path": seen.target, "echo": seen.headers["authorization"]})

    async def play() -> None:
        (tmp_path / "plugins").mkdir()
        async with (
            serve(script) as server,
            Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host,
        ):
            register = host.connectors.register
            config = {"base_url": server.url("/v1"), "auth": "bearer"}
            for name in ("shop", "mail"):
                await asyncio.to_thread(register.add, name, "http", config, {"token": TOKEN})
            await asyncio.to_thread(host.plugins.install, "buyer.wat", PLUGIN.encode(), manifest=MANIFEST)
            await asyncio.to_thread(host.plugins.grant, "buyer", "connectors", who="test")
            given = {"connector": "shop", "action": "get", "input": {"path": "/orders"}}
            reply = await ask(host, "call", **given)
            assert reply["output"]["json"] == {"path": "/v1/orders", "echo": "Bearer [redacted]"}
            assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
            assert await ask(host, "list") == {
                "connectors": [{"name": "shop", "kind": "http", "actions": ["get", "head"]}]
            }
            codes = [
                (await ask(host, "call", **{**given, **change}))["error"]["code"]
                for change in ({"connector": "mail"}, {"action": "post"}, {"input": {"path": "/../"}})
            ]
            assert codes == ["permission-denied", "permission-denied", "malformed-request"]
            uses = await asyncio.to_thread(register.table.uses, "shop")
            assert [(use.who, use.action, use.outcome) for use in uses][-1] == ("plugin:buyer", "get", "ok")
            assert len(server.seen) == 1
            metrics = host.metrics.render().decode()
            assert 'omnicore_connector_calls_total{connector="shop",outcome="ok"} 1.0' in metrics
            history = json.dumps([[event.topic, event.data] for event in host.bus.history(n=1000)])
            assert TOKEN not in history + metrics

    asyncio.run(play())
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert TOKEN.encode() not in kept
