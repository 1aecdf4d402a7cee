"""Three servers of NATS as a cluster, each a process that can be killed, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["NATS", "NatsCluster", "nats_cluster"]

NATS = shutil.which("nats-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
"""The program, where it is on this machine."""


@dataclass
class NatsCluster:
    """Three servers of NATS that know each other."""

    folder: Path
    ports: list[int]
    routes: list[int]
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports)

    def start(self, number: int) -> None:
        """Starts a server, again over the same ports."""
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in self.routes)
        command = [str(NATS), "-a", "127.0.0.1", "-p", str(self.ports[number]), "--cluster_name", "fleet"]
        command += ["--cluster", f"nats://127.0.0.1:{self.routes[number]}", "--routes", routes]
        with (self.folder / f"log{number}").open("ab") as log:
            self.running[number] = subprocess.Popen(command, stdout=log, stderr=log)

    def send(self, number: int, sign: signal.Signals) -> None:
        self.running[number].send_signal(sign)

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


def nats_cluster(folder: Path) -> NatsCluster:
    """A cluster that is started."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(6)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    made = NatsCluster(folder, ports[:3], ports[3:])
    for number in range(3):
        made.start(number)
    return made
