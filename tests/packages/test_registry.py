"""Packages come out of a real registry as they went in, with a certificate, a user, a mirror and signatures."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.connectors.local_server import Seen, redirect, reply, serve
from tests.packages.packs import package, rules
from tests.packages.registries import PASSWORD, USER, RegistryServer

from omnicore.connectors.transfers import TransferRules, Transfers
from omnicore.errors import NotFound, PermissionDenied, Unavailable, WrongCredentials
from omnicore.packages.credentials import RegistryLogins
from omnicore.packages.package import Artifact, describe, make_artifact, write_omni
from omnicore.packages.reference import OciReference, parse_reference
from omnicore.packages.registry import Registry, read_mirrors

_MOST = 1 << 20


def _reference(server: RegistryServer, name: str, tag: str = "1.2.0") -> OciReference:
    found = parse_reference(f"oci://{server.host}/tests/{name}:{tag}")
    assert isinstance(found, OciReference)
    return found


def _logins(password: str = PASSWORD, host: str = "") -> RegistryLogins:
    return RegistryLogins([f"{USER}:{password}@{host}"], keyring=False)


async def test_a_package_is_pulled_as_it_was_pushed(registry: RegistryServer) -> None:
    async with Transfers(rules(registry.port)) as web:
        one = Registry(web, _reference(registry, "round"))
        digest = await one.push(package(), tag="1.2.0")
        assert await one.package(most_bytes=_MOST) == package()
        assert await one.package(digest, most_bytes=_MOST) == package()
        assert await one.tags() == ("1.2.0",)


async def test_what_is_not_there_is_not_found(registry: RegistryServer) -> None:
    async with Transfers(rules(registry.port)) as web:
        with pytest.raises(NotFound, match=r"has no 1\.2\.0"):
            await Registry(web, _reference(registry, "nothing")).package(most_bytes=_MOST)


async def test_a_registry_with_tls_and_a_user_takes_the_users_credentials_only(guarded: RegistryServer) -> None:
    async with Transfers(rules(guarded.port, ca_file=guarded.ca_file)) as web:
        reference = _reference(guarded, "guarded")
        one = Registry(web, reference, logins=_logins(host=guarded.host))
        await one.push(package(), tag="1.2.0")
        assert await one.package(most_bytes=_MOST) == package()
        for logins in (RegistryLogins(keyring=False), _logins(host="other.example"), _logins("wrong", guarded.host)):
            with pytest.raises(WrongCredentials):
                await Registry(web, reference, logins=logins).package(most_bytes=_MOST)


async def test_a_certificate_that_nobody_vouches_for_is_refused_and_not_gone_around(guarded: RegistryServer) -> None:
    async with Transfers(TransferRules(named=(guarded.host,))) as web:
        one = Registry(web, _reference(guarded, "guarded"), logins=_logins(host=guarded.host))
        with pytest.raises(Unavailable, match="certificate"):
            await one.package(most_bytes=_MOST)


@pytest.mark.parametrize("kept", ["auths", "helper", "podman"])
async def test_the_credentials_of_docker_and_podman_are_found(
    guarded: RegistryServer, tmp_path: Path, kept: str
) -> None:
    environ = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    file = tmp_path / ".docker" / "config.json"
    if kept == "podman":
        environ["XDG_RUNTIME_DIR"], file = str(tmp_path), tmp_path / "containers" / "auth.json"
    file.parent.mkdir()
    values: dict = {"auths": {guarded.host: {"auth": auth}}}
    if kept == "helper":
        values = {"credHelpers": {guarded.host: "test"}}
        helper = tmp_path / "docker-credential-test"
        helper.write_text(f'#!/bin/sh\nread host\necho \'{{"Username":"{USER}","Secret":"{PASSWORD}"}}\'\n')
        helper.chmod(0o755)
    file.write_text(json.dumps(values))
    async with Transfers(rules(guarded.port, ca_file=guarded.ca_file)) as web:
        logins = RegistryLogins(environ=environ, keyring=False)
        with pytest.raises(NotFound):
            await Registry(web, _reference(guarded, "empty"), logins=logins).package(most_bytes=_MOST)


def _signature(about: Artifact) -> Artifact:
    config, layer = describe(b"{}", "application/vnd.oci.empty.v1+json"), describe(b"signed", "text/plain")
    return make_artifact(
        config,
        [layer],
        {config.digest: b"{}", layer.digest: b"signed"},
        artifact_type="application/vnd.example.signature",
        subject=about.descriptor(),
    )


async def test_signatures_travel_with_a_package(registry: RegistryServer) -> None:
    signed = package("1.3.0").with_attached([_signature(package("1.3.0"))])
    async with Transfers(rules(registry.port)) as web:
        one = Registry(web, _reference(registry, "signed", "1.3.0"))
        await one.push(signed, tag="1.3.0")
        found = await one.package(most_bytes=_MOST)
        assert found == signed
        assert found.attached[0].artifact_type == "application/vnd.example.signature"
        await one.attach(_signature(signed))
        assert len(await one.referrers(signed.digest)) == 1


async def test_a_mirror_is_asked_first_and_the_registry_when_it_fails(registry: RegistryServer) -> None:
    async with Transfers(rules(registry.port, 9)) as web:
        stored = _reference(registry, "mirror/echo")
        await Registry(web, stored).push(package(), tag="1.2.0")
        mirrors = read_mirrors([f"registry.example.org={registry.host}/tests/mirror"])
        away = OciReference("registry.example.org", "echo", "1.2.0")
        assert await Registry(web, away, mirrors=mirrors).package(most_bytes=_MOST) == package()
        broken = read_mirrors([f"{registry.host}=127.0.0.1:9"])
        assert await Registry(web, stored, mirrors=broken).package(most_bytes=_MOST) == package()


async def test_a_registry_may_ask_for_a_token_of_another_address(registry: RegistryServer) -> None:
    found = package()

    def answer(seen: Seen) -> bytes:
        if seen.target.startswith("/token"):
            assert "scope=repository%3Aecho%3Apull" in seen.target
            known = seen.headers.get("authorization") == "Basic " + base64.b64encode(b"ada:pw").decode()
            return reply(200 if known else 401, b'{"token": "abc"}')
        if seen.headers.get("authorization") != "Bearer abc":
            realm = f'Bearer realm="http://127.0.0.1:{server.port}/token",service="x",scope="repository:echo:pull"'
            return reply(401, b"", f"WWW-Authenticate: {realm}")
        if "referrers" in seen.target or "sha256-" in seen.target:
            return reply(404)
        if "manifests" in seen.target:
            return reply(200, found.manifest, "Content-Type: application/vnd.oci.image.manifest.v1+json")
        return reply(200, found.blobs[seen.target.rpartition("/")[2]])

    async with serve(answer) as server, Transfers(rules(server.port)) as web:
        reference = OciReference(f"127.0.0.1:{server.port}", "echo", "1")
        logins = RegistryLogins([f"ada:pw@127.0.0.1:{server.port}"], keyring=False)
        assert await Registry(web, reference, logins=logins).package(most_bytes=_MOST) == found
        with pytest.raises(WrongCredentials):
            await Registry(web, reference).package(most_bytes=_MOST)


async def test_credentials_do_not_follow_a_redirect_to_another_host(registry: RegistryServer) -> None:
    def answer(seen: Seen) -> bytes:
        if "authorization" not in seen.headers:
            return reply(401, b"", 'WWW-Authenticate: Basic realm="x"')
        return redirect(f"http://127.0.0.1:{other.port}{seen.target}", 307)

    async with serve(lambda seen: reply(404)) as other, serve(answer) as server:
        async with Transfers(rules(server.port, other.port)) as web:
            logins = RegistryLogins([f"ada:pw@127.0.0.1:{server.port}"], keyring=False)
            with pytest.raises(NotFound):
                await Registry(web, OciReference(f"127.0.0.1:{server.port}", "echo"), logins=logins).manifest()
        assert other.seen
        assert all("authorization" not in seen.headers for seen in other.seen)


async def test_a_push_that_is_not_allowed_says_so() -> None:
    denied = reply(403, b'{"errors": [{"code": "DENIED", "message": "requested access is denied"}]}')
    async with serve(lambda seen: denied) as server, Transfers(rules(server.port)) as web:
        one = Registry(web, OciReference(f"127.0.0.1:{server.port}", "echo"))
        with pytest.raises(PermissionDenied, match="requested access is denied"):
            await one.push(package(), tag="1")


def test_the_program_that_the_tests_start_is_a_registry(registry: RegistryServer) -> None:
    said = subprocess.run(["docker-registry", "--version"], capture_output=True, text=True, check=True).stdout
    assert "docker/distribution" in said


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not on this machine")
async def test_another_tool_takes_a_package_from_a_registry_and_puts_a_file_into_one(
    registry: RegistryServer, tmp_path: Path
) -> None:
    (tmp_path / "echo.omni").write_bytes(write_omni(package()))
    copy = ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
    put, got = f"docker://{registry.host}/tests/skopeo:1.2.0", tmp_path / "out"
    for way in ((f"oci-archive:{tmp_path}/echo.omni:1.2.0", put), (put, f"oci:{got}:1.2.0")):
        done = await asyncio.to_thread(subprocess.run, [*copy, *way], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    async with Transfers(rules(registry.port)) as web:
        assert await Registry(web, _reference(registry, "skopeo")).package(most_bytes=_MOST) == package()
    module = package().layers[0].digest.removeprefix("sha256:")
    assert (got / "blobs" / "sha256" / module).read_bytes() == package().module
