"""The check that guards the main branch is the README's test command, and fails when that does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = "# Title\n\n```\nfalse\n```\n<!-- test command -->\n```sh\n{command}\n```\n\n```\nfalse\n```\n"


def run(folder: Path, readme: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "README.md").write_text(readme)
    command = [str(folder / ".ci" / "run")]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=30, check=False)


def test_the_readme_gives_a_test_command_that_runs_tox() -> None:
    after = (ROOT / "README.md").read_text().partition("<!-- test command -->\n```")[2]
    command = after.partition("\n")[2].partition("\n```")[0]
    assert re.search(r"bin/tox\b", command)
    assert "python3 -m venv" in command


def test_the_check_runs_the_command_in_the_checkout(tmp_path: Path) -> None:
    done = run(tmp_path, README.format(command="pwd\nread line || echo no input; echo CI=$CI"))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-3:] == [str(tmp_path), "no input", "CI=true"]


def test_the_check_fails_as_the_command_does(tmp_path: Path) -> None:
    assert run(tmp_path, README.format(command="(exit 7) && echo never")).returncode == 7


def test_the_check_fails_at_the_first_line_that_fails(tmp_path: Path) -> None:
    done = run(tmp_path, README.format(command="(exit 7)\necho never"))
    assert (done.returncode, "\nnever" in done.stdout) == (7, False)


def test_the_check_refuses_a_readme_without_the_command(tmp_path: Path) -> None:
    done = run(tmp_path, "# Title\n```\ntrue\n```\n")
    assert done.returncode == 2
    assert "README.md gives no test command" in done.stderr
