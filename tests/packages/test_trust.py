"""The verdict on a package: who signed it, and what the owner's policy makes of that."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from omnicore.clock import ManualClock
from omnicore.config.settings import StorageSettings, TrustSettings
from omnicore.errors import Conflict, InvalidInput, InvalidSetting, NotFound, PermissionDenied
from omnicore.packages.keys import PublicKey, SecretKey, read_public_key
from omnicore.packages.signature import (
    PackageSignature,
    cosign_signature,
    digest_of,
    read_signature,
    sign,
)
from omnicore.packages.trust import Evidence, Publishers, TrustPolicy, TrustVerdict, read_rule
from omnicore.storage.database import open_store
from omnicore.storage.tables.publishers import SignedVersionRow

DATA = b'{"schemaVersion": 2, "layers": []}'


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def publishers(tmp_path: Path, clock: ManualClock) -> Iterator[Publishers]:
    with closing(open_store(StorageSettings(), tmp_path / "data", check=False)) as store:
        yield Publishers(store, clock)


def signed(*keys: SecretKey, data: bytes = DATA, offered: tuple[PublicKey, ...] = ()) -> Evidence:
    made = [read_signature(sign(data, key, comment="test").encode()) for key in keys]
    return Evidence([(one, data) for one in made], offered)


def policy(*rules: str, unsigned: Any = "ask") -> TrustPolicy:
    return TrustPolicy.of(TrustSettings(unsigned=unsigned, publishers=rules))


def install(publishers: Publishers, verdict: TrustVerdict, *, plugin: str = "greet") -> None:
    row = SignedVersionRow(plugin, "d" * 64, "h" * 64, "1.0.0", verdict.signers, "test", 1.0)
    publishers.verified(row)
    publishers.pin(row, who="test")


@pytest.mark.parametrize("unsigned", ["accept", "ask", "refuse"])
def test_the_unsigned_is_what_the_setting_says(publishers: Publishers, unsigned: str) -> None:
    verdict = publishers.verdict("greet", Evidence(), policy(unsigned=unsigned))
    assert (verdict.decision, verdict.reason) == (unsigned, "not signed")


def test_nothing_unsigned_is_installed_without_asking_by_default() -> None:
    assert TrustSettings().unsigned == "ask"


def test_code_of_a_trusted_publisher_is_accepted(publishers: Publishers) -> None:
    key = SecretKey.new()
    publishers.trust(key.public, "acme", who="me")
    verdict = publishers.verdict("greet", signed(key), policy(unsigned="refuse"))
    assert (verdict.decision, verdict.names) == ("accept", ("acme",))
    assert verdict.publishers == (f"key:{key.public.fingerprint}",)


@pytest.mark.parametrize("unsigned", ["accept", "ask", "refuse"])
def test_changed_code_is_refused_whatever_the_policy_says(publishers: Publishers, unsigned: str) -> None:
    key = SecretKey.new()
    publishers.trust(key.public, "acme", who="me")
    ((signature, data),) = signed(key).signatures
    verdict = publishers.verdict("greet", Evidence([(signature, data + b" ")]), policy(unsigned=unsigned))
    assert verdict.decision == "refuse"
    assert verdict.reason == "greet was changed: the signature of acme does not verify"
    with pytest.raises(PermissionDenied, match="was changed"):
        verdict.check()


def test_code_of_a_stranger_asks_and_shows_the_key(publishers: Publishers) -> None:
    key = SecretKey.new()
    verdict = publishers.verdict("greet", signed(key, offered=(key.public,)), policy())
    assert verdict.decision == "ask"
    assert key.public.fingerprint[:16] in verdict.reason
    assert verdict.to_json()["unknown"][0]["fingerprint"] == key.public.fingerprint


def test_a_signature_without_its_key_is_not_taken_for_none(publishers: Publishers) -> None:
    verdict = publishers.verdict("greet", signed(SecretKey.new()), policy())
    assert verdict.decision == "refuse"
    assert "no key that you trust verifies" in verdict.reason


def test_another_key_with_the_id_of_a_trusted_one_is_refused(publishers: Publishers) -> None:
    key = SecretKey.new()
    publishers.trust(key.public, "acme", who="me")
    other = SecretKey(SecretKey.new().seed, key.key_id)
    verdict = publishers.verdict("greet", signed(other, offered=(other.public,)), policy(unsigned="accept"))
    assert verdict.decision == "refuse"


def test_the_publisher_of_the_first_installation_stays(publishers: Publishers) -> None:
    first, other = SecretKey.new(), SecretKey.new()
    install(publishers, publishers.verdict("greet", signed(first, offered=(first.public,)), policy()))
    again = publishers.verdict("greet", signed(first, data=b"newer", offered=(first.public,)), policy())
    assert again.decision == "accept"
    publishers.trust(other.public, "other", who="me")
    changed = publishers.verdict("greet", signed(other), policy(unsigned="accept"))
    assert changed.decision == "refuse"
    assert "was signed by" in changed.reason
    assert "is signed by other" in changed.reason
    assert "omnicore keys unpin greet" in changed.remedy
    unsigned = publishers.verdict("greet", Evidence(), policy(unsigned="accept"))
    assert unsigned.decision == "refuse"
    assert publishers.table.unpin("greet")
    assert publishers.verdict("greet", signed(other), policy()).decision == "accept"


def test_a_key_of_two_publishers_of_one_version_is_enough(publishers: Publishers) -> None:
    old, new = SecretKey.new(), SecretKey.new()
    publishers.trust(old.public, "old", who="me")
    publishers.trust(new.public, "new", who="me")
    install(publishers, publishers.verdict("greet", signed(old, new), policy()))
    assert publishers.verdict("greet", signed(new), policy()).decision == "accept"


def test_a_signature_that_somebody_added_is_pinned_to_nobody(publishers: Publishers) -> None:
    """Whoever may write to a registry can attach a signature of their own."""
    acme, thief = SecretKey.new(), SecretKey.new()
    publishers.trust(acme.public, "acme", who="me")
    first = publishers.verdict("greet", signed(acme, thief, offered=(thief.public,)), policy())
    assert first.signers == (f"key:{acme.public.fingerprint}",)
    install(publishers, first)
    later = publishers.verdict("greet", signed(thief, offered=(thief.public,)), policy(unsigned="accept"))
    assert later.decision == "refuse"
    install(
        publishers,
        publishers.verdict("text", signed(one := SecretKey.new(), thief, offered=(one.public, thief.public)), policy()),
        plugin="text",
    )
    alone = publishers.verdict("text", signed(thief, offered=(thief.public,)), policy(unsigned="accept"))
    assert alone.decision == "refuse"
    both = publishers.verdict("text", signed(one, thief, offered=(one.public, thief.public)), policy())
    assert both.decision == "accept"
    publishers.trust(one.public, "one", who="me")
    assert publishers.verdict("text", signed(one), policy()).decision == "accept"


def test_a_revoked_key_counts_no_more_and_says_why(publishers: Publishers) -> None:
    key = SecretKey.new()
    publishers.trust(key.public, "acme", who="me")
    verdict = publishers.verdict("greet", signed(key), policy())
    row = SignedVersionRow("greet", "d" * 64, "h" * 64, "1.0.0", verdict.publishers, "test", 1.0)
    assert publishers.lost(row) == ""
    publishers.revoke("acme", reason="stolen")
    after = publishers.verdict("greet", signed(key), policy(unsigned="accept"))
    assert (after.decision, after.reason) == ("refuse", "signed by acme, whose key was revoked: stolen")
    assert publishers.lost(row) == "the key acme was revoked: stolen"
    with pytest.raises(Conflict, match="revoked"):
        publishers.trust(key.public, "acme", who="me")


def test_an_expired_key_counts_no_more(publishers: Publishers, clock: ManualClock) -> None:
    key = SecretKey.new()
    publishers.trust(key.public, "acme", who="me", expires_at=clock.now() + 100)
    assert publishers.verdict("greet", signed(key), policy()).decision == "accept"
    clock.advance(100)
    after = publishers.verdict("greet", signed(key), policy(unsigned="accept"))
    assert (after.decision, after.reason) == ("refuse", "signed by acme, whose key has expired")


def test_any_of_needs_one_and_all_of_needs_all(publishers: Publishers) -> None:
    one, two, third = SecretKey.new(), SecretKey.new(), SecretKey.new()
    for name, key in (("one", one), ("two", two), ("third", third)):
        publishers.trust(key.public, name, who="me")
    either = policy("pay-* anyOf one two", unsigned="accept")
    assert publishers.verdict("pay-card", signed(two), either).decision == "accept"
    refused = publishers.verdict("pay-card", signed(third), either)
    assert refused.decision == "refuse"
    assert refused.reason == "pay-card needs the signature of one or two, and is signed by third"
    assert publishers.verdict("greet", signed(third), either).decision == "accept"
    both = policy(f"pay-* allOf one {two.public.fingerprint[:20]}")
    assert publishers.verdict("pay-card", signed(one, two), both).decision == "accept"
    refused = publishers.verdict("pay-card", signed(one), both)
    assert refused.reason.startswith(f"pay-card needs the signature of {two.public.fingerprint[:20]}")


def test_the_first_rule_that_fits_holds_even_over_a_pin(publishers: Publishers) -> None:
    one, two = SecretKey.new(), SecretKey.new()
    publishers.trust(one.public, "one", who="me")
    publishers.trust(two.public, "two", who="me")
    install(publishers, publishers.verdict("greet", signed(one), policy()))
    rules = policy("gre* anyOf two", "* anyOf one")
    assert publishers.verdict("greet", signed(two), rules).decision == "accept"
    assert publishers.verdict("greet", signed(one), rules).decision == "refuse"


@pytest.mark.parametrize("rule", ["", "*", "* someOf a", "* anyOf", "* anyOf sigstore:nobody"])
def test_a_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(InvalidSetting):
        read_rule(rule)


def test_more_signatures_than_anybody_needs_are_refused(publishers: Publishers) -> None:
    evidence = signed(SecretKey.new())
    with pytest.raises(InvalidInput, match="more than 16 signatures"):
        publishers.verdict("greet", Evidence(list(evidence.signatures) * 17), policy())


def test_names_of_keys_are_unique_and_plain(publishers: Publishers) -> None:
    publishers.trust(SecretKey.new().public, "acme", who="me")
    with pytest.raises(Conflict, match="another key is called acme"):
        publishers.trust(SecretKey.new().public, "acme", who="me")
    with pytest.raises(InvalidInput):
        publishers.trust(SecretKey.new().public, "a b", who="me")
    with pytest.raises(NotFound, match="omnicore keys ls"):
        publishers.revoke("nobody", reason="")


# -- cosign. Vectors as its SIGNATURE_SPEC.md documents them: the payload is signed as it is, the signature is base64.


def _payload(digest: str, kind: str = "cosign container image signature") -> bytes:
    identity = {"docker-reference": "registry.example.org/acme/greet"}
    critical = {"identity": identity, "image": {"docker-manifest-digest": digest}, "type": kind}
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def _cosign(kind: str, payload: bytes) -> tuple[PublicKey, PackageSignature]:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    made: Any
    if kind == "ecdsa-p256":
        made = ec.generate_private_key(ec.SECP256R1())
        value = made.sign(payload, ec.ECDSA(hashes.SHA256()))
    else:
        made = Ed25519PrivateKey.generate()
        value = made.sign(payload)
    public = read_public_key(made.public_key().public_bytes(serialization.Encoding.PEM, form))
    return public, cosign_signature(payload, base64.b64encode(value).decode())


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ed25519"])
def test_a_signature_of_cosign_by_key_verifies(publishers: Publishers, kind: str) -> None:
    public, signature = _cosign(kind, _payload(digest_of(DATA)))
    assert public.algorithm == kind
    publishers.trust(public, "acme", who="me")
    assert publishers.verdict("greet", Evidence([(signature, DATA)]), policy()).decision == "accept"
    refused = publishers.verdict("greet", Evidence([(signature, DATA + b" ")]), policy())
    assert refused.decision == "refuse"


def test_a_payload_of_cosign_about_another_digest_or_of_another_kind_does_not_count(publishers: Publishers) -> None:
    public, signature = _cosign("ecdsa-p256", _payload(digest_of(b"another")))
    publishers.trust(public, "acme", who="me")
    assert publishers.verdict("greet", Evidence([(signature, DATA)]), policy()).decision == "refuse"
    for payload in (_payload(digest_of(DATA), "atomic container signature"), b"{}", b"[" * 10_000):
        with pytest.raises(InvalidInput):
            _cosign("ed25519", payload)


def test_a_file_that_cosign_signed_verifies(publishers: Publishers) -> None:
    made = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = read_public_key(made.public_key().public_bytes(serialization.Encoding.PEM, form))
    publishers.trust(public, "acme", who="me")
    signature = read_signature(base64.b64encode(made.sign(DATA, ec.ECDSA(hashes.SHA256()))) + b"\n")
    assert publishers.verdict("greet", Evidence([(signature, DATA)]), policy()).decision == "accept"
