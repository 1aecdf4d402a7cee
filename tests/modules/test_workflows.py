"""Workflows of an application: over the host of its plugins, from any thread."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plugins.guests import ECHO
from tests.workflows.engines import text

from omnicore.core.app import OmniApp
from omnicore.errors import Conflict, WorkflowFailed
from omnicore.modules.plugins import PluginsModule
from omnicore.modules.workflows import WorkflowModule


def test_an_application_runs_workflows_over_its_plugins(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/echo.wat").write_text(ECHO)
    app = OmniApp("shop")
    app.add_module(PluginsModule(tmp_path / "plugins", data=tmp_path / "data", watch=False, port=0))
    module = WorkflowModule(
        text("say", "- a: {call: echo.echo, with: '${ .name }'}"),
        text("odd", "- a: {raise: {error: {type: 'urn:odd', status: 418, title: Odd}}}"),
    )
    flows = app.add_module(module)
    with pytest.raises(Conflict):
        flows.run("say")
    with app:
        assert flows.run("say", {"name": "Ada"}).result(10) == "Ada"
        assert flows.health()["status"] == "healthy"
        with pytest.raises(WorkflowFailed):
            flows.run("odd").result(10)
