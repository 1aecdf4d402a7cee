"""Which connectors there are: settings in the database, credentials as references, their values in the vault."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from omnicore.clock import Clock
from omnicore.config.sections.connectors import ConnectorSettings
from omnicore.connectors.checking import check_value
from omnicore.connectors.kind import Kind
from omnicore.connectors.kinds import find_kind
from omnicore.connectors.limits import CallLimits
from omnicore.connectors.session import base_url
from omnicore.connectors.vault.references import Credentials, is_reference, vault_name
from omnicore.connectors.vault.vault import Vault
from omnicore.errors import Conflict, InvalidInput, LimitExceeded
from omnicore.storage.tables.connectors import ConnectorRow, ConnectorsTable

__all__ = ["Register"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TAKEN = frozenset({"kinds"})  # a path of REST has this name
_CONFIG_BYTES = 64 * 1024
_OWN = "connector."
_KEPT_FOR_PARTS = (_OWN, "webhook.")
_PLACES = (
    "base_url",
    "token_url",
    "url",
    "endpoint_url",
    "host",
    "port",
    "user",
    "database",
    "path",
    "private_network",
    "socket",
    "sslmode",
    "tls",
)


class Register:
    """Adds, changes and removes connectors; every method blocks and may be called from any thread."""

    def __init__(
        self,
        table: ConnectorsTable,
        vault: Vault,
        credentials: Credentials,
        settings: ConnectorSettings,
        clock: Clock,
    ) -> None:
        self.table, self.vault = table, vault
        self._credentials = credentials
        self._settings = settings
        self._clock = clock

    def get(self, name: str) -> ConnectorRow:
        """A connector. Raises: InvalidInput: there is none."""
        row = self.table.get(name)
        if row is None:
            raise InvalidInput(f"there is no connector {name[:80]!r}", remedy="see `omnicore connectors ls`")
        return row

    def all(self) -> tuple[ConnectorRow, ...]:
        """All connectors by name."""
        return self.table.all()

    def add(
        self,
        name: str,
        kind: str,
        config: Mapping[str, Any] | None = None,
        credentials: Mapping[str, str] | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> ConnectorRow:
        """Adds a connector. A credential is a value, which goes into the vault, or a reference to one.

        Raises: InvalidInput; Conflict: the name is taken; LimitExceeded; ToolMissing; StorageFailed.
        """
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise InvalidInput(
                f"{name[:80]!r} is no name of a connector", remedy="use up to 63 of a-z 0-9 _ - and no `kinds`"
            )
        now, given = self._clock.now(), dict(credentials or {})
        row = ConnectorRow(name, kind, dict(config or {}), {}, dict(limits or {}), 1, now, now)
        row = self._checked(row, given)
        # The row comes first: it claims the name, so that nobody's secrets are written over.
        if not self.table.add(row, most=self._settings.most):
            if self.table.get(name) is None:
                most = self._settings.most
                raise LimitExceeded(f"there are {most} connectors", remedy="remove some", limit="most", allowed=most)
            raise Conflict(f"there is a connector {name} already", remedy="change it, or take another name")
        self._seal(row, given)
        return row

    def change(
        self,
        name: str,
        *,
        config: Mapping[str, Any] | None = None,
        credentials: Mapping[str, str] | None = None,
        limits: Mapping[str, Any] | None = None,
    ) -> ConnectorRow:
        """Replaces its settings or limits, where given, and those credentials that are given.

        Raises: as `add` does; Conflict: somebody else changed it meanwhile.
        """
        old = self.get(name)
        # A reference to what is sealed here, sent back as it was shown, is no credential that somebody knows.
        given = {
            field: one
            for field, one in (credentials or {}).items()
            if one != old.credentials.get(field) or not str(one).startswith(f"vault:{_OWN}")
        }
        row = replace(
            old,
            config=old.config if config is None else dict(config),
            limits=old.limits if limits is None else dict(limits),
            changed_at=self._clock.now(),
        )
        self._keep_at_home(old, row, given)
        row = self._checked(row, given)
        if not self.table.change(row):
            raise Conflict(f"{name} was changed by somebody else", remedy="look at it and try again")
        self._seal(row, given)
        self._drop_secrets(old, keep=row)
        return self.get(name)

    def remove(self, name: str) -> bool:
        """Whether there was such a connector; its own secrets go with it."""
        row = self.table.get(name)
        if row is None or not self.table.remove(name):
            return False
        self._drop_secrets(row)
        return True

    def credentials_of(self, row: ConnectorRow) -> dict[str, str]:
        """The credentials themselves. Raises: Unavailable, InvalidInput, StorageFailed."""
        return {field: self._credentials.read(reference) for field, reference in row.credentials.items()}

    def secret_versions(self, row: ConnectorRow) -> dict[str, tuple[int, float]]:
        """The versions of its secrets in the vault."""
        names = [name for name in map(vault_name, row.credentials.values()) if name is not None]
        return self.vault.versions(names)

    def _checked(self, row: ConnectorRow, given: Mapping[str, str]) -> ConnectorRow:
        """The row with its references. Raises: InvalidInput for anything that does not fit its kind."""
        kind = find_kind(row.kind)
        if len(json.dumps(row.config)) > _CONFIG_BYTES:
            raise InvalidInput(f"the settings of {row.name} are over {_CONFIG_BYTES} bytes", remedy="write less")
        check_value(kind.config, row.config, what=row.name, within="config")
        for place in row.config.keys() & {"base_url", "token_url"}:
            base_url(row.config[place])  # one with a password in it would be kept and shown in clear
        CallLimits.of(self._settings, row.limits)
        references = {**row.credentials, **self._references(row.name, kind, given)}
        missing = [field for field in kind.required if field not in references]
        if missing:
            raise InvalidInput(
                f"a connector of kind {kind.name} needs the credential {missing[0]}",
                remedy=f"give {missing[0]}: {kind.secrets[missing[0]]}",
                path=f"credentials.{missing[0]}",
            )
        kind.check(row.config, references)
        return replace(row, credentials=references)

    def _keep_at_home(self, old: ConnectorRow, new: ConnectorRow, given: Mapping[str, str]) -> None:
        """Credentials go nowhere else just because somebody changed an address: they must be known once more."""
        moved = [place for place in _PLACES if old.config.get(place) != new.config.get(place)]
        missing = sorted(old.credentials.keys() - given.keys())
        if moved and missing:
            raise InvalidInput(
                f"{moved[0]} of {old.name} says where its credentials are sent",
                remedy=f"give {', '.join(missing)} again along with the new {moved[0]}",
                path=f"config.{moved[0]}",
            )

    def _references(self, name: str, kind: Kind, given: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for field, value in given.items():
            if field not in kind.secrets:
                raise InvalidInput(
                    f"{kind.name} has no credential {field[:80]!r}",
                    remedy=f"it has {', '.join(kind.secrets) or 'none'}",
                    path="credentials",
                )
            if not isinstance(value, str) or not value:
                raise InvalidInput(f"the credential {field} is no text", remedy="give a text", path="credentials")
            if is_reference(value):
                self._check_reference(value)
            found[field] = value if is_reference(value) else f"vault:{_secret(name, field)}"
        return found

    def _check_reference(self, reference: str) -> None:
        self._credentials.check(reference)
        secret = vault_name(reference) or ""
        if secret.startswith(_KEPT_FOR_PARTS):
            raise InvalidInput(
                f"{secret[:80]} belongs to another connector or webhook", remedy="give the credential itself"
            )

    def _seal(self, row: ConnectorRow, given: Mapping[str, str]) -> None:
        for field, value in given.items():
            if not is_reference(value):
                self.vault.set(_secret(row.name, field), value)

    def _drop_secrets(self, row: ConnectorRow, *, keep: ConnectorRow | None = None) -> None:
        """Removes the secrets that were made for this connector; others that it names belong to somebody else."""
        kept = set(keep.credentials.values()) if keep else set()
        for field, reference in row.credentials.items():
            own = _secret(row.name, field)
            if reference == f"vault:{own}" and reference not in kept:
                self.vault.remove(own)


def _secret(connector: str, field: str) -> str:
    return f"{_OWN}{connector}.{field}"
