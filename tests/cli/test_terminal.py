"""On a terminal there are tables and colours; in a pipe and with NO_COLOR there are none."""

from __future__ import annotations

from .guests import asking_app

ESCAPE = b"\x1b["


def test_a_terminal_shows_a_table_with_colours(on_terminal, tmp_path):
    _, shown = on_terminal("config", "show", "limits")
    assert "─".encode() in shown
    assert b"\t" not in shown
    assert ESCAPE in shown


def test_no_color_is_honoured(on_terminal, tmp_path):
    _, shown = on_terminal("config", "show", "limits", NO_COLOR="1")
    assert "─".encode() in shown
    assert b"\x1b[3" not in shown
    code, shown = on_terminal("config", "show", "zzz", NO_COLOR="1")
    assert code == 5
    assert ESCAPE not in shown


def test_an_error_is_red_on_a_terminal(on_terminal, tmp_path):
    _, shown = on_terminal("config", "show", "zzz")
    assert b"\x1b[31m" in shown


def test_a_pipe_gets_neither_table_nor_colour(omnicore):
    ran = omnicore("config", "show", "limits")
    assert "\x1b" not in ran.out
    assert "─" not in ran.out


def test_a_table_without_a_terminal_has_no_colour(omnicore):
    ran = omnicore("config", "show", "limits", "-o", "table")
    assert "─" in ran.out
    assert "\x1b" not in ran.out


def test_states_have_colours(on_terminal, tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal("plugins", "ls")
    assert b"\x1b[32menabled" in shown
    assert b"\x1b[33mneeds-grant" in shown


def test_json_from_a_call_is_laid_out_on_a_terminal(on_terminal, tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal("call", "echo.echo", '{"a":[1]}')
    assert b'{\r\n  "a": [\r\n    1\r\n  ]\r\n}\r\n' in shown


def test_the_output_of_a_plugin_cannot_steer_the_terminal(on_terminal, tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal("call", "echo.echo", "\x1b[2Jgone", NO_COLOR="1")
    assert b"\\x1b[2Jgone" in shown
    assert b"\x1b[2J" not in shown


def test_bytes_that_are_no_text_are_not_poured_out_on_a_terminal(on_terminal, tmp_path):
    asking_app(tmp_path)
    (tmp_path / "in.bin").write_bytes(b"\xff\x00\x07")
    _, shown = on_terminal("call", "echo.echo", "@in.bin")
    assert b"3 bytes that are no text" in shown


def test_removing_asks_first(on_terminal, tmp_path):
    asking_app(tmp_path)
    code, shown = on_terminal("plugins", "remove", "echo", answer=b"n\n")
    assert (code, b"Nothing was removed" in shown) == (1, True)
    assert (tmp_path / "plugins" / "echo.wat").exists()
    code, shown = on_terminal("plugins", "remove", "echo", answer=b"y\n")
    assert (code, b"Removed echo" in shown) == (0, True)


def test_what_takes_a_moment_shows_a_bar_and_takes_it_away(on_terminal, tmp_path):
    asking_app(tmp_path)
    code, shown = on_terminal("call", "echo.spin", "--timeout", "1s")
    assert code == 4
    assert b"Calling echo.spin" in shown
    assert b"\x1b[2K" in shown  # the line is erased


def test_what_is_quick_shows_no_bar(on_terminal, tmp_path):
    asking_app(tmp_path)
    _, shown = on_terminal("call", "echo.echo", "quick")
    assert b"Calling" not in shown
