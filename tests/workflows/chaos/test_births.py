"""Two hosts that are started in the same instant on a folder where nothing is yet."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

from tests.chaos.workflows_worker import OVER, work


def test_hosts_that_are_born_at_once_both_begin_and_end(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / OVER).touch()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.workflows_worker"])
    hosts = [context.Process(target=work, args=(None, str(tmp_path), str(n))) for n in range(2)]
    for host in hosts:
        host.start()
    told = tmp_path / "hosts.log"
    end = time.monotonic() + 60
    while not told.exists() or told.read_text().count("\n") < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    for host in hosts:
        assert host.pid is not None
        os.kill(host.pid, signal.SIGTERM)
        host.join(30)
    assert [host.exitcode for host in hosts] == [0, 0]
