"""Runs a piece of Python as a process of its own, for what would endanger or disturb the one that tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

PRELUDE = """
import asyncio, gc, os, random, signal, sys, threading, time
from omnicore.errors import *
from omnicore.sandbox.abi import Doors, HostFunction, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from tests.sandbox.extism.text import module

def load(body, imports="", *, doors=None, others=(), instances=1000, **limits):
    engine = ExtismEngine(instances=instances)
    return engine.load([*others, ("main", module(body, imports))], Limits(**limits), doors or Doors())

def door(run):
    return Doors(functions=(HostFunction("h", "h", ("i64",), ("i64",), run),))

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

DOOR = '(import "h" "h" (func $h (param i64) (result i64)))'
ECHO = '(func (export "echo") (call $output (call $input) (call $size)))'
LOOP = '(func (export "loop") (loop $l (br $l)))'
COUNT = '''(global $n (mut i64) (i64.const 0))
 (func (export "count") (global.set $n (i64.add (global.get $n) (i64.const 1))) (call $emit (global.get $n)))'''
"""


def run_child(source: str, *, timeout: float = 100, env: Mapping[str, str] | None = None) -> str:
    """What the process printed. Fails with its standard error when it does not end well or says more than nothing
    there: a warning of ctypes about a lost exception is a failure too."""
    ran = finish(source, timeout=timeout, env=env)
    assert ran.returncode == 0, f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    assert not ran.stderr, ran.stderr
    return ran.stdout


def finish(
    source: str, *, timeout: float = 100, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The ended process, well or not."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + source]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=env)
