"""Keys of publishers: Ed25519 in minisign's format, and public keys of cosign in PEM.

A public key of minisign is two lines, the second is base64 of `Ed`, a key ID of 8 bytes and the key. A secret key is
encrypted with scrypt. Both are read and written as minisign does, so that either tool works with the other's files.

Source: minisign's `src/minisign.h` and its documentation of the format; libsodium's `pickparams` for scrypt.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from omnicore.errors import InvalidInput, NotFound, WrongCredentials

KeyAlgorithm = Literal["ed25519", "ecdsa-p256"]

MOST_BYTES = 16 * 1024
"""Largest file of a key or a signature; minisign's have 400 bytes at most, a trusted comment may have 8 KiB."""
_COMMENT = "untrusted comment: "
_ED25519, _SCRYPT, _PLAIN, _BLAKE2B = b"Ed", b"Sc", b"\0\0", b"B2"
_PUBLIC, _SECRET, _SEALED = 42, 158, 104
_MOST_MEMORY = 1024 * 1024 * 1024  # minisign's own keys take this much, others are refused before they take more
_MOST_WORK = 33_554_432
_WORK, _MEMORY = 4_194_304, 128 * 1024 * 1024  # N = 2^17, r = 8, p = 1: a third of a second
_UNITS = 8  # `r` of scrypt


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. `der` is its SubjectPublicKeyInfo, `key_id` the eight bytes by which minisign finds it, in hex.

    The key ID is chosen by whoever made the key and proves nothing; the fingerprint does.
    """

    algorithm: KeyAlgorithm
    der: bytes
    key_id: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key, whichever format it came in."""
        return hashlib.sha256(self.der).hexdigest()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """True when the signature over the data is of this key."""
        key = serialization.load_der_public_key(self.der)
        try:
            if isinstance(key, Ed25519PublicKey):
                key.verify(signature, data)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
            else:
                return False
        except InvalidSignature:
            return False
        return True

    def text(self) -> str:
        """The key as a file: minisign's two lines, or PEM for what minisign does not know."""
        key = serialization.load_der_public_key(self.der)
        if not isinstance(key, Ed25519PublicKey) or not self.key_id:
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            return key.public_bytes(serialization.Encoding.PEM, form).decode()
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        line = base64.b64encode(_ED25519 + _id_bytes(self.key_id) + raw).decode()
        return f"{_COMMENT}minisign public key {self.key_id}\n{line}\n"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret key of Ed25519, `seed` of 32 bytes. Its text never appears in messages."""

    seed: bytes
    key_id: str

    def __repr__(self) -> str:
        return f"SecretKey({self.key_id})"

    @classmethod
    def new(cls) -> SecretKey:
        """A key that nobody has."""
        return cls(secrets.token_bytes(32), secrets.token_bytes(8).hex().upper())

    @property
    def public(self) -> PublicKey:
        """The public half."""
        key = self.private().public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return PublicKey("ed25519", key.public_bytes(serialization.Encoding.DER, form), self.key_id)

    def private(self) -> Ed25519PrivateKey:
        """The key as `cryptography` has it."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def sign(self, data: bytes) -> bytes:
        """The signature of 64 bytes."""
        return self.private().sign(data)

    def text(self, password: str, *, work: int = _WORK, memory: int = _MEMORY) -> str:
        """The key as a file of minisign's; without a password it is not encrypted.

        Args:
            work: `opslimit` of libsodium's scrypt.
            memory: its `memlimit` in bytes.
        """
        opened = self._opened()
        salt = secrets.token_bytes(32)
        if password:
            stream = _scrypt(password, salt, work, memory)
            body = _SCRYPT + _BLAKE2B + salt + work.to_bytes(8, "little") + memory.to_bytes(8, "little")
            body += bytes(one ^ other for one, other in zip(opened, stream, strict=True))
        else:
            body = _PLAIN + _BLAKE2B + bytes(48) + opened
        what = "encrypted secret key" if password else "secret key"
        return f"{_COMMENT}minisign {what}\n{base64.b64encode(_ED25519 + body).decode()}\n"

    def _opened(self) -> bytes:
        """Key ID, the key as libsodium has it (seed and public key), and the checksum over both."""
        key = self.private().public_key()
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        inner = _id_bytes(self.key_id) + self.seed + raw
        return inner + _checksum(inner)


def read_public_key(text: str | bytes) -> PublicKey:
    """The public key in a file of minisign or in PEM, or in the one line of base64 that `minisign -P` takes.

    Raises: InvalidInput: it is neither, or of an algorithm that is not used here.
    """
    plain = _plain(text, "public key")
    if plain.lstrip().startswith("-----BEGIN "):
        return _from_pem(plain)
    lines = plain.splitlines()
    data = from_base64(lines[1] if plain.startswith(_COMMENT) and len(lines) > 1 else lines[0] if lines else "")
    if len(data) != _PUBLIC or data[:2] != _ED25519:
        raise _refused("public key", "has another length or algorithm than minisign's Ed25519 keys")
    key = Ed25519PublicKey.from_public_bytes(data[10:])
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey("ed25519", der, _id_text(data[2:10]))


