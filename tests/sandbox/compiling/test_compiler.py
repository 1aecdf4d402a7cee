"""Where and how modules are compiled, and what becomes of those that are made to hurt the compiler."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.hostile.corpus import compiling as bombs
from tests.sandbox.child import run_child
from tests.sandbox.compiling.conftest import large, plain

import omnicore
from omnicore.errors import EngineFailed, LimitExceeded, ModuleRejected
from omnicore.sandbox import compiler
from omnicore.sandbox.abi import MIB
from omnicore.sandbox.compiler_child import EXHAUSTED, REFUSED


def test_a_harmless_module_starts_no_process(compile_, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert compile_(plain()).pointer
    with pytest.raises(EngineFailed, match=r"cannot be started.*sys\.executable"):
        compile_(large())


def test_any_other_module_is_compiled_in_a_process_of_its_own(compile_):
    assert compile_(large()).pointer


def test_a_loop_bomb_loads_by_the_quick_compiler(compile_):
    started = time.monotonic()
    assert compile_(bombs.loop_phi(), compile_s=2.0).pointer
    print(f"loop bomb: {time.monotonic() - started:.1f} s")
    assert time.monotonic() - started < 30


def test_a_bomb_that_neither_compiler_takes_ends_at_the_limit_of_time(compile_):
    started = time.monotonic()
    with pytest.raises(LimitExceeded, match=r"compile_s"):
        compile_(bombs.nested_loops(), compile_s=0.2)
    assert time.monotonic() - started < 10


def test_a_bomb_of_memory_ends_at_the_limit_of_memory(compile_):
    with pytest.raises(LimitExceeded, match=r"limits\.compile_bytes") as caught:
        compile_(bombs.nested_loops(), compile_bytes=64 * MIB)
    assert caught.value.details["limit"] == "compile_bytes"


def test_a_module_that_becomes_far_too_much_code_is_refused(compile_, monkeypatch):
    monkeypatch.setattr(compiler, "_CODE_FREE", 0)
    monkeypatch.setattr(compiler, "_CODE_PER_BYTE", 1)
    with pytest.raises(ModuleRejected, match="bytes of machine code"):
        compile_(large())


@pytest.mark.parametrize("make", [plain, large])
def test_an_invalid_module_is_refused_in_the_validators_words(compile_, make):
    broken = make().replace(b"\x41\x07\x0b", b"\x42\x07\x0b")  # the i32 answer becomes an i64
    with pytest.raises(ModuleRejected, match="type mismatch: expected i32, found i64"):
        compile_(broken)


def test_the_child_sees_none_of_the_hosts_variables(monkeypatch):
    monkeypatch.setenv("OMNICORE_TOKEN", "secret")
    monkeypatch.setenv("RUST_LOG", "trace")
    assert set(compiler._environment()) <= {"PATH", "HOME", "LANG", "SYSTEMROOT", "PYTHONPATH"}


def test_the_child_is_given_that_environment_and_no_open_files(compile_, monkeypatch):
    seen = []
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kind: seen.append(kind) or start(*args, **kind))
    monkeypatch.setenv("OMNICORE_TOKEN", "secret")
    compile_(large())
    assert "secret" not in str(seen[0]["env"])
    assert "pass_fds" not in seen[0]
    assert seen[0].get("close_fds", True)


def test_a_package_under_a_path_with_spaces_compiles(tmp_path):
    home = tmp_path / "a path with spaces"
    shutil.copytree(Path(omnicore.__file__).parent, home / "omnicore", ignore=shutil.ignore_patterns("__pycache__"))
    source = """
import omnicore, sys
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.capi.code import Preset, RawEngine
from omnicore.sandbox.compiler import Compiler
from omnicore.sandbox.inspect import inspect
assert " with spaces" in omnicore.__file__
wasm = sys.stdin.buffer.read()
assert Compiler(None).compile(RawEngine(Preset(pooled=False)), wasm, inspect(wasm), Limits()).pointer
"""
    ran = subprocess.run(
        [sys.executable, "-c", source], input=large(), capture_output=True, env={"PYTHONPATH": str(home)}, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()


def test_it_compiles_while_the_host_has_many_threads(compile_):
    stop = threading.Event()
    idlers = [threading.Thread(target=stop.wait) for _ in range(100)]
    for idler in idlers:
        idler.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            modules = list(pool.map(compile_, [large(answer) for answer in range(4)]))
        assert all(module.pointer for module in modules)
    finally:
        stop.set()
        for idler in idlers:
            idler.join()


def test_a_broken_installation_is_not_blamed_on_the_plugin(compile_, monkeypatch):
    monkeypatch.setattr(compiler, "_environment", lambda: {"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere"})
    with pytest.raises(EngineFailed, match="compiler ended with code"):
        compile_(large())


def test_no_room_for_temporary_files_is_the_hosts_fault(compile_, monkeypatch):
    def full(*_args, **_kind):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(compiler.tempfile, "TemporaryFile", full)
    with pytest.raises(EngineFailed, match="No space left"):
        compile_(large())


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("ModuleRejected('the module does not validate: type mismatch')", REFUSED),
        ("ModuleRejected('failed to allocate memory')", EXHAUSTED),
        ("EngineFailed('mmap failed: Cannot allocate memory (os error 12)')", EXHAUSTED),
        ("MemoryError()", EXHAUSTED),
        ("OSError(27, 'File too large')", EXHAUSTED),
    ],
)
def test_the_child_tells_a_bad_module_from_one_that_needs_too_much(raised, code):
    shown = run_child(f"""
from omnicore.sandbox import compiler_child as child
def fail(*_):
    raise {raised}
child.compile_module = fail
sys.stdin, sys.stderr = open("/dev/null"), open("/dev/null", "w")
print(child._main(["0", "0", "16", "10", str(1 << 30), "0", "0"]))
""")
    assert int(shown) == code
