"""Credentials for registries, from where people keep them: the settings, the files of docker and podman, a keyring.

```
packages.credentials = ["ci:SECRET@registry.example.org"]       # or OMNICORE_PACKAGES_CREDENTIALS
~/.docker/config.json                                           # `docker login`, also its helpers
keyring set omnicore-registry registry.example.org              # USER:PASSWORD
```

Each is kept for one host, and goes to no other.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omnicore.errors import InvalidSetting, ToolMissing
from omnicore.optional import optional

SERVICE = "omnicore-registry"
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HELPER_S = 10.0
_MOST_BYTES = 1024 * 1024
_TOKEN_USER = "<token>"  # noqa: S105 - the name by which docker's helpers say that the secret is a token


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """A user's credentials at a registry. `identity` is a token that stands for both of the others."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header. Source: RFC 7617."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class RegistryLogins:
    """The credentials of all registries, looked up host by host in the order of the sources.

    Args:
        given: those of the settings, `USER:PASSWORD@HOST`.
        environ: says where the files are.
        keyring: also asks the keyring, where the library is installed.
    """

    def __init__(
        self, given: Sequence[str] = (), *, environ: Mapping[str, str] | None = None, keyring: bool = True
    ) -> None:
        self._given = dict(map(_read_given, given))
        self._environ = environ or {}
        self._keyring = keyring

    def of(self, host: str) -> RegistryLogin | None:
        """The credentials for a registry, None where there are none. Blocks. Raises: InvalidSetting."""
        found = self._given.get(host)
        if found is not None:
            return found
        for file in self._files():
            found = _from_file(file, host, self._environ)
            if found is not None:
                return found
        return _from_keyring(host) if self._keyring else None

    def _files(self) -> Iterator[Path]:
        environ = self._environ
        if environ.get("REGISTRY_AUTH_FILE"):
            yield Path(environ["REGISTRY_AUTH_FILE"])
        if environ.get("DOCKER_CONFIG"):
            yield Path(environ["DOCKER_CONFIG"], "config.json")
        elif environ.get("HOME"):
            yield Path(environ["HOME"], ".docker", "config.json")
        if environ.get("XDG_RUNTIME_DIR"):
            yield Path(environ["XDG_RUNTIME_DIR"], "containers", "auth.json")


def _read_given(text: str) -> tuple[str, RegistryLogin]:
    login, _, host = text.rpartition("@")
    user, colon, password = login.partition(":")
    if not (host and user and colon):
        raise InvalidSetting("packages.credentials holds an entry that is no USER:PASSWORD@HOST", remedy="correct it")
    return host, RegistryLogin(user, password)


def _from_file(file: Path, host: str, environ: Mapping[str, str]) -> RegistryLogin | None:
    """Source: docker's config.json, `auths`, `credHelpers` and `credsStore`."""
    try:
        with file.open("rb") as stream:
            values = json.loads(stream.read(_MOST_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidSetting(f"{file} cannot be read as JSON", remedy="log in again with `docker login`") from error
    if not isinstance(values, dict):
        return None
    helpers = values.get("credHelpers")
    helper = (helpers.get(host) if isinstance(helpers, dict) else None) or values.get("credsStore")
    if isinstance(helper, str) and helper:
        found = _from_helper(helper, host, environ)
        if found is not None:
            return found
    auths = values.get("auths")
    entry = next((auths[name] for name in _names(host) if name in auths), None) if isinstance(auths, dict) else None
    return _entry(entry, file, host) if isinstance(entry, dict) else None


def _names(host: str) -> tuple[str, ...]:
    """The names by which files keep a registry."""
    return host, f"https://{host}", f"https://{host}/", f"https://{host}/v1/", f"https://{host}/v2/"


def _entry(entry: Mapping[str, Any], file: Path, host: str) -> RegistryLogin | None:
    identity = entry.get("identitytoken")
    if isinstance(identity, str) and identity:
        return RegistryLogin(identity=identity)
    auth = entry.get("auth")
    if not isinstance(auth, str) or not auth:
        return None
    try:
        user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidSetting(f"the entry {host} of {file} is damaged", remedy="log in again") from error
    return RegistryLogin(user, password.rstrip("\0")) if colon else None


def _from_helper(name: str, host: str, environ: Mapping[str, str]) -> RegistryLogin | None:
    """Source: docker-credential-helpers, "get"."""
    program = shutil.which(f"docker-credential-{name}", path=environ.get("PATH")) if _HELPER.fullmatch(name) else None
    if program is None:
        raise InvalidSetting(
            f"docker's settings name the helper docker-credential-{name[:64]}, which is not on this machine",
            remedy="install it, or log in without it",
        )
    try:
        done = subprocess.run(
            [program, "get"], input=host, capture_output=True, text=True, timeout=_HELPER_S, check=False, env=environ
        )
        values = json.loads(done.stdout[:_MOST_BYTES]) if done.returncode == 0 else {}
        user, secret = str(values.get("Username", "")), str(values.get("Secret", ""))
    except (OSError, subprocess.TimeoutExpired, ValueError, AttributeError) as error:
        raise InvalidSetting(f"docker-credential-{name} does not answer", remedy="log in again") from error
    if not secret:
        return None
    return RegistryLogin(identity=secret) if user == _TOKEN_USER else RegistryLogin(user, secret)


def _from_keyring(host: str) -> RegistryLogin | None:
    try:
        kept = optional("keyring", extra="keyring").get_password(SERVICE, host)
    except ToolMissing:
        return None
    except Exception:  # each keyring has errors of its own; without one there are no credentials
        return None
    user, colon, password = (kept or "").partition(":")
    return RegistryLogin(user, password) if colon else None
