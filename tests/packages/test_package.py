"""A package is one set of bytes, and no other bytes pass for it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.packages.packs import MODULE, README, other_module, package, sidecar

from omnicore.errors import InvalidInput, ManifestInvalid, ModuleRejected, OmniError, PackageRejected
from omnicore.packages.package import (
    CONFIG_MEDIA,
    MODULE_MEDIA,
    Package,
    describe,
    digest_of,
    make_artifact,
    omni_name,
    pack,
    read_omni,
    write_omni,
)


def test_a_package_is_the_wasm_artifact_of_the_cncf_with_the_plugins_files_behind_the_module() -> None:
    found = package()
    manifest = json.loads(found.manifest)
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json"
    assert [one["mediaType"] for one in manifest["layers"]] == [
        "application/wasm",
        "application/vnd.omnicore.plugin.v1+toml",
        "text/markdown",
        "text/plain",
        "image/svg+xml",
    ]
    config = json.loads(found.blobs[found.config.digest])
    assert config["layerDigests"] == [one["digest"] for one in manifest["layers"]]
    assert (config["architecture"], config["os"]) == ("wasm", "wasip1")
    assert found.module == MODULE
    assert (found.name, found.version, found.files["README.md"]) == ("echo", "1.2.0", README)


def test_the_same_plugin_makes_the_same_bytes() -> None:
    assert write_omni(package()) == write_omni(package())
    assert omni_name(package()) == "echo-1.2.0.omni"


def test_a_package_comes_out_of_its_file_as_it_went_in() -> None:
    found = read_omni(write_omni(package()))
    assert found == package()
    assert found.digest == package().digest


def test_an_oci_layout_is_what_other_tools_find_in_the_file() -> None:
    with tarfile.open(fileobj=io.BytesIO(write_omni(package()))) as tar:
        names = tar.getnames()
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
    assert names[:2] == ["oci-layout", "index.json"]
    assert index["manifests"][0]["digest"] == package().digest
    assert index["manifests"][0]["annotations"] == {"org.opencontainers.image.ref.name": "1.2.0"}


def test_no_byte_of_the_file_can_change_unnoticed() -> None:
    data = write_omni(package())
    step = max(1, len(data) // 1500)
    places = sorted({*range(0, len(data), step), *range(3 * 512), *range(len(data) - 1100, len(data))})
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(PackageRejected):
            read_omni(bytes(changed))


@pytest.mark.parametrize("cut", [1, 511, 512, 1024, 1025, 5000])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(PackageRejected):
        read_omni(write_omni(package())[:-cut])


def test_a_file_with_more_behind_its_end_is_refused() -> None:
    with pytest.raises(PackageRejected, match="does not end"):
        read_omni(write_omni(package()) + b"\0")


def _tar(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for one in members:
            if isinstance(one, tuple):
                info = tarfile.TarInfo(one[0])
                info.size = len(one[1])
                tar.addfile(info, io.BytesIO(one[1]))
            else:
                tar.addfile(one)
    return out.getvalue()


def _special(kind: bytes, name: str = "index.json") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    ("tar", "reason"),
    [
        (_tar(("../../etc/cron.d/x", b"x")), "no name of a file in a package"),
        (_tar(("/etc/passwd", b"x")), "no name of a file in a package"),
        (_tar(("blobs/sha256/../../x", b"x")), "no name of a file in a package"),
        (_tar(_special(tarfile.SYMTYPE)), "a symbolic link"),
        (_tar(_special(tarfile.LNKTYPE)), "a hard link"),
        (_tar(_special(tarfile.CHRTYPE)), "a device"),
        (_tar(_special(tarfile.FIFOTYPE)), "a pipe"),
        (_tar(_special(tarfile.DIRTYPE, "blobs")), "a folder"),
        (_tar(("x" * 200, b"x")), "a header that renames"),
        (b"", "no OCI image layout|does not end"),
        (b"PK\x03\x04" + bytes(2000), "no name of a file"),
    ],
)
def test_a_tar_with_anything_but_plain_files_of_its_names_is_refused(tar: bytes, reason: str) -> None:
    with pytest.raises(PackageRejected, match=reason):
        read_omni(tar)


def _members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar.getmembers()}  # type: ignore[union-attr]


def _rewritten(pairs: list[tuple[str, bytes]]) -> bytes:
    out = bytearray()
    for name, data in pairs:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o644
        out += info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)
    return bytes(out) + bytes(1024)


def test_a_name_that_is_there_twice_is_refused() -> None:
    members = list(_members(write_omni(package())).items())
    with pytest.raises(PackageRejected, match="twice"):
        read_omni(_rewritten([*members, members[-1]]))


def test_a_blob_that_nothing_names_is_refused() -> None:
    members = _members(write_omni(package()))
    members["blobs/sha256/" + hashlib.sha256(b"x").hexdigest()] = b"x"
    head = ["oci-layout", "index.json"]
    rest = sorted(name for name in members if name not in head)
    with pytest.raises(PackageRejected, match="not written as"):
        read_omni(_rewritten([(name, members[name]) for name in (*head, *rest)]))


def test_an_announced_terabyte_is_refused_before_anything_is_read() -> None:
    info = tarfile.TarInfo("index.json")
    info.size, info.mode = 1 << 32, 0o644
    with pytest.raises(PackageRejected, match="cut off"):
        read_omni(info.tobuf(tarfile.USTAR_FORMAT) + bytes(1024))


def _changed(change: Callable[[dict], None]) -> Package:
    found = package()
    document = json.loads(found.manifest)
    change(document)
    return Package(json.dumps(document).encode(), found.blobs)


def _other_config(**values: object) -> Package:
    found = package()
    config = json.dumps({**json.loads(found.blobs[found.config.digest]), **values}).encode()
    made = describe(config, CONFIG_MEDIA)
    blobs = {one.digest: found.blobs[one.digest] for one in found.layers} | {made.digest: config}
    artifact = make_artifact(made, found.layers, blobs, annotations=found.annotations)
    return Package(artifact.manifest, artifact.blobs)


def _annotated(name: str, value: str) -> Package:
    return _changed(lambda document: document["annotations"].update({f"org.opencontainers.image.{name}": value}))


def _version_of(version: str) -> Package:
    """A package of a plugin that has no version of its own."""
    found = pack(MODULE, {}, stem="echo")
    document = json.loads(found.manifest)
    document["annotations"]["org.opencontainers.image.version"] = version
    return Package(json.dumps(document).encode(), found.blobs)


def _layer(at: int, **values: object) -> Callable[[dict], None]:
    return lambda document: document["layers"][at].update(values)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (_changed(_layer(0, digest=digest_of(b"x"))), "is missing"),
        (_changed(_layer(0, size=7)), "bytes where its descriptor says 7"),
        (_changed(_layer(0, mediaType="application/octet-stream")), "first layer is no application/wasm"),
        (_changed(_layer(1, mediaType="text/plain")), "plugin.toml has the type"),
        (_changed(_layer(1, annotations={"org.opencontainers.image.title": "../x"})), "no name of a file"),
        (_changed(_layer(2, annotations={"org.opencontainers.image.title": "plugin.toml"})), "same title"),
        (_changed(_layer(0, size=10**12)), "where 0 to"),
        (_changed(_layer(0, size="7")), "where 0 to"),
        (_changed(_layer(0, urls=["https://example.org/x"])), "in another place"),
        (_changed(lambda d: d["config"].update(mediaType="application/json")), "is not that of a plugin"),
        (_changed(lambda d: d.update(schemaVersion=1)), "not one of an OCI artifact"),
        (_changed(lambda d: d.update(layers=[])), "first layer is no"),
        (_changed(lambda d: d.update(layers=d["layers"] * 20)), "at most 32 layers"),
        (_changed(lambda d: d["layers"].pop()), "does not name"),
        (
            _changed(lambda d: d["annotations"].update({"org.opencontainers.image.title": "other"})),
            "calls itself other",
        ),
        (_changed(lambda d: d["annotations"].update({"org.opencontainers.image.version": "9"})), "version 9"),
        (_other_config(layerDigests=[]), "config names other layers"),
        (_other_config(os="wasip2"), "says wasip2"),
        (_other_config(architecture="amd64"), "for amd64"),
        (_version_of("../../outside/x"), "which no tag can be"),
    ],
)
def test_a_manifest_or_config_that_says_something_else_is_refused(changed: Package, reason: str) -> None:
    with pytest.raises(PackageRejected, match=reason):
        changed.check()


def test_a_module_or_manifest_that_was_exchanged_is_refused_by_its_digest() -> None:
    found = package()
    for descriptor, data in ((found.layers[0], other_module("x")), (found.layers[1], sidecar("9.9.9"))):
        with pytest.raises(PackageRejected, match=r"bytes where its descriptor says|has the digest"):
            replace(found, blobs={**found.blobs, descriptor.digest: data}).check()


def test_a_member_that_is_there_twice_is_refused() -> None:
    text = package().manifest.replace(b'{"schemaVersion":2', b'{"schemaVersion":2,"schemaVersion":2')
    with pytest.raises(PackageRejected, match="twice"):
        Package(text, package().blobs).check()


def test_a_component_says_so_in_its_config() -> None:
    component = Path(__file__).parents[1] / "guests" / "component" / "rust" / "guest.wasm"
    found = pack(component.read_bytes(), {}, stem="greeter", version="1")
    config = json.loads(found.blobs[found.config.digest])
    assert config["os"] == "wasip2"
    assert config["component"]["exports"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"module": b"no wasm", "files": {}, "stem": "x"}, ModuleRejected),
        ({"module": MODULE, "files": {"plugin.toml": b"name = 1"}, "stem": "x"}, ManifestInvalid),
        ({"module": MODULE, "files": {"a/b": b"x"}, "stem": "x"}, InvalidInput),
        ({"module": MODULE, "files": {"plugin.toml": sidecar()}, "stem": "x", "version": "2"}, InvalidInput),
        ({"module": MODULE, "files": {}, "stem": "x", "version": "1 0"}, InvalidInput),
    ],
)
def test_what_is_no_plugin_is_not_packed(arguments: dict, error: type[OmniError]) -> None:
    with pytest.raises(error):
        pack(**arguments)


def test_a_module_of_another_tool_is_a_package_too() -> None:
    config = json.dumps({"architecture": "wasm", "os": "wasip1", "layerDigests": [digest_of(MODULE)]}).encode()
    made, layer = describe(config, CONFIG_MEDIA), describe(MODULE, MODULE_MEDIA)
    artifact = make_artifact(made, [layer], {made.digest: config, layer.digest: MODULE})
    found = Package(artifact.manifest, artifact.blobs)
    found.check()
    assert (found.sidecar, found.version) == (None, "")
