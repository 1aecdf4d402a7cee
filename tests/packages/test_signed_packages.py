"""Signed packages: in a file, in a real registry, and in an index on a web server."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.cli.conftest import Run, run_here
from tests.packages.packs import package, rules
from tests.packages.registries import RegistryServer

from omnicore.connectors.transfers import Transfers
from omnicore.packages.credentials import RegistryLogins
from omnicore.packages.keys import read_public_key
from omnicore.packages.package import Package, describe, make_artifact, read_omni, write_omni
from omnicore.packages.reference import OciReference
from omnicore.packages.registry import Registry
from omnicore.packages.signature import COSIGN_ANNOTATION, SIMPLE_SIGNING, package_signatures

__all__ = ["run_here"]


@pytest.fixture
def here(run_here: Run, tmp_path: Path) -> Run:
    """A folder with a package of the plugin `echo`, and a key `acme` that signs and is trusted."""
    (tmp_path / "plugins").mkdir(exist_ok=True)
    (tmp_path / "echo.omni").write_bytes(write_omni(package()))
    for arguments in (
        ("keys", "new", "acme", "--no-password", "--to", "."),
        ("keys", "trust", "acme.pub", "--name", "acme"),
    ):
        assert run_here(*arguments).code == 0
    return run_here


def test_a_package_carries_its_signature(here: Run, tmp_path: Path) -> None:
    before = read_omni((tmp_path / "echo.omni").read_bytes())
    refused = here("verify", "echo.omni")
    assert (refused.code, "not signed" in refused.out) == (1, True)
    assert here("sign", "echo.omni", "--key", "acme.key").code == 0
    after = read_omni((tmp_path / "echo.omni").read_bytes())
    assert after.digest == before.digest
    found = json.loads(here("verify", "echo.omni", "-o", "json").out)
    assert (found["decision"], found["names"], found["digest"]) == ("accept", ["acme"], after.digest)


def test_any_changed_byte_of_a_signed_package_is_refused(here: Run, tmp_path: Path) -> None:
    assert here("sign", "echo.omni", "--key", "acme.key").code == 0
    whole = (tmp_path / "echo.omni").read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        (tmp_path / "echo.omni").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert here("verify", "echo.omni").code in (1, 2, 3), at
    (tmp_path / "echo.omni").write_bytes(whole)
    assert here("verify", "echo.omni").code == 0


def test_a_signature_of_one_package_does_not_fit_another(here: Run, tmp_path: Path) -> None:
    assert here("sign", "echo.omni", "--key", "acme.key").code == 0
    signed, other = read_omni((tmp_path / "echo.omni").read_bytes()), package("9.9.9")
    layer = signed.attached[0].layers[0]
    config = describe(b"{}", "application/vnd.oci.empty.v1+json")
    blobs = {config.digest: b"{}", layer.digest: signed.attached[0].blobs[layer.digest]}
    moved = make_artifact(
        config, [layer], blobs, subject=describe(other.manifest, "application/vnd.oci.image.manifest.v1+json")
    )
    (tmp_path / "other.omni").write_bytes(write_omni(other.with_attached([moved])))
    refused = here("verify", "other.omni")
    assert (refused.code, "was changed: the signature of acme does not verify" in refused.out) == (3, True)


def test_a_package_in_a_registry_is_signed_there(here: Run, registry: RegistryServer) -> None:
    reference = f"oci://{registry.host}/signed/echo:1.2.0"
    assert here("publish", reference, "echo.omni").code == 0
    assert here("verify", reference).code == 1
    done = here("sign", reference, "--key", "acme.key")
    assert done.code == 0, done.err
    found = json.loads(here("verify", reference, "-o", "json").out)
    assert (found["decision"], found["names"]) == ("accept", ["acme"])
    assert here("keys", "revoke", "acme", "--reason", "stolen").code == 0
    refused = here("verify", reference)
    assert (refused.code, "revoked: stolen" in refused.out) == (3, True)


async def test_what_cosign_signed_in_a_registry_verifies(registry: RegistryServer) -> None:
    """As `cosign sign --key` leaves it: a manifest under the tag `sha256-HEX.sig`."""
    found = package()
    key = ec.generate_private_key(ec.SECP256R1())
    critical: dict[str, Any] = {"identity": {"docker-reference": ""}, "image": {"docker-manifest-digest": found.digest}}
    payload = json.dumps({"critical": {**critical, "type": "cosign container image signature"}, "optional": None})
    value = base64.b64encode(key.sign(payload.encode(), ec.ECDSA(hashes.SHA256()))).decode()
    layer = describe(payload.encode(), SIMPLE_SIGNING, {COSIGN_ANNOTATION: value})
    config = describe(b"{}", "application/vnd.oci.image.config.v1+json")
    signed = make_artifact(config, [layer], {config.digest: b"{}", layer.digest: payload.encode()})
    async with Transfers(rules(registry.port)) as web:
        reference = OciReference(registry.host, "cosign/echo", "1.2.0")
        client = Registry(web, reference, logins=RegistryLogins((), environ={}))
        await client.push(found, tag="1.2.0")
        await client.push(signed, tag=found.digest.replace(":", "-") + ".sig")
        pulled: Package = await client.package(most_bytes=10_000_000)
    ((signature, data),) = package_signatures(pulled)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = read_public_key(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    assert signature.signer(data, [public]) == public
    assert signature.signer(data + b" ", [public]) is None


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server of the folder `index`."""
    handler = partial(_Quiet, directory=str(tmp_path / "index"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_index_is_made_and_searched(here: Run, web: str, tmp_path: Path) -> None:
    assert here("sign", "echo.omni", "--key", "acme.key").code == 0
    (tmp_path / "other.omni").write_bytes(write_omni(package("0.1.0", name="other")))
    assert here("keys", "new", "owner", "--no-password", "--to", ".").code == 0
    keys = ("--key", "owner.key")
    made = here(
        "index",
        "make",
        "index",
        "echo.omni",
        "other.omni",
        *keys,
        "--root-key",
        "owner.key",
        "--publisher",
        "acme=acme.pub",
        "-o",
        "json",
    )
    assert made.code == 0, made.err
    environ = {"OMNICORE_TRUST__INDEXES": json.dumps([f"own={web}#sha256={json.loads(made.out)['root']}"])}
    found = here("search", "-o", "json", **environ)
    assert found.code == 0, found.err
    rows = {one["name"]: one for one in json.loads(found.out)}
    assert set(rows) == {"echo", "other"}
    assert rows["echo"]["publishers"][0]["name"] == "acme"
    assert rows["echo"]["versions"][0]["licence"] == "MIT"
    assert rows["other"]["versions"][0]["publishers"] == []
    assert "not signed" in here("search", "other", **environ).out
    with_gone = [f"gone={tmp_path}/no-index#sha256={'0' * 64}", *json.loads(environ["OMNICORE_TRUST__INDEXES"])]
    told = here("search", "-o", "json", OMNICORE_TRUST__INDEXES=json.dumps(with_gone))
    assert (told.code, json.loads(told.out)) == (0, json.loads(found.out))
    assert "gone" in told.err
    (tmp_path / "advisories.toml").write_text(
        '[[advisory]]\nid = "A-1"\nplugin = "echo"\naffected = ["<1.3.0"]\nseverity = "high"\nsummary = "leaks"\n'
    )
    assert here("index", "make", "index", *keys, "--advisories", "advisories.toml").code == 0
    assert "A-1 (high) leaks" in here("search", "echo", **environ).err
    (tmp_path / "plugins" / "echo.wasm").write_bytes(package().module)
    (tmp_path / "plugins" / "echo.toml").write_bytes(package().files["plugin.toml"])
    told = here("audit", "plugins", "-o", "json", **environ)
    assert told.code == 1, told.err
    assert [(one["plugin"], one["finding"]) for one in json.loads(told.out)["findings"]] == [("echo", "A-1")]
    assert here("audit", "plugins", "--offline", **environ).code == 0
    local = {"OMNICORE_TRUST__INDEXES": json.dumps([f"own={tmp_path}/index#sha256={json.loads(made.out)['root']}"])}
    assert here("search", "echo", **local).code == 0
    stamp = tmp_path / "index" / "metadata" / "timestamp.json"
    version = json.loads(stamp.read_bytes())["signed"]["version"]
    stamp.write_bytes(
        stamp.read_bytes().replace(b'"expires": "2', b'"expires": "3').replace(b'"expires":"2', b'"expires":"3')
    )
    assert version == 2
    refused = here("search", **environ)
    assert (refused.code, "is not signed by its owner" in refused.err) == (1, True)


def test_without_an_index_the_setting_is_named(here: Run) -> None:
    refused = here("search", "echo")
    assert (refused.code, "trust.indexes" in refused.err) == (5, True)


def test_a_plugin_is_installed_and_updated_by_its_name(here: Run, web: str, tmp_path: Path) -> None:
    keys = ("--key", "acme.key", "--root-key", "acme.key", "--publisher", "acme=acme.pub")
    assert here("sign", "echo.omni", "--key", "acme.key").code == 0
    made = json.loads(here("index", "make", "index", "echo.omni", *keys, "-o", "json").out)
    environ = {"OMNICORE_TRUST__INDEXES": json.dumps([f"own={web}#sha256={made['root']}"])}
    environ["OMNICORE_TRUST__UNSIGNED"] = "refuse"
    done = here("plugins", "install", "echo", "-y", "-o", "json", **environ)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["name"], told["version"], told["package"]["publisher"]["names"]) == ("echo", "1.2.0", ["acme"])
    assert 'source = "index:echo"' in (tmp_path / "omnicore.lock").read_text()
    (tmp_path / "newer.omni").write_bytes(write_omni(package("1.3.0")))
    assert here("index", "make", "index", "newer.omni", *keys).code == 0
    assert json.loads(here("outdated", "-o", "json", **environ).out)[0]["newest"] == "1.3.0"
    refused = here("update", "echo", "-y", **environ)
    assert (refused.code, "was signed by acme when it was installed" in refused.err) == (3, True)
    assert here("sign", "newer.omni", "--key", "acme.key").code == 0
    (tmp_path / "signed.omni").write_bytes(write_omni(package("1.3.1")))
    assert here("sign", "signed.omni", "--key", "acme.key").code == 0
    assert here("index", "make", "index", "signed.omni", *keys).code == 0
    assert here("update", "echo", "-y", **environ).code == 0
    assert here("plugins", "install", "echo@1.2.0", "-y", **environ).code == 0
    assert here("install", "--locked", "-y", **environ).code == 0
    missing = here("plugins", "install", "nobody", "-y", **environ)
    assert (missing.code, "no index has nobody" in missing.err) == (5, True)
