"""References: the words that say where a package is, `oci://`, `https://` and files.

```
oci://registry.example.org/team/text:1.2.0                the version that has this tag now
oci://registry.example.org/team/text@sha256:9f2c...       exactly this package
https://example.org/text.wasm#sha256=9f2c...              a module or a package of any web server
./text-1.2.0.omni, ./text.wasm                            a file
text, text@1.2.0                                          a plugin in an index of the settings
```
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from omnicore.connectors.addresses import Url, parse_url
from omnicore.errors import InvalidInput

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_INDEXED = re.compile(r"(?:index:)?([a-z0-9][a-z0-9_-]{0,63})(?:@([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?")
_ENDINGS = (".wasm", ".omni")
_LONGEST = 255  # of host and repository together, as registries allow


@dataclass(frozen=True, slots=True)
class OciReference:
    """A package in a registry.

    `registry` is the host with its port where one is written. Without `tag` and `digest` the tag is `latest`.
    Source: OCI distribution specification 1.1, "Pulling manifests".
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def wanted(self) -> str:
        """The digest, else the tag, as a path of the registry names it."""
        return self.digest or self.tag or "latest"

    @property
    def stem(self) -> str:
        """The last part of the repository, a name for a file."""
        return self.repository.rpartition("/")[2]

    @property
    def place(self) -> str:
        """The repository without tag and digest."""
        return f"oci://{self.registry}/{self.repository}"

    def versioned(self, version: str) -> OciReference:
        """The version of the same package with this tag."""
        return replace(self, tag=version, digest="")

    def pinned(self, digest: str) -> OciReference:
        """The same package by its digest alone."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        tag, digest = f":{self.tag}" if self.tag else "", f"@{self.digest}" if self.digest else ""
        return self.place + tag + digest


@dataclass(frozen=True, slots=True)
class WebReference:
    """A file of a web server, with the digest that it must have."""

    url: Url
    digest: str

    @property
    def stem(self) -> str:
        """The name of the file without its ending."""
        return unquote(self.url.target.partition("?")[0].rpartition("/")[2]).rpartition(".")[0]

    @property
    def is_package(self) -> bool:
        """True for a package in one file, False for a module."""
        return self.url.target.partition("?")[0].endswith(".omni")

    @property
    def place(self) -> str:
        """The whole reference, for a file of the web has no other version."""
        return str(self)

    def __str__(self) -> str:
        return f"{self.url}#{self.digest.replace(':', '=')}"


@dataclass(frozen=True, slots=True)
class FileReference:
    """A file of this machine."""

    path: Path

    @property
    def stem(self) -> str:
        """The name of the file without its ending."""
        return self.path.stem

    @property
    def place(self) -> str:
        """The path as it was written."""
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class IndexReference:
    """A plugin in the indexes of the settings. Without `version` the newest one that was not revoked."""

    name: str
    version: str = ""

    @property
    def stem(self) -> str:
        """A name for a file."""
        return self.name

    @property
    def place(self) -> str:
        """The name without the version."""
        return f"index:{self.name}"

    def versioned(self, version: str) -> IndexReference:
        """A version of the same plugin."""
        return replace(self, version=version)

    def __str__(self) -> str:
        return f"{self.place}@{self.version}" if self.version else self.place


Reference = OciReference | WebReference | FileReference | IndexReference


def parse_reference(text: str) -> Reference:
    """The reference that a text is.

    Raises: InvalidInput: no reference, or one of the web that names no digest.

    >>> str(parse_reference("oci://registry.example.org/team/text:1.2.0"))
    'oci://registry.example.org/team/text:1.2.0'
    """
    if text.startswith("oci://"):
        return _oci(text)
    if text.startswith(("https://", "http://")):
        return _web(text)
    if "://" in text[:40]:
        raise _unknown(text)
    if text.endswith(_ENDINGS):
        return FileReference(Path(text))
    if (found := _INDEXED.fullmatch(text)) is not None:
        return IndexReference(found[1], found[2] or "")
    raise _unknown(text)


def _oci(text: str) -> OciReference:
    rest, at, digest = text.removeprefix("oci://").partition("@")
    registry, _, path = rest.partition("/")
    repository, colon, tag = path.partition(":")
    if at and not DIGEST.fullmatch(digest):
        raise InvalidInput(
            f"{text[:300]!r} has no digest behind the @", remedy="write it as @sha256: and 64 hexadecimal digits"
        )
    if colon and not _TAG.fullmatch(tag):
        raise InvalidInput(f"{tag[:130]!r} cannot be the tag of a package", remedy="use letters, digits, '.', '_', '-'")
    if not _REPOSITORY.fullmatch(repository) or len(registry) + len(repository) > _LONGEST:
        raise InvalidInput(
            f"{text[:300]!r} names no repository",
            remedy="write oci://HOST/NAME:VERSION, the name in lower case",
        )
    return OciReference(registry_host(registry), repository, tag, digest)


def registry_host(text: str) -> str:
    """A registry's host as it is kept: in lower case, with its port where one is written. Raises: InvalidInput."""
    if not text or "@" in text or "?" in text or "#" in text:
        raise InvalidInput(f"{text[:200]!r} is no host of a registry", remedy="write HOST or HOST:PORT")
    url = parse_url(f"https://{text}/")
    return url.authority if not text.endswith(":443") else f"{url.host}:443"


def _web(text: str) -> WebReference:
    address, _, fragment = text.partition("#")
    algorithm, _, digest = fragment.partition("=")
    if algorithm != "sha256" or not _HEX.fullmatch(digest):
        raise InvalidInput(
            f"{address[:300]!r} is not pinned to a digest",
            remedy="add #sha256= and the file's SHA-256, such as `sha256sum FILE` prints it",
        )
    found = WebReference(parse_url(address), f"sha256:{digest}")
    if not found.url.target.partition("?")[0].endswith(_ENDINGS):
        raise InvalidInput(f"{address[:300]!r} is no .wasm and no .omni file", remedy="name the file itself")
    return found


def _unknown(text: str) -> InvalidInput:
    return InvalidInput(
        f"{text[:300]!r} is no reference to a package",
        remedy="write oci://HOST/NAME:VERSION, https://HOST/FILE.wasm#sha256=..., a .omni or .wasm file, or a name",
    )
