"""Debian's `docker-registry` on a free port: alone, or with a certificate of its own and a user."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

USER, PASSWORD = "ada", "open sesame"
_HASH = "$2b$04$AilUEfBqhf5hgZQyvlzLvunwK7JSfWpFIJdfq2SlZOsAbFZ9yZBVS"  # bcrypt of the password, four rounds
_CONFIG = "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s\n"


@dataclass(frozen=True)
class RegistryServer:
    """Its address, and the certificate to trust where it has one."""

    port: int
    ca_file: Path | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def registry_server(folder: Path, *, guarded: bool = False, deletes: bool = False) -> Iterator[RegistryServer]:
    """Runs a registry until the block ends. Args: deletes: it deletes what clients ask it to."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("docker-registry is not on this machine")
    config = folder / "config.yml"
    config.write_text(_CONFIG % (folder / "store"))
    port = _free_port()
    environ = {**os.environ, "REGISTRY_HTTP_ADDR": f"127.0.0.1:{port}", "OTEL_TRACES_EXPORTER": "none"}
    if deletes:
        environ["REGISTRY_STORAGE_DELETE_ENABLED"] = "true"
    if guarded:
        environ |= _guard(folder)
    server = RegistryServer(port, folder / "cert.pem" if guarded else None)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], env=environ, stdout=log, stderr=log)
    try:
        _wait(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _guard(folder: Path) -> dict[str, str]:
    (folder / "users").write_text(f"{USER}:{_HASH}\n")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return {
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "tests",
        "REGISTRY_AUTH_HTPASSWD_PATH": str(folder / "users"),
        "REGISTRY_HTTP_TLS_CERTIFICATE": str(folder / "cert.pem"),
        "REGISTRY_HTTP_TLS_KEY": str(folder / "key.pem"),
    }


def _wait(server: RegistryServer, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        if server.ca_file is None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=2)
        else:
            context = ssl.create_default_context(cafile=server.ca_file)
            connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=2, context=context)
        try:
            connection.request("GET", "/v2/")
            connection.getresponse().read()
        except OSError:
            continue
        else:
            return
        finally:
            connection.close()
    raise AssertionError(f"docker-registry did not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
