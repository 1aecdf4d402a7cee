"""The engine that JavaScript plugins run on, and what makes it one: the kit's prelude."""

from __future__ import annotations

import functools
from pathlib import Path

from omnicore.errors import EngineFailed
from omnicore.sandbox.abi import MIB, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import inspect
from omnicore.sandbox.snapshot.guest import Guest
from omnicore.toolchains.kits import kit

__all__ = ["ENGINE", "LICENSES", "LIMITS", "guest", "prelude"]

ENGINE = Path(__file__).with_name("engine.wasm")
LICENSES = ENGINE.with_name("LICENSES.txt")
"""Of what is in the engine, and so in every plugin."""

_CACHE = Path(".cache") / "omnicore" / "engines"
_SLOT = "omnicore:slot"

LIMITS = Limits(
    timeout_s=10.0,
    memory_bytes=128 * MIB,
    input_bytes=16 * MIB,
    output_bytes=4 * MIB,
    host_calls=100_000,
    module_bytes=16 * MIB,
    compile_s=120.0,
    compile_bytes=2048 * MIB,
)
"""What a source may use while it is built; a loop at its top ends the build."""

# What the files of the kit are called in each other, in the order in which they run.
_PARTS = {
    "doors": "doorway",
    "errors": "errors",
    "clone": "clone",
    "encoding": "encoding",
    "hosts": "hosts",
    "url": "url",
    "timers": "timers",
    "random": "random",
    "console": "console",
    "host": "host",
    "fetch": "fetch",
    "shapes": "shapes",
    "loading": "loading",
}


@functools.cache
def guest() -> Guest:
    """The engine, compiled once for each user and made once for each process.

    Raises: EngineFailed: the installation is damaged.
    """
    wasm = ENGINE.read_bytes()
    first = next(at for at, one in enumerate(inspect(wasm).imports) if one.module == _SLOT)
    try:
        return Guest(ExtismEngine(Path.home() / _CACHE, instances=8), wasm, first_slot=first, limits=LIMITS)
    except (EngineFailed, RuntimeError):  # no home to keep compiled code in: it takes a second each time
        return Guest(ExtismEngine(instances=8), wasm, first_slot=first, limits=LIMITS)


@functools.cache
def prelude() -> bytes:
    """The kit's files as one function of the engine's own object."""
    folder = kit("js") / "src"
    parts = [(folder / f"{name}.js").read_text("utf-8") for name in (*_PARTS, "main")]
    calls = "".join(f"kit.{name}();\n" for name in _PARTS.values())
    return f"(function (native) {{\nconst kit = {{}};\n{''.join(parts)}{calls}return kit.main();\n}})".encode()
