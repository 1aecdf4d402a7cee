"""Signatures of Ed25519, as Discord makes them."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["is_public_key", "signed_by"]

_KEY_BYTES, _SIGNATURE_BYTES = 32, 64


def is_public_key(text: str) -> bool:
    """Whether a text is a public key in hexadecimal."""
    try:
        return len(bytes.fromhex(text)) == _KEY_BYTES
    except ValueError:
        return False


def signed_by(public_key: str, signature: str, message: bytes) -> bool:
    """Whether the signature, in hexadecimal, is the key's over the message."""
    try:
        key, raw = bytes.fromhex(public_key), bytes.fromhex(signature)
        if len(key) != _KEY_BYTES or len(raw) != _SIGNATURE_BYTES:
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(raw, message)
    except (ValueError, InvalidSignature):
        return False
    return True
