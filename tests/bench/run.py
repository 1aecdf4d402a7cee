"""The benchmarks: `python -m tests.bench.run [--quick] [--json FILE] [GROUP ...]`.

Prints a table; exit code 1 when something could not be measured. A missed target is marked, not an error:
machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("EXTISM_CACHE_CONFIG", "")  # the peer compiles when it is asked to, not from a cache

from tests.bench.calls import input_sizes, warm_calls
from tests.bench.claims import claims
from tests.bench.components import component_calls
from tests.bench.fleet import fleet_calls
from tests.bench.floods import floods
from tests.bench.functions import host_functions
from tests.bench.growth import folder_sizes
from tests.bench.hogs import hogs
from tests.bench.hosts import awaited_calls, host_calls
from tests.bench.http import http_calls, token_calls, tool_calls
from tests.bench.instances import cached_code, new_instances
from tests.bench.languages import languages
from tests.bench.measure import FULL, QUICK, Effort
from tests.bench.memory import resident_memory
from tests.bench.postgresql import postgresql_writes
from tests.bench.real_plugin import rust_plugin
from tests.bench.recall import recalls
from tests.bench.report import Row, table, to_json
from tests.bench.storage import storage_writes
from tests.bench.tasks import tasks
from tests.bench.threads import two_threads
from tests.bench.vectors import vectors
from tests.bench.workflows import workflows

__all__ = ["GROUPS", "main", "measured"]

GROUPS: Mapping[str, Callable[[Effort], Iterator[Row]]] = {
    "calls": warm_calls,
    "functions": host_functions,
    "rust": rust_plugin,
    "instances": new_instances,
    "cache": cached_code,
    "components": component_calls,
    "languages": languages,
    "threads": two_threads,
    "host": host_calls,
    "await": awaited_calls,
    "http": http_calls,
    "access": token_calls,
    "mcp": tool_calls,
    "memory": resident_memory,
    "sizes": input_sizes,
    "storage": storage_writes,
    "postgresql": postgresql_writes,
    "tasks": tasks,
    "folders": folder_sizes,
    "vectors": vectors,
    "recall": recalls,
    "workflows": workflows,
    "hogs": hogs,
    "claims": claims,
    "floods": floods,
    "fleet": fleet_calls,
}


def measured(groups: Sequence[str], effort: Effort, failures: list[str]) -> Iterator[Row]:
    """The rows of some groups; a group that breaks off leaves a line in `failures`."""
    for name in groups:
        began = time.perf_counter()
        try:
            yield from GROUPS[name](effort)
        except Exception as error:  # the other groups still count
            failures.append(f"{name}: {type(error).__name__}: {error}")
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the groups that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work; figures are rough")
    parser.add_argument("--json", type=Path, help="writes the rows to this file too")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], metavar="GROUP", help=", ".join(GROUPS))
    options = parser.parse_args(arguments)
    failures: list[str] = []
    rows = list(measured(options.groups or list(GROUPS), QUICK if options.quick else FULL, failures))
    machine = _machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(table(rows))
    print("\n".join(["", *failures]) if failures else "")
    if options.json:
        document = {"machine": machine, "rows": to_json(rows), "failures": failures}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if failures else 0


def _machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "wasmtime": version("wasmtime"),
        "extism": version("extism"),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


if __name__ == "__main__":
    sys.exit(main())
