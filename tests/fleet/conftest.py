"""One NATS server for this folder's tests, and fleets on it."""

from __future__ import annotations

from tests.coroutines import pytest_pyfunc_call
from tests.services.conftest import Servers, servers

__all__ = ["Servers", "pytest_pyfunc_call", "servers"]
