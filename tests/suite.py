"""The suite, as pytest runs it; what fails there is run once more, alone, and named whatever comes of it.

Thousands of tests start processes and servers on machines that other work may slow down. A test that fails beside
the others and passes alone is a fault to look into, which is why its name is the last thing printed; it does not stop
everybody else's work. More than a few failures are never put down to that. CPython's own test runner does the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

MOST = 3
"""Failures that are tried again."""


def main(arguments: list[str]) -> int:
    """Runs pytest with these arguments. Returns: its exit code, or that of the second run."""
    with tempfile.TemporaryDirectory() as folder:
        pytest = [sys.executable, "-m", "pytest", *arguments, "-o", f"cache_dir={folder}"]
        code = subprocess.run(pytest, check=False).returncode
        failed = _failed(Path(folder) / "v/cache/lastfailed")
        if code != 1 or not 0 < len(failed) <= MOST:
            return code
        print(f"\n{len(failed)} failed; once more, alone:", *failed, sep="\n  ", flush=True)
        again = subprocess.run([*pytest, "--last-failed"], check=False).returncode
        if again == 0:
            print("\nfailed among the others and passed alone; look into:", *failed, sep="\n  ", flush=True)
        return again


def _failed(record: Path) -> list[str]:
    """Names of the tests that pytest wrote down."""
    return sorted(json.loads(record.read_text(encoding="utf-8"))) if record.exists() else []


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
