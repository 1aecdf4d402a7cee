"""A plugin with a grant for this machine, a connector and a workflow against the host's own addresses: none arrives."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.hosting import Served
from tests.plugins.guests import door

from omnicore.config.settings import WorkflowSettings
from omnicore.errors import OmniError, PermissionDenied

MANIFEST = """
[functions.ask]
input_media = "application/json"
[[capabilities]]
name = "http"
reason = "A model server on this machine"
scope = {{ hosts = {hosts}, methods = ["GET", "POST"], private = true }}
"""
WORKFLOW = """
document: { dsl: '1.0.3', namespace: default, name: reach, version: '1.0.0' }
do:
  - attempt:
      try:
        - ask: { call: http, with: { method: get, endpoint: 'URL', output: response } }
      catch: { do: [{ shown: { set: { error: '${ $error }' } } }] }
"""
WAYS = ("localhost", "127.0.0.1", "127.0.0.2", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1")
METADATA = (
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("[fd00:ec2::254]", "[fd00:ec2::23]", "[fd20:ce::254]", "[::ffff:169.254.169.254]"),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A host with plugins whose grants name this machine, each a bit more widely."""
    scopes = {
        "model": ["localhost", "127.0.0.1", "[::1]"],
        "local": ["localhost:*", "127.0.0.1:*", "127.0.0.2:*", "0.0.0.0:*", "[::1]:*", "[::ffff:7f00:1]:*"],
        "wide": ["*:*", *(f"{one}:*" for one in METADATA)],
    }
    files = {f"{name}.wat": door("http_fetch_v1") for name in scopes}
    files |= {f"{name}.toml": MANIFEST.format(hosts=json.dumps(hosts)) for name, hosts in scopes.items()}
    private = WorkflowSettings(http_private=(*scopes["model"], *scopes["local"]))
    with Served(tmp_path_factory.mktemp("reach"), files, workflows=private) as served:
        for name in scopes:
            on_loop(served, asyncio.to_thread(served.host.plugins.grant, name, "http", who="owner"))
        yield served


def on_loop(served: Served, work: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(work, served._loop).result(60)


def asked(served: Served, plugin: str, url: str) -> dict[str, Any]:
    answer = on_loop(served, served.host.call(f"{plugin}.ask", {"url": url}))
    return json.loads(answer) if isinstance(answer, (bytes, str)) else answer


@pytest.mark.parametrize("plugin", ["model", "local", "wide"])
@pytest.mark.parametrize("way", WAYS)
def test_a_plugin_granted_this_machine_never_reaches_the_hosts_own_interface(
    served: Served, plugin: str, way: str
) -> None:
    port = served.url.rpartition(":")[2]
    answer = asked(served, plugin, f"http://{way}:{port}/api/v1/plugins")
    assert answer["error"]["code"] in ("permission-denied", "invalid-input"), answer


@pytest.mark.parametrize("address", METADATA)
def test_a_plugin_granted_everything_never_reaches_metadata(served: Served, address: str) -> None:
    error = asked(served, "wide", f"http://{address}/latest/meta-data/")["error"]
    assert error["code"] == "permission-denied", error


def test_a_connector_whose_name_leads_here_never_reaches_the_hosts_own_interface(served: Served) -> None:
    register, port = served.host.connectors.register, served.url.rpartition(":")[2]
    # The machine's own name is one that a name server answers for.
    register.add("back", "http", {"base_url": f"http://{socket.gethostname()}:{port}", "private_network": True})
    with pytest.raises(OmniError) as caught:
        on_loop(served, served.host.connectors.use("owner", "back", "get", {"path": "/healthz"}))
    assert isinstance(caught.value, PermissionDenied), caught.value


@pytest.mark.parametrize("way", WAYS)
def test_a_workflow_never_reaches_the_hosts_own_interface(served: Served, way: str) -> None:
    port = served.url.rpartition(":")[2]

    async def ran() -> Any:
        await served.host.workflows.apply(WORKFLOW.replace("URL", f"http://{way}:{port}/healthz"), by="tests")
        return await served.host.workflows.run("reach", {}, by="tests")

    output = on_loop(served, ran())
    assert output["error"]["status"] in (400, 403), output
