"""`omnicore call` runs one function without a server, and its exit code says how it went."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from .conftest import COMMAND, clean_environment
from .guests import LOGGING, echo_app


def test_text_goes_in_and_comes_out_as_it_is(omnicore, tmp_path):
    echo_app(tmp_path)
    ran = omnicore("call", "echo.echo", "Grüße")
    assert (ran.code, ran.out, ran.err) == (0, "Grüße", "")


@pytest.mark.parametrize("data", [b"", b"\x00\xff\n", bytes(range(256)) * 100])
def test_bytes_go_through_standard_input_and_output_untouched(omnicore, tmp_path, data):
    echo_app(tmp_path)
    ran = omnicore("call", "echo.echo", "-", stdin=data)
    assert (ran.code, ran.raw) == (0, data)


def test_the_input_may_be_a_file(omnicore, tmp_path):
    echo_app(tmp_path)
    (tmp_path / "in.bin").write_bytes(b"\x01\x02")
    assert omnicore("call", "echo.echo", "@in.bin").raw == b"\x01\x02"
    missing = omnicore("call", "echo.echo", "@none.bin")
    assert missing.code == 5
    assert "none.bin cannot be read" in missing.err


def test_without_input_the_function_gets_none(omnicore, tmp_path):
    echo_app(tmp_path)
    assert omnicore("call", "echo.echo", stdin=b"not asked for").raw == b""


@pytest.mark.parametrize(
    ("data", "value"), [(b'{"a": 1}', {"a": 1}), (b"plain", "plain"), (b"\xff\x00", {"base64": "/wA="})]
)
def test_with_json_the_answer_is_a_document(omnicore, tmp_path, data, value):
    echo_app(tmp_path)
    document = json.loads(omnicore("-o", "json", "call", "echo.echo", "-", stdin=data).out)
    assert document["output"] == value
    assert document["call"] == "echo.echo"
    assert document["ms"] > 0


@pytest.mark.parametrize(
    ("reference", "code"),
    [("echo.fail", 1), ("echo.spin", 4), ("echo.none", 5), ("none.echo", 5), ("echo", 2)],
)
def test_the_exit_code_says_how_the_call_went(omnicore, tmp_path, reference, code):
    echo_app(tmp_path)
    ran = omnicore("call", reference, "x", "--timeout", "200ms")
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err


def test_a_plugin_is_enough_when_it_has_one_function(omnicore):
    omnicore("new", "demo")
    assert omnicore("call", "hello", "World", "--plugins", "demo/plugins").out == "Hello, World!"


def test_what_a_plugin_logs_is_shown_on_request_on_standard_error(omnicore, tmp_path):
    echo_app(tmp_path)
    (tmp_path / "plugins" / "talk.wat").write_text(LOGGING)
    quiet = omnicore("call", "talk.say", "it is \x1b[31mred")
    loud = omnicore("call", "talk.say", "it is \x1b[31mred", "--logs")
    assert (quiet.code, quiet.err) == (0, "")
    assert "it is \\x1b[31mred" in loud.err
    assert loud.out == ""


def test_without_a_plugin_folder_it_says_how_to_begin(omnicore):
    ran = omnicore("call", "a.b")
    assert ran.code == 5
    assert "there is no plugin folder plugins" in ran.err
    assert "omnicore new" in ran.err


def test_the_second_command_of_plugins_is_the_same_call(omnicore, tmp_path):
    echo_app(tmp_path)
    assert omnicore("plugins", "call", "echo.echo", "x").out == "x"


def test_ctrl_c_ends_a_running_call_at_once(tmp_path):
    echo_app(tmp_path)
    (tmp_path / "plugins" / "talk.wat").write_text(LOGGING)
    process = subprocess.Popen(
        [*COMMAND, "call", "talk.spin", "it runs", "--timeout", "50s", "--logs"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert "it runs" in process.stderr.readline()
    pressed = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert time.monotonic() - pressed < 20