def read_secret_key(text: str | bytes, password: str) -> SecretKey:
    """The secret key in a file of minisign's.

    Raises: InvalidInput: the file is damaged, or asks for more work or memory than minisign does.
        WrongCredentials: another password.
    """
    lines = _plain(text, "secret key").splitlines()
    data = from_base64(lines[1]) if len(lines) > 1 else b""
    if len(data) != _SECRET or data[:2] != _ED25519 or data[4:6] != _BLAKE2B:
        raise _refused("secret key", "is not one of minisign's")
    sealed = data[-_SEALED:]
    if data[2:4] == _SCRYPT:
        work, memory = int.from_bytes(data[38:46], "little"), int.from_bytes(data[46:54], "little")
        if work > _MOST_WORK or memory > _MOST_MEMORY:
            raise _refused("secret key", "asks for more work or memory than minisign's keys do")
        stream = _scrypt(password, data[6:38], work, memory)
        sealed = bytes(one ^ other for one, other in zip(sealed, stream, strict=True))
    elif data[2:4] != _PLAIN:
        raise _refused("secret key", "is encrypted in a way that is not known")
    inner, checksum = sealed[:72], sealed[72:]
    unchecked = data[2:4] == _PLAIN and checksum == bytes(32)  # `minisign -W` leaves it out
    if not unchecked and not hmac.compare_digest(_checksum(inner), checksum):
        raise WrongCredentials("the password does not open the secret key", remedy="try again")
    found = SecretKey(inner[8:40], _id_text(inner[:8]))
    if found._opened()[:72] != inner:
        raise _refused("secret key", "is damaged: its halves do not belong together")
    return found


def needs_password(text: str | bytes) -> bool:
    """True when a secret key is encrypted. Raises: InvalidInput: it is no secret key."""
    lines = _plain(text, "secret key").splitlines()
    return len(lines) > 1 and from_base64(lines[1])[2:4] == _SCRYPT


def read_small(file: Path) -> bytes:
    """The bytes of a file of a key or a signature. Raises: NotFound; InvalidInput: it is larger than they can be."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror or error}", remedy="check the path") from error
    if len(data) > MOST_BYTES:
        raise InvalidInput(
            f"{file} is larger than a key or a signature can be ({MOST_BYTES} bytes)", remedy="check which file it is"
        )
    return data


def _from_pem(text: str) -> PublicKey:
    try:
        key: Any = serialization.load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _refused("public key", "is not PEM of a public key") from error
    if isinstance(key, Ed25519PublicKey):
        algorithm: KeyAlgorithm = "ed25519"
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        algorithm = "ecdsa-p256"
    else:
        raise _refused("public key", "is neither of Ed25519 nor of ECDSA with P-256")
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(algorithm, der)


def _scrypt(password: str, salt: bytes, work: int, memory: int) -> bytes:
    """The stream that hides a secret key. Source: `pickparams` of libsodium's scryptsalsa208sha256."""
    work = max(work, 32_768)
    if work < memory // 32:
        p, most = 1, work // (_UNITS * 4)
    else:
        p, most = 0, memory // (_UNITS * 128)
    log = 1
    while log < 63 and 2**log <= most // 2:
        log += 1
    if not p:
        p = max(1, min(work // 4 // 2**log, 0x3FFFFFFF) // _UNITS)
    room = 128 * _UNITS * (2**log + p) + 1024 * 1024
    return hashlib.scrypt(password.encode(), salt=salt, n=2**log, r=_UNITS, p=p, maxmem=room, dklen=_SEALED)


def _checksum(inner: bytes) -> bytes:
    return hashlib.blake2b(_ED25519 + inner, digest_size=32).digest()


def _id_text(data: bytes) -> str:
    """The key ID as minisign prints it: a number, whose lowest byte is the first of the file."""
    return data[::-1].hex().upper()


def _id_bytes(text: str) -> bytes:
    return bytes.fromhex(text)[::-1]


def _plain(text: str | bytes, noun: str) -> str:
    if len(text) > MOST_BYTES:
        raise _refused(noun, f"is larger than {MOST_BYTES} bytes")
    try:
        return text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError as error:
        raise _refused(noun, "is not text") from error


def from_base64(line: str) -> bytes:
    """The bytes of a line, empty where it is none: written in the one way there is, bits that say nothing included."""
    try:
        data = base64.b64decode(line.strip().encode(), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if base64.b64encode(data).decode() == line.strip() else b""


def _refused(noun: str, fact: str) -> InvalidInput:
    return InvalidInput(f"the {noun} {fact}", remedy="check which file it is, and that it is whole")
