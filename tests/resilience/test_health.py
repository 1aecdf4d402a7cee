"""Health: counting, staleness, what parts say themselves, and probes that hang."""

from __future__ import annotations

import asyncio
import itertools
import threading

import pytest

from omnicore.clock import ManualClock
from omnicore.errors import Conflict, NotFound, StorageAway
from omnicore.resilience.health import Change, HealthMonitor, HealthStatus, Thresholds

Healthy, Degraded, Unhealthy = HealthStatus


class Watched:
    """A monitor with a clock and a list of what it told."""

    def __init__(self, **settings: object) -> None:
        self.clock = ManualClock()
        self.told: list[Change] = []
        self.monitor = HealthMonitor(clock=self.clock, changed=self.told.append, **settings)  # type: ignore[arg-type]

    def fail(self, name: str, times: int) -> list[HealthStatus]:
        return [self.monitor.update(name, False, "it broke") for _ in range(times)]

    def heal(self, name: str, times: int) -> list[HealthStatus]:
        return [self.monitor.update(name, True) for _ in range(times)]


@pytest.fixture
def watched() -> Watched:
    watched = Watched()
    watched.monitor.register("vectors")
    return watched


def test_three_failures_in_a_row_degrade_and_five_are_unhealthy(watched: Watched) -> None:
    assert watched.fail("vectors", 5) == [Healthy, Healthy, Degraded, Degraded, Unhealthy]
    assert watched.monitor.report().reasons == {"vectors": "it broke"}


def test_five_successes_in_a_row_heal(watched: Watched) -> None:
    watched.fail("vectors", 5)
    assert watched.heal("vectors", 4) == [Unhealthy] * 4
    watched.fail("vectors", 1)
    assert watched.heal("vectors", 5) == [*[Unhealthy] * 4, Healthy]
    assert watched.monitor.report().reasons == {}


def test_a_success_between_failures_starts_the_count_again(watched: Watched) -> None:
    watched.fail("vectors", 2)
    watched.heal("vectors", 1)
    assert watched.fail("vectors", 2) == [Healthy, Healthy]


def test_the_whole_is_as_its_worst_critical_part(watched: Watched) -> None:
    watched.monitor.register("plugins", critical=False)
    watched.fail("plugins", 5)
    report = watched.monitor.report()
    assert (report.subsystems["plugins"], report.overall) == (Unhealthy, Degraded)
    watched.fail("vectors", 5)
    assert watched.monitor.overall() is Unhealthy


def test_each_change_is_told_once_with_its_reason_and_the_whole_after_it(watched: Watched) -> None:
    watched.fail("vectors", 6)
    assert watched.told == [
        Change("vectors", Healthy, Degraded, "it broke"),
        Change("overall", Healthy, Degraded, "vectors: it broke"),
        Change("vectors", Degraded, Unhealthy, "it broke"),
        Change("overall", Degraded, Unhealthy, "vectors: it broke"),
    ]


def test_a_part_that_is_silent_for_too_long_is_degraded_until_it_speaks(watched: Watched) -> None:
    watched.heal("vectors", 1)
    watched.clock.advance(300)
    assert watched.monitor.overall() is Healthy
    watched.clock.advance(1)
    report = watched.monitor.report()
    assert (report.overall, report.reasons) == (Degraded, {"vectors": "no check for more than 300 s"})
    watched.heal("vectors", 1)
    assert watched.monitor.overall() is Healthy


def test_a_part_that_never_was_to_be_checked_is_not_stale(watched: Watched) -> None:
    watched.clock.advance(10_000)
    assert watched.monitor.overall() is Healthy


def test_who_knows_better_sets_the_state_and_checks_count_from_there(watched: Watched) -> None:
    watched.monitor.set_health("vectors", Unhealthy, "being moved")
    assert watched.monitor.report().reasons == {"vectors": "being moved"}
    assert watched.heal("vectors", 5)[-1] is Healthy
    watched.monitor.set_health("vectors", Degraded)
    watched.monitor.set_health("vectors", Healthy)
    assert watched.monitor.report().reasons == {}


def test_what_is_known_of_a_part_can_be_read(watched: Watched) -> None:
    watched.fail("vectors", 1)
    watched.monitor.update_metadata("vectors", engine="hnsw")
    seen = watched.monitor.subsystem("vectors")
    assert (seen.status, seen.reason, seen.consecutive_failures, seen.total_checks, seen.total_failures) == (
        *(Healthy, "it broke", 1, 1, 1),
    )
    assert (seen.last_check, seen.metadata) == (watched.clock.now(), {"engine": "hnsw"})
    assert watched.monitor.counts() == {Healthy: 1, Degraded: 0, Unhealthy: 0}
    assert watched.monitor.named(Healthy) == ["vectors"]
    assert [one.name for one in watched.monitor.subsystems()] == ["vectors"]


