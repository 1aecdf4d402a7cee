"""`run` in a process of its own: signals, draining, deadlines, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HEAD = """
import asyncio, sys, threading
from omnicore.core.app import OmniApp
from omnicore.modules.tasks import TasksModule
def say(text): print(text, flush=True)
class M:
    def __init__(self, name): self.name = name
    def start(self): pass
    def stop(self): say(f"{self.name} stopped")
class Ready(M):
    def start(self): say("ready")
"""
Start = Callable[[str], subprocess.Popen]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Start]:
    """Starts a program, and returns it once it has said that it is ready."""
    running: list[subprocess.Popen] = []

    def start(body: str) -> subprocess.Popen:
        program = tmp_path / "main.py"
        program.write_text(HEAD + textwrap.dedent(body))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(program)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        running.append(process)
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_tasks_finish_stops_the_modules_in_reverse_and_exits_with_success(started, number):
    process = started("""
        async def job():
            await asyncio.sleep(0.2)
            say("job done")
        tasks = TasksModule(workers=1)
        class Busy(M):
            async def start(self):
                for _ in range(2):
                    await tasks.order(job)
                say("ready")
        app = OmniApp("svc")
        for module in (M("first"), tasks, Busy("busy")):
            app.add_module(module)
        app.run()
        say("over")
    """)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (out.splitlines(), process.returncode) == (
        ["busy stopped", "job done", "job done", "first stopped", "over"], 0
    ), err  # fmt: skip


def test_a_signal_that_another_thread_takes_is_noticed_all_the_same(started):
    process = started("""
        import signal, time
        # What the kernel does to a signal in the moment before the main thread waits: nothing wakes that up.
        def take_signals():
            while app.state.name != "Running": time.sleep(0.01)
            time.sleep(0.2)  # the main thread waits again; nothing but the signal comes now
            say("ready")
            threading.Event().wait()
        app = OmniApp("svc"); app.add_module(M("first")); app.add_module(M("last"))
        threading.Thread(target=take_signals, daemon=True).start()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        app.run()
        say("over")
    """)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (out.splitlines(), process.returncode) == (["last stopped", "first stopped", "over"], 0), err


def test_a_signal_during_the_start_stops_what_has_started(started):
    process = started("""
        class Slow(M):
            async def start(self):
                say("ready")
                await asyncio.sleep(60)
        app = OmniApp("svc"); app.add_module(M("first")); app.add_module(Slow("slow"))
        app.run()
        say("over")
    """)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (out.splitlines(), process.returncode) == (["first stopped", "over"], 0), err


def test_a_module_that_hangs_is_cut_at_the_deadline_named_and_the_exit_says_so(started):
    process = started("""
        class Stuck(M):
            def stop(self): threading.Event().wait()
        app = OmniApp("svc", stop_s=0.3)
        for module in (M("first"), Stuck("stuck"), Ready("last")):
            app.add_module(module)
        app.run()
    """)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 10
    assert out.splitlines() == ["last stopped", "first stopped"]
    assert process.returncode == 1
    assert "not all of its modules: stuck did not end within" in err


def test_a_second_signal_ends_the_process_at_once(started):
    process = started("""
        class Stuck(M):
            def stop(self):
                say("stopping")
                threading.Event().wait()
        app = OmniApp("svc", stop_s=60); app.add_module(Stuck("stuck")); app.add_module(Ready("last"))
        app.run()
    """)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "last stopped\n"
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM


def test_a_module_that_does_not_start_ends_the_process_with_a_failure(tmp_path):
    program = tmp_path / "main.py"
    program.write_text(
        HEAD
        + textwrap.dedent("""
        class Bad(M):
            def start(self): raise OSError("no port")
        app = OmniApp("svc"); app.add_module(M("first")); app.add_module(Bad("bad"))
        app.run()
    """)
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, env=environ, timeout=30)
    assert done.returncode == 1
    assert done.stdout == "first stopped\n"
    assert "the module bad of svc did not start: it failed: OSError: no port" in done.stderr


def test_handlers_of_signals_are_given_back(started):
    process = started("""
        import signal
        app = OmniApp("svc")
        class Quick(Ready):
            def start(self):
                super().start()
                app.request_stop()
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        app.add_module(Quick("quick"))
        app.run()
        say((signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before)
    """)
    out, err = process.stdout.read(), process.stderr.read()  # `communicate` misses what came along with "ready"
    assert out.splitlines()[-1] == "True", err


def test_ctrl_c_while_start_waits_stops_what_has_started(started):
    process = started("""
        class Slow(M):
            async def start(self):
                say("ready")
                await asyncio.sleep(60)
        app = OmniApp("svc"); app.add_module(M("first")); app.add_module(Slow("slow"))
        try:
            app.start()
        except KeyboardInterrupt:
            say("interrupted")
    """)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out.splitlines(), process.returncode) == (["first stopped", "interrupted"], 0), err
