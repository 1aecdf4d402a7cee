"""@name@: modules with one life. `omnicore run` starts it, and so does `python main.py`."""

from pathlib import Path

from omnicore.core.app import OmniApp
from omnicore.modules.config import ConfigModule
from omnicore.modules.health import HealthModule
from omnicore.modules.plugins import PluginsModule
from omnicore.modules.tasks import TasksModule

SETTINGS = Path(__file__).with_name("config.yaml")

# Modules start in this order and stop in reverse.
app = OmniApp("@name@")
config = app.add_module(ConfigModule(SETTINGS))
health = app.add_module(HealthModule())
plugins = app.add_module(PluginsModule(config=SETTINGS))  # serve=True answers REST as well
tasks = app.add_module(TasksModule(workers=2))


async def greet(name: str) -> str:
    """A job: it calls the plugin in plugins/hello.wat."""
    return await plugins.host.call("hello.greet", name)


def main() -> None:
    """Starts, does its work, and stops."""
    with app:
        print("App running:", health.check()["health"])
        print(tasks.submit(greet, config["app.greet"]).result())


if __name__ == "__main__":
    main()  # a service calls app.run() instead: it goes on until Ctrl-C or SIGTERM, and lets tasks finish
