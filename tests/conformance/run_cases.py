"""The guest-ABI cases against an adapter: `run_cases.py [--host FILE] [--cases FILE] [ID ...]`.

An adapter is a Python file with a class `Host`, whose `open(manifest, wasi, functions, fuel, http_headers,
log_level)` gives a plugin with `call(name, data)`. Prints a line for each case; exit code 1 when one failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

__all__ = ["ADAPTER", "CASES", "WORKERS", "load_cases", "run_case"]

HERE = Path(__file__).parent
ADAPTER = HERE / "adapter.py"
CASES = HERE / "cases.json"
WORKERS = min(4, os.cpu_count() or 1)
_SECONDS = 60.0  # to a case without a `kill_after`, on a busy machine

# Taken once: the runner's threads start processes while pytest writes to the environment in the main thread, and
# a child that reads it in that moment cannot be started.
_ENVIRONMENT = dict(os.environ)

Case = dict[str, Any]


def load_cases(path: Path = CASES) -> list[Case]:
    """The cases of a file, in its order."""
    cases: list[Case] = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return cases


def run_case(case: Case, adapter: Path = ADAPTER) -> list[str]:
    """Runs a case in a process of its own; gives what failed, nothing when it passed."""
    command = [sys.executable, "-W", "error", str(HERE / "case_worker.py"), str(adapter)]
    seconds = case.get("kill_after", _SECONDS)
    try:
        done = subprocess.run(
            command,
            input=json.dumps(case).encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
            env=_ENVIRONMENT,
        )
    except subprocess.TimeoutExpired:
        return [f"the host hung: it was killed after {seconds} s"]
    if done.returncode:
        return [f"the host crashed: exit code {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"]
    failures: list[str] = json.loads(done.stdout)
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the cases that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", type=Path, default=ADAPTER, help="the adapter's file")
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("ids", nargs="*")
    options = parser.parse_args(arguments)
    cases = [case for case in load_cases(options.cases) if not options.ids or case["id"] in options.ids]
    failed = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for case, failures in zip(cases, pool.map(lambda case: run_case(case, options.host), cases), strict=True):
            failed += bool(failures)
            print(f"{'FAIL' if failures else 'pass'} {case['id']:40} {'; '.join(failures)}".rstrip(), flush=True)
    print(f"{len(cases) - failed} of {len(cases)} pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
