"""Keys and signatures in minisign's format: `minisign` verifies ours, and its own are verified here."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from omnicore.errors import InvalidInput, NotFound, OmniError, WrongCredentials
from omnicore.packages.keys import MOST_BYTES, SecretKey, needs_password, read_public_key, read_secret_key, read_small
from omnicore.packages.signature import read_signature, sign, signatures_beside

from .tools import MINISIGN, needs_minisign

DATA = b"\0asm\x01\0\0\0 and more"
CHEAP = {"work": 32_768, "memory": 16_777_216}


def minisign(*arguments: str, folder: Path, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MINISIGN), *arguments], cwd=folder, input=answer, capture_output=True, text=True, timeout=60, check=False
    )


@needs_minisign
def test_minisign_verifies_a_signature_made_here(tmp_path: Path) -> None:
    key = SecretKey.new()
    (tmp_path / "a.wasm").write_bytes(DATA)
    (tmp_path / "a.wasm.minisig").write_text(sign(DATA, key, comment="timestamp:1 file:a.wasm"))
    (tmp_path / "a.pub").write_text(key.public.text())
    ran = minisign("-V", "-p", "a.pub", "-m", "a.wasm", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Signature and comment signature verified" in ran.stdout
    (tmp_path / "a.wasm").write_bytes(DATA + b"!")
    assert minisign("-V", "-p", "a.pub", "-m", "a.wasm", folder=tmp_path).returncode != 0


@needs_minisign
@pytest.mark.parametrize("password", ["", "correct horse"])
def test_minisign_signs_with_a_key_made_here(tmp_path: Path, password: str) -> None:
    key = SecretKey.new()
    (tmp_path / "a.key").write_text(key.text(password, **CHEAP))
    (tmp_path / "a.wasm").write_bytes(DATA)
    ran = minisign("-S", "-s", "a.key", "-m", "a.wasm", folder=tmp_path, answer=f"{password}\n")
    assert ran.returncode == 0, ran.stderr
    (signature,) = signatures_beside(tmp_path / "a.wasm")
    assert signature.signer(DATA, [key.public]) == key.public


@needs_minisign
def test_keys_and_signatures_of_minisign_are_read(tmp_path: Path) -> None:
    assert minisign("-G", "-W", "-p", "m.pub", "-s", "m.key", folder=tmp_path).returncode == 0
    (tmp_path / "a.wasm").write_bytes(DATA)
    public = read_public_key((tmp_path / "m.pub").read_bytes())
    secret = read_secret_key((tmp_path / "m.key").read_bytes(), "")
    assert secret.public == public
    assert public.text().splitlines() == (tmp_path / "m.pub").read_text().splitlines()
    for kind in ("-H", "-l"):  # prehashed, and the older kind over the whole file
        assert minisign("-S", kind, "-s", "m.key", "-m", "a.wasm", folder=tmp_path).returncode == 0
        (signature,) = signatures_beside(tmp_path / "a.wasm")
        assert signature.prehashed == (kind == "-H")
        assert signature.signer(DATA, [SecretKey.new().public, public]) == public
        assert signature.signer(DATA + b"!", [public]) is None


def test_a_password_is_needed_and_must_be_the_right_one() -> None:
    key = SecretKey.new()
    text = key.text("secret", **CHEAP)
    assert needs_password(text)
    assert not needs_password(key.text(""))
    assert read_secret_key(text, "secret") == key
    with pytest.raises(WrongCredentials):
        read_secret_key(text, "Secret")


def test_a_secret_key_is_in_no_message() -> None:
    key = SecretKey.new()
    assert key.seed.hex() not in repr(key)
    assert repr(key.seed) not in repr(key)


def test_a_key_that_asks_for_more_memory_than_minisign_does_is_refused_before_it_gets_any() -> None:
    lines = SecretKey.new().text("secret", **CHEAP).splitlines()
    data = bytearray(base64.b64decode(lines[1]))
    data[46:54] = (1 << 40).to_bytes(8, "little")
    with pytest.raises(InvalidInput, match="more work or memory"):
        read_secret_key(f"{lines[0]}\n{base64.b64encode(data).decode()}\n", "secret")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"untrusted comment: x",
        b"untrusted comment: x\nRWQ=",
        b"untrusted comment: x\n" + base64.b64encode(b"Xx" + bytes(40)),
        b"untrusted comment: x\n" + base64.b64encode(b"Ed" + bytes(41)),
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"x" * (MOST_BYTES + 1),
    ],
)
def test_a_damaged_public_key_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_public_key(text)


def test_one_changed_byte_of_a_key_makes_it_none_or_one_that_verifies_nothing() -> None:
    """The ID of a key and the unused bytes of a secret one are no part of what signs."""
    key = SecretKey.new()
    signature = read_signature(sign(DATA, key, comment="file:a.wasm").encode())

    def verifies(text: str) -> bool:
        try:
            found = read_public_key(text) if "public" in text else read_secret_key(text, "").public
            return found.fingerprint != key.public.fingerprint and signature.signer(DATA, [found]) is not None
        except OmniError:
            return False

    for text in (key.public.text(), key.text("")):
        for at in range(text.index("\n") + 1, len(text) - 1):
            assert not verifies(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]), at
    at = len(key.text("")) - 40
    with pytest.raises(WrongCredentials):
        read_secret_key(key.text("")[:at] + "AAAA" + key.text("")[at + 4 :], "")


@pytest.mark.parametrize("made", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())])
def test_a_key_of_another_algorithm_is_refused(made: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = made.public_key().public_bytes(serialization.Encoding.PEM, form)
    with pytest.raises(InvalidInput, match="neither of Ed25519 nor of ECDSA"):
        read_public_key(pem)


def test_a_key_has_one_fingerprint_in_either_format() -> None:
    key = SecretKey.new()
    public = Ed25519PrivateKey.from_private_bytes(key.seed).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = read_public_key(public.public_bytes(serialization.Encoding.PEM, form))
    assert pem.fingerprint == key.public.fingerprint
    assert read_public_key(pem.text()) == pem
    assert re.fullmatch("[0-9a-f]{64}", pem.fingerprint)


def test_a_signature_has_one_spelling() -> None:
    key = SecretKey.new()
    lines = sign(DATA, key, comment="file:a.wasm").splitlines()
    last = lines[3].rstrip("=")
    other = last[:-1] + chr(ord(last[-1]) + 1) + "=="  # the same bytes: the last bits say nothing
    assert base64.b64decode(other) == base64.b64decode(lines[3])
    with pytest.raises(InvalidInput):
        read_signature("\n".join([*lines[:3], other]).encode())


def test_one_changed_byte_of_a_signature_is_seen_wherever_it_is() -> None:
    key = SecretKey.new()
    text = sign(DATA, key, comment="file:a.wasm")
    for at in range(text.index("\n") + 1, len(text) - 1):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        try:
            found = read_signature(changed.encode()).signer(DATA, [key.public])
        except InvalidInput:
            continue
        # The key ID alone is not signed: it only says which key to try.
        assert found is None or read_signature(changed.encode()).key_id != key.key_id, at


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"{",
        b"{}",
        b'{"mediaType": "application/json"}',
        b"{" * 200_000,
        b"!!!",
        b"untrusted comment: x\nAAAA",
        b"untrusted comment: x\nAAAA\ntrusted comment: y\nAAAA",
        b"A" * (MOST_BYTES + 4),
        b"{" + b" " * 300_000,
    ],
)
def test_a_damaged_or_huge_signature_is_refused_and_does_not_count_as_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.wasm").write_bytes(DATA)
    (tmp_path / "a.wasm.sig").write_bytes(text)
    with pytest.raises(InvalidInput):
        signatures_beside(tmp_path / "a.wasm")


def test_a_huge_file_is_not_read_as_a_key(tmp_path: Path) -> None:
    (tmp_path / "big.pub").write_bytes(bytes(MOST_BYTES + 1))
    with pytest.raises(InvalidInput, match="larger than a key"):
        read_small(tmp_path / "big.pub")
    with pytest.raises(NotFound):
        read_small(tmp_path / "none.pub")


def test_a_comment_that_could_end_its_line_is_not_signed() -> None:
    with pytest.raises(InvalidInput, match="printable"):
        sign(DATA, SecretKey.new(), comment="a\nb")
