"""Machine code for modules and components, compiled in the cheapest safe way and cached on disk."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import hmac
import itertools
import json
import logging
import math
import mmap
import os
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Literal

from omnicore.config.folders import code_key
from omnicore.errors import EngineFailed, GuestError, LimitExceeded, ModuleRejected, StorageFailed, Unavailable
from omnicore.files import own_folder
from omnicore.sandbox.abi import MIB, Limits
from omnicore.sandbox.budget import BUDGET, Charge
from omnicore.sandbox.capi.code import (
    CompiledComponent,
    CompiledModule,
    Preset,
    RawEngine,
    compile_component,
    compile_module,
    load_artifact,
    load_component,
    map_component,
    seal,
)
from omnicore.sandbox.compiler_child import DISK, EXHAUSTED, REFUSED
from omnicore.sandbox.inspect import ModuleInfo, harmless


class Deferred(Exception):
    """Compiling takes a process of its own, and the caller does not wait for one, or no longer."""


def _always() -> bool:
    return True


def _never() -> bool:
    return False


_ahead: ContextVar[bool] = ContextVar("omnicore_compiling_ahead", default=False)
_wanted: ContextVar[Callable[[], bool]] = ContextVar("omnicore_compiling_wanted", default=_always)
_cheap: ContextVar[bool] = ContextVar("omnicore_compiling_cheap", default=False)


@contextmanager
def compiling(*, ahead: bool, wanted: Callable[[], bool]) -> Iterator[None]:
    """Sets the priority of what is compiled in this block.

    Args:
        ahead: no caller waits for it, so all others go first.
        wanted: called when its turn comes; Deferred is raised when it returns False.
    """
    before = _ahead.set(ahead), _wanted.set(wanted)
    try:
        yield
    finally:
        _ahead.reset(before[0])
        _wanted.reset(before[1])


@contextmanager
def only_cheap() -> Iterator[None]:
    """Compiles in this block only modules that take milliseconds. Others raise Deferred."""
    before = _cheap.set(True)
    try:
        yield
    finally:
        _cheap.reset(before)


def check_cheap() -> None:
    """Raises: Deferred: in a block of `only_cheap`."""
    if _cheap.get():
        raise Deferred


class CompilerQueue:
    """A queue of which `width` callers run at a time. Safe to use from several threads.

    A hostile module keeps a compiler busy for as long as it may. So a first try is short and has a queue of its own;
    what needs more starts again in the queue for long tries, one after the other. In each queue a caller that waits
    for the answer goes before what is compiled ahead, then the first come.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._order = itertools.count()
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._waiting: list[tuple[bool, int]] = []

    def forked(self) -> None:
        """Starts again in a forked child, which does not have the threads that wait or compile."""
        self._begin()

    @contextmanager
    def turn(self, closed: Callable[[], bool] = _never) -> Iterator[None]:
        """Blocks until it is the caller's turn, which ends with the block. Raises: Deferred.

        Args:
            closed: returns True when nobody waits for this turn any longer; see `look_again`.
        """
        turn = (_ahead.get(), next(self._order))
        with self._changed:
            heapq.heappush(self._waiting, turn)
            try:
                self._changed.wait_for(
                    lambda: closed() or (self._inside < self._width and self._waiting[0] == turn),
                )
            finally:
                self._waiting.remove(turn)
                heapq.heapify(self._waiting)
                self._changed.notify_all()  # the next one may have room as well
            if closed() or not _wanted.get()():
                raise Deferred
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def look_again(self) -> None:
        """Has everybody who waits look whether their turn is still wanted."""
        with self._changed:
            self._changed.notify_all()


