"""A registry that lies about digest, size or type, that never ends, or that leads elsewhere gives no package."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest
from tests.connectors.local_server import Answer, Seen, redirect, reply, serve
from tests.packages.packs import MODULE, other_module, package, rules

from omnicore.config.settings import PackageSettings
from omnicore.connectors.addresses import SystemResolver
from omnicore.connectors.policy import Reserved
from omnicore.connectors.transfers import TransferRules, Transfers
from omnicore.errors import (
    DeadlineExceeded,
    InvalidInput,
    LimitExceeded,
    OmniError,
    PackageRejected,
    PermissionDenied,
    Unavailable,
    WrongCredentials,
)
from omnicore.packages.package import Package, digest_of, write_omni
from omnicore.packages.reference import OciReference, parse_reference
from omnicore.packages.registry import Registry
from omnicore.packages.source import PackageSources, sorted_versions

_MOST = 1 << 20
_TYPE = "Content-Type: application/vnd.oci.image.manifest.v1+json"
Lie = Callable[[Seen], Answer | None]


def _honest(seen: Seen) -> Answer:
    found = package()
    if "/referrers/" in seen.target or "/sha256-" in seen.target:
        return reply(404)
    if "/manifests/" in seen.target:
        return reply(200, found.manifest, _TYPE)
    return reply(200, found.blobs[seen.target.rpartition("/")[2]])


async def _pulled(lie: Lie, wanted: str | None = None, **more: object) -> Package:
    async with (
        serve(lambda seen: lie(seen) or _honest(seen)) as server,
        Transfers(rules(server.port, **more)) as web,  # type: ignore[arg-type]
    ):
        one = Registry(web, OciReference(f"127.0.0.1:{server.port}", "echo", "1"))
        return await one.package(wanted, most_bytes=_MOST)


def _for(part: str, answer: Answer) -> Lie:
    return lambda seen: answer if part in seen.target else None


def _manifest(**values: object) -> bytes:
    return json.dumps({**json.loads(package().manifest), **values}).encode()


async def test_an_honest_one_gives_the_package() -> None:
    assert await _pulled(lambda seen: None) == package()


_LAYER = package().layers[0].digest


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (_for("/manifests/", reply(200, package("9.9.9").manifest, _TYPE)), "gives a manifest with the digest"),
        (_for(_LAYER, reply(200, other_module("x"))), "has the digest|bytes where its descriptor says|gives more"),
        (_for(_LAYER, reply(200, MODULE[:-1])), "bytes where its descriptor says"),
        (_for(_LAYER, reply(200, MODULE + b"\0")), "gives more than"),
        (_for("/blobs/", reply(200, b"{}")), "bytes where its descriptor says"),
    ],
    ids=["manifest", "module", "shorter", "longer", "config"],
)
async def test_other_bytes_than_the_digest_stands_for_are_refused(lie: Lie, reason: str) -> None:
    with pytest.raises(PackageRejected, match=reason):
        await _pulled(lie, package().digest)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(200, package().manifest, _TYPE, "Docker-Content-Digest: sha256:" + 64 * "0"), "says sha256:000"),
        (reply(200, package().manifest, "Content-Type: text/html"), "gives a application"),
        (reply(200, package().manifest), "gives a application"),
        (reply(200, _manifest(mediaType="application/vnd.oci.image.index.v1+json"), _TYPE), "as application"),
        (reply(200, b"<html>", _TYPE), "no valid JSON"),
        (reply(200, b"[" * 10_000, _TYPE), "nested deeper"),
        (reply(200, _manifest(config={"mediaType": "x", "digest": "sha256:" + 64 * "0", "size": 1}), _TYPE), "config"),
    ],
    ids=["digest", "html", "untyped", "index", "text", "deep", "config"],
)
async def test_a_manifest_that_is_not_what_it_is_given_as_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(PackageRejected, match=reason):
        await _pulled(_for("/manifests/1", answer))


async def test_a_package_that_announces_more_than_is_allowed_is_refused_before_its_blobs_are_asked_for() -> None:
    document = json.loads(package().manifest)
    document["layers"][0]["size"] = _MOST + 1
    async with serve(lambda seen: reply(200, json.dumps(document).encode(), _TYPE)) as server:
        async with Transfers(rules(server.port)) as web:
            with pytest.raises(PackageRejected, match="bytes where 1048576 are allowed"):
                await Registry(web, OciReference(f"127.0.0.1:{server.port}", "echo")).package(most_bytes=_MOST)
        assert not [seen for seen in server.seen if "/blobs/" in seen.target]


async def _endless(seen: Seen, writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 200 X\r\n{_TYPE}\r\n\r\n".encode())
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
async def test_a_body_without_an_end_is_cut_at_what_is_allowed(part: str) -> None:
    with pytest.raises((LimitExceeded, PackageRejected), match="more than"):
        await _pulled(_for(part, _endless))


async def _silent(seen: Seen, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def test_a_registry_that_says_nothing_is_given_up() -> None:
    with pytest.raises(DeadlineExceeded):
        await _pulled(_for("/manifests/", _silent), total_s=0.3)


async def test_a_circle_of_redirects_ends() -> None:
    with pytest.raises(LimitExceeded, match="redirects more than 5 times"):
        await _pulled(lambda seen: redirect(seen.target, 307) if "/blobs/" in seen.target else None)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "metadata address|without TLS"),
        ("https://169.254.169.254/latest/meta-data/", "metadata address"),
        ("https://[fd00:ec2::254]/", "metadata address"),
        ("https://10.0.0.7/", "not an address of the public internet"),
        ("https://127.0.0.1:1/", "not an address of the public internet"),
        ("https://[::ffff:127.0.0.1]/", "not an address of the public internet"),
        ("http://example.org/", "without TLS"),
        ("file:///etc/passwd", "not an http or https URL"),
    ],
)
async def test_a_redirect_to_an_address_that_nobody_wrote_out_is_refused(location: str, reason: str) -> None:
    with pytest.raises((PermissionDenied, InvalidInput), match=reason):
        await _pulled(_for("/blobs/", redirect(location, 307)))


async def test_a_name_that_leads_to_a_private_address_is_refused() -> None:
    async def resolve(host: str) -> list[str]:
        return ["93.184.216.34", "192.168.1.1"]

    async with Transfers(TransferRules(), resolve=resolve) as web:
        with pytest.raises(PermissionDenied, match=r"192\.168\.1\.1"):
            await web.send("GET", "https://registry.example.org/v2/")


async def test_the_hosts_own_address_is_reached_by_nobody_who_does_not_write_it_out() -> None:
    reserved = Reserved(resolve=SystemResolver())

    async def resolve(host: str) -> list[str]:
        return ["127.0.0.1"]

    async with serve(lambda seen: reply(200)) as server:
        reserved.listens(server.port)
        named = TransferRules(named=(f"inside.example:{server.port}",), plain=(f"inside.example:{server.port}",))
        bound = TransferRules(named.named, named.plain, reserved=reserved)
        async with Transfers(bound, resolve=resolve) as web:
            with pytest.raises(PermissionDenied, match="own interface"):
                await web.send("GET", f"http://inside.example:{server.port}/v2/")
        assert not server.seen


async def test_a_download_that_breaks_off_goes_on_where_it_broke_off() -> None:
    ranges = []

    async def breaking(seen: Seen, writer: asyncio.StreamWriter) -> None:
        start = int(seen.headers.get("range", "bytes=0-")[6:-1])
        ranges.append(start)
        part = MODULE[start : start + 100]
        status = f"206 X\r\nContent-Range: bytes {start}-{len(MODULE) - 1}/{len(MODULE)}" if start else "200 X"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(MODULE) - start}\r\n\r\n"
        writer.write(head.encode() + part)
        await writer.drain()

    assert 100 < len(MODULE) <= 600
    assert (await _pulled(_for(_LAYER, breaking))).module == MODULE
    assert ranges == list(range(0, len(MODULE), 100))


async def test_a_download_that_gives_another_part_of_the_file_is_refused() -> None:
    async def breaking(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if "range" in seen.headers:
            writer.write(reply(206, MODULE[7:], f"Content-Range: bytes 7-{len(MODULE) - 1}/{len(MODULE)}"))
        else:
            writer.write(f"HTTP/1.1 200 X\r\nContent-Length: {len(MODULE)}\r\n\r\n".encode() + MODULE[:100])
        await writer.drain()

    with pytest.raises(Unavailable, match="another part"):
        await _pulled(_for(_LAYER, breaking))


async def test_a_download_that_breaks_off_again_and_again_is_given_up() -> None:
    async def breaking(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 X\r\nContent-Length: {len(MODULE)}\r\n\r\n".encode() + MODULE[:1])
        await writer.drain()

    with pytest.raises(OmniError, match=r"broke off|more than"):
        await _pulled(_for(_LAYER, breaking))


async def test_other_work_goes_on_while_a_package_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    found, checked_on = package(), set[int]()
    file, blobs, check = write_omni(found), {**found.blobs, "1": found.manifest}, Package.check

    def answer(seen: Seen) -> Answer:
        name = seen.target.rpartition("/")[2]
        return reply(200, blobs[name], _TYPE) if name in blobs else reply(200, file) if "omni" in name else reply(404)

    def seen_on(self: Package) -> None:
        checked_on.add(threading.get_ident())
        check(self)

    monkeypatch.setattr(Package, "check", seen_on)
    async with serve(answer) as server:
        sources = PackageSources(PackageSettings(insecure_hosts=(f"127.0.0.1:{server.port}",)), {})
        for place in (
            f"oci://127.0.0.1:{server.port}/echo:1",
            f"{server.url('/echo.omni')}#{digest_of(file).replace(':', '=')}",
        ):
            assert await sources.fetch(parse_reference(place), named=True) == found
    assert checked_on
    assert threading.get_ident() not in checked_on


async def test_long_headers_that_mean_nothing_are_read_in_no_time() -> None:
    def lie(seen: Seen) -> Answer:
        if "/tags/" in seen.target:
            return reply(200, b'{"tags": ["1.0.0", "1.0.0-%s"]}' % (b"1" * 5000), "Link: " + "<" * 60_000)
        return reply(401, b"", "WWW-Authenticate: Bearer " + "a" * 60_000)

    async with serve(lie) as server, Transfers(rules(server.port)) as web:
        one = Registry(web, OciReference(f"127.0.0.1:{server.port}", "echo", "1"))
        assert sorted_versions(await one.tags()) == ("1.0.0",)
        with pytest.raises(WrongCredentials):
            await one.manifest()


async def test_referrers_that_are_about_another_package_are_refused() -> None:
    found = package("9.9.9")
    index = json.dumps({"schemaVersion": 2, "manifests": [found.descriptor().to_json()]}).encode()

    def lie(seen: Seen) -> Answer | None:
        if "/referrers/" in seen.target:
            return reply(200, index, "Content-Type: application/vnd.oci.image.index.v1+json")
        return reply(200, found.manifest, _TYPE) if found.digest in seen.target else None

    with pytest.raises(PackageRejected, match="about another package"):
        await _pulled(lie)


@asynccontextmanager
async def _proxy(seen: list[str]):
    """A proxy for plain http, as `http://HOST/` in the first line asks it."""
    async with serve(lambda one: seen.append(one.target) or reply(200, b"through the proxy")) as server:
        yield server


async def test_requests_go_through_the_proxy_but_for_hosts_that_are_excepted() -> None:
    asked: list[str] = []
    async with _proxy(asked) as proxy:
        plain = ("registry.example.org:80",)
        base = TransferRules(plain=(*plain, "registry.example.org"), proxy=f"http://127.0.0.1:{proxy.port}")
        async with Transfers(base) as web:
            answer = await web.send("GET", "http://registry.example.org/v2/")
        assert (answer.body, asked) == (b"through the proxy", ["http://registry.example.org:80/v2/"])
        direct = TransferRules(plain=base.plain, proxy=base.proxy, direct=(".example.org",))

        async def resolve(host: str) -> list[str]:
            raise OSError

        async with Transfers(direct, resolve=resolve) as web:
            with pytest.raises(Unavailable, match="cannot be resolved"):
                await web.send("GET", "http://registry.example.org/v2/")
