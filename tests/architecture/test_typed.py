"""Programs that use the package are checked against its types."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import omega_runtime
import omnicore
from omnicore.core.app import OmniApp
from omnicore.portal import BlockingHost
from omnicore.runtime.tasks import TaskEngine

FACES = [omnicore.Host, BlockingHost, OmniApp, TaskEngine, omega_runtime.OmegaRuntime, omega_runtime.OmegaAPI]


@pytest.mark.parametrize("package", [omnicore, omega_runtime], ids=lambda one: one.__name__)
def test_a_package_says_that_it_is_typed(package) -> None:
    assert (Path(package.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("face", FACES, ids=lambda one: one.__name__)
def test_every_public_method_names_the_types_that_it_takes_and_gives(face) -> None:
    methods = [one for name, one in inspect.getmembers(face, inspect.isfunction) if not name.startswith("_")]
    assert methods
    for method in [face.__init__, *methods]:
        signature = inspect.signature(method)
        takes = [one for one in list(signature.parameters.values())[1:] if one.annotation is inspect.Parameter.empty]
        assert (method.__name__, takes, signature.return_annotation is inspect.Signature.empty) == (
            *(method.__name__, [], False),
        )
