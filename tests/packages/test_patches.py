"""Patches of the same publisher that ask for nothing more: accepted by policy, and nothing else is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.attack.test_identity import EVIL, KV, READS, store
from tests.plugins.conftest import Rig, engine, rig_at

from omnicore.config.settings import TrustSettings
from omnicore.packages.keys import SecretKey
from omnicore.packages.trust import Publishers
from omnicore.plugins.acceptance import is_patch
from omnicore.storage.tables.plugins import identity
from omnicore.storage.tables.publishers import SignedVersionRow

__all__ = ["engine", "rig_at"]

ACME = SecretKey.new().public
OTHER = SecretKey.new().public


class Held:
    """A host with a plugin of acme that was granted `kv`, as an installation leaves it."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.known = rig, Publishers(rig.database, rig.clock)
        self.known.trust(ACME, "acme", who="me")
        self.known.trust(OTHER, "other", who="me")

    def bring(self, text: str, version: str, *keys: Any, sidecar: str | None = None) -> str:
        """Installs a version that was signed with these keys; the state of the plugin."""
        data = store(text, version)
        digest = hashlib.sha256(data).hexdigest()
        publishers = tuple(f"key:{one.fingerprint}" for one in keys)
        row = SignedVersionRow("store", identity(digest, sidecar), digest, version, publishers, "test", 1.0)
        self.known.verified(row)
        self.known.pin(row, who="me")
        if sidecar is not None:
            self.rig.drop("store.toml", sidecar)
        self.rig.drop("store.wasm", data)
        return self.rig.scan()["store"]


@pytest.fixture
def make(rig_at: Callable[..., Rig], tmp_path: Path) -> Callable[..., Held]:
    def made(auto_update: Any = "patch", *first: Any) -> Held:
        held = Held(rig_at(tmp_path, trust=TrustSettings(auto_update=auto_update)))
        held.bring(READS, "2.0.0", *(first or (ACME,)))
        held.rig.host.grant("store", "kv", who="ann")
        held.rig.kv.put("store", "k", b"secret")
        return held

    return made


def test_a_patch_of_the_same_publisher_serves_at_once(make: Callable[..., Held]) -> None:
    held = make()
    assert held.bring(EVIL, "2.0.1", ACME) == "enabled"
    assert held.rig.host.get("store").serving == hashlib.sha256(store(EVIL, "2.0.1")).hexdigest()
    assert held.bring(READS, "2.0.2", ACME, OTHER) == "enabled"


def test_nothing_is_accepted_by_default(make: Callable[..., Held]) -> None:
    assert TrustSettings().auto_update == "never"
    assert make("never").bring(EVIL, "2.0.1", ACME) == "needs-review"


@pytest.mark.parametrize("version", ["2.1.0", "3.0.0", "2.0.0", "1.9.9", "2.0.1-rc.1", "2.0"])
def test_what_is_no_patch_waits(make: Callable[..., Held], version: str) -> None:
    assert make().bring(EVIL, version, ACME) == "needs-review"


def test_a_patch_of_nobody_or_of_somebody_else_waits(make: Callable[..., Held]) -> None:
    held = make()
    assert held.bring(EVIL, "2.0.1") == "needs-review"
    assert held.bring(EVIL, "2.0.2", OTHER) == "needs-review"


def test_a_patch_that_asks_for_more_waits(make: Callable[..., Held]) -> None:
    more = f'name = "store"\nversion = "2.0.1"\n{KV}[[capabilities]]\nname = "http"\nreason = "Sends it"\n'
    more += 'scope = { hosts = ["example.org"] }\n'
    held = make()
    assert held.bring(EVIL, "2.0.1", ACME, sidecar=more) == "needs-review"
    assert "asks for http" in held.rig.host.get("store").reason


def test_a_patch_signed_with_a_revoked_key_waits(make: Callable[..., Held]) -> None:
    held = make()
    held.known.revoke("acme", reason="stolen")
    assert held.bring(EVIL, "2.0.1", ACME) == "needs-review"


def test_a_manifest_that_was_put_beside_signed_code_is_not_signed(make: Callable[..., Held]) -> None:
    """The signature is over the code and its manifest together."""
    held = make()
    data = store(EVIL, "2.0.1")
    digest = hashlib.sha256(data).hexdigest()
    row = SignedVersionRow("store", digest, digest, "2.0.1", (f"key:{ACME.fingerprint}",), "test", 1.0)
    held.known.verified(row)
    held.known.pin(row, who="me")
    held.rig.drop("store.toml", f'name = "store"\nversion = "2.0.1"\n{KV}')
    held.rig.drop("store.wasm", data)
    assert held.rig.scan()["store"] == "needs-review"


def test_patches_are_told_from_other_releases() -> None:
    assert is_patch("1.2.3", "1.2.10")
    assert is_patch("v1.2.3", "1.2.4+build.5")
    assert not any(is_patch("1.2.3", one) for one in ("1.2.3", "1.2.2", "1.3.3", "2.2.4", "1.2.4-rc.1", "1.2", ""))
