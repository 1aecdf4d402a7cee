"""nginx and Caddy as their examples configure them, in front of three whole hosts that share a database."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.deploy.conftest import KIT, done, free_port, tool
from tests.fleet.cluster import Cluster, Member, until
from websockets.asyncio.client import connect

pytestmark = pytest.mark.services
NAME = "omni.example.org"
_ADDRESS = re.compile(r"10\.0\.0\.1\d:8080")


@dataclass
class Proxy:
    """A proxy that runs, and a client that knows the owner's token."""

    port: int
    tls: bool
    http: httpx.Client
    members: list[Member]
    token: str


@pytest.fixture
def members(cluster: Cluster) -> list[Member]:
    """Three hosts that trust the proxy on this machine, each with the plugin `text`."""
    settings = {"allowed_hosts": f"{NAME},localhost,127.0.0.1", "access__trusted_proxies": "127.0.0.1", "drain_s": "1"}
    found = [cluster.add(name, "text", **settings) for name in ("a", "b", "c")]
    for member in found:
        member.start()
    return found


def nginx(members: list[Member], folder: Path) -> tuple[list[str], int, bool]:
    """nginx with the example, a certificate and addresses of this machine."""
    port, plain = free_port(), free_port()
    key, certificate = folder / "key", folder / "certificate"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "1"]
    done(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject,
          "-keyout", key, "-out", certificate])  # fmt: skip
    addresses = iter(member.url.removeprefix("http://") for member in members)
    site = _ADDRESS.sub(lambda _: next(addresses), (KIT / "proxy" / "nginx.conf").read_text())
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}").replace("listen 80;", f"listen 127.0.0.1:{plain};")
    site = site.replace("/etc/ssl/omnicore/fullchain.pem", str(certificate))
    site = site.replace("/etc/ssl/omnicore/privkey.pem", str(key))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"user root; daemon off; pid {folder}/pid; error_log stderr;\nworker_processes 1;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{whole}http {{ access_log off; {temporary}\n{site}\n}}\n")
    command = [tool("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    done([*command, "-t"])
    return command, port, True


def caddy(members: list[Member], folder: Path) -> tuple[list[str], int, bool]:
    """Caddy with the example and addresses of this machine; without TLS, which needs the outside for a certificate."""
    port = free_port()
    addresses = iter(member.url.removeprefix("http://") for member in members)
    site = _ADDRESS.sub(lambda _: next(addresses), (KIT / "proxy" / "Caddyfile").read_text())
    site = re.sub(rf"^{NAME} {{", f"http://{NAME}:{port} {{", site, flags=re.MULTILINE)
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + site)
    return [tool("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")], port, False


@contextmanager
def started(kind: str, members: list[Member], folder: Path) -> Iterator[Proxy]:
    """The proxy of a kind in front of hosts."""
    command, port, tls = {"nginx": nginx, "caddy": caddy}[kind](members, folder)
    environ = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
    token = members[0].environment["OMNICORE_TOKEN"]
    try:
        with httpx.Client(base_url=f"http{'s' if tls else ''}://127.0.0.1:{port}", verify=False) as http:
            http.headers.update({"host": NAME, "authorization": f"Bearer {token}"})
            proxy = Proxy(port, tls, http, members, token)
            until(lambda: process.poll() is not None or answers(proxy), kind, within_s=20)
            assert process.poll() is None, (folder / "log").read_text()
            yield proxy
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def answers(proxy: Proxy) -> bool:
    try:
        return proxy.http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def call(proxy: Proxy) -> httpx.Response:
    return proxy.http.post("/api/v1/plugins/text/functions/count_vowels", content="hello")


async def told(proxy: Proxy) -> dict[str, object]:
    """An event of whichever host a WebSocket through the proxy came to."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    url = f"ws{'s' if proxy.tls else ''}://{NAME}:{proxy.port}/ws?topic=**"
    secure = {"ssl": context} if proxy.tls else {}
    headers = {"authorization": f"Bearer {proxy.token}"}
    async with connect(url, host="127.0.0.1", additional_headers=headers, proxy=None, **secure) as socket:  # type: ignore[arg-type]

        def publish() -> None:
            for one in proxy.members:
                one.send("PUT", "/plugins/text/state", json={"state": "disabled"})
                one.send("PUT", "/plugins/text/state", json={"state": "enabled"})

        await asyncio.to_thread(publish)
        return json.loads(await asyncio.wait_for(socket.recv(), 20))


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_a_proxy_in_front_of_three_hosts(kind: str, members: list[Member], tmp_path: Path) -> None:
    """One test for each proxy: three hosts take seconds to start."""
    (folder := tmp_path / "proxy").mkdir()
    with started(kind, members, folder) as proxy:
        _spreads_calls(proxy, members)
        _passes_on_who_asks(proxy)
        _bounds_bodies(proxy)
        _hides_metrics(proxy)
        assert asyncio.run(told(proxy))["topic"]
        _goes_round_a_host_that_is_gone(proxy, members)


def _spreads_calls(proxy: Proxy, members: list[Member]) -> None:
    before = [member.metric("omnicore_calls_total") for member in members]
    assert {call(proxy).text for _ in range(60)} == {'{"count":2}'}
    after = [member.metric("omnicore_calls_total") for member in members]
    assert all(now - then >= 5 for then, now in zip(before, after, strict=True)), (before, after)


def _passes_on_who_asks(proxy: Proxy) -> None:
    """The host knows the sender's address from the proxy, and a sender cannot claim another one."""
    forged = {"x-forwarded-for": "8.8.8.8", "origin": f"http{'s' if proxy.tls else ''}://{NAME}"}
    proxy.http.put("/api/v1/plugins/text/state", json={"state": "enabled"}, headers=forged).raise_for_status()
    rows = proxy.http.get("/api/v1/audit", params={"action": "switchPlugin"}).json()["items"]
    assert {row["from"] for row in rows} == {"127.0.0.1"}


def _bounds_bodies(proxy: Proxy) -> None:
    large = proxy.http.post("/api/v1/plugins/text/functions/count_vowels", content=b"x" * (20 * 2**20))
    assert large.status_code == 413
    over = proxy.http.post("/api/v1/plugins/text/functions/count_vowels", content=b"x" * (16 * 2**20 + 1))
    assert (over.status_code, over.headers["content-type"]) == (413, "application/problem+json")  # the host's own words


def _hides_metrics(proxy: Proxy) -> None:
    assert proxy.http.get("/metrics").status_code == 404


def _goes_round_a_host_that_is_gone(proxy: Proxy, members: list[Member]) -> None:
    """Reads never fail; calls that reached nobody go elsewhere."""
    members[0].stop(signal.SIGKILL)
    reads = [proxy.http.get("/api/v1/host").status_code for _ in range(20)]
    assert set(reads) == {200}
    assert {call(proxy).status_code for _ in range(20)} == {200}
    members[0].start()
    until(lambda: answered_by(proxy, members[0]), "the host takes part again", within_s=20)


def answered_by(proxy: Proxy, member: Member) -> bool:
    """True once a call through the proxy has reached a host."""
    before = member.metric("omnicore_calls_total")
    for _ in range(6):
        call(proxy)
    return member.metric("omnicore_calls_total") > before


def test_the_proxy_of_compose_is_a_configuration_that_caddy_takes() -> None:
    done([tool("caddy"), "validate", "--adapter", "caddyfile", "--config", KIT / "proxy" / "compose.Caddyfile"])
