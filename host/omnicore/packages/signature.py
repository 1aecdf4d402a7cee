"""Signatures over a file or a digest: minisign's, cosign's by key, and bundles of sigstore that are verified offline.

`read_signature` tells them apart by their contents, never by their name. A signature says which data it is over by
itself; `PackageSignature.signer` finds the key that it verifies with.

Source: minisign's documentation of the format; cosign's `specs/SIGNATURE_SPEC.md` (simple signing).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from omnicore.errors import InvalidInput
from omnicore.optional import optional
from omnicore.packages.keys import MOST_BYTES, PublicKey, SecretKey, from_base64, read_public_key, read_small
from omnicore.packages.package import MANIFEST_MEDIA, Artifact, Package, describe, digest_of, make_artifact

SignatureKind = Literal["minisign", "cosign", "sigstore"]

ENDINGS = (".minisig", ".sig", ".sigstore.json")
"""Endings of the files beside a module or package that hold its signatures."""
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
"""The media type of cosign's payload, the layer of its artifact."""
COSIGN_ANNOTATION = "dev.cosignproject.cosign/signature"
"""The annotation of that layer with the signature in base64."""
KEY_ANNOTATION = "org.omnicore.publisher.key"
"""The annotation of a signature's layer with the public key, so that a stranger's can be shown before it is trusted."""
MINISIGN_ARTIFACT = "application/vnd.omnicore.signature.minisign.v1"
"""The artifact type of a referrer whose one layer is a signature of minisign over the manifest that it refers to."""
SIGSTORE_ARTIFACT = "application/vnd.dev.sigstore.bundle.v0.3+json"
MOST_BUNDLE_BYTES = 256 * 1024
MOST_SIGNATURES = 16
"""Signatures of one file or digest that are looked at."""

_UNTRUSTED, _TRUSTED = "untrusted comment: ", "trusted comment: "
_PREHASHED, _WHOLE = b"ED", b"Ed"
_MOST_COMMENT = 8192


@dataclass(frozen=True, slots=True)
class PackageSignature:
    """A signature that was read and not verified yet.

    Args:
        key_id: of the key by which minisign finds it; empty where the format has none.
        value: the signature itself; a bundle of sigstore as it is.
        over: the bytes that it is over where they are not the data itself, such as cosign's payload.
        comment: minisign's trusted comment, which is signed as well.
        sealed: the signature over `value` and the comment.
    """

    kind: SignatureKind
    value: bytes
    key_id: str = ""
    prehashed: bool = False
    over: bytes = b""
    comment: str = ""
    sealed: bytes = b""

    def signer(self, data: bytes, keys: Iterable[PublicKey]) -> PublicKey | None:
        """The key of those given with which this verifies over the data, or None."""
        return next((key for key in keys if self._fits(key) and self._verifies(key, data)), None)

    def names(self, keys: Iterable[PublicKey]) -> PublicKey | None:
        """The key that this says it is of, whether it verifies or not; only minisign's say so."""
        return next((key for key in keys if self.key_id and key.key_id == self.key_id), None)

    def _fits(self, key: PublicKey) -> bool:
        return self.kind != "sigstore" and (self.kind != "minisign" or key.algorithm == "ed25519")

    def _verifies(self, key: PublicKey, data: bytes) -> bool:
        if self.kind == "cosign":
            if self.over and payload_digest(self.over) != digest_of(data):
                return False
            return key.verifies(self.value, self.over or data)
        signed = hashlib.blake2b(data).digest() if self.prehashed else data
        return key.verifies(self.value, signed) and key.verifies(self.sealed, self.value + self.comment.encode())


def sign(data: bytes, key: SecretKey, *, comment: str) -> str:
    """The signature file of minisign over the data: prehashed with BLAKE2b-512, as minisign does by default.

    Args:
        comment: one line that is signed too, such as the file's name and the time.
    """
    if not comment.isprintable() or len(comment) > _MOST_COMMENT:
        raise InvalidInput("the trusted comment is not one printable line", remedy="leave out other characters")
    value = key.sign(hashlib.blake2b(data).digest())
    sealed = key.sign(value + comment.encode())
    head = base64.b64encode(_PREHASHED + bytes.fromhex(key.key_id)[::-1] + value).decode()
    foot = base64.b64encode(sealed).decode()
    return f"{_UNTRUSTED}signature of key {key.key_id}\n{head}\n{_TRUSTED}{comment}\n{foot}\n"


def read_signature(text: bytes) -> PackageSignature:
    """A signature from its file. Raises: InvalidInput: it is of no format that is known, damaged, or too large."""
    if len(text) > MOST_BUNDLE_BYTES:
        raise _refused(f"is larger than {MOST_BUNDLE_BYTES} bytes")
    if text.lstrip().startswith(b"{"):
        return _bundle(text)
    if len(text) > MOST_BYTES:
        raise _refused(f"is larger than {MOST_BYTES} bytes")
    try:
        plain = text.decode()
    except UnicodeDecodeError as error:
        raise _refused("is not text") from error
    if plain.startswith(_UNTRUSTED):
        return _minisign(plain)
    value = from_base64(plain)
    if not value:
        raise _refused("is neither minisign's, nor cosign's, nor a bundle of sigstore")
    return PackageSignature("cosign", value)


def cosign_signature(payload: bytes, value: str) -> PackageSignature:
    """A signature of cosign over an image or artifact: the payload and its annotation. Raises: InvalidInput."""
    decoded = from_base64(value)
    if len(payload) > MOST_BYTES or not decoded or not payload_digest(payload):
        raise _refused("is not one of cosign's")
    return PackageSignature("cosign", decoded, over=payload)


