"""Provenance: signed statements on what a module was built from, and modules that are built again."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run, omnicore_texts, run_here
from tests.toolchains.texts import echo

from omnicore.errors import InvalidInput
from omnicore.packages.keys import SecretKey
from omnicore.packages.provenance import BuildFacts, about, opened, producers_of, seal, source_files, statement
from omnicore.sandbox.capi.code import wat_to_wasm

__all__ = ["omnicore_texts", "run_here"]

FACTS = BuildFacts("echo.wasm", "0" * 64, "js", "echo", {"a.js": "1" * 64}, {"omnicore": "0.1.0"})


def test_a_statement_is_of_slsa_and_signed(tmp_path: Path) -> None:
    key = SecretKey.new()
    envelope = seal(statement(FACTS), key)
    assert json.loads(envelope)["payloadType"] == "application/vnd.in-toto+json"
    found, signer = opened(envelope, [SecretKey.new().public, key.public])
    assert (found["predicateType"], signer) == ("https://slsa.dev/provenance/v1", key.public)
    assert about(found) == ("0" * 64, "js", {"omnicore": "0.1.0"}, 1)


def test_a_changed_statement_and_one_of_a_stranger_are_refused() -> None:
    key = SecretKey.new()
    envelope = json.loads(seal(statement(FACTS), key))
    with pytest.raises(InvalidInput, match="not signed by a key"):
        opened(json.dumps(envelope).encode(), [SecretKey.new().public])
    payload = base64.b64decode(envelope["payload"]).replace(b"echo.wasm", b"evil.wasm")
    changed = {**envelope, "payload": base64.b64encode(payload).decode()}
    with pytest.raises(InvalidInput, match="or was changed"):
        opened(json.dumps(changed).encode(), [key.public])


@pytest.mark.parametrize("text", [b"", b"{}", b"[" * 100_000, b'{"payload": 1, "signatures": []}', b" " * 2_000_000])
def test_what_is_no_envelope_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        opened(text, [SecretKey.new().public])


def test_a_signed_statement_of_another_kind_is_refused() -> None:
    key = SecretKey.new()
    with pytest.raises(InvalidInput, match="another kind"):
        opened(seal({"_type": "other"}, key), [key.public])
    found, _ = opened(seal({**statement(FACTS), "predicate": {}}, key), [key.public])
    with pytest.raises(InvalidInput, match="cannot be read"):
        about(found)


def test_the_files_of_a_source_are_told_without_what_builds_leave_behind(tmp_path: Path) -> None:
    for name in ("a.js", "lib/b.js", "dist/c.wasm", "node_modules/d.js", ".git/e", "plugins/f.wasm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link.js").symlink_to("/etc/passwd")
    assert set(source_files(tmp_path)) == {"a.js", "lib/b.js"}


def test_the_section_of_producers_is_read_and_a_damaged_one_left_out() -> None:
    entries = b"\x02\x08language\x01\x04Rust\x042021\x0cprocessed-by\x01\x05rustc\x061.91.0"
    body = b"\x09producers" + entries
    module = wat_to_wasm(b"(module)") + b"\0" + bytes([len(body)]) + body
    found = producers_of(module)
    assert (found.languages, found.tools) == (("Rust 2021",), ("rustc 1.91.0",))
    for at in range(8, len(module)):
        producers_of(module[:at] + b"\xff" + module[at + 1 :])


def test_a_module_says_what_it_was_built_from_and_is_built_again(omnicore_texts: Run, tmp_path: Path) -> None:
    run_here = omnicore_texts
    source = tmp_path / "echo"
    source.mkdir()
    (source / "plugin.wat").write_text(echo())
    assert run_here("keys", "new", "acme", "--no-password", "--to", ".").code == 0
    assert run_here("keys", "trust", "acme.pub", "--name", "acme").code == 0
    done = run_here("build", "echo", "--provenance", "acme.key")
    assert done.code == 0, done.err
    built = "echo/plugins/echo.wasm"
    assert run_here("sign", built, "--key", "acme.key").code == 0
    found = run_here("verify", built, "--rebuild", "echo")
    assert found.code == 0, found.err
    assert "1 files of text with omnicore" in found.out
    assert "as acme states" in found.out
    assert "makes the same bytes" in found.out
    (source / "plugin.wat").write_text(echo("(memory 1)"))
    refused = run_here("verify", built, "--rebuild", "echo")
    assert (refused.code, "makes other bytes" in refused.err) == (1, True)
    other = run_here("build", "echo", "--provenance", "acme.key")
    assert other.code == 0
    (tmp_path / "kept.wasm").write_bytes((tmp_path / built).read_bytes())
    (source / "plugin.wat").write_text(echo())
    assert run_here("build", "echo").code == 0
    refused = run_here("verify", built)
    assert (refused.code, "is about another module" in refused.err) == (1, True)
