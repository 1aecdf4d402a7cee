"""`omnicore plugins stub` writes a client that can be imported and called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .conftest import clean_environment
from .guests import echo_app

TEXT = Path(__file__).parents[2] / "plugins" / "text" / "dist" / "text.wasm"
USE = """
from omnicore import Host
from text_client import Text
with Host(plugins="plugins", data="data", watch=False) as host:
    print(Text(host).count_vowels("hello")["count"])
"""


def test_a_client_is_written_under_the_plugins_name_and_works(omnicore, tmp_path):
    ran = omnicore("plugins", "stub", str(TEXT))
    assert (ran.code, ran.out) == (0, "Wrote text_client.py: 4 functions of text\n")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "text.wasm").write_bytes(TEXT.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, capture_output=True, text=True, env=clean_environment()
    )
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_the_file_can_be_named_or_be_the_output(omnicore, tmp_path):
    echo_app(tmp_path)
    assert omnicore("plugins", "stub", "echo", "-o", "lib/mine.py").code == 0
    source = (tmp_path / "lib" / "mine.py").read_text()
    assert "class Echo:" in source
    assert "class AsyncEcho:" in source
    assert omnicore("plugins", "stub", "echo", "-o", "-").out == source


def test_json_says_what_was_written(omnicore, tmp_path):
    echo_app(tmp_path)
    document = json.loads(omnicore("plugins", "stub", "echo", "-o", "json").out)
    assert document == {"file": "echo_client.py", "plugin": "echo", "functions": ["echo", "fail", "spin"]}
    assert (tmp_path / "echo_client.py").is_file()


def test_a_plugin_that_is_not_there_is_told(omnicore, tmp_path):
    echo_app(tmp_path)
    assert omnicore("plugins", "stub", "nobody").code == 5
