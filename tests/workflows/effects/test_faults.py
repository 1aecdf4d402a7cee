"""From errors of the host to faults of the specification, and values on the border."""

from __future__ import annotations

from typing import Any

import pytest

from omnicore import errors
from omnicore.workflows.faults import fault_of, of_status
from omnicore.workflows.steps.step import checked_output, parse_json


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (errors.PermissionDenied("no grant"), "authorization", 403),
        (errors.WrongCredentials("who?"), "authentication", 401),
        (errors.DeadlineExceeded("late", limit="timeout_s", allowed=1), "timeout", 408),
        (errors.InvalidInput("bad"), "validation", 400),
        (errors.NotFound("nobody"), "configuration", 404),
        (errors.ServiceRefused("no", status=422, service="s"), "communication", 422),
        (errors.ServiceRefused("no"), "communication", 502),
        (errors.Unavailable("away"), "communication", 503),
        (errors.ToolMissing("no compiler", tool="x"), "configuration", 501),
        (errors.GuestTrapped("trap", trap="unreachable", backtrace="secret frames"), "runtime", 500),
        (errors.MemoryExceeded("oom", limit="m", allowed=1), "runtime", 500),
        (errors.StorageFailed("disk"), "runtime", 503),
        (errors.EngineFailed("broken"), "runtime", 500),
    ],
)
def test_each_error_has_its_type_and_status(error: errors.OmniError, kind: str, status: int) -> None:
    fault = fault_of(error)
    assert fault.type == f"https://serverlessworkflow.io/spec/1.0.0/errors/{kind}"
    assert (fault.status, fault.extra.get("code")) == (status, error.code)
    assert error.fact in fault.detail
    assert "secret frames" not in str(fault.to_json())


def test_every_error_of_the_host_has_some_fault() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        if kind.__init__ is errors.OmniError.__init__:
            assert 400 <= fault_of(kind("fact")).status <= 599


def test_a_guest_s_failure_names_the_plugin() -> None:
    fault = fault_of(errors.GuestFailed("division by zero"), plugin="maths")
    assert fault.detail.startswith("maths: division by zero")
    assert fault.extra["plugin"] == "maths"


def test_a_status_has_its_name_and_a_short_detail() -> None:
    assert (of_status(404).title, of_status(599).title) == ("Not Found", "Status 599")
    assert len(of_status(500, "x" * 10_000).detail) == 2000


@pytest.mark.parametrize(
    "value", [{1, 2}, {1: 2}, float("nan"), float("inf"), "\ud800", {"\ud800": 1}, b"bytes", [[[object()]]]]
)
def test_an_output_that_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(errors.InvalidInput):
        checked_output(value, 1000)


def test_an_output_is_bounded_in_size_and_depth() -> None:
    assert checked_output({"a": [1, 2.5, None, True, ("x",)]}, 1000) == {"a": [1, 2.5, None, True, ["x"]]}
    with pytest.raises(errors.LimitExceeded):
        checked_output(["x" * 500] * 3, 1000)
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with pytest.raises(errors.InvalidInput):
        checked_output(deep, 10_000)


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"NaN", b'{"a": Infinity}', b"\xff", b"1" * 5000])
def test_json_of_strangers_is_read_with_suspicion(data: bytes) -> None:
    with pytest.raises(errors.InvalidInput):
        parse_json(data, "it")
