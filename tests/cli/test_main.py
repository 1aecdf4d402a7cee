"""The entry point answers fast, explains every failure in a line, and never shows a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import click
import pytest

from omnicore import __version__
from omnicore.cli import plugins
from omnicore.cli.main import COMMANDS, cli

from .conftest import COMMAND, clean_environment

HEAVY = (
    "rich",
    "yaml",
    "wasmtime",
    "extism",
    "starlette",
    "hypercorn",
    "sqlite_utils",
    "jsonschema",
    "asyncio",
)


def test_help_answers_in_a_quarter_of_a_second(tmp_path):
    def seconds(command: list[str]) -> float:
        started = time.perf_counter()
        subprocess.run(command, cwd=tmp_path, capture_output=True, env=clean_environment(), check=True)
        return time.perf_counter() - started

    # On a machine where Python itself takes long to start, ours takes longer too.
    bare = min(seconds([sys.executable, "-c", ""]) for _ in range(5))
    assert min(seconds([*COMMAND, "--help"]) for _ in range(5)) < max(0.25, 15 * bare)


def test_help_loads_none_of_the_heavy_libraries(tmp_path):
    script = f"""
import sys
from omnicore.cli.main import main
try:
    main(["--help"])
except SystemExit:
    print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("table", [COMMANDS, plugins.TABLE], ids=["omnicore", "omnicore plugins"])
def test_every_command_of_a_table_is_where_it_says_and_its_help_begins_alike(table):
    group = cli if table is COMMANDS else plugins.plugins
    with click.Context(group) as ctx:
        for name in table:
            command = group.get_command(ctx, name)
            assert command is not None
            assert command.help


def test_help_of_each_command_is_a_page(omnicore):
    for name in COMMANDS:
        ran = omnicore(name, "--help")
        assert ran.code == 0, ran.err
        assert ran.out.startswith(f"Usage: omnicore {name}")


def test_version_is_the_version_of_the_package(omnicore):
    assert omnicore("--version").out == f"omnicore {__version__}\n"


def test_without_arguments_it_shows_the_help_and_fails_as_a_usage(omnicore):
    ran = omnicore()
    assert ran.code == 2
    assert "Commands:" in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cal"], "did you mean 'call'? (see `omnicore --help`)"),
        (["plugins", "grnat"], "did you mean 'grant'?"),
        (["config", "show", "--orgin"], "see `omnicore config show --help`"),
        (["call"], "missing argument 'plugin.function'"),
        (["call", "a.b", "--timeout", "soon"], "'soon' is no duration"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line_with_what_to_do(omnicore, arguments, words):
    ran = omnicore(*arguments)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert words in ran.err.lower()
    assert ran.err.count("\n") == 1
    assert ran.out == ""


@pytest.mark.parametrize(
    "arguments", [["-o", "json", "config", "show", "zzz"], ["config", "show", "zzz", "-o", "json"]]
)
def test_with_json_an_error_is_a_document_on_standard_error(omnicore, arguments):
    ran = omnicore(*arguments)
    assert ran.code == 5
    assert json.loads(ran.err)["error"]["code"] == "not-found"
    assert json.loads(ran.err)["error"]["exit"] == 5
    assert ran.out == ""


def test_with_json_a_wrong_command_line_is_a_document_too(omnicore):
    ran = omnicore("plugins", "--wrong", "-o", "json")
    assert json.loads(ran.err)["error"]["code"] == "usage"


def test_a_wrong_setting_is_a_usage_error_that_names_its_place(omnicore, tmp_path):
    (tmp_path / "omnicore.toml").write_text("port = 1\nprot = 2\n")
    ran = omnicore("config", "show", OMNICORE_HOST="x", OMNICORE_THREADS="none")
    assert ran.code == 2
    assert "omnicore.toml:2: prot is an unknown setting; did you mean port?" in ran.err
    assert "OMNICORE_THREADS" in ran.err


def test_a_defect_of_ours_is_a_sentence_and_with_debug_a_traceback(tmp_path):
    script = """
import sys
from omnicore.cli import main
main.cli.table = {"break": main.Lazy("omnicore_is_not_there", "x", "")}
main.main(["break"])
"""
    for debug in ("", "1"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env=clean_environment(OMNICORE_DEBUG=debug),
        )
        assert done.returncode == 1
        assert "error: unexpected ModuleNotFoundError" in done.stderr
        assert ("Traceback" in done.stderr) is bool(debug)


def test_a_reader_that_leaves_early_is_no_failure(tmp_path):
    command = " ".join([*COMMAND, "config", "show", "--doc"])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_output_that_cannot_be_written_is_told(tmp_path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "config", "show"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            env=clean_environment(),
        )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"cannot be written" in done.stderr or b"No space left" in done.stderr


def test_an_error_cannot_steer_the_terminal(omnicore):
    assert "\x1b" not in omnicore("config", "show", "\x1b[2Jred").err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(omnicore, shell):
    assert "_OMNICORE_COMPLETE" in omnicore("completion", shell).out
    assert "_OMNICORE_COMPLETE" in omnicore("completion", SHELL=f"/usr/bin/{shell}").out


def test_completion_without_a_known_shell_asks_which(omnicore):
    ran = omnicore("completion", SHELL="/bin/unheard-of")
    assert ran.code == 2
    assert "bash, zsh or fish" in ran.err


def test_the_completion_script_completes_commands(omnicore):
    ran = omnicore(_OMNICORE_COMPLETE="bash_complete", COMP_WORDS="omnicore plugins gr", COMP_CWORD="2")
    assert ran.out.split() == ["plain,grant"]
