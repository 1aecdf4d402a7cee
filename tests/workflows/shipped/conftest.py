"""One host, one world of services and one cloud for the tests of all examples."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer
from tests.workflows.shipped.desk import Desk
from tests.workflows.shipped.services import World, world_of

from omnicore.config.settings import WorkflowSettings


@pytest.fixture(scope="package")
def _world() -> Iterator[World]:
    with world_of() as world:
        yield world


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    """Services that nobody has asked yet."""
    yield _world
    _world.forget()


@pytest.fixture(autouse=True)
def _rest(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "desk" in request.fixturenames:
        request.getfixturevalue("desk").rest()


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A served host with the shipped plugins."""
    workflows = WorkflowSettings(http_private=("127.0.0.1:*",), park_s=0.2)
    with Desk(tmp_path_factory.mktemp("desk"), workflows=workflows) as desk:
        desk.do(lambda host: host.plugins.grant("counter", "kv", who="tests"))
        yield desk


@pytest.fixture(scope="package")
def cloud() -> Iterator[str]:
    """Where S3 and SQS are."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
