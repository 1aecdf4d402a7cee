"""Private message brokers for tests: Redis, RabbitMQ and NATS with JetStream, on free ports of the loopback.

Each has a folder of its own, and can be stopped and started again over the same data.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MADE", "Server", "nats_server", "rabbit_server", "redis_server"]

_START_S = 90.0
# A server ends when its standard input does: with its test, and with a run of tests that is killed.
_WATCHED = 'exec 3<&0; "$@" 3<&- & p=$!; (read -r _ <&3; kill $p) > /dev/null 2>&1 & wait $p'
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass
class Server:
    """A broker. `url` is what the setting of a broker holds."""

    url: str
    command: list[str]
    folder: Path
    port: int
    environ: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[Server], bool] = lambda server: _listens(server.port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        environ = {"PATH": _PATH, "HOME": str(self.folder), **self.environ}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", _WATCHED, "watched", *self.command],
                **{"stdin": subprocess.PIPE, "stdout": log, "stderr": log},
                cwd=self.folder,
                env=environ,
            )
        end = time.monotonic() + _START_S
        while not self.ready(self):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.command[0]} does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Returns when it has ended; a second time does nothing."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate(timeout=_START_S)


def redis_server(folder: Path) -> Server:
    """Redis with a log of its writes."""
    port = _free_port()
    options = {"port": port, "bind": "127.0.0.1", "requirepass": "secret", "appendonly": "yes", "dir": folder}
    options |= {"appendfsync": "always", "save": "''"}
    command = [
        _binary("redis-server"),
        *(str(part) for name, value in options.items() for part in (f"--{name}", value)),
    ]
    return Server(f"redis://:secret@127.0.0.1:{port}", command, folder, port)


def nats_server(folder: Path) -> Server:
    """NATS with JetStream in files."""
    port = _free_port()
    command = [_binary("nats-server"), "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder)]
    return Server(f"nats://127.0.0.1:{port}", command, folder, port)


def rabbit_server(folder: Path) -> Server:
    """RabbitMQ as a node of its own, with an Erlang port mapper of its own."""
    port, mapper, inner = _free_port(), _free_port(), _free_port()
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\nloopback_users.guest = true\n")
    (folder / "enabled_plugins").write_text("[].")
    environ = {
        "RABBITMQ_NODENAME": f"omnicore{port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "logs"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_DIST_PORT": str(inner),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd true +S 1:1",
    }
    # The packaged script wants to be root or the user rabbitmq; what it calls does not.
    inner_script = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    command = [str(inner_script) if inner_script.exists() else _binary("rabbitmq-server")]
    return Server(f"amqp://guest:guest@127.0.0.1:{port}/", command, folder, port, environ, _answers_amqp)


MADE: Mapping[str, tuple[str, str, Callable[[Path], Server]]] = {
    "redis": ("redis-server", "redis-server", redis_server),
    "rabbit": ("rabbitmq-server", "rabbitmq-server", rabbit_server),
    "nats": ("nats-server", "nats-server", nats_server),
}
"""By kind: the program, Debian's package, and how it is made."""


def installed(program: str) -> bool:
    """Whether a program is on this machine."""
    return shutil.which(program, path=_PATH) is not None


def _binary(name: str) -> str:
    return shutil.which(name, path=_PATH) or name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers_amqp(server: Server) -> bool:
    """It listens before it takes anybody in."""
    try:
        with socket.create_connection(("127.0.0.1", server.port), 1) as probe:
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            probe.settimeout(5)
            return bool(probe.recv(8))
    except OSError:
        return False
