"""The process that compiles what might be hostile: bounded in time and memory, thrown away afterwards.

Run as `python -m omnicore.sandbox.compiling.child FUEL QUICK ADDRESS_MIB SECONDS BYTES`, the module on standard
input, machine code on standard output. Exit code 0 with code, 3 with a message on standard error when the
module does not validate.
"""

from __future__ import annotations

import resource
import sys

from omnicore.errors import OmniError
from omnicore.sandbox.capi.modules import compile_module
from omnicore.sandbox.capi.presets import Preset, RawEngine

__all__ = ["REFUSED"]

REFUSED = 3


def _main(arguments: list[str]) -> int:
    fuel, quick, address_mib, seconds, memory = (int(argument) for argument in arguments)
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, memory)
    preset = Preset(fuel=bool(fuel), quick=bool(quick), pooled=False, address_mib=address_mib)
    engine = RawEngine(preset)
    _limit(resource.RLIMIT_AS, _address_space() + memory)
    try:
        code = compile_module(engine, sys.stdin.buffer.read()).artifact()
    except OmniError as error:
        sys.stderr.write(error.fact)
        return REFUSED
    sys.stdout.buffer.write(code)
    return 0


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Bytes mapped so far: the interpreter and the engine's library."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