def payload_digest(payload: bytes) -> str:
    """The digest that a payload of simple signing is about, or "" where it is none."""
    try:
        critical = json.loads(payload)["critical"]
        digest = critical["image"]["docker-manifest-digest"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return digest if isinstance(digest, str) and critical.get("type") == "cosign container image signature" else ""


def signatures_beside(file: Path) -> list[PackageSignature]:
    """The signatures in files beside a file: `FILE.minisig`, `FILE.sig`, `FILE.sigstore.json`.

    Raises: InvalidInput: one of them cannot be read as a signature, which does not count as none.
    """
    found = []
    for ending in ENDINGS:
        path = file.with_name(file.name + ending)
        if path.is_file():
            found.append(read_signature(_bounded(path, bundle=ending == ENDINGS[-1])))
    return found


def package_signatures(package: Package) -> list[tuple[PackageSignature, bytes]]:
    """The signatures attached to a package, each with the bytes that it is over: the package's manifest.

    Raises: InvalidInput: one of them cannot be read as a signature, which does not count as none.
    """
    return [(found, package.manifest) for one in package.attached for found in _of_artifact(one)]


def _of_artifact(artifact: Artifact) -> Iterator[PackageSignature]:
    for layer in artifact.layers:
        data = artifact.blobs[layer.digest]
        if layer.media_type == SIMPLE_SIGNING:
            yield cosign_signature(data, layer.annotations.get(COSIGN_ANNOTATION, ""))
        elif layer.media_type in (MINISIGN_ARTIFACT, SIGSTORE_ARTIFACT):
            yield read_signature(data)


def offered_keys(package: Package) -> list[PublicKey]:
    """The public keys that came with the signatures of a package. Raises: InvalidInput."""
    layers = [layer for one in package.attached for layer in one.layers]
    return [read_public_key(text) for one in layers if (text := one.annotations.get(KEY_ANNOTATION, ""))]


def with_signature(package: Package, text: str, key: PublicKey) -> Package:
    """The package with a signature of minisign over its manifest attached; the public key travels with it."""
    empty, data = b"{}", text.encode()
    config = describe(empty, "application/vnd.oci.empty.v1+json")
    layer = describe(data, MINISIGN_ARTIFACT, {KEY_ANNOTATION: key.text()})
    artifact = make_artifact(
        config,
        [layer],
        {config.digest: empty, layer.digest: data},
        artifact_type=MINISIGN_ARTIFACT,
        subject=describe(package.manifest, MANIFEST_MEDIA),
    )
    return package.with_attached([*package.attached, artifact])


@dataclass(frozen=True, slots=True)
class SigstoreSigner:
    """Somebody whom a certificate of sigstore names, and the provider that vouched for them."""

    identity: str
    issuer: str


def sigstore_signer(
    signature: PackageSignature, data: bytes, *, root: Path, allowed: Sequence[SigstoreSigner]
) -> int | None:
    """The place in `allowed` of the signer that a bundle verifies for, or None. Nothing is asked of the network.

    Args:
        root: the file with the trusted root: authorities and logs.

    Raises: ToolMissing: the extra `sigstore` is not installed. InvalidInput: the root or the bundle is damaged.
    """
    models, verify = optional("sigstore.models", extra="sigstore"), optional("sigstore.verify", extra="sigstore")
    policy = optional("sigstore.verify.policy", extra="sigstore")
    try:
        verifier = verify.Verifier(trusted_root=models.TrustedRoot.from_file(str(root)))
    except Exception as error:  # pydantic's, OSError and the library's own: whatever a damaged file causes
        raise InvalidInput(f"{root} is not a trusted root of sigstore", remedy="set trust.sigstore_root") from error
    try:
        bundle = models.Bundle.from_json(signature.value)
    except Exception as error:  # as above
        raise _refused("is not a bundle of sigstore") from error
    for number, one in enumerate(allowed):
        try:
            verifier.verify_artifact(data, bundle, policy.Identity(identity=one.identity, issuer=one.issuer))
        except Exception:  # noqa: S112 -- a hostile bundle may cause any error; none of them verifies it
            continue
        return number
    return None


def _bundle(text: bytes) -> PackageSignature:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused("is not JSON") from error
    media_type = found.get("mediaType") if isinstance(found, dict) else None
    if not isinstance(media_type, str) or not media_type.startswith("application/vnd.dev.sigstore.bundle"):
        raise _refused("is no bundle of sigstore")
    return PackageSignature("sigstore", text)


def _minisign(plain: str) -> PackageSignature:
    lines = plain.splitlines()
    if len(lines) < 4 or not lines[2].startswith(_TRUSTED):
        raise _refused("is cut off")
    head, sealed = from_base64(lines[1]), from_base64(lines[3])
    if len(head) != 74 or len(sealed) != 64 or head[:2] not in (_PREHASHED, _WHOLE):
        raise _refused("has another length or algorithm than minisign's")
    comment = lines[2].removeprefix(_TRUSTED)
    key_id = head[2:10][::-1].hex().upper()
    return PackageSignature(
        "minisign", head[10:], key_id=key_id, prehashed=head[:2] == _PREHASHED, comment=comment, sealed=sealed
    )


def _bounded(path: Path, *, bundle: bool) -> bytes:
    if not bundle:
        return read_small(path)
    with path.open("rb") as stream:
        return stream.read(MOST_BUNDLE_BYTES + 1)


def _refused(fact: str) -> InvalidInput:
    return InvalidInput(f"the signature {fact}", remedy="ask its publisher for a whole one")
