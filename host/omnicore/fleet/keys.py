"""Keys of hosts: an Ed25519 pair in each data folder, by which the hosts of a fleet know each other.

A request between hosts carries `authorization: OmniCore-Host HOST.TIME.NONCE.SIGNATURE`. The signature covers method,
target, the receiving host, time and nonce, so that it is of use for this request, to this host, once and now. Only
requests without a body are signed.

A new host joins by a token that is never sent. Both sides derive a key from it: the new host proves with that key that
it has the token, and the answer is sealed with that key and one that the two agree on (X25519), so that whoever
listens, or stands between them without the token, learns nothing.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from omnicore.errors import InvalidInput, StorageFailed
from omnicore.files import check_own, own_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from omnicore.clock import Clock


FILE = "host.key"
SCHEME = "OmniCore-Host"
_BYTES = 32
_LONGEST = 400
_SIGNED = re.compile(r"(host_[0-9a-z]{26})\.([0-9]{1,16})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{86})")
_AGREES_S = 60.0
"""Clocks of hosts may differ so much; a nonce is remembered for twice as long."""
_MOST_NONCES = 100_000


class HostKey:
    """The key pair of a host. Owns: a lock on its file, until `close`.

    Args: host: the id that stands for its data folder.
    """

    def __init__(self, host: str, private: bytes, lock: int = -1) -> None:
        self._private, self._lock = Ed25519PrivateKey.from_private_bytes(private), lock
        self.id, self.public = host, self._private.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        return self._private.sign(message)

    def signed(self, method: str, target: str, *, to: str, now: float) -> str:
        """The `authorization` header of a request to another host."""
        at, nonce = int(now * 1000), secrets.token_urlsafe(16)
        signature = _text(self.sign(_message(method, target, to, f"{at}.{nonce}")))
        return f"{SCHEME} {self.id}.{at}.{nonce}.{signature}"

    def close(self) -> None:
        """Releases the lock; a second time does nothing."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def host_key(host: str, data: Path) -> HostKey:
    """The key pair of a data folder, made where there is none.

    While another process has the folder, its pair is taken, and this one gets a pair that nobody knows.
    Raises: StorageFailed: others than this user can read or write the file, or it holds something else.
    """
    own_folder(data)
    file = data / FILE
    try:
        lock = os.open(data / f".{FILE}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return HostKey(host, os.urandom(_BYTES))
    try:
        if not check_own(file):
            write_whole(file, os.urandom(_BYTES))
        private = file.read_bytes()
        if len(private) != _BYTES:
            raise _unusable(file, "it is not a key of 32 bytes")
        return HostKey(host, private, lock)
    except BaseException:
        os.close(lock)
        raise


class Signatures:
    """Checks signatures of other hosts.

    Args:
        host: the id of this host.
        key_of: the public key of a host of the fleet, None for one that is not in it. Blocks.
    """

    def __init__(self, host: str, clock: Clock, key_of: Callable[[str], str | None]) -> None:
        self._host, self._clock, self._key_of = host, clock, key_of
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def sender(self, method: str, target: str, given: str) -> str | None:
        """The id of the host that signed a request to this host just now; None if none did. Blocks.

        Args: given: the header behind the scheme.
        """
        found = _SIGNED.fullmatch(given[:_LONGEST])
        if found is None:
            return None
        host, at, nonce, signature = found.groups()
        if abs(int(at) / 1000 - self._clock.now()) > _AGREES_S:
            return None
        public = self._key_of(host)
        if public is None:
            return None
        message = _message(method, target, self._host, f"{at}.{nonce}")
        if not is_signed(public, message, base64.urlsafe_b64decode(f"{signature}==")):
            return None
        return host if self._is_new(nonce) else None

    def _is_new(self, nonce: str) -> bool:
        now = self._clock.monotonic()
        with self._lock:
            while self._seen and (len(self._seen) >= _MOST_NONCES or next(iter(self._seen.values())) < now):
                self._seen.popitem(last=False)
            if nonce in self._seen:
                return False
            self._seen[nonce] = now + 2 * _AGREES_S
            return True


JOIN = "omj_"
"""The beginning of a token by which a host joins."""
_TOKEN = re.compile(JOIN + r"[A-Za-z0-9_-]{43}")
_NONCE = 12


def new_token() -> str:
    """A token by which one host may join."""
    return JOIN + secrets.token_urlsafe(_BYTES)


def token_parts(token: str) -> tuple[str, str]:
    """The id of a token, which is sent, and the key derived from it, which is not. Raises: InvalidInput."""
    if not _TOKEN.fullmatch(token):
        raise InvalidInput("this is no token of a fleet", remedy="make one with `omnicore fleet token` on a host of it")
    return hashlib.sha256(f"id:{token}".encode()).hexdigest()[:32], hashlib.sha256(f"key:{token}".encode()).hexdigest()


def join_proof(key: str, public_key: str, exchange_key: str) -> str:
    """The proof that a new host with these public keys has the token."""
    message = f"omnicore-join-1\n{public_key}\n{exchange_key}".encode()
    return hmac.new(bytes.fromhex(key), message, hashlib.sha256).hexdigest()


class JoinExchange:
    """One side of a join, with an X25519 pair for this one use."""

    def __init__(self) -> None:
        self._private = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw().hex()

    def seal(self, value: Any, other: str, key: str) -> str:
        """A JSON value that only the other side can read. Raises: InvalidInput: its public key is none."""
        nonce = os.urandom(_NONCE)
        box = AESGCM(self._shared(other, key, self.public + other))
        return base64.b64encode(nonce + box.encrypt(nonce, json.dumps(value).encode(), None)).decode()

    def opened(self, sealed: str, other: str, key: str) -> Any:
        """The value that the other side sealed. Raises: InvalidInput: whoever answered does not have the token."""
        try:
            data = base64.b64decode(sealed, validate=True)
            box = AESGCM(self._shared(other, key, other + self.public))
            return json.loads(box.decrypt(data[:_NONCE], data[_NONCE:], None))
        except (InvalidTag, ValueError) as error:
            raise InvalidInput(
                "the answer does not come from a host that knows the token",
                remedy="check the URL, and make a new token",
            ) from error

    def _shared(self, other: str, key: str, both: str) -> bytes:
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(other)))
        except ValueError as error:
            raise InvalidInput("the exchange key is none", remedy="send 32 bytes in hexadecimal") from error
        return HKDF(SHA256(), _BYTES, bytes.fromhex(key), f"omnicore-join-1:{both}".encode()).derive(shared)


def is_signed(public: str, message: bytes, signature: bytes) -> bool:
    """True if the owner of a public key, in hexadecimal, signed a message."""
    with suppress(InvalidSignature, ValueError):
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, message)
        return True
    return False


def _message(method: str, target: str, to: str, stamp: str) -> bytes:
    return "\n".join(("omnicore-host-1", method, target, to, stamp)).encode()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unusable(file: Path, reason: str) -> StorageFailed:
    return StorageFailed(
        f"the host's key {file} cannot be used: {reason}",
        remedy="delete the file; the host then makes a new key and is another host to its fleet",
        path=str(file),
    )
