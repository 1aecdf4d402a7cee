"""Bundles of sigstore, verified offline with the root that the owner names."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.packages.authority import Authority

from omnicore.clock import ManualClock
from omnicore.config.settings import StorageSettings, TrustSettings
from omnicore.errors import InvalidInput
from omnicore.packages.signature import read_signature
from omnicore.packages.trust import Evidence, Publishers, TrustPolicy, TrustVerdict
from omnicore.storage.database import open_store

DATA = b"\0asm\x01\0\0\0"
WHO = {"identity": "ada@example.org", "issuer": "https://accounts.example.org"}
RULE = "greet anyOf sigstore:ada@example.org=https://accounts.example.org"


class Verifier:
    def __init__(self, publishers: Publishers, root: Path) -> None:
        self.publishers, self.root = publishers, root

    def __call__(self, bundle: dict[str, Any], data: bytes = DATA, rule: str = RULE) -> TrustVerdict:
        policy = TrustPolicy.of(TrustSettings(publishers=(rule,) if rule else (), sigstore_root=self.root))
        signature = read_signature(json.dumps(bundle).encode())
        return self.publishers.verdict("greet", Evidence([(signature, data)]), policy)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def verdict(authority: Authority, tmp_path: Path) -> Iterator[Verifier]:
    (tmp_path / "root.json").write_text(authority.trusted_root())
    with closing(open_store(StorageSettings(), tmp_path / "data", check=False)) as store:
        yield Verifier(Publishers(store, ManualClock()), tmp_path / "root.json")


def test_a_bundle_of_the_identity_that_a_rule_names_is_accepted(verdict: Verifier, authority: Authority) -> None:
    found = verdict(authority.bundle(DATA, **WHO))
    assert (found.decision, found.names) == ("accept", ("ada@example.org",)), found.reason
    assert found.publishers == ("sigstore:ada@example.org=https://accounts.example.org",)


def test_another_identity_another_provider_other_data_and_another_authority_are_refused(
    verdict: Verifier, authority: Authority
) -> None:
    good = authority.bundle(DATA, **WHO)
    assert verdict(good, DATA + b"!").decision == "refuse"
    assert verdict(authority.bundle(DATA, **{**WHO, "identity": "eve@example.org"})).decision == "refuse"
    assert verdict(authority.bundle(DATA, **{**WHO, "issuer": "https://evil.example.org"})).decision == "refuse"
    assert verdict(Authority().bundle(DATA, **WHO)).decision == "refuse"
    assert verdict(good, rule="").decision == "refuse"  # nobody named an identity, so anybody could have signed


def test_one_changed_byte_of_what_a_bundle_holds_is_refused(verdict: Verifier, authority: Authority) -> None:
    whole = authority.bundle(DATA, **WHO)
    entry = whole["verificationMaterial"]["tlogEntries"][0]
    places = [
        (whole["messageSignature"], "signature"),
        (whole["messageSignature"]["messageDigest"], "digest"),
        (whole["verificationMaterial"]["certificate"], "rawBytes"),
        (entry, "canonicalizedBody"),
        (entry["inclusionProof"], "rootHash"),
        (entry["inclusionPromise"], "signedEntryTimestamp"),
    ]
    for holder, name in places:
        kept = holder[name]
        data = bytearray(base64.b64decode(kept))
        data[len(data) // 2] ^= 1
        holder[name] = base64.b64encode(data).decode()
        with suppress(InvalidInput):
            assert verdict(whole).decision == "refuse", name
        holder[name] = kept
    assert verdict(whole).decision == "accept"


def test_a_root_that_is_none_is_the_owners_to_correct(verdict: Verifier, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"trust\.sigstore_root"):
        verdict(authority.bundle(DATA, **WHO))


def test_a_bundle_that_lacks_parts_is_refused(verdict: Verifier, authority: Authority) -> None:
    for name in ("verificationMaterial", "messageSignature"):
        bundle = {key: value for key, value in authority.bundle(DATA, **WHO).items() if key != name}
        with pytest.raises(InvalidInput, match="not a bundle"):
            verdict(bundle)
