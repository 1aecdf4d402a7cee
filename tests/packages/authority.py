"""A sigstore of a test's own: an authority, a log of certificates, a log of signatures, and bundles of theirs."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

AT = datetime(2026, 1, 2, tzinfo=UTC)
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_START = "2020-01-01T00:00:00Z"


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def _signed(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Authority:
    """Issues a certificate for a signer and writes down what was signed with it."""

    def __init__(self) -> None:
        self.ca, self.certificates, self.log = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.ca.public_key())
        builder = self._builder(name, name, self.ca, days=3650)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs=False), critical=True).add_extension(identifier, critical=False)
        self.root = builder.sign(self.ca, hashes.SHA256())

    def trusted_root(self) -> str:
        """The file that verifiers are given."""
        der = self.root.public_bytes(serialization.Encoding.DER)
        chain = {"subject": {"organization": "tests", "commonName": "authority"}, "uri": "https://ca.invalid"}
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [self._known(self.log, "https://log.invalid")],
                "certificateAuthorities": [
                    {**chain, "certChain": {"certificates": [{"rawBytes": _text(der)}]}, "validFor": {"start": _START}}
                ],
                "ctlogs": [self._known(self.certificates, "https://ct.invalid")],
                "timestampAuthorities": [],
            }
        )

    def bundle(self, data: bytes, *, identity: str, issuer: str) -> dict[str, Any]:
        """The bundle of a signature over the data, as a signer of this identity has it made."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, value = self._certificate(key, identity, issuer), _signed(key, data)
        digest = hashlib.sha256(data)
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        body = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
                "signature": {"content": _text(value), "publicKey": {"content": _text(pem)}},
            },
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _text(certificate.public_bytes(serialization.Encoding.DER))},
                "tlogEntries": [self._entry(json.dumps(body, separators=(",", ":")).encode())],
            },
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": _text(digest.digest())},
                "signature": _text(value),
            },
        }

    def _known(self, key: ec.EllipticCurvePrivateKey, url: str) -> dict[str, Any]:
        spki = _spki(key)
        public = {"rawBytes": _text(spki), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": {"start": _START}}
        held = {"keyId": _text(hashlib.sha256(spki).digest())}
        return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": held}

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: float
    ) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(AT - timedelta(days=1))
        return made.not_valid_after(AT + timedelta(days=days))

    def _certificate(self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str) -> x509.Certificate:
        made = self._builder(x509.Name([]), self.root.subject, key, days=1)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca.public_key())
        for extension, critical in (
            (_usage(signs=True), True),
            (x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (above, False),
            (x509.SubjectAlternativeName([x509.RFC822Name(identity)]), True),
            (x509.UnrecognizedExtension(_ISSUER, issuer.encode()), False),
        ):
            made = made.add_extension(extension, critical=critical)
        before = made.sign(self.ca, hashes.SHA256()).tbs_certificate_bytes
        return made.add_extension(x509.UnrecognizedExtension(_SCTS, self._listed(before)), critical=False).sign(
            self.ca, hashes.SHA256()
        )

    def _listed(self, certificate: bytes) -> bytes:
        """The proof that a certificate is in the log of certificates. Source: RFC 6962, section 3."""
        at = int(AT.timestamp() * 1000)
        entry = hashlib.sha256(_spki(self.ca)).digest() + struct.pack("!I", len(certificate))[1:] + certificate
        value = _signed(self.certificates, struct.pack("!BBQH", 0, 0, at, 1) + entry + b"\0\0")
        log = hashlib.sha256(_spki(self.certificates)).digest()
        sct = b"\0" + log + struct.pack("!QH", at, 0) + b"\x04\x03" + struct.pack("!H", len(value)) + value
        both = struct.pack("!HH", len(sct) + 2, len(sct)) + sct
        return b"\x04" + (bytes([len(both)]) if len(both) < 128 else b"\x81" + bytes([len(both)])) + both

    def _entry(self, body: bytes) -> dict[str, Any]:
        """An entry of the log of signatures, the only one in it."""
        held, at = hashlib.sha256(_spki(self.log)).digest(), int(AT.timestamp())
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"log.invalid - 1\n1\n{_text(root)}\n"
        checkpoint = f"{note}\n\u2014 log.invalid {_text(held[:4] + _signed(self.log, note.encode()))}\n"
        promised = {"body": _text(body), "integratedTime": at, "logID": held.hex(), "logIndex": 0}
        promise = _signed(self.log, json.dumps(promised, sort_keys=True, separators=(",", ":")).encode())
        return {
            "logIndex": "0",
            "logId": {"keyId": _text(held)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
            "integratedTime": str(at),
            "inclusionPromise": {"signedEntryTimestamp": _text(promise)},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _text(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": _text(body),
        }


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
