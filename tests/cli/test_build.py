"""`omnicore build` makes a plugin of a source, and says what it made and what is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.toolchains.texts import echo

from .conftest import TEXT_COMMAND, clean_environment

KV = '(import "extism:host/user" "kv_get_v1" (func $kv (param i64) (result i64)))'
TOML = """\
name = "loud"
version = "1.0.0"

[functions.echo]
description = "Says it again"
input_media = "text/plain"
output_media = "text/plain"
"""


@pytest.fixture
def demo(tmp_path) -> Path:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "plugin.wat").write_text(echo())
    (folder / "plugin.toml").write_text(TOML)
    return folder


def test_a_folder_becomes_a_plugin_that_can_be_called_there(omnicore_texts, omnicore, demo):
    ran = omnicore_texts("build", folder=demo)
    assert ran.code == 0, ran.err
    rows = dict(line.split("\t", 1) for line in ran.out.splitlines())
    data = (demo / "plugins" / "loud.wasm").read_bytes()
    assert rows["plugin"] == "loud"
    assert rows["file"] == "plugins/loud.wasm"
    assert rows["sha256"] == hashlib.sha256(data).hexdigest()
    assert rows["function"] == "echo  text -> text  Says it again"
    assert rows["asks for"] == "nothing"
    assert f"({len(data)} bytes)" in rows["size"]
    assert "`omnicore call loud.echo hello`" in ran.err
    assert omnicore("call", "loud.echo", "hi", folder=demo).out == "hi"


def test_a_file_becomes_one_beside_it(omnicore_texts, tmp_path):
    (tmp_path / "my.wat").write_text(echo())
    assert omnicore_texts("build", "my.wat").code == 0
    assert (tmp_path / "my.wasm").is_file()


def test_the_steps_of_the_build_are_lines_in_a_pipe(omnicore_texts, demo):
    assert "reading plugin.wat" in omnicore_texts("build", "demo").err.splitlines()


def test_o_names_the_file_unless_it_is_a_form(omnicore_texts, demo, tmp_path):
    assert omnicore_texts("build", "demo", "-o", "out/x.wasm").code == 0
    assert (tmp_path / "out" / "x.wasm").is_file()
    assert not (demo / "plugins").exists()
    document = json.loads(omnicore_texts("build", "demo", "-o", "json").out)
    assert document["file"] == "demo/plugins/loud.wasm"
    assert omnicore_texts("build", "demo", "--out", "json", "-o", "text").code == 0
    assert (tmp_path / "json").is_file()


def test_json_has_all_that_is_known(omnicore_texts, demo):
    (demo / "plugin.wat").write_text(echo(KV))
    document = json.loads(omnicore_texts("build", "demo", "-o", "json").out)
    assert document["plugin"] == "loud"
    assert document["functions"]["echo"]["input_media"] == "text/plain"
    assert document["doors"] == {"kv": ["kv_get_v1"]}
    assert document["warnings"][0].startswith("it uses kv")
    assert document["took_s"] >= 0


def test_a_door_that_is_not_asked_for_is_a_warning_with_the_lines_to_add(omnicore_texts, demo):
    (demo / "plugin.wat").write_text(echo(KV))
    ran = omnicore_texts("build", "demo")
    assert ran.code == 0
    assert "warning: it uses kv and does not ask for it" in ran.err
    lines = '[[capabilities]]\nname = "kv"\nreason = "say why it needs this"'
    assert lines in ran.err
    (demo / "plugin.toml").write_text(lines)
    assert "`omnicore plugins grant demo --plugins demo/plugins`" in omnicore_texts("build", "demo").err


def test_an_import_that_nobody_provides_is_an_error_that_names_the_nearest(omnicore_texts, demo):
    (demo / "plugin.wat").write_text(echo(KV.replace("kv_get_v1", "kv_got_v1")))
    ran = omnicore_texts("build", "demo")
    assert ran.code == 1
    assert "did you mean kv_get_v1?" in ran.err
    assert not (demo / "plugins").exists()
    assert omnicore_texts("build", "demo", "--allow-import", "kv_got_v1").code == 0


def test_a_failing_build_leaves_the_file_before_as_it_was(omnicore_texts, demo):
    omnicore_texts("build", "demo")
    before = (demo / "plugins" / "loud.wasm").read_bytes()
    (demo / "plugin.wat").write_text("(module")
    ran = omnicore_texts("build", "demo")
    assert ran.code == 1
    assert "mend the text" in ran.err
    assert (demo / "plugins" / "loud.wasm").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["build", "none"], 5, "there is no"),
        (["build", "."], 5, "what is recognised: Rust: Cargo.toml"),
        (["build", "demo", "--language", "cobol"], 2, "cobol"),
        (["build", "demo", "--language", "go"], 5, "holds no plugin in Go"),
    ],
)
def test_what_cannot_be_built_says_what_to_do(omnicore_texts, demo, arguments, code, words):
    ran = omnicore_texts(*arguments)
    assert ran.code == code
    assert words in ran.err


def test_a_wrong_name_is_told(omnicore_texts, demo):
    ran = omnicore_texts("build", "demo", "--name", "No Name")
    assert ran.code == 1
    assert "name" in ran.err


class _Running:
    """A command that runs, whose standard error is read line by line."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*TEXT_COMMAND, *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment(PYTHONUNBUFFERED="1"),
        )
        self.lines: list[str] = []

    def until(self, words: str) -> str:
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError("".join(self.lines))

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode, rest


@pytest.fixture
def watching(demo) -> Iterator[_Running]:
    running = _Running(demo, "build", "--watch")
    yield running
    running.process.kill()
    running.process.communicate()


def test_watching_builds_again_after_each_save_and_outlives_a_mistake(watching, demo):
    watching.until("Waiting for changes")
    first = (demo / "plugins" / "loud.wasm").read_bytes()
    (demo / "plugin.wat").write_text("(module")
    assert "not a module" in watching.until("error: ")
    assert (demo / "plugins" / "loud.wasm").read_bytes() == first
    (demo / "plugin.wat").write_text(echo('(func (export "more") (result i32) (i32.const 0))'))
    watching.until("note: exported, but not in the manifest")
    assert (demo / "plugins" / "loud.wasm").read_bytes() != first
    code, rest = watching.stop()
    assert (code, rest) == (0, "Stopped.\n")


def test_on_a_terminal_the_result_is_a_table(demo):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*TEXT_COMMAND, "build"], cwd=demo, stdin=follower, stdout=follower, stderr=follower, env=clean_environment()
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        shown += part
    os.close(leader)
    assert process.wait(60) == 0
    assert "─".encode() in shown
    assert b"reading plugin.wat" not in shown  # it is in the bar, which what is quick does not show
