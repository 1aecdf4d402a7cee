"""nginx in front of whole hosts, as `docs/deploy` shows it in small: a private port, a folder of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["proxy"]

_START_S = 10.0
_TEXT = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 64m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream hosts {{ {servers} keepalive 32; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://hosts;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_connect_timeout 1s; proxy_read_timeout 60s;
      # A host has begun nothing that it answers with 503; a POST whose connection breaks is not sent again.
      proxy_next_upstream error timeout http_503; proxy_next_upstream_tries 3;
    }}
  }}
}}
"""


@contextmanager
def proxy(folder: Path, hosts: Sequence[str]) -> Iterator[str]:
    """The URL of a proxy for these URLs; it ends with the block. Raises: RuntimeError: nginx is missing or ends."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise RuntimeError("nginx is not on this machine: apt install nginx")
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    servers = " ".join(f"server {url.removeprefix('http://')} max_fails=1 fail_timeout=1s;" for url in hosts)
    (folder / "nginx.conf").write_text(_TEXT.format(folder=folder, servers=servers, port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf"], stdout=log, stderr=log)
    try:
        end = time.monotonic() + _START_S
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"nginx does not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        process.wait(_START_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
