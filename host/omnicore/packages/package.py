"""Packages: a plugin with all that belongs to it, as one OCI artifact, and as a `.omni` file. See `specs/package.md`.

A package is a manifest and the blobs that it names, each by its SHA-256, so that the manifest's own digest stands for
all of it. Nothing in a package is trusted: `Package.check` refuses what is not exactly as the manifest says, and a
`.omni` file is refused unless it is, byte for byte, the file that `write_omni` makes of what is in it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from omnicore.config.settings import LARGEST_LIMITS
from omnicore.errors import InvalidInput, PackageRejected
from omnicore.packages.reference import DIGEST
from omnicore.plugins.inventory import read_module
from omnicore.plugins.manifest import NAME, Manifest, name_of_stem
from omnicore.sandbox.abi import MIB, Limits
from omnicore.sandbox.inspect import inspect
from omnicore.texts import too_deep

MANIFEST_MEDIA = "application/vnd.oci.image.manifest.v1+json"
INDEX_MEDIA = "application/vnd.oci.image.index.v1+json"
CONFIG_MEDIA = "application/vnd.wasm.config.v0+json"
MODULE_MEDIA = "application/wasm"
SIDECAR_MEDIA = "application/vnd.omnicore.plugin.v1+toml"
SBOM_MEDIA = "application/vnd.cyclonedx+json"
SIDECAR, CASES, SBOM = "plugin.toml", "expected.json", "sbom.cdx.json"
MEDIA: Mapping[str, str] = {
    SIDECAR: SIDECAR_MEDIA,
    "README.md": "text/markdown",
    "LICENSE": "text/plain",
    "icon.svg": "image/svg+xml",
    "icon.png": "image/png",
    CASES: "application/json",
    SBOM: SBOM_MEDIA,
}
"""The files beside the module by their titles, in the order of their layers."""

_TITLE = "org.opencontainers.image.title"
_VERSION = "org.opencontainers.image.version"
_ABOUT = {"description": "org.opencontainers.image.description", "author": "org.opencontainers.image.authors"}
_OTHER = "application/octet-stream"
_REF = "org.opencontainers.image.ref.name"

MOST_MANIFEST = 1 * MIB
MOST_CONFIG = 1 * MIB
MOST_FILE = 4 * MIB
MOST_MODULE = 64 * MIB
MOST_ATTACHED = 32
"""Signatures and statements that travel with a package."""
_MOST_LAYERS = 32
_MOST_DEPTH = 32
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_VERSION_TEXT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_EPOCH = "1970-01-01T00:00:00Z"


def digest_of(data: bytes) -> str:
    """The digest of bytes as OCI writes it: `sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class BlobDescriptor:
    """A blob as a manifest names it. Units: `size` bytes. Source: OCI image specification 1.1, "Descriptors"."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""

    @property
    def title(self) -> str:
        """The name of the file that it holds, or ""."""
        return self.annotations.get(_TITLE, "")

    def check(self, data: bytes, what: str) -> None:
        """Raises: PackageRejected: the bytes are not the ones that it names."""
        if len(data) != self.size:
            raise _rejected(f"{what} has {len(data)} bytes where its descriptor says {self.size}", "size")
        if digest_of(data) != self.digest:
            raise _rejected(f"{what} has the digest {digest_of(data)}, not {self.digest}", "digest")

    def to_json(self) -> dict[str, Any]:
        """The descriptor as manifests and indexes hold it."""
        values: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.artifact_type:
            values["artifactType"] = self.artifact_type
        if self.annotations:
            values["annotations"] = dict(self.annotations)
        return values


def describe(data: bytes, media_type: str, annotations: Mapping[str, str] | None = None) -> BlobDescriptor:
    """The descriptor of bytes."""
    return BlobDescriptor(media_type, digest_of(data), len(data), annotations or {})


def read_document(data: bytes, what: str, *, most: int = MOST_MANIFEST) -> dict[str, Any]:
    """A JSON object of somebody else. Raises: PackageRejected: too large, too deep, no JSON, no object."""
    if len(data) > most:
        raise _rejected(f"{what} has {len(data)} bytes where {most} are allowed", "size")
    if too_deep(data, _MOST_DEPTH):
        raise _rejected(f"{what} is nested deeper than {_MOST_DEPTH}", "content")
    try:
        values = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _rejected(f"{what} is no valid JSON: {error}", "content") from error
    if not isinstance(values, dict):
        raise _rejected(f"{what} is no JSON object", "content")
    return values


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object without repeated members, of which two readers may take two different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is there twice")
    return found


def read_descriptor(values: Any, what: str) -> BlobDescriptor:
    """A descriptor of somebody else. Raises: PackageRejected."""
    if not isinstance(values, dict):
        raise _rejected(f"{what} is no descriptor", "content")
    media, digest, size = (values.get(name) for name in ("mediaType", "digest", "size"))
    if not isinstance(media, str) or not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise _rejected(f"{what} has no media type and SHA-256 digest", "content")
    if type(size) is not int or not 0 <= size <= MOST_MODULE:
        raise _rejected(f"{what} has a size of {str(size)[:40]} where 0 to {MOST_MODULE} bytes are allowed", "size")
    if "urls" in values or "data" in values:
        raise _rejected(f"{what} has its bytes in another place", "content")
    artifact = values.get("artifactType", "")
    return BlobDescriptor(
        media, digest, size, _annotations(values, what), artifact if isinstance(artifact, str) else ""
    )


def _annotations(values: Mapping[str, Any], what: str) -> dict[str, str]:
    found = values.get("annotations") or {}
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise _rejected(f"{what} has annotations that are no texts", "content")
    return found


@dataclass(frozen=True)
class Artifact:
    """A manifest and the blobs that it names, such as a package or a signature of one.

    Args:
        manifest: the bytes, which its digest is made from.
        blobs: config and layers by digest.
    """

    manifest: bytes
    blobs: Mapping[str, bytes]

    @cached_property
    def digest(self) -> str:
        """The digest that stands for all of it."""
        return digest_of(self.manifest)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The manifest as JSON. Raises: PackageRejected."""
        values = read_document(self.manifest, "the manifest")
        if values.get("mediaType", MANIFEST_MEDIA) != MANIFEST_MEDIA or values.get("schemaVersion") != 2:
            raise _rejected("the manifest is not one of an OCI artifact", "type")
        if not isinstance(values.get("layers"), list) or len(values["layers"]) > _MOST_LAYERS:
            raise _rejected(f"the manifest has no list of at most {_MOST_LAYERS} layers", "content")
        return values

    @cached_property
    def config(self) -> BlobDescriptor:
        """The descriptor of the config. Raises: PackageRejected."""
        return read_descriptor(self.document.get("config"), "the config")

    @cached_property
    def layers(self) -> tuple[BlobDescriptor, ...]:
        """The descriptors of the layers. Raises: PackageRejected."""
        return tuple(read_descriptor(one, f"layer {at}") for at, one in enumerate(self.document["layers"]))

    @cached_property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of the manifest. Raises: PackageRejected."""
        return _annotations(self.document, "the manifest")

    @property
    def artifact_type(self) -> str:
        """The type of the artifact: its own, else that of its config."""
        found = self.document.get("artifactType")
        return found if isinstance(found, str) and found else self.config.media_type

    @property
    def subject(self) -> str:
        """The digest of the manifest that it is about, or ""."""
        found = self.document.get("subject")
        return read_descriptor(found, "the subject").digest if found is not None else ""

    def descriptor(self) -> BlobDescriptor:
        """The manifest as an index names it."""
        return BlobDescriptor(MANIFEST_MEDIA, self.digest, len(self.manifest), self.annotations, self.artifact_type)

    def check_blobs(self) -> None:
        """Raises: PackageRejected: a blob is not there, or not the one that the manifest names."""
        for what, one in (("the config", self.config), *((_layer(one), one) for one in self.layers)):
            if one.digest not in self.blobs:
                raise _rejected(f"{what} {one.digest} is missing", "content")
            one.check(self.blobs[one.digest], what)


def make_artifact(
    config: BlobDescriptor,
    layers: Sequence[BlobDescriptor],
    blobs: Mapping[str, bytes],
    *,
    annotations: Mapping[str, str] | None = None,
    artifact_type: str = "",
    subject: BlobDescriptor | None = None,
) -> Artifact:
    """An artifact with its manifest written."""
    values: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST_MEDIA}
    if artifact_type:
        values["artifactType"] = artifact_type
    values |= {"config": config.to_json(), "layers": [one.to_json() for one in layers]}
    if subject is not None:
        values["subject"] = subject.to_json()
    if annotations:
        values["annotations"] = dict(sorted(annotations.items()))
    return Artifact(written_json(values), blobs)


@dataclass(frozen=True)
class Package(Artifact):
    """A plugin with all that belongs to it. `attached` are artifacts about it, such as signatures.

    `check` comes before anything of it is used; the other members raise PackageRejected where it would.
    """

    attached: tuple[Artifact, ...] = ()

    @property
    def module(self) -> bytes:
        """The bytes of the module or component."""
        return self.blobs[self.layers[0].digest]

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The files beside the module, by title."""
        return {one.title: self.blobs[one.digest] for one in self.layers[1:]}

    @property
    def sidecar(self) -> bytes | None:
        """The manifest of the plugin, None where the module has it inside."""
        return self.files.get(SIDECAR)

    @cached_property
    def plugin(self) -> Manifest:
        """The manifest of the plugin. Raises: ModuleRejected, ManifestInvalid: it cannot be a plugin."""
        return _read_plugin(self.annotations.get(_TITLE, ""), self.module, self.sidecar)

    @property
    def name(self) -> str:
        """The name of the plugin."""
        return self.plugin.name

    @property
    def version(self) -> str:
        """The version of the plugin, "" where nothing says it."""
        return self.annotations.get(_VERSION, "") or self.plugin.version

    @property
    def size(self) -> int:
        """Bytes of all blobs."""
        return sum(map(len, self.blobs.values()))

    def check(self) -> None:
        """Checks all of it.

        Raises:
            PackageRejected: it is not exactly as its manifest says. Details: `fault`: size, digest, type, content.
            ModuleRejected, ManifestInvalid: it cannot be a plugin.
        """
        check_outline(self)
        self.check_blobs()
        if set(self.blobs) != {self.config.digest, *(one.digest for one in self.layers)}:
            raise _rejected("the package has blobs that its manifest does not name", "content")
        self._check_config()
        plugin = self.plugin
        title, version = self.annotations.get(_TITLE), self.annotations.get(_VERSION)
        if title not in (None, plugin.name):
            raise _rejected(f"the package calls itself {title}, and its plugin {plugin.name}", "content")
        if version is not None and plugin.version not in ("", version):
            raise _rejected(f"the package calls itself version {version}, and its plugin {plugin.version}", "content")
        if self.version and not _VERSION_TEXT.fullmatch(self.version):  # it becomes part of a file's name
            raise _rejected(f"the package calls itself version {self.version[:130]!r}, which no tag can be", "content")
        for one in self.attached:
            one.check_blobs()
            if one.subject != self.digest:
                raise _rejected(f"the artifact {one.digest} is about another package", "content")

    def with_attached(self, attached: Sequence[Artifact]) -> Package:
        """The package with other artifacts about it."""
        return replace(self, attached=tuple(attached))

    def _check_config(self) -> None:
        config = read_document(self.blobs[self.config.digest], "the config", most=MOST_CONFIG)
        kind = "wasip2" if inspect(self.module).component is not None else "wasip1"
        layers = config.get("layerDigests")
        if layers is not None and layers != [one.digest for one in self.layers]:
            raise _rejected("the config names other layers than the manifest", "content")
        if config.get("architecture") != "wasm" or config.get("os") not in (kind, None):
            said = f"{str(config.get('os'))[:40]} for {str(config.get('architecture'))[:40]}"
            raise _rejected(f"the config says {said}, and the module is {kind} for wasm", "type")


def check_outline(package: Artifact) -> None:
    """Checks the manifest of a package alone, before its blobs are fetched. Raises: PackageRejected."""
    if package.config.media_type != CONFIG_MEDIA:
        raise _rejected(f"a config of the type {package.config.media_type[:100]} is not that of a plugin", "type")
    layers = package.layers
    if not layers or layers[0].media_type != MODULE_MEDIA:
        raise _rejected(f"the first layer is no {MODULE_MEDIA}", "type")
    titles = [one.title for one in layers[1:]]
    if len(set(titles)) != len(titles):
        raise _rejected("two layers have the same title", "content")
    if package.config.size > MOST_CONFIG:
        raise _rejected(f"the config has {package.config.size} bytes where {MOST_CONFIG} are allowed", "size")
    for one in layers[1:]:
        if not _FILE_NAME.fullmatch(one.title):
            raise _rejected(f"a layer has the title {one.title[:100]!r}, which is no name of a file", "content")
        if MEDIA.get(one.title, one.media_type) != one.media_type:
            raise _rejected(f"{one.title} has the type {one.media_type[:100]}, not {MEDIA[one.title]}", "type")
        if one.size > MOST_FILE:
            raise _rejected(f"{one.title} has {one.size} bytes where {MOST_FILE} are allowed", "size")


def pack(
    module: bytes,
    files: Mapping[str, bytes],
    *,
    stem: str,
    version: str = "",
    annotations: Mapping[str, str] | None = None,
    created: str = _EPOCH,
) -> Package:
    """A package of a module and the files beside it: the same bytes for the same arguments.

    Args:
        files: by title, see `MEDIA`; others are kept as they are.
        stem: the name of the module's file, which names a plugin without a manifest.
        version: instead of one that the manifest does not give.
        annotations: more of them, such as `org.opencontainers.image.source`.
        created: RFC 3339; a build that can be repeated gives the same one.

    Raises: ModuleRejected, ManifestInvalid: no plugin. InvalidInput: a version that no tag can be, a file's name.
    """
    plugin = _read_plugin(stem, module, files.get(SIDECAR))
    if plugin.version and version and plugin.version != version:
        raise InvalidInput(f"the manifest says version {plugin.version}, not {version}", remedy="change the manifest")
    told = plugin.version or version
    if told and not _VERSION_TEXT.fullmatch(told):
        raise InvalidInput(f"{told[:130]!r} cannot be a version of a package", remedy="use letters, digits, . _ -")
    ordered = {one: files[one] for one in (*MEDIA, *sorted(files.keys() - MEDIA.keys())) if one in files}
    layers = [describe(module, MODULE_MEDIA, {_TITLE: f"{plugin.name}.wasm"})]
    layers += [describe(data, MEDIA.get(one, _OTHER), {_TITLE: one}) for one, data in ordered.items()]
    config = written_json(_config(module, plugin, layers, created))
    about = {_TITLE: plugin.name, **({_VERSION: told} if told else {})}
    about |= {key: value for name, key in _ABOUT.items() if (value := getattr(plugin, name))}
    blobs = {one.digest: data for one, data in zip(layers, (module, *ordered.values()), strict=True)}
    made = describe(config, CONFIG_MEDIA)
    noted = {**about, **(annotations or {})}
    artifact = make_artifact(made, layers, {made.digest: config, **blobs}, annotations=noted)
    return _packable(Package(artifact.manifest, artifact.blobs))


def _packable(package: Package) -> Package:
    try:
        package.check()
    except PackageRejected as error:
        raise InvalidInput(f"this cannot be packed: {error.fact}", remedy="change the file or its name") from error
    return package


def _read_plugin(stem: str, module: bytes, sidecar: bytes | None) -> Manifest:
    stem, largest = name_of_stem(stem), Limits(module_bytes=MOST_MODULE, component_bytes=MOST_MODULE)
    _, plugin = read_module(
        stem if NAME.fullmatch(stem) else "plugin",
        module,
        text=False,
        sidecar=sidecar,
        sidecar_path=SIDECAR,
        limits=(largest, LARGEST_LIMITS),
    )
    return plugin


def _config(module: bytes, plugin: Manifest, layers: Sequence[BlobDescriptor], created: str) -> dict[str, Any]:
    """Source: CNCF TAG Runtime, "Wasm OCI Artifact layout", version 0."""
    info = inspect(module)
    component = info.component is not None
    values: dict[str, Any] = {"created": created, **({"author": plugin.author} if plugin.author else {})}
    values |= {"architecture": "wasm", "os": "wasip2" if component else "wasip1"}
    values["layerDigests"] = [one.digest for one in layers]
    if component:
        names = {side: sorted({one.name for one in found}) for side, found in _sides(info).items()}
        values["component"] = {**names, "target": None}
    return values


def _sides(info: Any) -> Mapping[str, Sequence[Any]]:
    return {"exports": info.exports, "imports": info.imports}


def written_json(values: Any) -> bytes:
    """JSON as packages hold it: the same bytes for the same values."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


# -- one file

_BLOCK = 512
_LAYOUT = written_json({"imageLayoutVersion": "1.0.0"})
_BLOB = "blobs/sha256/"
_MEMBER = re.compile(r"oci-layout|index\.json|blobs/sha256/[0-9a-f]{64}")
_KINDS = {b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"5": "a folder"}
_KINDS |= {b"6": "a pipe", b"x": "a header that renames", b"g": "a header that renames", b"L": "a header that renames"}
_KINDS |= {b"K": "a header that renames", b"S": "a sparse file"}


def omni_name(package: Package) -> str:
    """The name of the file that a package is written to: `NAME-VERSION.omni`."""
    return f"{package.name}-{package.version or package.digest[7:15]}.omni"


def write_omni(package: Package) -> bytes:
    """The package as one file: an OCI image layout in a tar, not compressed; always the same bytes."""
    attached = sorted(package.attached, key=lambda one: one.digest)
    first = replace(package.descriptor(), annotations={_REF: package.version} if package.version else {})
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX_MEDIA,
        "manifests": [one.to_json() for one in (replace(first, artifact_type=""), *(a.descriptor() for a in attached))],
    }
    blobs: dict[str, bytes] = {}
    for one in (package, *attached):
        blobs |= {one.digest: one.manifest, **one.blobs}
    members = {"oci-layout": _LAYOUT, "index.json": written_json(index)}
    members |= {_BLOB + digest.removeprefix("sha256:"): data for digest, data in sorted(blobs.items())}
    out = io.BytesIO()
    for name, data in members.items():
        out.write(_header(name, len(data)) + data + bytes(-len(data) % _BLOCK))
    out.write(bytes(2 * _BLOCK))
    return out.getvalue()


def read_omni(data: bytes) -> Package:
    """The package in a `.omni` file, checked.

    Raises: PackageRejected: it is not exactly the file that `write_omni` makes; ModuleRejected, ManifestInvalid.
    """
    members = dict[str, bytes]()
    for name, content in _members(data):
        if name in members:
            raise _rejected(f"the file has {name} twice", "content")
        members[name] = content
    if members.get("oci-layout") != _LAYOUT or "index.json" not in members:
        raise _rejected("the file is no OCI image layout", "content")
    package = _indexed(members)
    package.check()
    if write_omni(package) != data:
        raise _rejected("the file is not written as `omnicore pack` writes it", "content")
    return package


def _indexed(members: Mapping[str, bytes]) -> Package:
    values = read_document(members["index.json"], "index.json")
    listed = values.get("manifests")
    if not isinstance(listed, list) or not 1 <= len(listed) <= 1 + MOST_ATTACHED:
        raise _rejected(f"index.json lists no package with at most {MOST_ATTACHED} artifacts about it", "content")
    found = []
    for at, one in enumerate(listed):
        descriptor = read_descriptor(one, f"manifest {at}")
        manifest = _blob(members, descriptor, "the manifest" if at == 0 else f"the attached manifest {at}")
        bare = Artifact(manifest, {})
        parts = {d.digest: _blob(members, d, _layer(d)) for d in (bare.config, *bare.layers)}
        found.append(Artifact(manifest, parts))
    return Package(found[0].manifest, found[0].blobs, tuple(found[1:]))


def _blob(members: Mapping[str, bytes], descriptor: BlobDescriptor, what: str) -> bytes:
    data = members.get(_BLOB + descriptor.digest.removeprefix("sha256:"))
    if data is None:
        raise _rejected(f"{what} {descriptor.digest} is missing", "content")
    descriptor.check(data, what)
    return data


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files of a tar with nothing in it but plain files, as `write_omni` writes them. Source: POSIX ustar."""
    at = 0
    while at + _BLOCK <= len(data) and any(data[at : at + _BLOCK]):
        header = data[at : at + _BLOCK]
        name, size = _named(header, at)
        end = at + _BLOCK + size
        if end > len(data):
            raise _rejected(f"{name} is cut off: {size} bytes are announced", "size")
        yield name, data[at + _BLOCK : end]
        at = end + -size % _BLOCK
    if data[at:] != bytes(2 * _BLOCK):
        raise _rejected("the file does not end where its tar ends", "content")


def _named(header: bytes, at: int) -> tuple[str, int]:
    name = header[:100].partition(b"\0")[0].decode("latin-1")
    kind = _KINDS.get(header[156:157])
    if kind is not None:
        raise _rejected(f"{name[:100]!r} in the file is {kind}", "content")
    if not _MEMBER.fullmatch(name):
        raise _rejected(f"{name[:100]!r} is no name of a file in a package", "content")
    digits = header[124:135]
    if not re.fullmatch(rb"[0-7]{11}", digits) or header != _header(name, int(digits, 8)):
        raise _rejected(f"the header of {name} at byte {at} is not as `omnicore pack` writes it", "content")
    return name, int(digits, 8)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.USTAR_FORMAT)


# -- what a module was built from

LOCKS = ("Cargo.lock", "package-lock.json", "go.sum", "requirements.txt")
"""Files in which toolchains keep the exact versions of what they build from."""
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([A-Za-z0-9.!+_-]+)")


def bill_of_materials(name: str, version: str, locks: Mapping[str, bytes]) -> bytes | None:
    """The bill of materials of a build as CycloneDX, from the lock files beside its source; None without any.

    A package that is needed to build and is not part of the module has the scope `excluded`, where the file says so.
    Source: CycloneDX 1.6, package URL.
    """
    readers = {"Cargo.lock": _cargo, "package-lock.json": _npm, "go.sum": _golang, "requirements.txt": _pypi}
    found: dict[str, dict[str, Any]] = {}
    for file, read in readers.items():
        try:
            found |= {str(one["purl"]): one for one in read(locks.get(file, b"").decode())}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInput(
                f"{file} cannot be read: {error}", remedy="write it again, or add sbom.cdx.json"
            ) from error
    if not found:
        return None
    plugin = {"type": "library", "name": name, **({"version": version} if version else {})}
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": plugin}}
    return written_json({**head, "components": [found[key] for key in sorted(found)]})


def _component(kind: str, name: str, version: str, **more: Any) -> dict[str, Any]:
    purl = f"pkg:{kind}/{quote(name, safe='/')}@{quote(version, safe='')}"
    return {"type": "library", "name": name, "version": version, "purl": purl, **more}


def _hash(algorithm: str, digest: str) -> dict[str, Any]:
    return {"hashes": [{"alg": algorithm, "content": digest}]} if digest else {}


def _cargo(text: str) -> Iterator[dict[str, Any]]:
    for one in tomllib.loads(text).get("package", ()):
        if "source" in one:  # the others are the source itself
            yield _component("cargo", one["name"], one["version"], **_hash("SHA-256", one.get("checksum", "")))


def _npm(text: str) -> Iterator[dict[str, Any]]:
    for place, one in (json.loads(text) if text else {}).get("packages", {}).items():
        name = place.rpartition("node_modules/")[2]
        if name and "version" in one:
            algorithm, _, digest = one.get("integrity", "").partition("-")
            known = base64.b64decode(digest).hex() if algorithm == "sha512" else ""
            scope = {"scope": "excluded"} if one.get("dev") else {}
            yield _component("npm", name, one["version"], **_hash("SHA-512", known), **scope)


def _golang(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        name, version, digest = line.split()
        if not version.endswith("/go.mod"):
            known = base64.b64decode(digest.removeprefix("h1:")).hex()
            yield _component("golang", name, version, **_hash("SHA-256", known))


def _pypi(text: str) -> Iterator[dict[str, Any]]:
    for found in _PINNED.finditer(text):
        yield _component("pypi", found[1].lower(), found[2])


def _layer(descriptor: BlobDescriptor) -> str:
    return descriptor.title or {CONFIG_MEDIA: "the config", MODULE_MEDIA: "the module"}.get(
        descriptor.media_type, "a layer"
    )


def _rejected(fact: str, fault: str) -> PackageRejected:
    return PackageRejected(fact, remedy="get the package again from its publisher", fault=fault)