SHORT_TRIES = CompilerQueue(max(2, (os.cpu_count() or 1) // 2))
LONG_TRIES = CompilerQueue(max(1, (os.cpu_count() or 1) // 4))
for _lane in (SHORT_TRIES, LONG_TRIES):
    os.register_at_fork(after_in_child=_lane.forked)


_MAGIC = b"omnicore code 1\n"
_DIGEST_BYTES = 32
_OTHERS = 0o077
_ABANDONED_S = 3600


class CodeCache:
    """A folder of compiled code, which runs as native code, so only entries that are proved ours are used.

    An entry is written once, under a name made of the module's hash and the preset, with a keyed hash in front. The
    folder is this user's alone (0700), and so is the key, see `omnicore.config.folders`. A reader opens without
    following links, checks owner and permissions, reads all, and compares the hash before anything is loaded.

    Raises: EngineFailed: the folder belongs to another user or is open to others.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._key_file = folder, code_key(folder)
        try:
            own_folder(folder)
            own_folder(self._key_file.parent)
        except StorageFailed as error:
            raise EngineFailed(f"compiled code cannot be kept: {error.fact}", remedy=error.remedy) from error
        self._sweep()
        self._key = self._own_key()

    def get(self, name: str) -> bytes | None:
        """The code stored under a name; None when there is none or it is not what was written."""
        data = _read_own(self._folder / f"{name}.code")
        if data is None or not data.startswith(_MAGIC):
            return None
        start = len(_MAGIC) + _DIGEST_BYTES
        digest, code = data[len(_MAGIC) : start], data[start:]
        return code if hmac.compare_digest(digest, self._digest(name, code)) else None

    @contextlib.contextmanager
    def sealed(self, name: str) -> Iterator[bytes | None]:
        """The path of a file in memory that holds the code and is read-only; None as for `get`.

        For tens of megabytes this takes half the time of `get` and loading what it gives: they are copied once.
        """
        with contextlib.ExitStack() as stack:
            yield self._sealed(name, stack) if hasattr(os, "memfd_create") else None

    def _sealed(self, name: str, stack: contextlib.ExitStack) -> bytes | None:
        source = _open_own(self._folder / f"{name}.code")
        if source is None:
            return None
        stack.callback(os.close, source)
        size = os.fstat(source).st_size - len(_MAGIC) - _DIGEST_BYTES
        if size <= 0 or os.read(source, len(_MAGIC)) != _MAGIC:
            return None
        due = os.read(source, _DIGEST_BYTES)
        copy = os.memfd_create("omnicore-code", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        stack.callback(os.close, copy)
        os.ftruncate(copy, size)
        with mmap.mmap(copy, size) as memory, open(source, "rb", buffering=0, closefd=False) as file:
            with memoryview(memory) as view:
                whole = _filled(file, view)
            good = whole and hmac.compare_digest(due, self._digest(name, memory))
        seal(copy)
        return f"/proc/self/fd/{copy}".encode() if good else None

    def put(self, name: str, code: bytes) -> None:
        """Stores code; a full disk only costs the next start its time."""
        with contextlib.suppress(OSError):
            self._write(self._folder / f"{name}.code", _MAGIC + self._digest(name, code) + code)

    def _digest(self, name: str, code: bytes | mmap.mmap) -> bytes:
        return hmac.digest(self._key, name.encode() + b"\0" + hashlib.sha256(code).digest(), "sha256")

    def _sweep(self) -> None:
        """Removes what writers that were killed have left."""
        with contextlib.suppress(OSError):
            for path in self._folder.glob(".*"):
                if time.time() - path.lstat().st_mtime > _ABANDONED_S:
                    path.unlink(missing_ok=True)

    def _own_key(self) -> bytes:
        key = _read_own(self._key_file)
        if key is None or len(key) != _DIGEST_BYTES:
            with contextlib.suppress(OSError):
                if key is not None:  # cut short
                    self._key_file.unlink()
                self._write(self._key_file, secrets.token_bytes(_DIGEST_BYTES), first=True)
            # Another process may have written its key at the same moment: the first on disk is the one.
            key = _read_own(self._key_file) or secrets.token_bytes(_DIGEST_BYTES)
        return key

    def _write(self, file: Path, data: bytes, *, first: bool = False) -> None:
        """Puts a file in place in one step. Raises: OSError; FileExistsError: it should be the first and is not."""
        temporary = file.with_name(f".{secrets.token_hex(8)}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(descriptor, 0o600)
                stream.write(data)
            if first:
                os.link(temporary, file)
                temporary.unlink()
            else:
                temporary.rename(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _filled(file: IO[bytes], view: memoryview) -> bool:
    """Fills a view from a file. Returns False when the file has too few bytes."""
    read = 0
    while read < len(view):
        count = file.readinto(view[read:])  # type: ignore[attr-defined]
        if not count:
            return False
        read += count
    return True


def _open_own(path: Path) -> int | None:
    """A descriptor of a regular file that is this user's alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & _OTHERS:
        return descriptor
    os.close(descriptor)
    return None


def _read_own(path: Path) -> bytes | None:
    descriptor = _open_own(path)
    if descriptor is None:
        return None
    try:
        with os.fdopen(descriptor, "rb") as file:
            return file.read()
    except OSError:
        return None


_MOST = 10_000
_ENDING = ".refused"


@dataclass(frozen=True, slots=True)
class _Refusal:
    kind: Literal["rejected", "limit"]
    fact: str
    remedy: str
    limit: str
    compile_s: float
    compile_bytes: int

    def holds(self, limits: Limits) -> bool:
        higher = limits.compile_s > self.compile_s or limits.compile_bytes > self.compile_bytes
        return self.kind == "rejected" or not higher

    def error(self) -> GuestError:
        if self.kind == "rejected":
            return ModuleRejected(self.fact, remedy=self.remedy)
        allowed = self.compile_s if self.limit == "compile_s" else self.compile_bytes
        return LimitExceeded(self.fact, remedy=self.remedy, limit=self.limit, allowed=allowed)


class Refusals:
    """Modules that cannot be compiled, by the name under which their code would be cached. Thread-safe.

    A module that costs ten seconds of processor time costs them once. A refusal is valid for the module's bytes and the
    engine's version and preset, and if a limit was the reason, up to that limit. It is stored beside compiled code with
    the same keyed hash. A failure of the machine is not a refusal.
    """

    def __init__(self, cache: CodeCache | None) -> None:
        self._cache = cache
        self._known: dict[str, _Refusal] = {}

    def check(self, name: str, limits: Limits) -> None:
        """Raises: ModuleRejected, LimitExceeded: as it was refused before."""
        found = self._known.get(name) or self._read(name)
        if found is not None and found.holds(limits):
            raise found.error()

    def note(self, name: str, error: ModuleRejected | LimitExceeded, limits: Limits) -> None:
        """Remembers a refusal. Another process, and this one after a restart, finds it on the disk."""
        kind: Literal["rejected", "limit"] = "limit" if isinstance(error, LimitExceeded) else "rejected"
        limit = str(error.details.get("limit", ""))
        refusal = _Refusal(kind, error.fact, error.remedy, limit, limits.compile_s, limits.compile_bytes)
        self._keep(name, refusal)
        if self._cache is not None:
            self._cache.put(name + _ENDING, json.dumps(asdict(refusal)).encode())

    def _read(self, name: str) -> _Refusal | None:
        data = self._cache.get(name + _ENDING) if self._cache is not None else None
        if data is None:
            return None
        try:
            refusal = _Refusal(**json.loads(data))
        except (ValueError, TypeError):  # of another version of the host
            return None
        self._keep(name, refusal)
        return refusal

    def _keep(self, name: str, refusal: _Refusal) -> None:
        while len(self._known) >= _MOST:
            self._known.pop(next(iter(self._known)), None)
        self._known[name] = refusal


_PACKAGES = Path(__file__).parents[2]
_CODE_PER_BYTE = 24  # machine code for each byte of module, generously; Go and QuickJS need 4 to 6
_CODE_FREE = 16 * MIB
_LARGE = 2 * MIB  # bytes of code
_FIRST_S, _FIRST_S_PER_MIB = 2.0, 1.0  # how long a first try may take; a Go module of 3 MB takes 2 s
_NICE = 10  # of what takes long: calls and short tries go before it
_ROOM_S = 30.0  # how long a compiler waits for memory
_STARVED_S, _STARVED_TIMES = 20.0, 4  # wall-clock time of a child: this, and so many times its processor time
# What the compiler never gets by itself: SIGKILL comes from the kernel when the machine has no memory left.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_log = logging.getLogger("omnicore.compiling")


class Compiler:
    """Compiles modules that `admit` accepted. Safe to use from several threads."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = CodeCache(cache) if cache is not None else None
        self._refusals = Refusals(self._cache)
        self._processes = CompilerProcesses()

    def close(self) -> None:
        """Ends what is being compiled in other processes. Whoever waits for it gets Deferred, and so do later ones."""
        self._processes.close()

    def compile(self, engine: RawEngine, wasm: bytes, info: ModuleInfo, limits: Limits) -> CompiledModule:
        """The module as machine code for an engine.

        What the reader proves harmless is compiled here. Anything else is compiled in a child with limits on
        time and memory: optimised, or, when that takes too much, by the quick compiler, whose time grows
        with the size of the module only.

        Raises:
            ModuleRejected: it does not validate.
            LimitExceeded: compiling takes more than `limits.compile_s` or `limits.compile_bytes`.
            Unavailable: the machine has no memory or time for it now.
            Deferred: it takes a child, in a block of `only_cheap` or after `close`.
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
        code = self._apart(engine, name, wasm, limits)
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
        code = self._apart(engine, name, wasm, limits, quick=large)
        if large:
            _log.info("compiled it in %.1f s", time.monotonic() - started)
        return load_component(engine, code)

    def _apart(self, engine: RawEngine, name: str, wasm: bytes, limits: Limits, *, quick: bool = False) -> bytes:
        """Machine code from a child, kept for the next time; what it refuses is remembered."""
        allowed = _allowed(limits)
        self._refusals.check(name, allowed)
        check_cheap()
        try:
            code = self._processes.compile(engine.preset, wasm, allowed, quick=quick)
        except (ModuleRejected, LimitExceeded) as error:
            self._refusals.note(name, error, allowed)
            raise
        if self._cache is not None:
            self._cache.put(name, code)
        return code

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


def _allowed(limits: Limits) -> Limits:
    """The limits, with no more memory than all sandboxes together may have."""
    return replace(limits, compile_bytes=min(limits.compile_bytes, BUDGET.total))


class CompilerProcesses:
    """Compilers in processes of their own, all those of one host. Safe to use from several threads."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._charges: set[Charge] = set()
        self._closed = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """Ends the processes, and the waiting for a turn or for memory. A second time does nothing."""
        with self._lock:
            self._closed = True
            running, charges = list(self._running), list(self._charges)
        for child in running:
            child.kill()
        for charge in charges:
            BUDGET.turn_away(charge)
        for queue in (SHORT_TRIES, LONG_TRIES):
            queue.look_again()

    def compile(self, preset: Preset, wasm: bytes, limits: Limits, *, quick: bool) -> bytes:
        """Machine code from the first of these that does not go over a limit: a short try, a long one, the quick
        compiler. Raises: as `Compiler.compile`."""
        try:
            return self._in_turn(preset, wasm, limits, quick=quick)
        except OSError as error:
            raise EngineFailed(
                f"the compiler cannot be started: {error}",
                remedy="check that sys.executable can be run and that there is room for temporary files",
            ) from error

    def run(self, command: Sequence[str], files: Sequence[IO[bytes]], timeout_s: float) -> int:
        """The exit code of a command with these files as its standard streams.

        Raises: subprocess.TimeoutExpired; Deferred: closed, before it or meanwhile.
        """
        given, made, said = files
        with self._lock:
            self._check_open()
            child = subprocess.Popen(command, stdin=given, stdout=made, stderr=said, env=_environment(), cwd="/")
            self._running.add(child)
        with child:  # on the way out it waits for the process, which leaves no zombie
            try:
                code = child.wait(timeout_s)
            except BaseException:
                child.kill()
                raise
            finally:
                with self._lock:
                    self._running.discard(child)
        if code < 0:
            self._check_open()
        return code

    def _in_turn(self, preset: Preset, wasm: bytes, limits: Limits, *, quick: bool) -> bytes:
        first_s = min(limits.compile_s, _FIRST_S + _FIRST_S_PER_MIB * len(wasm) / MIB)
        with SHORT_TRIES.turn(self._is_closed):
            try:
                return self._charged(preset, wasm, replace(limits, compile_s=first_s), quick=quick, nice=0)
            except LimitExceeded as error:
                more = first_s < limits.compile_s and error.details["limit"] == "compile_s"
                if quick and not more:
                    raise
        with LONG_TRIES.turn(self._is_closed):
            try:
                return self._charged(preset, wasm, limits, quick=quick or not more, nice=_NICE)
            except LimitExceeded:
                if quick or not more:
                    raise
            return self._charged(preset, wasm, limits, quick=True, nice=_NICE)

    def _charged(self, preset: Preset, wasm: bytes, limits: Limits, *, quick: bool, nice: int) -> bytes:
        """Machine code from one child, while the budget of memory holds a place for it."""
        charge = Charge()
        with self._lock:
            self._check_open()
            self._charges.add(charge)
        # What it needs is seldom near its limit. Half of the budget at most: a small machine compiles as well.
        try:
            BUDGET.place(charge, min(limits.compile_bytes, BUDGET.total // 2), wait_s=_ROOM_S)
            return self._compiled(preset, wasm, limits, quick=quick, nice=nice)
        except Unavailable:
            self._check_open()
            raise
        finally:
            with self._lock:
                self._charges.discard(charge)
            BUDGET.charge(charge, 0)

    def _compiled(self, preset: Preset, wasm: bytes, limits: Limits, *, quick: bool, nice: int) -> bytes:
        seconds = max(1, math.ceil(limits.compile_s))
        numbers = (preset.fuel, quick, preset.address_mib, seconds, limits.compile_bytes, preset.components, nice)
        command = [sys.executable, "-m", "omnicore.sandbox.compiler_child", *(str(int(number)) for number in numbers)]
        with contextlib.ExitStack() as stack:
            given, made, said = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            given.write(wasm)
            given.seek(0)
            try:
                # Processor time ends a module that takes too much. This ends a child that gets none.
                code = self.run(command, (given, made, said), _STARVED_S + _STARVED_TIMES * seconds)
            except subprocess.TimeoutExpired as error:
                raise _machine("the compiler got too little processor time") from error
            _check_end(code, limits, said)
            return _bounded(made, _CODE_FREE + _CODE_PER_BYTE * len(wasm))

    def _is_closed(self) -> bool:
        return self._closed

    def _check_open(self) -> None:
        if self._closed:
            raise Deferred


def _check_end(code: int, limits: Limits, said: IO[bytes]) -> None:
    if code == REFUSED:
        raise ModuleRejected(_text(said), remedy="rebuild it with its compiler")
    if code == -signal.SIGXCPU:
        raise _over("compile_s", limits.compile_s, "seconds")
    if code == DISK:
        raise EngineFailed(
            "the compiler had no room for the machine code", remedy="make room where temporary files are kept"
        )
    if -code in _FROM_OUTSIDE:
        raise _machine(f"the compiler was ended from outside, by {signal.Signals(-code).name}")
    if code == EXHAUSTED or code < 0:
        raise _over("compile_bytes", limits.compile_bytes, "bytes")
    if code:
        last = (_text(said).strip().splitlines() or ["it said nothing"])[-1]
        raise EngineFailed(f"the compiler ended with code {code}: {last[:500]}", remedy="see `omnicore doctor`")


def _machine(fact: str) -> Unavailable:
    """The error of a child that failed for a reason that is not the module's."""
    return Unavailable(fact, remedy="try again when the machine has memory and time to spare", retry_after_s=5.0)


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
