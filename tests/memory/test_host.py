"""Memory in a whole host: through the door of a real plugin, and with embedders that are plugins and services."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.connectors.local_server import Answer, Seen, serve
from tests.connectors.test_connectors import answers

from omnicore.assembly import Host
from omnicore.config.settings import MemorySettings, Settings

# Hands its input to the door as the request, and the door's reply out as its output.
_DOORS = ("store", "recall", "get", "forget")
_FUNCTION = """
  (func (export "{verb}") (result i32) (local $reply i64)
    (local.set $reply (call ${verb} (call $copy)))
    (call $output (local.get $reply) (call $length (local.get $reply))) (i32.const 0))"""
PLUGIN = "".join(
    [
        """(module
  (import "extism:host/env" "input_length" (func $input (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $put (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))""",
        *(f'(import "extism:host/user" "memory_{verb}_v1" (func ${verb} (param i64) (result i64)))' for verb in _DOORS),
        """(memory (export "memory") 1)
  (func $copy (result i64) (local $i i64) (local $n i64) (local $at i64)
    (local.set $n (call $input))
    (local.set $at (call $alloc (local.get $n)))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $i) (local.get $n)))
      (call $put (i64.add (local.get $at) (local.get $i)) (call $load (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (local.get $at))""",
        *(_FUNCTION.format(verb=verb) for verb in _DOORS),
        ")",
    ]
)
# Answers every question with one vector: the meaning of everything is the same.
_ANSWER = json.dumps({"vectors": [[3.0, 4.0]]})
EMBEDDER = f"""(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $put (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{_ANSWER.replace('"', chr(92) + '"')}")
  (func (export "embed") (result i32) (local $i i32) (local $at i64)
    (local.set $at (call $alloc (i64.const {len(_ANSWER)})))
    (loop $next
      (call $put (i64.add (local.get $at) (i64.extend_i32_u (local.get $i))) (i32.load8_u (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const {len(_ANSWER)}))))
    (call $output (local.get $at) (i64.const {len(_ANSWER)})) (i32.const 0))
  (func (export "forever") (result i32) (loop $on (br $on)) (i32.const 0)))"""


def host(tmp_path: Path, **memory: Any) -> Host:
    tmp_path.joinpath("plugins").mkdir(exist_ok=True)
    settings = MemorySettings(**memory)
    return Host(settings=Settings(plugins=tmp_path / "plugins", data=tmp_path / "data", memory=settings, watch=False))


def remembering(host: Host, name: str) -> None:
    """Installs the plugin under a name and grants it the door."""
    manifest = f'name = "{name}"\n[[capabilities]]\nname = "memory"\nreason = "Knows its people"\n'
    host.plugins.install(f"{name}.wat", PLUGIN.encode(), manifest=manifest.encode())
    host.plugins.grant(name, "memory", who="test")


def test_a_plugin_remembers_through_its_door_and_another_sees_nothing_of_it(tmp_path: Path) -> None:
    with host(tmp_path) as opened:

        def ask(function: str, **request: Any) -> Any:
            return json.loads(opened.plugins.call_blocking(function, json.dumps(request)))

        for name in ("ann", "bob"):
            remembering(opened, name)
        about = {"speaker": "Ann", "session": "monday"}
        item = ask("ann.store", text="The key is under the flower pot", tier="semantic", metadata=about)["id"]
        (found,) = ask("ann.recall", text="Where did Ann leave the key?")["items"]
        assert (found["id"], found["text"], found["metadata"]) == (item, "The key is under the flower pot", about)
        assert 0 < found["score"] <= 1
        assert ask("ann.get", id=item)["item"]["tier"] == "semantic"
        assert ask("bob.recall", text="key under the flower pot")["items"] == []
        assert ask("bob.get", id=item) == {"item": None}
        assert ask("bob.forget", id=item) == {"forgotten": False}
        assert ask("bob.recall", text="key", tiers=["civilizational"])["error"]["code"] == "permission-denied"
        assert ask("ann.forget", id=item) == {"forgotten": True}
        assert ask("ann.recall", text="key under the flower pot")["items"] == []


def test_a_plugin_s_function_can_be_the_embedder(tmp_path: Path) -> None:
    tmp_path.joinpath("plugins").mkdir()
    tmp_path.joinpath("plugins", "meaning.wat").write_text(EMBEDDER)
    with host(tmp_path, embedder="plugin:meaning.embed") as opened:
        opened.memory.memories.store("the door is blue")
        found = opened.memory.memories.recall("unheard")
        assert [item.text for item in found.items] == ["the door is blue"]
        assert "turn" in found.items[0].explain
        assert found.notes == ()


def test_an_embedder_that_does_not_answer_in_time_leaves_words(tmp_path: Path) -> None:
    tmp_path.joinpath("plugins").mkdir()
    tmp_path.joinpath("plugins", "meaning.wat").write_text(EMBEDDER)
    with host(tmp_path, embedder="plugin:meaning.forever", embed_s=0.05) as opened:
        opened.memory.memories.store("the door is blue")
        found = opened.memory.memories.recall("door")
        assert [item.text for item in found.items] == ["the door is blue"]
        assert set(found.items[0].explain) & {"turn", "words"} == {"words"}
        assert "the embedder fails" in found.notes[0]


def test_a_connector_can_be_the_embedder_and_words_are_enough_while_it_is_down(tmp_path: Path) -> None:
    up = True

    def script(seen: Seen) -> Answer:
        texts = json.loads(seen.body)["input"]
        vectors = [{"index": at, "embedding": [1.0, 0.0]} for at, _ in enumerate(texts)]
        return answers({"data": vectors, "model": "m"} if up else {"error": {"message": "down"}})

    async def play() -> None:
        nonlocal up
        async with serve(script) as server, host(tmp_path, embedder="connector:model") as opened:
            config, limits = {"base_url": server.url("/v1")}, {"retries": 0}
            await asyncio.to_thread(
                opened.connectors.register.add, "model", "openai", config, {"token": "sk-0123456789"}, limits=limits
            )
            await opened.memory.store("the door is blue")
            found = await opened.memory.recall("unheard")
            assert [item.text for item in found.items] == ["the door is blue"]
            assert [json.loads(seen.body)["input"] for seen in server.seen] == [["the door is blue"], ["unheard"]]
            up = False
            assert (await opened.memory.recall("unheard")).items == ()
            found = await opened.memory.recall("door")
            assert [item.text for item in found.items] == ["the door is blue"]
            assert "the embedder fails" in found.notes[0]

    asyncio.run(play())
