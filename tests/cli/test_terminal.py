"""On a terminal there are tables and colours; in a pipe and with NO_COLOR there are none."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from .conftest import COMMAND, clean_environment
from .guests import asking_app

ESCAPE = b"\x1b["


def on_terminal(folder: Path, *arguments: str, answer: bytes = b"", **environment: str) -> tuple[int, bytes]:
    """Runs a command with a pseudo-terminal as all three streams and returns its code and what was shown."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=clean_environment(**environment),
    )
    os.close(follower)
    if answer:
        os.write(leader, answer)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(timeout=60), shown


def test_a_terminal_shows_a_table_with_colours(tmp_path):
    _, shown = on_terminal(tmp_path, "config", "show", "limits")
    assert "─".encode() in shown
    assert b"\t" not in shown
    assert ESCAPE in shown


def test_no_color_is_honoured(tmp_path):
    _, shown = on_terminal(tmp_path, "config", "show", "limits", NO_COLOR="1")
    assert "─".encode() in shown
    assert b"\x1b[3" not in shown
    code, shown = on_terminal(tmp_path, "config", "show", "zzz", NO_COLOR="1")
    assert code == 5
    assert ESCAPE not in shown


def test_an_error_is_red_on_a_terminal(tmp_path):
    _, shown = on_terminal(tmp_path, "config", "show", "zzz")
    assert b"\x1b[31m" in shown


def test_a_pipe_gets_neither_table_nor_colour(omnicore):
    ran = omnicore("config", "show", "limits")
    assert "\x1b" not in ran.out
    assert "─" not in ran.out


def test_a_table_without_a_terminal_has_no_colour(omnicore):
    ran = omnicore("config", "show", "limits", "-o", "table")
    assert "─" in ran.out
    assert "\x1b" not in ran.out


def test_states_have_colours(tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal(tmp_path, "plugins", "ls")
    assert b"\x1b[32menabled" in shown
    assert b"\x1b[33mneeds-grant" in shown


def test_json_from_a_call_is_laid_out_on_a_terminal(tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal(tmp_path, "call", "echo.echo", '{"a":[1]}')
    assert b'{\r\n  "a": [\r\n    1\r\n  ]\r\n}\r\n' in shown


def test_the_output_of_a_plugin_cannot_steer_the_terminal(tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal(tmp_path, "call", "echo.echo", "\x1b[2Jgone", NO_COLOR="1")
    assert b"\\x1b[2Jgone" in shown
    assert b"\x1b[2J" not in shown


def test_bytes_that_are_no_text_are_not_poured_out_on_a_terminal(tmp_path):
    asking_app(tmp_path)
    (tmp_path / "in.bin").write_bytes(b"\xff\x00\x07")
    _, shown = on_terminal(tmp_path, "call", "echo.echo", "@in.bin")
    assert b"3 bytes that are no text" in shown


def test_removing_asks_first(tmp_path):
    asking_app(tmp_path)
    code, shown = on_terminal(tmp_path, "plugins", "remove", "echo", answer=b"n\n")
    assert (code, b"Nothing was removed" in shown) == (1, True)
    assert (tmp_path / "plugins" / "echo.wat").exists()
    code, shown = on_terminal(tmp_path, "plugins", "remove", "echo", answer=b"y\n")
    assert (code, b"Removed echo" in shown) == (0, True)


def test_what_takes_a_moment_shows_a_bar_and_takes_it_away(tmp_path):
    asking_app(tmp_path)
    code, shown = on_terminal(tmp_path, "call", "echo.spin", "--timeout", "1s")
    assert code == 4
    assert b"Calling echo.spin" in shown
    assert b"\x1b[2K" in shown  # the line is erased


def test_what_is_quick_shows_no_bar(tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal(tmp_path, "call", "echo.echo", "quick")
    assert b"Calling" not in shown
