"""A process whose address space is limited runs plugins too, on memories of a smaller range."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
from omnicore.sandbox.abi import Doors, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.capi.code import wat_to_wasm
wasm = wat_to_wasm(b'''(module (memory (export "memory") 1)
  (func (export "grow") (result i32) (memory.grow (i32.const 4000))))''')
instance = ExtismEngine().load([("main", wasm)], Limits(memory_bytes=1 << 30), Doors()).instance()
try:
    instance.call("grow", b"")
except Exception as error:
    print(type(error).__name__, str(error)[:14])
"""


def test_a_limited_address_space_ends_no_process():
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "GuestFailed Error code: -1"  # memory.grow was refused, nothing crashed
