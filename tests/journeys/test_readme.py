"""The commands and programs of README.md and docs/ work as they stand."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = {page: page.read_text() for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
_LONGEST_S = 250  # a machine that does other work compiles the shipped plugins slowly
pytestmark = pytest.mark.timeout(2 * _LONGEST_S)


def block(marker: str, language: str = "sh") -> str:
    """The block after this marker. It stands in one page only."""
    (found,) = re.findall(rf"<!-- {marker} -->\n```{language}\n(.*?)```", "\n".join(PAGES.values()), re.S)
    return found


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder and its key: the first of these hosts compiles every shipped plugin, the others find it done."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "code.key").write_bytes(os.urandom(32))
    return folder


@pytest.fixture
def environment(tmp_path: Path, code: Path) -> dict[str, str]:
    state = tmp_path / "state" / "omnicore"
    state.mkdir(parents=True)
    shutil.copy(code / "code.key", state)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    places = {"XDG_STATE_HOME": str(state.parent), "XDG_CACHE_HOME": str(code)}
    return {**os.environ, **places, "PATH": path, "OMNICORE_PORT": "0"}


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    command = re.search(r"bin/(omnicore run .*)", README)
    assert command is not None
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command[1]}"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    printed = ""
    assert process.stdout is not None
    for line in process.stdout:
        printed += line
        if "Ctrl-C" in line:
            break
    found = re.search(r"http://127\.0\.0\.1:\d+", printed)
    assert found is not None, printed
    yield found[0], printed
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def test_the_first_command_makes_a_real_call_and_serves_until_ctrl_c(server):
    assert '{"count": 3}' in server[1] or '{"count":3}' in server[1]


def test_the_ten_lines_work_one_after_the_other(server, environment):
    path, _, lines = block("ten lines").partition("\n")
    assert path == 'export PATH="$PWD/.venv/bin:$PATH"'  # here the command is the one of these tests
    lines = lines.replace("http://127.0.0.1:8080", server[0])
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    for part in ("needs-grant", "[email]", "&lt;script&gt;", "because:", '"value": 3', '"value": 4', "words"):
        assert part in ran.stdout.replace('":', '": ').replace('":  ', '": '), (part, ran.stdout)


def test_the_python_snippet_runs(environment):
    snippet = re.search(r"```python\n(.*?)```", README, re.S)
    assert snippet is not None
    ran = subprocess.run(
        [sys.executable, "-c", snippet[1]],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "{'count': 2}"


@pytest.mark.long
def test_the_services_work_one_after_the_other(environment, tmp_path):
    shutil.copytree(ROOT / "plugins" / "text" / "dist", tmp_path / "plugins")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("services")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for part in ("task_", "green tea", "42", "assignments", "Researcher", "Healthy", "my.backup"):
        assert part in ran.stdout, (part, ran.stdout)


@pytest.mark.long
def test_a_workflow_is_checked_kept_and_run(environment, tmp_path):
    shutil.copytree(ROOT / "plugins" / "text" / "dist", tmp_path / "plugins")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("workflows")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for part in ('"words": 4', "completed", "review"):
        assert part in ran.stdout, (part, ran.stdout)


@pytest.mark.long
def test_users_tokens_and_the_record_work_one_after_the_other(environment, tmp_path):
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("access")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for part in ("ada may log in", "ben may log in", "omc_", "user:ada", "3 rows are intact"):
        assert part in ran.stdout, (part, ran.stdout)


@pytest.mark.parametrize(
    ("marker", "prints"),
    [
        ("services in Python", "{'count': 2}\nBob hates walnuts\nnear True\n{'to': 'Ada'}\nHealthy\n"),
        ("application", "RUNNING\n"),
        ("door", "]\n"),
        ("omega", "Healthy\n"),
    ],
)
def test_the_python_of_a_service_runs(marker, prints, environment):
    ran = subprocess.run(
        [sys.executable, "-c", block(marker, "python")],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith(prints)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGES[page]):
        assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_readme():
    for page in PAGES:
        assert page.name == "README.md" or f"(docs/{page.name})" in README


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


@pytest.mark.long
def test_a_plugin_of_your_own_is_four_lines_away(environment, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("own plugin")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "HELLO"
