"""Failed logins: who had too many waits. Kept in the database, so that no restart and no other host forgets them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from omnicore.clock import Clock
from omnicore.config.sections.access import AccessSettings
from omnicore.errors import TooManyTries
from omnicore.storage.tables.access import AccessTable, TriesRow

__all__ = ["Lockout", "Rule", "counted"]

_ADDRESSES = 4  # an address stands for several people


@dataclass(frozen=True, slots=True)
class Rule:
    """After `most` failures within `lock_s` seconds a key is locked for as long."""

    most: int
    lock_s: float


def counted(tries: TriesRow, rule: Rule, now: float) -> TriesRow | float:
    """The tries with one more that begins now, or the seconds to wait until one may.

    A try counts as failed when it begins: many at once must not all be free.
    """
    if tries.locked_until > now:
        return tries.locked_until - now
    if now - tries.since >= rule.lock_s:
        tries = TriesRow(tries.key, since=now)
    failures = tries.failures + 1
    return replace(tries, failures=failures, locked_until=now + rule.lock_s if failures >= rule.most else 0.0)


class Lockout:
    """Counts the tries of each name and each address. The table is as small as the tries of the last minutes."""

    def __init__(self, table: AccessTable, settings: AccessSettings, clock: Clock) -> None:
        self._table, self._clock = table, clock
        self._rules = {
            "name": Rule(settings.login_tries, settings.login_lock_s),
            "from": Rule(_ADDRESSES * settings.login_tries, settings.login_lock_s),
        }

    def begin(self, name: str, origin: str) -> None:
        """Counts a try, before its password is looked at. Raises: TooManyTries."""
        now = self._clock.now()

        def decide(found: list[TriesRow]) -> tuple[list[TriesRow], dict[str, float]]:
            counts = {row.key[:4]: counted(row, self._rules[row.key[:4]], now) for row in found}
            waits = {kind: one for kind, one in counts.items() if isinstance(one, float)}
            return ([], waits) if waits else ([one for one in counts.values() if isinstance(one, TriesRow)], {})

        keys = _keys(name, origin)
        # Who is locked out is told so without a write: a flood of tries must not keep others from writing.
        waits = decide(self._table.tries(keys))[1] or self._table.try_all(keys, decide)
        if waits:
            raise _locked(waits)
        self._table.prune_tries(before=now - self._rules["name"].lock_s, now=now)

    def succeeded(self, name: str, origin: str) -> None:
        """Takes the try back from the address, and forgets those of the name."""
        self.forget(name)
        _, key = _keys(name, origin)

        def decide(found: list[TriesRow]) -> tuple[list[TriesRow], None]:
            return [replace(row, failures=max(row.failures - 1, 0), locked_until=0.0) for row in found], None

        self._table.try_all([key], decide)

    def forget(self, name: str) -> None:
        """Lets a name try again."""
        self._table.forget_tries([_keys(name, "")[0]])


def _locked(waits: Mapping[str, float]) -> TooManyTries:
    wait_s = max(waits.values())
    # A new password helps a name, but not an address, which others may be guessing from.
    also = "" if "from" in waits else ", or have an admin set a new password"
    about = " from this address" if "from" in waits else ""
    return TooManyTries(
        f"there were too many failed logins{about}",
        remedy=f"wait for {max(1, round(wait_s))} s{also}",
        retry_after_s=wait_s,
    )


def _keys(name: str, origin: str) -> list[str]:
    # Digests: people type passwords into the wrong field.
    return [f"name:{_digest(name.lower())}", f"from:{_digest(_network(origin))}"]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _network(origin: str) -> str:
    """IPv6 gives each customer 2^64 addresses, so those count as one."""
    try:
        address = ip_address(origin)
    except ValueError:
        return origin
    return address.exploded[:19] if address.version == 6 else origin
