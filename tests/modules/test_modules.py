"""Every module that comes with the product does its work inside of an application."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from omnicore.clock import ManualClock
from omnicore.core.app import OmniApp
from omnicore.core.extensions import Extension, Extensions
from omnicore.core.kernel import Kernel
from omnicore.errors import Conflict, InvalidInput, InvalidSetting, NotFound
from omnicore.modules.cache import CacheModule
from omnicore.modules.config import ConfigModule
from omnicore.modules.health import HealthModule
from omnicore.modules.messages import MessagingModule
from omnicore.modules.metrics import MetricsModule
from omnicore.modules.plugins import PluginsModule
from omnicore.modules.tasks import TasksModule

HELLO = Path(__file__).parents[2] / "host/omnicore/cli/templates/app/plugins/hello.wat"


def an_app(*modules, extensions: Extensions | None = None, **settings) -> OmniApp:
    app = OmniApp("app", extensions=extensions or Extensions(), **settings)
    for module in modules:
        app.add_module(module)
    return app


@pytest.fixture
def plugins(tmp_path):
    """A plugins module with one plugin."""
    (tmp_path / "plugins").mkdir()
    for file in (HELLO, HELLO.with_suffix(".toml")):
        (tmp_path / "plugins" / file.name).write_text(file.read_text())
    return PluginsModule(tmp_path / "plugins", data=tmp_path / "data", watch=False, port=0)


# -- health


class Part:
    def __init__(self, name: str, answer) -> None:
        self.name, self.answer, self.asked = name, answer, 0

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def health(self):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer() if callable(self.answer) else self.answer


def test_health_is_what_the_modules_say_and_the_worst_counts():
    async def later():
        return {"status": "degraded", "queue": 7}

    health = HealthModule()
    app = an_app(health, Part("a", True), Part("b", later), Part("c", None))
    assert health.check()["status"] == "UNINITIALIZED"
    with app:
        found = health.check()
    assert (found["status"], found["health"], found["app"]) == ("RUNNING", "Degraded", "app")
    assert found["modules"] == {
        "a": {"status": "Healthy"},
        "b": {"status": "Degraded", "queue": 7},
        "c": {"status": "Healthy"},
    }
    assert health.check()["status"] == "STOPPED"
    assert HealthModule().check() == {"status": "UNINITIALIZED", "health": "Healthy", "modules": {}}


def test_a_module_that_fails_or_does_not_answer_is_unhealthy_and_is_not_asked_again_meanwhile():
    let_go = threading.Event()
    slow, bad = Part("slow", let_go.wait), Part("bad", OSError("gone"))
    health = HealthModule(probe_s=0.05)
    with an_app(health, slow, bad, Part("no", False), Part("word", "unhealthy")):
        first, second = health.check()["modules"], health.check()["modules"]
        assert {name: one["status"] for name, one in second.items()} == dict.fromkeys(first, "Unhealthy")
        assert second["slow"]["detail"] == "did not end within 0.05 s"
        assert second["bad"]["detail"] == "failed: OSError: gone"
        assert (slow.asked, bad.asked) == (1, 2)
        let_go.set()


async def test_on_the_loop_of_an_application_health_is_awaited():
    health = HealthModule()
    kernel = Kernel("k", extensions=Extensions())
    kernel.add_module(health)
    kernel.add_module(Part("a", True))
    async with kernel:
        assert (await health.report())["modules"] == {"a": {"status": "Healthy"}}
        with pytest.raises(Conflict, match="await report"):
            health.check()
        await kernel.pause()
        assert (await health.report())["status"] == "PAUSED"


# -- cache


def test_the_cache_keeps_what_was_used_last_within_its_items():
    with an_app(cache := CacheModule(max_items=2)):
        for key in "ab":
            cache.set(key, key.upper())
        assert cache.get("a") == "A"
        cache.set("c", "C")
        assert [cache.get(key) for key in "abc"] == ["A", None, "C"]
        stats = cache.stats()
        assert (stats.hits, stats.misses, stats.evicted, stats.items) == (3, 1, 1, 2)
    assert len(cache) == 0


def test_the_cache_keeps_to_its_bytes_and_refuses_what_never_fits():
    cache = CacheModule(max_bytes=1000)
    with an_app(cache):
        assert cache.set("a", b"x" * 500)
        assert cache.set("b", b"x" * 500)
        assert (cache.get("a"), cache.stats().items) == (None, 1)
        assert not cache.set("b", b"x" * 2000)
        assert (cache.get("b"), cache.stats().bytes, cache.stats().refused) == (None, 0, 1)
        assert not cache.set("c", object(), size=10**9)


def test_the_cache_lets_go_what_is_too_old():
    clock = ManualClock()
    cache = CacheModule(ttl_s=10, clock=clock)
    with an_app(cache):
        cache.set("a", 1)
        cache.set("b", 2, ttl_s=60)
        clock.advance(10)
        assert (cache.get("a", "gone"), cache.get("b"), cache.stats().expired) == ("gone", 2, 1)


def test_the_cache_makes_what_is_missing_once_and_keeps_none_too():
    made = []
    cache = CacheModule()
    with an_app(cache):
        for _ in range(3):
            assert cache.get_or("a", lambda: made.append(1)) is None
        assert made == [1]
        assert cache.delete("a")
        assert not cache.delete("a")


def test_a_cache_without_room_is_refused():
    with pytest.raises(InvalidSetting):
        CacheModule(max_items=0)


# -- configuration


def test_settings_have_their_layers_origins_and_a_way_to_be_read_again(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("port: 1\napp:\n  name: file\n  deep: {a: 1}\n")
    config = ConfigModule(file, environ={"OMNICORE_APP__NAME": "variable"}, overrides={"app.more": 3})
    app = an_app(config)
    assert config["app.name"] == "variable"  # before the start, for modules that are made with it
    with app, app.bus.subscribe("config.changed") as events:
        assert (config["port"], config["app.more"], config["app.deep"]) == (1, 3, {"a": 1})
        assert config.origin("app.deep.a") == f"{file}:4"
        assert config.origin("app.name") == "OMNICORE_APP__NAME"
        assert config.get("app.nothing", "default") == "default"
        with pytest.raises(NotFound, match=r"app\.nothing"):
            config["app.nothing"]
        file.write_text("port: 2\n")
        assert config.reload() == ["app.deep.a", "port"]
        assert events.drain()[0].data == {"names": ["app.deep.a", "port"]}
        file.write_text("port: [\n")
        with pytest.raises(InvalidSetting):
            config.reload()
        assert config["port"] == 2


# -- messaging


def test_handlers_get_their_events_in_order_and_finish_what_is_queued():
    seen: list[object] = []
    messages = MessagingModule()

    async def later(event) -> None:
        await asyncio.sleep(0)
        seen.append(event.data)

    def bad(event) -> None:
        raise ValueError(event.data)

    app = an_app(messages)
    messages.subscribe("orders.*", later)
    messages.subscribe("orders.*", bad)
    with app:
        for number in range(50):
            messages.publish("orders.new", number)
        messages.publish("other.new", "x")
        with pytest.raises(Conflict):
            messages.subscribe("**", later)
    assert seen == list(range(50))
    assert (messages.stats().handled, messages.stats().failed, messages.stats().dropped) == (50, 50, 0)


def test_a_slow_handler_misses_the_oldest_and_health_says_so():
    let_go = threading.Event()
    seen: list[int] = []

    def slow(event) -> None:
        let_go.wait()
        seen.append(event.data)

    messages, health = MessagingModule(), HealthModule()
    app = an_app(messages, health)
    messages.subscribe("n.*", slow, queue=4)
    with app:
        for number in range(20):
            messages.publish("n.new", number)
        found = health.check()["modules"]["messaging"]
        assert (found["status"], found["dropped"] >= 15) == ("Degraded", True)
        let_go.set()
    assert seen[-4:] == [16, 17, 18, 19]


def test_messages_need_an_application_and_a_pattern_that_can_match():
    with pytest.raises(Conflict):
        MessagingModule().publish("a")
    with pytest.raises(InvalidInput):
        MessagingModule().subscribe("a..b", print)


# -- metrics


def test_figures_of_the_application_and_its_own_are_told():
    metrics = MetricsModule()
    with an_app(metrics, CacheModule()):
        metrics.gauge("orders_open", "Orders", lambda: 7.0)
        with metrics.timed("import"):
            pass
        with pytest.raises(NotFound), metrics.timed("import"):
            raise NotFound("x")
        text = metrics.render().decode()
    assert "omnicore_app_modules_running 2.0" in text
    assert "omnicore_orders_open 7.0" in text
    assert 'omnicore_calls_total{function="import",outcome="not-found",plugin="app"} 1.0' in text
    assert float(text.split("\nomnicore_app_uptime_seconds ")[1].split()[0]) >= 0


# -- tasks and plugins


def test_jobs_run_in_the_background_and_stop_lets_them_finish():
    done: list[int] = []
    tasks = TasksModule(workers=2)

    async def job(number: int) -> int:
        await asyncio.sleep(0)
        done.append(number)
        return number * 2

    def fails() -> None:
        raise ValueError("no")

    with an_app(tasks):
        assert tasks.submit(job, 21).result(60) == 42
        with pytest.raises(ValueError, match="no"):
            tasks.submit(fails).result(60)
        futures = [tasks.submit(job, number) for number in range(100)]
    assert sorted(done) == [*range(22), *range(21, 100)]
    assert all(future.done() for future in futures)
    with pytest.raises(Conflict):
        tasks.submit(job, 1)


def test_a_task_of_a_plugin_is_stored_where_there_is_a_host_and_refused_where_there_is_none(plugins):
    tasks = TasksModule()
    with an_app(plugins, tasks) as app:
        assert tasks.submit("hello.greet", "task").result(60) == "Hello, task!"
        assert app.host.tasks.finished == 1
    with an_app(alone := TasksModule()), pytest.raises(InvalidInput):
        alone.submit("hello.greet", "task").result(60)


def test_an_application_calls_its_plugins_and_shares_bus_metrics_and_native_plugins_with_their_host(plugins):
    class Doubler:
        name = "doubler"

        def register(self, app) -> None:
            self.app = app

        def functions(self):
            return {"double": lambda value: [self.app.name, value * 2]}

    extensions = Extensions()
    extensions.add(Extension("doubler", "x:D"), Doubler)
    metrics, health = MetricsModule(), HealthModule()
    app = an_app(plugins, metrics, health, extensions=extensions)
    with pytest.raises(Conflict, match="does not run"):
        plugins.call("hello.greet", "x")
    with app, app.bus.subscribe("plugin.*") as events:
        assert app.host is plugins.host
        assert plugins.call("hello.greet", "World") == "Hello, World!"
        assert app.wait(plugins.host.call("hello.greet", "loop")) == "Hello, loop!"
        assert plugins.call("doubler.double", 21) == ["app", 42]
        assert [view.trust for view in plugins.host.plugins.list()] == ["native", "sandboxed"]
        plugins.host.plugins.disable("hello")
        assert [event.topic for event in events.drain()] == ["plugin.disabled"]
        text = metrics.render().decode()
        assert "omnicore_app_modules 3.0" in text
        assert 'omnicore_calls_total{function="greet"' in text
        assert health.check()["modules"]["plugins"]["status"] in ("Healthy", "Degraded")
    assert app.host is None


def test_an_application_that_serves_answers_rest_until_it_stops(tmp_path, plugins):
    serving = PluginsModule(tmp_path / "plugins", data=tmp_path / "data", watch=False, port=0, serve=True)
    doubler = type("D", (), {"name": "doubler", "functions": lambda _: {"double": lambda number: number * 2}})
    extensions = Extensions()
    extensions.add(Extension("doubler", "x:D"), doubler)
    with an_app(serving, extensions=extensions):
        url = serving.url
        assert httpx.post(f"{url}/api/v1/plugins/hello/functions/greet", content=b"REST").status_code == 401
        client = httpx.Client(headers={"authorization": f"Bearer {serving.host.access.owner.made()}"})
        answer = client.post(f"{url}/api/v1/plugins/hello/functions/greet", content=b"REST")
        assert answer.text == "Hello, REST!"
        items = client.get(f"{url}/api/v1/plugins").json()["items"]
        assert [(item["name"], item["trust"]) for item in items] == [("doubler", "native"), ("hello", "sandboxed")]
        doubled = client.post(f"{url}/api/v1/plugins/doubler/functions/double", content=b"21")
        assert (doubled.json(), doubled.headers["content-type"]) == (42, "application/json")
        assert client.post(f"{url}/api/plugins/doubler/execute", json={"input": 4}).json() == {"output": 8}
        state = client.put(f"{url}/api/v1/plugins/doubler/state", json={"state": "disabled"})
        assert state.json()["state"] == "disabled"
        refused = client.post(f"{url}/api/v1/plugins/doubler/functions/double", content=b"21")
        assert (refused.status_code, refused.json()["remedy"]) == (503, "run `omnicore plugins enable doubler`")
        assert client.delete(f"{url}/api/v1/plugins/doubler").status_code == 409
        client.close()
    assert serving.url is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")


def test_a_server_that_cannot_listen_keeps_the_application_from_starting(tmp_path, plugins):
    serving = PluginsModule(tmp_path / "plugins", data=tmp_path / "data", watch=False, host="0.0.0.0", serve=True)
    app = an_app(serving)
    with pytest.raises(Exception, match="there are no users and no token") as caught:
        app.start()
    assert caught.value.details["modules"] == ["plugins"]
    assert app.host is None
