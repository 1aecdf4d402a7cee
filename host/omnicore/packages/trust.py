"""Trust in publishers: the owner's policy, the keys and pins that it is applied to, and the verdict on one package.

`judge` decides over values. `Publishers` keeps what it decides from: keys that the owner trusts, the publishers that a
name was pinned to when it was first installed, and who signed which version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from omnicore.errors import Conflict, InvalidInput, InvalidSetting, NotFound, PermissionDenied
from omnicore.packages.keys import PublicKey, read_public_key
from omnicore.packages.signature import (
    MOST_SIGNATURES,
    PackageSignature,
    SigstoreSigner,
    sigstore_signer,
)
from omnicore.records import replace
from omnicore.storage.tables.publishers import PublisherKeyRow, PublisherPinRow, PublishersTable, SignedVersionRow

if TYPE_CHECKING:
    from pathlib import Path

    from omnicore.clock import Clock
    from omnicore.config.settings import TrustSettings
    from omnicore.storage.store import Store

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_LEAST_FINGERPRINT = 16
_SIGSTORE = "sigstore:"


@dataclass(frozen=True, slots=True)
class PublisherRule:
    """The publishers that a name needs: one of them, or all."""

    pattern: str
    mode: Literal["anyOf", "allOf"]
    publishers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The policy in the owner's settings. `sigstore_root` is the file that bundles of sigstore are verified with."""

    unsigned: Literal["accept", "ask", "refuse"] = "ask"
    rules: tuple[PublisherRule, ...] = ()
    sigstore_root: Path | None = None

    @classmethod
    def of(cls, settings: TrustSettings) -> TrustPolicy:
        """The policy in the settings. Raises: InvalidSetting: a rule cannot be read."""
        return cls(settings.unsigned, tuple(map(read_rule, settings.publishers)), settings.sigstore_root)

    def rule(self, name: str) -> PublisherRule | None:
        """The first rule that fits a name."""
        return next((one for one in self.rules if fnmatchcase(name, one.pattern)), None)


def read_rule(text: str) -> PublisherRule:
    """The rule that a setting holds. Raises: InvalidSetting.

    >>> read_rule("acme-* anyOf acme acme-2027").publishers
    ('acme', 'acme-2027')
    """
    pattern, mode, *publishers = text.split() + [""] * (2 - len(text.split()))
    for one in publishers:
        if one.startswith(_SIGSTORE):
            _sigstore(one)
    if mode not in ("anyOf", "allOf") or not publishers:
        raise InvalidSetting(
            f"{text[:120]!r} of trust.publishers is no rule",
            remedy="write `PATTERN anyOf PUBLISHER...` or `PATTERN allOf PUBLISHER...`",
        )
    return PublisherRule(pattern, mode, tuple(publishers))  # type: ignore[arg-type]  # checked above


@dataclass(frozen=True, slots=True)
class Evidence:
    """Signatures, each with the bytes that it is said to be over, and public keys that came along with them.

    A key that came along is not trusted: it only says whom a person would trust.
    """

    signatures: Sequence[tuple[PackageSignature, bytes]] = ()
    offered: Sequence[PublicKey] = ()


@dataclass(frozen=True, slots=True)
class TrustVerdict:
    """The judgement on who made a package.

    Args:
        decision: `ask` when a person has to say yes.
        publishers: those who are trusted and signed it, by the words of pins.
        names: the same, by the names that the owner gave them.
        unknown: keys that came with it, that are not trusted, and that its signatures verify with.
    """

    decision: Literal["accept", "ask", "refuse"]
    reason: str
    remedy: str = ""
    publishers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    unknown: tuple[PublicKey, ...] = ()

    @property
    def publisher(self) -> str:
        """The publisher for people, "" if nobody is known."""
        return ", ".join(self.names) or ", ".join(f"key {one.fingerprint[:16]}" for one in self.unknown)

    @property
    def signers(self) -> tuple[str, ...]:
        """Those to whom a name is pinned, by the words of pins: strangers only where nobody who is trusted signed.

        Anybody who may write to a registry can attach one more signature, which must not count later.
        """
        return self.publishers or tuple(f"key:{one.fingerprint}" for one in self.unknown)

    def check(self) -> None:
        """Raises: PermissionDenied: the package is refused."""
        if self.decision == "refuse":
            raise PermissionDenied(self.reason, remedy=self.remedy, capability="install", resource=self.publisher)

    def to_json(self) -> dict[str, Any]:
        """The verdict as REST and `-o json` show it."""
        unknown = [{"fingerprint": one.fingerprint, "key": one.text()} for one in self.unknown]
        shown = {key: value for key, value in asdict(self).items() if key != "unknown"}
        return {**shown, "publisher": self.publisher, "unknown": unknown}


