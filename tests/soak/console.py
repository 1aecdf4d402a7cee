"""Consoles and callers at a real host: `python -m tests.soak.console [--seconds N]`, 5 minutes by default.

200 WebSockets listen to everything, as open consoles do, and come again after a while; 50 callers call over REST with
an API token; tasks go on beside them, so that there are events to hear. The host's process is measured: after a warm-up
its memory and its open files must stay where they are, and no call may fail.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import quantiles

import httpx
from tests.console.host import ConsoleHost
from tests.soak.run import Measured
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

__all__ = ["main"]

SOCKETS, CALLERS = 200, 50
_MEASURE_S = 5.0
_PAUSE_S = 0.05  # between a caller's calls: people and programs do something with an answer
_TASK_S = 0.5
_STAY_S = (20.0, 90.0)
_PAGE = os.sysconf("SC_PAGE_SIZE")


class _Campaign:
    """What the clients do until `over`."""

    def __init__(self, host: ConsoleHost, token: str) -> None:
        self._url, self._token = host.url, token
        self._headers = {"authorization": f"Bearer {token}"}
        self.over = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self.call_s: list[float] = []

    async def listen(self, chance: random.Random) -> None:
        """One console: hears all events, goes and comes back."""
        address = f"ws{self._url[4:]}/ws"
        while not self.over.is_set():
            try:
                async with (
                    asyncio.timeout(chance.uniform(*_STAY_S)),
                    connect(address, additional_headers=self._headers, proxy=None, open_timeout=60) as socket,
                ):
                    self.counts["opened"] += 1
                    while not self.over.is_set():
                        await socket.recv()
                        self.counts["frames"] += 1
            except TimeoutError:
                self.counts["left"] += 1
            except ConnectionClosed as closed:
                self.counts[f"closed {closed.rcvd.code if closed.rcvd else 1006}"] += 1

    async def call(self, client: httpx.AsyncClient, number: int) -> None:
        """One caller."""
        while not self.over.is_set():
            began = time.monotonic()
            answer = await client.post("/api/v1/plugins/text/functions/count_vowels", content=f"caller {number}")
            self.call_s.append(time.monotonic() - began)
            self.counts[f"calls {answer.status_code}"] += 1
            await asyncio.sleep(_PAUSE_S)

    async def order(self, client: httpx.AsyncClient) -> None:
        """Tasks, whose events everybody hears."""
        while not self.over.is_set():
            ordered = {"function": "text.count_vowels", "input": "a task"}
            answer = await client.post("/api/v1/tasks", json=ordered)
            self.counts[f"tasks {answer.status_code}"] += 1
            await asyncio.sleep(_TASK_S)

    async def run(self, seconds: float, process: int) -> Measured:
        """Goes on for so long and measures the host."""
        measured, chance = Measured(files_most=20), random.Random(1)
        async with httpx.AsyncClient(
            base_url=self._url,
            headers=self._headers,
            timeout=60,
            limits=httpx.Limits(max_connections=CALLERS + 1, max_keepalive_connections=CALLERS + 1),
        ) as client:
            work = [asyncio.ensure_future(self.listen(random.Random(number))) for number in range(SOCKETS)]
            work += [asyncio.ensure_future(self.call(client, number)) for number in range(CALLERS)]
            work.append(asyncio.ensure_future(self.order(client)))
            end = time.monotonic() + seconds
            while time.monotonic() < end and not any(one.done() for one in work):
                await asyncio.sleep(min(_MEASURE_S, seconds / 20) * chance.uniform(0.9, 1.1))
                self._look(measured, process)
            self.over.set()
            for one in work:
                one.cancel()
            ended = await asyncio.gather(*work, return_exceptions=True)
        measured.failures += [repr(one) for one in ended if isinstance(one, Exception)]
        measured.failures += [f"{count} {what}" for what, count in self.counts.items() if _is_failure(what)]
        return measured

    def _look(self, measured: Measured, process: int) -> None:
        measured.rounds = sum(count for what, count in self.counts.items() if what.startswith("calls"))
        measured.resident.append(int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE)
        measured.files.append(len(os.listdir(f"/proc/{process}/fd")))
        mib = measured.resident[-1] / 2**20
        print(
            f"{measured.rounds:8} calls {self.counts['frames']:9} frames {mib:7.1f} MiB {measured.files[-1]:4} files",
            flush=True,
        )


def _is_failure(what: str) -> bool:
    """Whether this shall not happen: a call that is refused, a socket that the host gives up."""
    kind, _, code = what.partition(" ")
    return (kind in ("calls", "tasks") and not code.startswith("2")) or (kind == "closed" and code != "1000")


def main() -> int:
    """Soaks; 1 when something grew or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5 * 60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        host = ConsoleHost(Path(folder)).add("text")
        try:
            host.start().set_up()
            made = host.session().post("/api/v1/tokens", json={"name": "soak", "role": "admin"})
            assert made.is_success, made.text
            campaign = _Campaign(host, made.json()["secret"])
            measured = asyncio.run(campaign.run(options.seconds, host.process))
        finally:
            host.close()
    print(dict(sorted(campaign.counts.items())))
    cuts = quantiles(campaign.call_s, n=100)
    print(f"a call takes {cuts[49] * 1000:.0f} ms in the middle, {cuts[98] * 1000:.0f} ms at the 99th of 100")
    problems = measured.problems()
    print("\n".join(problems) if problems else f"flat over {measured.rounds} calls")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
