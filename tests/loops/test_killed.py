"""A host that is killed in a cycle: its lane is free again when the lease is over, and nothing was counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.loops.lanes import lanes

from omnicore.clock import ManualClock
from omnicore.errors import Conflict
from omnicore.loops.lane import LoopType
from omnicore.storage.database import Database

_STUCK = """
import asyncio, sys
from pathlib import Path
from tests.loops.lanes import lanes
from omnicore.clock import ManualClock
from omnicore.loops.lane import LoopType
from omnicore.storage.database import Database

async def main():
    async with lanes(Database.open(Path(sys.argv[1])), clock=ManualClock(), work=False) as here:
        async def endless(kind, given):
            print("inside", flush=True)
            await asyncio.Event().wait()
        here.duties.then = endless
        await here.engine.execute_cycle(LoopType.Adaptive)

asyncio.run(main())
"""


async def test_a_killed_hosts_lane_is_taken_over_when_its_lease_is_over(tmp_path: Path) -> None:
    file = tmp_path / "omnicore.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", _STUCK, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    clock, store = ManualClock(), Database.open(file)
    async with lanes(store, clock=clock, work=False) as here:
        with pytest.raises(Conflict, match="another host"):
            await here.engine.execute_cycle(LoopType.Adaptive)
        clock.advance(300.0 + 30.0)
        assert (await here.engine.execute_cycle(LoopType.Adaptive)).success
        assert (await here.engine.status(LoopType.Adaptive)).cycles_completed == 1
    store.close()
