"""The cache gives back what was written and nothing else; whatever is wrong with it costs time only."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.sandbox.child import run_child
from tests.sandbox.compiling.conftest import large, plain

from omnicore.errors import EngineFailed
from omnicore.sandbox import compiler
from omnicore.sandbox.compiler import CodeCache


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "code"


@pytest.fixture
def entry(folder, compile_) -> Path:
    """The one entry of a cache, for `large()`."""
    compile_(large(), folder)
    (found,) = folder.glob("*.code")
    return found


@pytest.fixture
def children(monkeypatch) -> list[int]:
    """Grows by one with every module compiled in a child."""
    started = []
    run = compiler.CompilerProcesses.run
    monkeypatch.setattr(compiler.CompilerProcesses, "run", lambda *args: started.append(1) or run(*args))
    return started


def test_the_first_time_compiles_and_the_second_does_not(folder, compile_, children):
    assert compile_(large(), folder).pointer
    assert compile_(large(), folder).pointer
    assert len(children) == 1
    assert compile_(large(answer=8), folder).pointer
    assert len(children) == 2


def test_harmless_modules_are_cached_too(folder, compile_, monkeypatch):
    compile_(plain(), folder)
    monkeypatch.setattr(compiler, "compile_module", None)
    assert compile_(plain(), folder).pointer


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def make_foreign_key(entry: Path, tmp_path: Path) -> None:
    other = CodeCache(tmp_path / "other")
    other.put(entry.stem, b"foreign machine code")
    shutil.copy(tmp_path / "other" / entry.name, entry)


def make_link(entry: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    entry.rename(moved)
    entry.symlink_to(moved)


def make_pipe(entry: Path, _tmp_path: Path) -> None:
    entry.unlink()
    os.mkfifo(entry)


def rename_another(entry: Path, _tmp_path: Path) -> None:
    cache = CodeCache(entry.parent)
    cache.put("another", b"code of another module")
    (entry.parent / "another.code").rename(entry)


SPOILED = {
    "a byte of the code changed": lambda entry, _: flip(entry, -100),
    "a byte of the hash changed": lambda entry, _: flip(entry, 20),
    "a byte of the mark changed": lambda entry, _: flip(entry, 0),
    "cut short": lambda entry, _: entry.write_bytes(entry.read_bytes()[:-1]),
    "longer": lambda entry, _: entry.write_bytes(entry.read_bytes() + b"\0"),
    "empty": lambda entry, _: entry.write_bytes(b""),
    "written with another key": make_foreign_key,
    "of another module": rename_another,
    "a link": make_link,
    "a pipe": make_pipe,
    "a folder": lambda entry, _: (entry.unlink(), entry.mkdir()),
    "writable by the group": lambda entry, _: entry.chmod(0o660),
    "writable by all": lambda entry, _: entry.chmod(0o606),
}


@pytest.mark.parametrize("what", SPOILED)
def test_an_entry_that_is_not_ours_as_written_is_never_loaded(what, entry, compile_, children, monkeypatch, tmp_path):
    good = entry.read_bytes()[48:]
    SPOILED[what](entry, tmp_path)
    loaded = []
    load = compiler.load_artifact
    monkeypatch.setattr(compiler, "load_artifact", lambda engine, code: loaded.append(code) or load(engine, code))
    assert compile_(large(), entry.parent).pointer
    assert len(children) == 1
    assert loaded == [good]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_an_entry_of_another_user_is_never_loaded(entry, compile_, children):
    os.chown(entry, 65534, 65534)
    assert compile_(large(), entry.parent).pointer
    assert len(children) == 1


def test_an_entry_that_the_engine_refuses_is_compiled_again(entry, compile_, children):
    CodeCache(entry.parent).put(entry.stem, b"code of an engine that is no more")
    assert compile_(large(), entry.parent).pointer
    assert len(children) == 1


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o755, 0o710])
def test_a_folder_that_others_may_enter_is_refused(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(EngineFailed, match=r"open to other users .*chmod -R go-rwx"):
        CodeCache(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_a_folder_of_another_user_is_refused(folder):
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(EngineFailed, match=r"belongs to user 65534.*chown"):
        CodeCache(folder)


def test_folder_key_and_entries_are_this_users_alone(entry):
    assert entry.parent.stat().st_mode & 0o777 == 0o700
    assert entry.stat().st_mode & 0o777 == 0o600
    assert (entry.parent / "key").stat().st_mode & 0o777 == 0o600


def test_a_spoiled_key_is_replaced_and_everything_compiled_again(entry, compile_, children):
    (entry.parent / "key").write_bytes(b"short")
    compile_(large(), entry.parent)
    compile_(large(), entry.parent)
    assert len(children) == 1


def test_entries_outlive_the_process(entry):
    code = run_child(f"""
from pathlib import Path
from omnicore.sandbox.compiler import CodeCache
print(len(CodeCache(Path({str(entry.parent)!r})).get({entry.stem!r})))
""")
    assert int(code) == len(entry.read_bytes()) - 48


def test_of_two_that_begin_at_once_both_use_the_key_that_was_first(folder, monkeypatch):
    others = []

    def late(count):
        monkeypatch.undo()
        others.append(CodeCache(folder))  # another process, between our look for a key and our own
        return secrets.token_bytes(count)

    monkeypatch.setattr(secrets, "token_bytes", late)
    mine = CodeCache(folder)
    mine.put("a", b"code")
    assert others[0].get("a") == b"code"


WRITER = """
from pathlib import Path
from omnicore.sandbox.compiler import CodeCache
cache = CodeCache(Path(FOLDER))
for turn in range(300):
    cache.put(f"n{turn % 3}", f"n{turn % 3}".encode() * 20000)
    for name in ("n0", "n1", "n2"):
        code = cache.get(name)
        assert code is None or code == name.encode() * 20000
print(sum(cache.get(f"n{n}") is not None for n in range(3)))
"""


def test_processes_that_write_at_once_share_one_cache(folder):
    source = f"FOLDER = {str(folder)!r}" + WRITER
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(run_child, [source] * 3))
    assert outcomes == ["3\n"] * 3
    assert not list(folder.glob(".*"))


def test_a_writer_killed_half_way_leaves_no_entry(folder):
    source = f"""
import sys; from pathlib import Path
from omnicore.sandbox.compiler import CodeCache
cache = CodeCache(Path({str(folder)!r}))
print("ready", flush=True)
while True:
    cache.put("half", bytes(20_000_000))
    (Path({str(folder)!r}) / "half.code").unlink()
"""
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        while not list(folder.glob(".*")):
            pass
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert CodeCache(folder).get("half") in (None, bytes(20_000_000))


def test_what_killed_writers_left_is_swept_after_a_while(folder):
    CodeCache(folder)
    old, new = folder / ".0123456789abcdef", folder / ".fedcba9876543210"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    CodeCache(folder)
    assert not old.exists()
    assert new.exists()


def test_a_full_disk_costs_nothing_but_time(folder):
    run_child(f"""
import resource
from pathlib import Path
from omnicore.sandbox.compiler import CodeCache
CodeCache(Path({str(folder)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
engine = ExtismEngine(Path({str(folder)!r}))
for _ in range(2):
    engine.load([("main", module(ECHO))], Limits(), Doors()).instance().call("echo", b"x")
assert not list(Path({str(folder)!r}).glob("*.code")) and not list(Path({str(folder)!r}).glob(".*"))
""")


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineFailed, match="compiled code cannot be kept"):
        CodeCache(tmp_path / "file" / "code")
