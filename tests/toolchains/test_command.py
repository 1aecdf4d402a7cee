"""Compilers as child processes: what is told when they fail."""

from __future__ import annotations

import sys

import pytest

from omnicore.errors import BuildFailed
from omnicore.toolchains.languages import run

SAYS = "import sys; print(sys.argv[1]); sys.exit(3)"


def failed(tmp_path, words: list[str]) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        run(words, cwd=tmp_path, language="Zig")
    return caught.value


def test_what_a_compiler_said_follows_its_name_and_code(tmp_path):
    error = failed(tmp_path, ["sh", "-c", "echo no field named item; exit 3"])
    assert error.fact == "sh failed with code 3:\nno field named item"
    assert error.remedy == "fix the Zig source"


def test_a_compiler_that_is_a_python_package_goes_by_its_own_name_and_never_comes_from_the_folder(tmp_path):
    (tmp_path / "ziglike.py").write_text("raise SystemExit(2)")
    assert failed(tmp_path, [sys.executable, "-P", "-m", "ziglike"]).fact.startswith("ziglike failed with code 1")


@pytest.mark.parametrize(
    "said",
    [
        "npm error code ECONNREFUSED",
        "npm error code EAI_AGAIN",
        'sdk/host.go:3:8: Get "http://127.0.0.1:9/x.zip": dial tcp 127.0.0.1:9: connect: connection refused',
        "Caused by:\n  failed to download from `http://127.0.0.1:9/config.json`",
    ],
)
def test_a_network_that_is_not_there_is_no_mistake_of_the_source(tmp_path, said):
    error = failed(tmp_path, [sys.executable, "-c", SAYS, said])
    assert "check the network" in error.remedy
    assert said in error.fact
