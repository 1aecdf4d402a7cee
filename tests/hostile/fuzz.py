"""Mutates real modules and runs them in child processes; a crash, a hang or a strange error is a find.

`python -m tests.hostile.fuzz --seconds 300 --seed 1`; finds are kept in `tests/hostile/found/`.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile.child import Child, ChildDied
from tests.hostile.mutate import mutant, seeds

FOUND = Path(__file__).parent / "found"
_BATCH = 200
# The deadline of up to four calls, the time to compile, and a busy machine.
_ANSWER_S = 20.0


@dataclass(slots=True)
class Report:
    """What a run of the fuzzer saw."""

    outcomes: Counter[str] = field(default_factory=Counter)
    finds: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many modules were run."""
        return self.outcomes.total()


def fuzz(seconds: float, seed: int, found: Path) -> Report:
    """Runs for a while; modules that broke the host are saved in `found`, named by their hash."""
    report, chance, modules = Report(), random.Random(seed), seeds()
    child = Child("tests.hostile.run_mutant")
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mutant.wasm"
        try:
            while time.monotonic() < until:
                path.write_bytes(mutant(modules, chance))
                _judge(child, path, found, report)
                if report.tried % _BATCH == 0:
                    child.stop()
        finally:
            child.close()
    return report


def _judge(child: Child, path: Path, found: Path, report: Report) -> None:
    try:
        answer = child.ask(str(path), _ANSWER_S)
    except ChildDied as death:
        answer = {"failure": str(death)}
    report.outcomes[answer.get("outcome", "failure")] += 1
    if "failure" in answer:
        found.mkdir(exist_ok=True)
        data = path.read_bytes()
        kept = found / f"{hashlib.sha256(data).hexdigest()[:16]}.wasm"
        kept.write_bytes(data)
        report.finds.append(f"{kept}: {answer['failure']}")


def main() -> int:
    """The command; exit code 1 when something was found."""
    parser = argparse.ArgumentParser(description="Runs broken modules until time is up.")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    report = fuzz(options.seconds, options.seed, FOUND)
    print(f"{report.tried} modules: {dict(report.outcomes.most_common())}")
    for find in report.finds:
        print(find)
    return 1 if report.finds else 0


if __name__ == "__main__":
    sys.exit(main())