@dataclass(slots=True)
class _Found:
    """Facts about the signatures of one package."""

    rows: list[PublisherKeyRow]
    sigstore: list[SigstoreSigner]
    unknown: list[PublicKey]
    broken: str = ""
    lost: str = ""
    unverified: int = 0

    @property
    def publishers(self) -> tuple[str, ...]:
        return (*(row.publisher for row in self.rows), *map(_word, self.sigstore))

    @property
    def names(self) -> tuple[str, ...]:
        return (*(row.name for row in self.rows), *(one.identity for one in self.sigstore))


def judge(
    name: str,
    evidence: Evidence,
    policy: TrustPolicy,
    *,
    keys: Sequence[PublisherKeyRow],
    pin: PublisherPinRow | None,
    now: float,
) -> TrustVerdict:
    """The verdict on a package of a name, the strongest reason first.

    A signature that does not verify with the key it names, a revoked or expired key, a rule that is not met and a
    changed publisher are refused whatever the policy says about the unsigned.
    """
    return _decided(name, _verified(name, evidence, policy, keys, pin, now), policy, keys, pin)


def _decided(
    name: str, found: _Found, policy: TrustPolicy, keys: Sequence[PublisherKeyRow], pin: PublisherPinRow | None
) -> TrustVerdict:
    if found.broken:
        return TrustVerdict("refuse", found.broken, "get the package again from its publisher")
    given: dict[str, Any] = {"publishers": found.publishers, "names": found.names, "unknown": tuple(found.unknown)}
    if found.lost and not found.publishers:
        return TrustVerdict("refuse", found.lost, "see `omnicore keys ls`, and ask the publisher for a new signature")
    rule = policy.rule(name)
    if rule is not None:
        return _by_rule(name, rule, found, given)
    if pin is not None:
        return _by_pin(name, pin, found, given, keys)
    if found.publishers:
        return TrustVerdict("accept", f"signed by {', '.join(found.names)}", **given)
    return _without_trust(policy, found, given)


def _by_rule(name: str, rule: PublisherRule, found: _Found, given: Mapping[str, Any]) -> TrustVerdict:
    signed = {one: _signed_by(one, found) for one in rule.publishers}
    met = any(signed.values()) if rule.mode == "anyOf" else all(signed.values())
    if met:
        return TrustVerdict("accept", f"signed by {', '.join(found.names)}, as {rule.pattern} needs", **given)
    lacking = [one for one, there in signed.items() if not there]
    need = " or ".join(lacking) if rule.mode == "anyOf" else " and ".join(lacking)
    fact = f"{name} needs the signature of {need}, and {_whose(found)}"
    return TrustVerdict("refuse", fact, "see the setting trust.publishers", **given)


def _by_pin(
    name: str, pin: PublisherPinRow, found: _Found, given: Mapping[str, Any], keys: Sequence[PublisherKeyRow]
) -> TrustVerdict:
    signed = {*found.publishers, *(f"key:{one.fingerprint}" for one in found.unknown)}
    # Of those who are trusted one is enough. Strangers sign all together: one of them may have joined uninvited.
    if set(found.publishers) & set(pin.publishers) or signed >= set(pin.publishers):
        who = ", ".join(found.names) or "the key that it was first installed with"
        return TrustVerdict("accept", f"signed by {who}, as before", **given)
    before = ", ".join(_name_of(one, keys) for one in pin.publishers)
    fact = f"{name} was signed by {before} when it was installed, and {_whose(found)}"
    return TrustVerdict("refuse", fact, f"if that is right, run `omnicore keys unpin {name}`", **given)


