"""What fails beside other tests is run once more, alone, and named either way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PASSES = "def test_good(): pass\n"
UNSTEADY = """
from pathlib import Path
def test_unsteady():
    seen = Path(__file__).with_name("seen")
    known = seen.exists()
    seen.touch()
    assert known
"""


@pytest.fixture
def suite(tmp_path: Path):
    """Runs a file of tests, and returns what came of it."""

    def run(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(text)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        command = [sys.executable, "-m", "tests.suite", "-c", str(tmp_path / "pytest.ini"), str(tmp_path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)

    return run


def test_a_suite_that_passes_runs_once(suite):
    done = suite(PASSES)
    assert (done.returncode, done.stdout.count("test session starts")) == (0, 1), done


def test_what_passes_alone_is_named_and_lets_the_rest_go_on(suite):
    done = suite(PASSES + UNSTEADY)
    assert done.returncode == 0, done
    assert done.stdout.count("1 passed") == 2
    assert "passed alone; look into:\n  test_it.py::test_unsteady" in done.stdout


def test_what_fails_again_fails(suite):
    done = suite(PASSES + "def test_bad(): assert False\n")
    assert (done.returncode, done.stdout.count("test session starts")) == (1, 2), done


def test_many_failures_are_not_put_down_to_chance(suite):
    done = suite("import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_bad(n): assert False\n")
    assert (done.returncode, done.stdout.count("test session starts")) == (1, 1), done
