"""From an empty folder to a called plugin, in every language, by what the kit's README says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = sorted(ROOT.glob("sdk/*/README.md"))


def journey(readme: Path) -> str:
    """The first block of commands. What it installs, this environment has or cannot have."""
    found = re.search(r"```sh\n(.*?)```", readme.read_text(), re.S)
    assert found is not None
    lines = found[1].splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("pip install ", "rustup target add ")))


def ways() -> list[tuple[str, str]]:
    """A language and its commands; JavaScript's README goes two ways."""
    found = [(readme.parent.name, journey(readme)) for readme in READMES]
    ts = [(name, way) for name, way in found if name == "js"]
    return found + [("ts", way.replace("plugin-js", "plugin-ts")) for _, way in ts]


@pytest.mark.parametrize(("language", "commands"), ways(), ids=lambda value: value if "\n" not in value else "")
def test_every_kit_s_readme_leads_from_nothing_to_a_called_plugin(language: str, commands: str) -> None:
    for step in ("omnicore new ", "omnicore build .", "omnicore plugins test .", "omnicore call "):
        assert step in commands


@pytest.mark.toolchain
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("language", "commands"), ways(), ids=lambda value: value if "\n" not in value else "")
def test_the_way_in_a_kit_s_readme_can_be_walked(language: str, commands: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if re.search(r"needs? .*(not on this machine|not installed)", ran.stderr):
        pytest.skip(ran.stderr.strip().splitlines()[-1])
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    assert re.search(r'HELLO|"Hello, Ada!"', ran.stdout.splitlines()[-1]), ran.stdout
