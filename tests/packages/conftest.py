"""Registries that run for a session, and the packages of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.coroutines import pytest_pyfunc_call
from tests.packages.registries import RegistryServer, registry_server

__all__ = ["pytest_pyfunc_call"]


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry without TLS and without users."""
    with registry_server(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry with TLS and basic authentication."""
    with registry_server(tmp_path_factory.mktemp("guarded"), guarded=True) as server:
        yield server
