"""DBOS: `python dbos_peer.py DATABASE_URL RUNS AT_ONCE` prints `{"runs_per_s", "p50_ms", "cpu_ms"}`.

Steps that do nothing but hand their input on, as in our row; the defaults of the package, but for its logs.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time

from dbos import DBOS


@DBOS.step()
async def first(value: int) -> int:
    return value + 1


@DBOS.step()
async def second(value: int) -> int:
    return value + 1


@DBOS.step()
async def third(value: int) -> int:
    return value + 1


@DBOS.workflow()
async def three(value: int) -> int:
    return await third(await second(await first(value)))


async def measured(runs: int, at_once: int) -> dict[str, float]:
    gate = asyncio.Semaphore(at_once)
    taken: list[float] = []

    async def one(number: int) -> None:
        async with gate:
            began = time.perf_counter()
            assert await three(number) == number + 3
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(one(number) for number in range(at_once)))
    taken.clear()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(number) for number in range(runs)))
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return {"runs_per_s": runs / took, "p50_ms": statistics.median(taken) * 1e3, "cpu_ms": used / runs * 1e3}


async def main(url: str, runs: int, at_once: int) -> None:
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})
    DBOS.launch()
    print(json.dumps(await measured(runs, at_once)), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
