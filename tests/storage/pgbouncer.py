"""A private pgbouncer in front of a private PostgreSQL: a temporary folder, a Unix socket, no TCP."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.storage.postgresql_server import PostgresServer, unprivileged

__all__ = ["PGBOUNCER", "pgbouncer"]

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
_PORT, _START_S = 6432, 30.0
_SETTINGS = """
[databases]
* = host={server} user=omnicore
[pgbouncer]
unix_socket_dir = {folder}
listen_port = {port}
auth_type = any
admin_users = omnicore
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
server_login_retry = 1
query_wait_timeout = 10
"""


@contextmanager
def pgbouncer(server: PostgresServer, *, mode: str = "transaction", size: int = 4) -> Iterator[str]:
    """The host and port, as a URL's query names them, of a pooler that runs as long as the block."""
    assert PGBOUNCER is not None
    folder = Path(tempfile.mkdtemp(prefix="pgb-"))
    file = folder / "pgbouncer.ini"
    file.write_text(_SETTINGS.format(server=server.folder, folder=folder, port=_PORT, mode=mode, size=size))
    other = unprivileged()
    for path in (folder, file):
        if other:
            os.chown(path, other["user"], other["group"])
    query = f"host={folder}&port={_PORT}"
    command = [PGBOUNCER, str(file)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, **other) as process:
        try:
            end = time.monotonic() + _START_S
            while not (folder / f".s.PGSQL.{_PORT}").exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"pgbouncer does not start:\n{(folder / 'log').read_text()}")
                time.sleep(0.02)
            yield query
        finally:
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)
