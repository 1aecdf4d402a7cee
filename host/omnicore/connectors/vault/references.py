"""Where a credential is: in the vault, in a variable of the environment, or in a file.

`vault:NAME`, `env:NAME` and `file:/path` are references. Anything else is a value, which goes into the vault before
the connector is stored, so that the stored connector holds references only.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from omnicore.connectors.vault.vault import LONGEST_SECRET, Vault
from omnicore.errors import InvalidInput, NotFound, Unavailable

__all__ = ["Credentials", "is_reference", "vault_name"]

_REFERENCE = re.compile(r"(vault|env|file):(.+)", re.DOTALL)


def is_reference(text: str) -> bool:
    """Whether a text says where a credential is.

    >>> is_reference("env:CONNECTOR_TOKEN"), is_reference("ghp_abc")
    (True, False)
    """
    return _REFERENCE.fullmatch(text) is not None


def vault_name(reference: str) -> str | None:
    """The secret's name when the reference leads into the vault."""
    kind, _, name = reference.partition(":")
    return name if kind == "vault" else None


class Credentials:
    """Follows references.

    Args:
        variables: patterns over the names of variables that may be read.
        folders: where files may lie; whoever may add a connector shall not read every file of this machine.
    """

    def __init__(
        self, vault: Vault, environ: Mapping[str, str], *, variables: Sequence[str] = (), folders: Sequence[Path] = ()
    ) -> None:
        self._vault = vault
        self._environ = environ
        self._variables = tuple(variables)
        self._folders = tuple(folders)

    def check(self, reference: str) -> None:
        """Raises: InvalidInput: a reference that may not be followed."""
        kind, name = _split(reference)
        if kind == "env" and not any(fnmatchcase(name, pattern) for pattern in self._variables):
            raise InvalidInput(
                f"the variable {name[:80]} may not be a credential",
                remedy=f"name it like one of {', '.join(self._variables)}, or add it to connectors.secret_variables",
            )
        if kind == "file" and not any(_inside(Path(name), folder) for folder in self._folders):
            raise InvalidInput(
                f"the file {name[:200]} may not be a credential",
                remedy="put it into a folder of the setting connectors.secret_folders",
            )

    def read(self, reference: str) -> str:
        """The credential. Raises: Unavailable: it is not there; InvalidInput, StorageFailed."""
        self.check(reference)
        kind, name = _split(reference)
        if kind == "vault":
            try:
                return self._vault.get(name)
            except NotFound as error:
                raise Unavailable(error.fact, remedy=error.remedy) from error
        return self._variable(name) if kind == "env" else _file(Path(name))

    def _variable(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            raise Unavailable(f"the variable {name} is empty", remedy="set it where the host is started")
        return value


def _split(reference: str) -> tuple[str, str]:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise InvalidInput("a credential is neither vault:, env: nor file:", remedy="add the connector once more")
    return found[1], found[2]


def _inside(path: Path, folder: Path) -> bool:
    return path.is_absolute() and path.resolve().is_relative_to(folder.resolve())


def _file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Unavailable(f"{path} is no file", remedy="name a file that holds the credential alone")
            data = stream.read(LONGEST_SECRET + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", remedy="check its path and mode") from error
    value = data.decode("utf-8", "replace").rstrip("\r\n")
    if not value or len(data) > LONGEST_SECRET:
        raise Unavailable(f"{path} is empty or over {LONGEST_SECRET} bytes", remedy="put the credential there, alone")
    return value
