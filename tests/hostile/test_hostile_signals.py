"""Cases 77, 78, 83 and 85: Ctrl-C, use after the end, and fork, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.hostile.child import ROOT


def _run(what: str) -> float:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'host'}"}
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.hostile.signals", what]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3_000:]
    return float(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["loop", "host-calls"])
def test_ctrl_c_stops_a_running_guest_and_the_host_goes_on(what: str) -> None:
    # 50 ms are promised, on a machine that is not shared; the median of five.
    assert _run(what) < 0.15


@pytest.mark.slow
def test_a_forked_child_compiles_calls_and_times_out_like_its_parent() -> None:
    assert _run("fork") < 20


@pytest.mark.slow
def test_what_a_host_function_keeps_beyond_its_call_is_harmless() -> None:
    assert _run("late") == 0
