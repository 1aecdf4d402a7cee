"""`omnicore run` in an application's folder is the application; elsewhere, and with `--serve`, it serves."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from tests.trusting import trusted

from .conftest import COMMAND, clean_environment
from .guests import LOGGING, echo_app

MAIN = """
import json, os
print(json.dumps({name: text for name, text in os.environ.items() if name.startswith("OMNICORE_")}))
raise SystemExit(7)
"""


def an_app(folder) -> None:
    echo_app(folder)
    (folder / "config.yaml").write_text("runtime: {main: main.py}\n")
    (folder / "main.py").write_text(MAIN)
    trusted(folder)


def test_a_new_app_runs_and_takes_the_settings_of_its_file_and_its_variables(omnicore_process, tmp_path):
    omnicore_process("new", "demo")
    ran = omnicore_process("run", folder=tmp_path / "demo")
    assert (ran.code, ran.out) == (0, "App running: Healthy\nHello, World!\n"), ran.err
    ran = omnicore_process("run", folder=tmp_path / "demo", OMNICORE_APP__GREET="Ada")
    assert ran.out.endswith("Hello, Ada!\n"), ran.err


def test_the_application_gets_the_options_as_variables_and_its_exit_code_is_the_command_s(omnicore_process, tmp_path):
    an_app(tmp_path)
    ran = omnicore_process("run", "--port", "0", "--no-watch", "--plugins", "plugins", "-C", "config.yaml")
    assert ran.code == 7
    told = json.loads(ran.out)
    told.pop("OMNICORE_RUNTIME__ENVIRONMENT")
    assert told == {
        "OMNICORE_PORT": "0",
        "OMNICORE_WATCH": "false",
        "OMNICORE_PLUGINS": "plugins",
        "OMNICORE_CONFIG": str(tmp_path / "config.yaml"),
    }


def test_an_application_that_is_not_there_is_told(omnicore_process, tmp_path):
    an_app(tmp_path)
    (tmp_path / "main.py").unlink()
    ran = omnicore_process("run")
    assert ran.code == 5
    assert "there is no application main.py" in ran.err


@pytest.mark.parametrize("arguments", [["--serve"], ["--try", "echo.echo=hi"]])
def test_where_there_is_an_application_the_plugins_can_still_be_served(tmp_path, arguments):
    an_app(tmp_path)
    (tmp_path / "plugins" / "talk.wat").write_text(LOGGING)
    more = ["--try", "talk.say=heard"]
    process = subprocess.Popen(
        [*COMMAND, "run", "--port", "0", "-o", "json", *arguments, *more],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(OMNICORE_RUNTIME__LOG_FORMAT="json"),
    )
    document = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, document["plugins"][0]["name"]) == (0, "echo"), err
    lines = [json.loads(line) for line in err.splitlines()]  # every line of the log is a document
    assert [line["level"] for line in lines if line["message"] == "heard"] == ["info"]


def test_the_place_is_an_origin(omnicore_process, tmp_path):
    ran = omnicore_process("config", "show", "runtime", "--origin", OMNICORE_RUNTIME__ENVIRONMENT="kubernetes")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in ran.out.splitlines()}
    assert rows["runtime.log_format"] == ["auto", "environment: kubernetes"]
    assert rows["runtime.environment"] == ["kubernetes", "OMNICORE_RUNTIME__ENVIRONMENT"]
