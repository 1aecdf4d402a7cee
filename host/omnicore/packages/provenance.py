"""Provenance: the tools that a module says it was made with, and signed statements on how it was built.

A statement is in-toto's with the predicate of SLSA, in a signed envelope (DSSE).

Source: in-toto Attestation Framework 1, SLSA Provenance 1, DSSE 1; the `producers` section of tool-conventions.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.errors import InvalidInput, ModuleRejected
from omnicore.packages.keys import PublicKey, SecretKey
from omnicore.sandbox.wasm import Reader

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE, BUILDER = "urn:omnicore:build:v1", "urn:omnicore:cli"
ENDING = ".provenance.json"
"""The ending of the file beside a module that holds its statement."""
MOST_BYTES = 1024 * 1024
_MOST, _MOST_FILES = 64, 5_000
_LEFT_OUT = frozenset({"plugins", "dist", "target", "build", "node_modules", "__pycache__", "zig-out"})
_FIELDS = ("language", "processed-by", "sdk")


@dataclass(frozen=True, slots=True)
class Producers:
    """The languages a module was written in, and the tools that made it, as it says itself."""

    languages: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


def producers_of(module: bytes) -> Producers:
    """The section `producers` of a module, or of the modules in a component. What is damaged is left out."""
    found: dict[str, list[str]] = {field: [] for field in _FIELDS}
    try:
        for field, name, version in _entries(module, 0, len(module)):
            text = f"{name} {version}".strip()[:120]
            if field in found and text not in found[field] and len(found[field]) < _MOST:
                found[field].append(text)
    except ModuleRejected:
        pass
    return Producers(tuple(found["language"]), tuple(found["processed-by"] + found["sdk"]))


def _entries(data: bytes, start: int, end: int) -> Iterator[tuple[str, str, str]]:
    """Field, name and version of each entry. Raises: ModuleRejected."""
    reader, component = Reader(data, start + 8, end), data[start + 4 : start + 8] == b"\x0d\0\x01\0"
    while reader.position < reader.end:
        identifier, size = reader.byte(), reader.u32()
        stop = reader.position + size
        if stop > reader.end:
            return
        if component and identifier in (1, 4) and data[reader.position : reader.position + 4] == b"\0asm":
            yield from _entries(data, reader.position, stop)
        elif identifier == 0:
            inner = Reader(data, reader.position, stop)
            if inner.name() == "producers":
                for _ in range(min(inner.u32(), _MOST)):
                    field = inner.name()
                    for _ in range(min(inner.u32(), _MOST)):
                        yield field, inner.name(), inner.name()
        reader.position = stop


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """Facts of a build.

    Args:
        sha256: of the module that it made.
        source: the name of the folder or file that it was made of.
        files: SHA-256 of the source's files, by path.
        tools: versions of tools by name.
    """

    name: str
    sha256: str
    language: str
    source: str
    files: Mapping[str, str]
    tools: Mapping[str, str]


def source_files(source: Path) -> dict[str, str]:
    """SHA-256 of the files of a source, by path; what builds leave behind, links and hidden files are left out.

    Raises: InvalidInput: there are more files than a statement can hold.
    """
    if source.is_file():
        return {source.name: hashlib.sha256(source.read_bytes()).hexdigest()}
    found = {}
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        if _LEFT_OUT & set(parts) or any(one.startswith(".") for one in parts) or path.is_symlink():
            continue
        if path.is_file():
            found["/".join(parts)] = hashlib.sha256(path.read_bytes()).hexdigest()
        if len(found) > _MOST_FILES:
            raise InvalidInput(f"{source} has more than {_MOST_FILES} files", remedy="build a folder of its own")
    return found


def statement(facts: BuildFacts) -> dict[str, Any]:
    """The statement on a build. It holds no time: the same build makes the same statement."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": facts.name, "digest": {"sha256": facts.sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"language": facts.language, "source": facts.source},
                "resolvedDependencies": [
                    {"name": path, "digest": {"sha256": digest}} for path, digest in sorted(facts.files.items())
                ],
            },
            "runDetails": {"builder": {"id": BUILDER, "version": dict(facts.tools)}},
        },
    }


def seal(found: Mapping[str, Any], key: SecretKey) -> bytes:
    """A statement in its signed envelope."""
    payload = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    signature = {"keyid": key.public.fingerprint, "sig": base64.b64encode(key.sign(_encoded(payload))).decode()}
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [signature],
    }
    return json.dumps(envelope, indent=1).encode() + b"\n"


def opened(envelope: bytes, keys: Iterable[PublicKey]) -> tuple[Mapping[str, Any], PublicKey]:
    """The statement in an envelope, and the key that signed it.

    Raises: InvalidInput: it is damaged, of another kind, or none of the keys signed it.
    """
    if len(envelope) > MOST_BYTES:
        raise _refused(f"is larger than {MOST_BYTES} bytes")
    try:
        values = json.loads(envelope)
        payload = base64.b64decode(values["payload"], validate=True)
        signatures = [base64.b64decode(one["sig"], validate=True) for one in values["signatures"][:_MOST]]
        kind = values["payloadType"]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise _refused("is not a signed envelope") from error
    if kind != PAYLOAD_TYPE:
        raise _refused("holds no statement of in-toto")
    data = _encoded(payload)
    key = next((one for one in keys if any(one.verifies(each, data) for each in signatures)), None)
    if key is None:
        raise _refused("is not signed by a key that is known, or was changed")
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise _refused("holds a statement that cannot be read") from error
    kinds = (found.get("_type"), found.get("predicateType")) if isinstance(found, dict) else ()
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise _refused("holds a statement of another kind")
    return found, key


def about(found: Mapping[str, Any]) -> tuple[str, str, Mapping[str, str], int]:
    """The module's SHA-256, the language, the tools and the number of source files that a statement names.

    Raises: InvalidInput: it lacks one of them.
    """
    try:
        definition, run = found["predicate"]["buildDefinition"], found["predicate"]["runDetails"]
        tools = {str(name): str(version) for name, version in run["builder"]["version"].items()}
        language = str(definition["externalParameters"]["language"])
        return str(found["subject"][0]["digest"]["sha256"]), language, tools, len(definition["resolvedDependencies"])
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _refused("holds a statement that cannot be read") from error


def _encoded(payload: bytes) -> bytes:
    """The bytes that are signed. Source: DSSE 1.0, "PAE"."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _refused(fact: str) -> InvalidInput:
    return InvalidInput(f"the provenance {fact}", remedy="ask its publisher for a whole one")
