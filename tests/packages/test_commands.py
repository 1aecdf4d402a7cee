"""`omnicore keys`, `sign` and `verify`, from a key to a refused file."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.guests import ECHO

from omnicore.cli.main import main
from omnicore.sandbox.capi.code import wat_to_wasm

from .tools import MINISIGN, needs_minisign

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def omnicore(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs a command in this process, in a folder with a plugin `echo.wasm`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in [name for name in os.environ if name.startswith("OMNICORE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "echo.wasm").write_bytes(wat_to_wasm(ECHO.encode()))
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def run(*arguments: str, stdin: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as done:
            main(arguments)
        said = capsys.readouterr()
        return int(done.value.code or 0), said.out + said.err

    yield run
    root.handlers[:], root.level = handlers, level
    for name in ("omnicore", "omnicore.extensions"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_from_a_key_to_a_file_that_says_who_made_it(omnicore: Command, tmp_path: Path) -> None:
    assert omnicore("keys", "new", "acme", stdin="horse\n")[0] == 0
    secret = tmp_path / "state" / "omnicore" / "keys" / "acme.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert omnicore("keys", "new", "acme", "--no-password")[0] == 1  # never over another one
    assert omnicore("sign", "echo.wasm", "--key", "acme", stdin="mule\n")[0] == 1
    assert omnicore("sign", "echo.wasm", "--key", "acme", stdin="horse\n")[0] == 0
    code, said = omnicore("verify", "echo.wasm")
    assert (code, "no key that you trust" in said) == (3, True)
    assert omnicore("keys", "trust", str(secret.with_suffix(".pub")), "--name", "acme")[0] == 0
    code, said = omnicore("verify", "echo.wasm", "-o", "json")
    found = json.loads(said)
    assert (code, found["decision"], found["publisher"], found["name"]) == (0, "accept", "acme", "echo")
    assert found["signatures"][0]["comment"].endswith(found["digest"])
    with (tmp_path / "echo.wasm").open("ab") as stream:
        stream.write(b"\0\2\1a")
    code, said = omnicore("verify", "echo.wasm")
    assert (code, "was changed: the signature of acme does not verify" in said) == (3, True)


def test_revoked_keys_are_shown_and_recorded(omnicore: Command, tmp_path: Path) -> None:
    assert omnicore("keys", "new", "acme", "--no-password", "--to", ".")[0] == 0
    for never in ("nan", "inf"):
        assert "no finite number" in omnicore("keys", "trust", "acme.pub", "--name", "acme", "--days", never)[1]
    assert omnicore("keys", "trust", "acme.pub", "--name", "acme", "--days", "30")[0] == 0
    assert omnicore("sign", "echo.wasm", "--key", "acme.key")[0] == 0
    assert omnicore("verify", "echo.wasm")[0] == 0
    assert omnicore("keys", "revoke", "acme", "--reason", "stolen")[0] == 0
    code, said = omnicore("verify", "echo.wasm")
    assert (code, "revoked: stolen" in said) == (3, True)
    listed = json.loads(omnicore("keys", "ls", "-o", "json")[1])
    assert [(one["name"], one["valid"], one["reason"]) for one in listed["trusted"]] == [("acme", False, "stolen")]
    rows = json.loads(omnicore("audit", "ls", "-o", "json")[1])["items"]
    assert [(one["action"], one["target"]) for one in rows] == [
        ("keys revoke", "key:acme"),
        ("keys trust", "key:acme"),
    ]


def test_rules_come_from_the_owner_and_never_from_a_folder(omnicore: Command, tmp_path: Path) -> None:
    (tmp_path / "omnicore.toml").write_text('[trust]\nunsigned = "accept"\n')
    code, said = omnicore("verify", "echo.wasm")
    assert (code, "trust.unsigned" in said, "ignored" in said) == (1, True, True)
    assert omnicore("verify", "echo.wasm", "-C", "omnicore.toml")[0] == 0


def test_a_cut_off_signature_is_refused_with_its_reason(omnicore: Command, tmp_path: Path) -> None:
    (tmp_path / "echo.wasm.minisig").write_text("untrusted comment: x\nAAAA\n")
    code, said = omnicore("verify", "echo.wasm")
    assert (code, "the signature is cut off" in said) == (2, True)


@needs_minisign
def test_minisign_verifies_what_the_command_signed(omnicore: Command, tmp_path: Path) -> None:
    assert omnicore("keys", "new", "acme", "--no-password", "--to", ".")[0] == 0
    assert omnicore("sign", "echo.wasm", "--key", "acme.key")[0] == 0
    command = [str(MINISIGN), "-V", "-p", "acme.pub", "-m", "echo.wasm"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == 0