def test_parts_come_and_go(watched: Watched) -> None:
    with pytest.raises(Conflict, match="vectors is watched already"):
        watched.monitor.register("vectors")
    with pytest.raises(Conflict):
        watched.monitor.register("overall")
    watched.fail("vectors", 5)
    assert watched.monitor.unregister("vectors")
    assert not watched.monitor.unregister("vectors")
    assert watched.monitor.overall() is Healthy
    with pytest.raises(NotFound, match="no part vectors"):
        watched.monitor.update("vectors", True)
    watched.monitor.register("a")
    watched.monitor.clear()
    assert len(watched.monitor) == 0


def test_a_status_reads_as_its_name_and_has_a_score() -> None:
    assert [(f"{one}", one.name, one.score) for one in HealthStatus] == [
        ("Healthy", "Healthy", 100),
        ("Degraded", "Degraded", 50),
        ("Unhealthy", "Unhealthy", 0),
    ]


def test_probes_run_side_by_side_and_their_failures_count() -> None:
    async def scene() -> None:
        watched = Watched(thresholds=Thresholds(degraded=1, unhealthy=2))
        both = asyncio.Barrier(2)

        async def meets() -> None:
            await both.wait()

        async def breaks() -> None:
            await both.wait()
            raise OSError("the disk is gone")

        watched.monitor.register("a", meets)
        watched.monitor.register("b", breaks)
        report = await watched.monitor.check()
        assert report.subsystems == {"a": Healthy, "b": Degraded}
        assert report.reasons == {"b": "the disk is gone"}

    asyncio.run(scene())


def test_a_probe_may_block_a_thread_of_its_own() -> None:
    async def scene() -> None:
        watched = Watched()
        names: list[str] = []
        watched.monitor.register("disk", lambda: names.append(threading.current_thread().name))
        watched.monitor.register("bad", lambda: 1 / 0)
        report = await watched.monitor.check()
        assert names == ["omnicore-probe-disk"]
        assert report.overall is Healthy
        assert watched.monitor.subsystem("bad").reason == "division by zero"

    asyncio.run(scene())


def test_what_a_part_says_itself_holds_at_once_and_ends_at_once() -> None:
    async def scene() -> None:
        watched = Watched()
        says = ["searched one by one"]
        watched.monitor.register("vectors", lambda: says[0])
        report = await watched.monitor.check()
        assert (report.overall, report.reasons) == (Degraded, {"vectors": "searched one by one"})
        says[0] = ""
        assert (await watched.monitor.check()).overall is Healthy

    asyncio.run(scene())


def test_a_database_that_is_away_is_unhealthy_at_once_and_back_at_once() -> None:
    async def scene() -> None:
        watched, away = Watched(), [True]

        def probe() -> None:
            if away[0]:
                raise StorageAway("the database does not answer")

        watched.monitor.register("storage", probe)
        assert (await watched.monitor.check()).overall is Unhealthy
        away[0] = False
        assert (await watched.monitor.check()).overall is Healthy

    asyncio.run(scene())


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_probe_that_hangs_is_cut_counted_and_not_begun_again(stubborn: bool) -> None:
    async def scene() -> None:
        watched = Watched(probe_s=0.01, thresholds=Thresholds(degraded=2))
        begun = 0
        free = asyncio.Event()

        async def hangs() -> None:
            nonlocal begun
            begun += 1
            try:
                await free.wait()
            except asyncio.CancelledError:
                if not stubborn:
                    raise
                await free.wait()

        watched.monitor.register("slow", hangs)
        watched.monitor.register("quick", lambda: None)
        assert (await watched.monitor.check()).overall is Healthy
        assert watched.monitor.subsystem("slow").reason == "no answer within 0.01 s"
        report = await watched.monitor.check()
        assert report.subsystems == {"slow": Degraded, "quick": Healthy}
        assert begun == (1 if stubborn else 2)
        free.set()
        await watched.monitor.stop()

    asyncio.run(scene())


def test_a_thread_that_hangs_costs_one_thread_and_recovers() -> None:
    async def scene() -> None:
        watched = Watched(probe_s=0.02)
        free = threading.Event()
        begun = []

        def hangs() -> None:
            begun.append(1)
            free.wait(60)

        watched.monitor.register("slow", hangs)
        for _ in range(3):
            await watched.monitor.check()
        assert watched.monitor.report().overall is Degraded
        assert len(begun) == 1
        free.set()

    asyncio.run(scene())


def test_started_it_looks_again_and_again_until_it_is_stopped() -> None:
    async def scene() -> None:
        watched = Watched(interval_s=0.001)
        thrice = asyncio.Event()
        rounds = 0

        async def probe() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 3:
                thrice.set()

        watched.monitor.register("a", probe)
        await watched.monitor.start()
        async with asyncio.timeout(60):
            await thrice.wait()
        await watched.monitor.stop()
        await watched.monitor.stop()

    asyncio.run(scene())


def test_changes_from_many_threads_arrive_in_order() -> None:
    watched = Watched(thresholds=Thresholds(degraded=1, unhealthy=2, recovery=1))
    watched.monitor.register("a")

    def shake() -> None:
        for _ in range(200):
            watched.monitor.update("a", False)
            watched.monitor.update("a", True)

    threads = [threading.Thread(target=shake) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [change for change in watched.told if change.component == "a"]
    assert all(before.new is after.old for before, after in itertools.pairwise(told))
    assert told[-1].new is Healthy