def _without_trust(policy: TrustPolicy, found: _Found, given: Mapping[str, Any]) -> TrustVerdict:
    if found.unknown:
        fact = f"signed by {' and '.join(f'key {one.fingerprint[:16]}' for one in found.unknown)}, which nobody trusts"
        remedy = "trust the key with `omnicore keys trust FILE --name NAME`"
    elif found.unverified:
        fact = "signed, but no key that you trust verifies the signature"
        remedy = "trust its publisher's key with `omnicore keys trust FILE --name NAME`"
        if policy.unsigned == "ask":  # changed code looks just like this
            return TrustVerdict("refuse", fact, remedy, **given)
    else:
        fact, remedy = "not signed", "ask its publisher for a signature, or set trust.unsigned"
    return TrustVerdict(policy.unsigned, fact, remedy, **given)


def _verified(
    name: str,
    evidence: Evidence,
    policy: TrustPolicy,
    keys: Sequence[PublisherKeyRow],
    pin: PublisherPinRow | None,
    now: float,
) -> _Found:
    """Each signature with the key that it verifies with."""
    if len(evidence.signatures) > MOST_SIGNATURES or len(evidence.offered) > MOST_SIGNATURES:
        raise InvalidInput(f"{name} has more than {MOST_SIGNATURES} signatures", remedy="ask its publisher for fewer")
    known = {read_public_key(row.key): row for row in keys}
    found = _Found([], [], [])
    for signature, data in evidence.signatures:
        if signature.kind == "sigstore":
            _by_sigstore(signature, data, policy, _identities(policy, pin, name), found)
            continue
        key = signature.signer(data, known)
        if key is not None:
            _count(known[key], now, found)
        elif (stranger := signature.signer(data, evidence.offered)) is not None and not signature.names(known):
            found.unknown += [] if stranger in found.unknown else [stranger]
        elif (named := signature.names((*known, *evidence.offered))) is not None:
            who = known[named].name if named in known else f"key {named.fingerprint[:16]}"
            found.broken = found.broken or f"{name} was changed: the signature of {who} does not verify"
        else:
            found.unverified += 1
    return found


def _count(row: PublisherKeyRow, now: float, found: _Found) -> None:
    if row.valid(now):
        found.rows += [] if row in found.rows else [row]
    elif row.revoked_at is not None:
        found.lost = f"signed by {row.name}, whose key was revoked{f': {row.reason}' if row.reason else ''}"
    else:
        found.lost = f"signed by {row.name}, whose key has expired"


def _by_sigstore(
    signature: PackageSignature,
    data: bytes,
    policy: TrustPolicy,
    allowed: Sequence[SigstoreSigner],
    found: _Found,
) -> None:
    if policy.sigstore_root is None or not allowed:
        found.unverified += 1
        return
    place = sigstore_signer(signature, data, root=policy.sigstore_root, allowed=allowed)
    if place is None:
        found.unverified += 1
    elif allowed[place] not in found.sigstore:
        found.sigstore.append(allowed[place])


def _identities(policy: TrustPolicy, pin: PublisherPinRow | None, name: str) -> list[SigstoreSigner]:
    """The identities of sigstore that may have signed a name."""
    rule = policy.rule(name)
    words = [*(rule.publishers if rule is not None else ()), *(pin.publishers if pin is not None else ())]
    return [_sigstore(one) for one in dict.fromkeys(words) if one.startswith(_SIGSTORE)]


def _sigstore(text: str) -> SigstoreSigner:
    identity, sign, issuer = text.removeprefix(_SIGSTORE).partition("=")
    if not identity or not sign or not issuer:
        raise InvalidSetting(f"{text[:120]!r} is no publisher", remedy="write it as `sigstore:IDENTITY=ISSUER`")
    return SigstoreSigner(identity, issuer)


def _word(one: SigstoreSigner) -> str:
    return f"{_SIGSTORE}{one.identity}={one.issuer}"


def _signed_by(publisher: str, found: _Found) -> bool:
    if publisher.startswith(_SIGSTORE):
        return _sigstore(publisher) in found.sigstore
    return any(publisher == row.name or _is_fingerprint(publisher, row.fingerprint) for row in found.rows)


