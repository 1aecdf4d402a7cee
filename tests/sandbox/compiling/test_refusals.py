"""Refusals of the compiler: remembered with what they depend on, in memory and on the disk."""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.compiling.conftest import large

from omnicore.errors import EngineFailed, GuestError, LimitExceeded, ModuleRejected, OmniError, Unavailable
from omnicore.sandbox import compiler
from omnicore.sandbox.abi import MIB, Limits
from omnicore.sandbox.capi.code import Preset, RawEngine
from omnicore.sandbox.compiler import Compiler
from omnicore.sandbox.compiler_child import DISK, EXHAUSTED, REFUSED
from omnicore.sandbox.inspect import inspect

WASM = large()


class Children:
    """Compilers that end as a test says, and how many were started."""

    def __init__(self) -> None:
        self.started = 0
        self.code = -24  # SIGXCPU

    def run(self, _command: Any, files: Any, _timeout_s: float) -> int:
        self.started += 1
        files[2].write(b"the module does not validate")
        return self.code


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    found = Children()
    monkeypatch.setattr(compiler.CompilerProcesses, "run", lambda _self, *args: found.run(*args))
    return found


@pytest.fixture
def compiled(engine: RawEngine, tmp_path: Path) -> Callable[..., Any]:
    """Compiles with a compiler that was not used before, as after a restart, unless one is given."""

    def run(by: Compiler | None = None, *, on: RawEngine = engine, wasm: bytes = WASM, **limits: Any) -> Any:
        allowed = dataclasses.replace(Limits(), **limits)
        return (by or Compiler(tmp_path / "code")).compile(on, wasm, inspect(wasm), allowed)

    return run


@pytest.mark.parametrize(
    ("code", "kind"), [(-24, LimitExceeded), (EXHAUSTED, LimitExceeded), (-6, LimitExceeded), (REFUSED, ModuleRejected)]
)
def test_what_was_refused_starts_no_compiler_again(children, compiled, code: int, kind: type[GuestError]) -> None:
    children.code = code
    one = Compiler(None)
    with pytest.raises(kind) as first:
        compiled(one)
    started = children.started
    with pytest.raises(kind) as second:
        compiled(one)
    assert children.started == started
    assert first.value.to_json() == second.value.to_json()


def test_nor_after_a_restart(children, compiled) -> None:
    with pytest.raises(LimitExceeded):
        compiled()
    started = children.started
    with pytest.raises(LimitExceeded, match="compile_s"):
        compiled()
    assert children.started == started


@pytest.mark.parametrize("changed", [{"compile_s": 31.0}, {"compile_bytes": 1025 * MIB}])
def test_a_higher_limit_tries_again(children, compiled, changed: dict[str, Any]) -> None:
    with pytest.raises(LimitExceeded):
        compiled()
    started = children.started
    with pytest.raises(LimitExceeded):
        compiled(**changed)
    assert children.started > started


def test_a_lower_limit_does_not(children, compiled) -> None:
    with pytest.raises(LimitExceeded):
        compiled()
    started = children.started
    with pytest.raises(LimitExceeded):
        compiled(compile_s=1.0)
    assert children.started == started


def test_a_module_that_does_not_validate_is_refused_whatever_the_limits(children, compiled) -> None:
    children.code = REFUSED
    with pytest.raises(ModuleRejected):
        compiled()
    with pytest.raises(ModuleRejected, match="does not validate"):
        compiled(compile_s=100.0)
    assert children.started == 1


def test_another_preset_or_version_of_the_engine_tries_again(children, compiled, monkeypatch) -> None:
    with pytest.raises(LimitExceeded):
        compiled()
    started = children.started
    monkeypatch.setattr("omnicore.sandbox.capi.code.LIBRARY_VERSION", "999.0")
    with pytest.raises(LimitExceeded):
        compiled()
    assert children.started > started
    started = children.started
    with pytest.raises(LimitExceeded):
        compiled(on=RawEngine(Preset(pooled=False, fuel=True)))
    assert children.started > started


def test_other_bytes_are_another_module(children, compiled) -> None:
    with pytest.raises(LimitExceeded):
        compiled()
    started = children.started
    with pytest.raises(LimitExceeded):
        compiled(wasm=large(8))
    assert children.started > started


@pytest.mark.parametrize("code", [-9, -15, -2, DISK, 1])
def test_what_the_machine_did_is_not_remembered(children, compiled, code: int) -> None:
    children.code = code
    one = Compiler(None)
    for expected in (1, 2):
        with pytest.raises((Unavailable, EngineFailed)) as failed:
            compiled(one)
        assert not isinstance(failed.value, GuestError)
        assert children.started == expected


def test_a_compiler_that_gets_no_time_is_not_the_modules_fault(compiled, monkeypatch) -> None:
    def starved(_self: Any, command: Any, _files: Any, timeout_s: float) -> Any:
        raise subprocess.TimeoutExpired(command, timeout_s)

    monkeypatch.setattr(compiler.CompilerProcesses, "run", starved)
    with pytest.raises(Unavailable, match="too little processor time") as failed:
        compiled()
    assert failed.value.details["retry_after_s"] > 0
    monkeypatch.undo()
    assert compiled().pointer


def test_a_full_disk_is_not_the_modules_fault(compiled, monkeypatch) -> None:
    def full(*_args: Any, **_kind: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(compiler.tempfile, "TemporaryFile", full)
    with pytest.raises(EngineFailed, match="No space left"):
        compiled()
    monkeypatch.undo()
    assert compiled().pointer


def test_a_refusal_that_somebody_else_wrote_counts_for_nothing(children, compiled, tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded):
        compiled()
    (entry,) = (tmp_path / "code").glob("*.refused*")
    entry.write_bytes(entry.read_bytes().replace(b"compiling", b"compilinG"))
    started = children.started
    with pytest.raises(LimitExceeded):
        compiled()
    assert children.started > started


def test_a_refusal_of_one_module_is_none_of_another(children, compiled, tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded):
        compiled()
    (entry,) = (tmp_path / "code").glob("*.refused*")
    with pytest.raises(LimitExceeded):
        compiled(wasm=large(8))
    other = next(one for one in (tmp_path / "code").glob("*.refused*") if one != entry)
    other.write_bytes(entry.read_bytes())
    started = children.started
    with pytest.raises(OmniError):
        compiled(wasm=large(8))
    assert children.started > started
