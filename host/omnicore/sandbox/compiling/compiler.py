"""Machine code for a module, by the cheapest way that is safe."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from omnicore.errors import EngineFailed, LimitExceeded, ModuleRejected
from omnicore.sandbox.abi import MIB, Limits
from omnicore.sandbox.capi.components import CompiledComponent, compile_component, load_component, map_component
from omnicore.sandbox.capi.modules import CompiledModule, compile_module, load_artifact
from omnicore.sandbox.capi.presets import Preset, RawEngine
from omnicore.sandbox.compiling.cache import CodeCache
from omnicore.sandbox.compiling.child import EXHAUSTED, REFUSED
from omnicore.sandbox.inspect import ModuleInfo, harmless

__all__ = ["Compiler"]

_PACKAGES = Path(__file__).parents[3]
_CODE_PER_BYTE = 24  # machine code for each byte of module, generously; Go and QuickJS need 4 to 6
_CODE_FREE = 16 * MIB
_LARGE = 2 * MIB  # bytes of code
_log = logging.getLogger("omnicore.compiling")


class Compiler:
    """Compiles modules that the reader has admitted. Safe to use from several threads."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = CodeCache(cache) if cache is not None else None

    def compile(self, engine: RawEngine, wasm: bytes, info: ModuleInfo, limits: Limits) -> CompiledModule:
        """The module as machine code for an engine.

        What the reader proves harmless is compiled here. Anything else is compiled in a child with limits on
        time and memory: optimised, or, when that takes too much, by the quick compiler, whose time grows
        with the size of the module only.

        Raises:
            ModuleRejected: it does not validate.
            LimitExceeded: compiling takes more than `limits.compile_s` or `limits.compile_bytes`.
        """
        name = _name(engine, wasm)
        cached = self._cached(engine, name)
        if cached is not None:
            return cached
        if harmless(info):
            module = compile_module(engine, wasm)
            if self._cache is not None:
                self._cache.put(name, module.artifact())
            return module
        code = _compile_apart(engine.preset, wasm, limits)
        if self._cache is not None:
            self._cache.put(name, code)
        return load_artifact(engine, code)

    def compile_component(self, engine: RawEngine, wasm: bytes, info: ModuleInfo, limits: Limits) -> CompiledComponent:
        """The same for a component. In a child, a large one goes to the quick compiler at once.

        With the optimising one Python's interpreter takes 7.5 s of processor time instead of 3.1 and is 3 per cent
        faster then.
        """
        name = _name(engine, wasm)
        cached = self._mapped(engine, name)
        if cached is not None:
            return cached
        if harmless(info):
            component = compile_component(engine, wasm)
            if self._cache is not None:
                self._cache.put(name, component.artifact())
            return component
        large = info.code_bytes > _LARGE
        if large:
            _log.warning("compiling a component of %.1f MB; it takes some seconds, once", len(wasm) / 1e6)
        started = time.monotonic()
        code = _compile_apart(engine.preset, wasm, limits, quick=large)
        if large:
            _log.info("compiled it in %.1f s", time.monotonic() - started)
        if self._cache is not None:
            self._cache.put(name, code)
        return load_component(engine, code)

    def _mapped(self, engine: RawEngine, name: str) -> CompiledComponent | None:
        if self._cache is None:
            return None
        try:
            with self._cache.sealed(name) as path:
                return None if path is None else map_component(engine, path)
        except (EngineFailed, OSError):  # another build of the same version wrote it, or no more files can be open
            return None

    def _cached(self, engine: RawEngine, name: str) -> CompiledModule | None:
        code = self._cache.get(name) if self._cache is not None else None
        if code is None:
            return None
        try:
            return load_artifact(engine, code)
        except EngineFailed:  # another build of the same version wrote it
            return None


def _name(engine: RawEngine, wasm: bytes) -> str:
    return f"{hashlib.sha256(wasm).hexdigest()}-{engine.preset.tag}"


def _compile_apart(preset: Preset, wasm: bytes, limits: Limits, *, quick: bool = False) -> bytes:
    try:
        try:
            return _run_child(preset, wasm, limits, quick=quick)
        except LimitExceeded:
            if quick:
                raise
            return _run_child(preset, wasm, limits, quick=True)
    except OSError as error:
        raise EngineFailed(
            f"the compiler cannot be started: {error}",
            remedy="check that sys.executable can be run and that there is room for temporary files",
        ) from error


def _run_child(preset: Preset, wasm: bytes, limits: Limits, *, quick: bool) -> bytes:
    seconds = max(1, math.ceil(limits.compile_s))
    numbers = (preset.fuel, quick, preset.address_mib, seconds, limits.compile_bytes, preset.components)
    command = [
        sys.executable,
        "-m",
        "omnicore.sandbox.compiling.child",
        *(str(int(number)) for number in numbers),
    ]
    most = _CODE_FREE + _CODE_PER_BYTE * len(wasm)
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as made,
        tempfile.TemporaryFile() as said,
    ):
        given.write(wasm)
        given.seek(0)
        try:
            child = subprocess.run(
                command,
                stdin=given,
                stdout=made,
                stderr=said,
                env=_environment(),
                timeout=limits.compile_s + 1.0,
                check=False,
                cwd="/",
            )
        except subprocess.TimeoutExpired as error:
            raise _over("compile_s", limits.compile_s, "seconds") from error
        _check_end(child.returncode, limits, said)
        return _bounded(made, most)


def _check_end(code: int, limits: Limits, said: IO[bytes]) -> None:
    if code == REFUSED:
        raise ModuleRejected(_text(said), remedy="rebuild it with its compiler")
    if code == -signal.SIGXCPU:
        raise _over("compile_s", limits.compile_s, "seconds")
    if code == EXHAUSTED or code < 0:
        raise _over("compile_bytes", limits.compile_bytes, "bytes")
    if code:
        last = (_text(said).strip().splitlines() or ["it said nothing"])[-1]
        raise EngineFailed(f"the compiler ended with code {code}: {last[:500]}", remedy="see `omnicore doctor`")


def _environment() -> Mapping[str, str]:
    """Nothing of the host's variables: they hold its secrets, and RUST_ ones change the compiler."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in (str(_PACKAGES), *sys.path) if path)}


def _bounded(file: IO[bytes], most: int) -> bytes:
    size = file.seek(0, os.SEEK_END)
    if size > most:
        raise ModuleRejected(
            f"the module becomes {size} bytes of machine code, {most} are allowed for its size",
            remedy="it is made to explode when compiled; rebuild it with an ordinary compiler",
        )
    file.seek(0)
    return file.read()


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(4_096).decode(errors="replace")


def _over(limit: str, allowed: float, unit: str) -> LimitExceeded:
    return LimitExceeded(
        f"compiling takes more than {allowed:g} {unit}",
        remedy=f"simplify the plugin, or raise limits.{limit} if you trust it",
        limit=limit,
        allowed=allowed,
    )