def _is_fingerprint(text: str, fingerprint: str) -> bool:
    return len(text) >= _LEAST_FINGERPRINT and fingerprint.startswith(text.lower())


def _whose(found: _Found) -> str:
    if found.names:
        return f"is signed by {', '.join(found.names)}"
    if found.unknown:
        return f"is signed by key {found.unknown[0].fingerprint[:16]}"
    return found.lost.replace("signed", "is signed", 1) if found.lost else "no signature that is there verifies"


def _name_of(publisher: str, keys: Sequence[PublisherKeyRow]) -> str:
    named = {row.publisher: row.name for row in keys}
    return named.get(publisher, publisher.replace("key:", "key ", 1)[:20])


class Publishers:
    """Keys, pins and signed versions of one database."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.table, self._clock = PublishersTable(store), clock

    def verdict(self, name: str, evidence: Evidence, policy: TrustPolicy) -> TrustVerdict:
        """The verdict on a package of a name, from what is known now."""
        pin = self.table.pin_of(name)
        return judge(name, evidence, policy, keys=self.table.known_keys(), pin=pin, now=self._clock.now())

    def foreseen(self, name: str, signers: Sequence[PublicKey], policy: TrustPolicy) -> TrustVerdict:
        """The verdict on a package that an index says was signed with these keys; the package itself decides later."""
        keys, found = self.table.known_keys(), _Found([], [], [])
        known = {row.fingerprint: row for row in keys}
        for one in signers:
            if (row := known.get(one.fingerprint)) is not None:
                _count(row, self._clock.now(), found)
            else:
                found.unknown.append(one)
        return _decided(name, found, policy, keys, self.table.pin_of(name))

    def key(self, word: str) -> PublisherKeyRow:
        """A key by its name or fingerprint. Raises: NotFound."""
        for row in self.table.known_keys():
            if word == row.name or _is_fingerprint(word, row.fingerprint):
                return row
        raise NotFound(f"no key is called {word[:80]}", remedy="see `omnicore keys ls`")

    def trust(self, key: PublicKey, name: str, *, who: str, expires_at: float | None = None) -> PublisherKeyRow:
        """Trusts a key from now on. Raises: InvalidInput; Conflict: another key has the name, or it was revoked."""
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name[:80]!r} cannot be the name of a key", remedy="use up to 80 letters, digits, '.', '_', '-'"
            )
        for row in self.table.known_keys():
            same = row.fingerprint == key.fingerprint
            if same and row.revoked_at is not None:
                raise Conflict(
                    f"{row.name} was revoked", remedy="a revoked key stays so; trust its publisher's new one"
                )
            if row.name == name and not same:
                raise Conflict(f"another key is called {name}", remedy="give --name another name, or revoke that one")
        made = PublisherKeyRow(
            key.fingerprint, name, key.text(), key.key_id, key.algorithm, self._clock.now(), who, expires_at=expires_at
        )
        self.table.save_key(made)
        return made

    def revoke(self, word: str, *, reason: str) -> PublisherKeyRow:
        """Revokes a key for good. Raises: NotFound."""
        row = replace(self.key(word), revoked_at=self._clock.now(), reason=reason[:200])
        self.table.save_key(row)
        return row

    def verified(self, row: SignedVersionRow) -> None:
        """Records who signed a version, where somebody did."""
        if row.publishers:
            self.table.save_version(row)

    def pin(self, row: SignedVersionRow, *, who: str) -> None:
        """Pins the name of a version that was just installed to those who signed it, where it is not pinned yet."""
        if row.publishers and self.table.pin_of(row.plugin) is None:
            self.table.save_pin(PublisherPinRow(row.plugin, row.publishers, self._clock.now(), who))

    def lost(self, row: SignedVersionRow) -> str:
        """Says why the signatures of an installed version no longer count, or ""."""
        keys = {key.publisher: key for key in self.table.known_keys()}
        lost = [key for one in row.publishers if (key := keys.get(one)) is not None and key.revoked_at is not None]
        if not lost or len(lost) < len(row.publishers):
            return ""
        return f"the key {lost[0].name} was revoked" + (f": {lost[0].reason}" if lost[0].reason else "")
