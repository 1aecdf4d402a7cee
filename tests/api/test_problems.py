"""The table from errors to statuses."""

from __future__ import annotations

import json

import pytest

from omnicore import errors
from omnicore.api.problems import STATUS, problem_of

CLASSES = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.OmniError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_of_the_host_has_a_status(kind: type[errors.OmniError]) -> None:
    problem = problem_of(kind("it failed", remedy="do this", path="here"), "r1")
    assert 400 <= problem.status < 600
    document = json.loads(problem.body("r1"))
    assert (document["detail"], document["remedy"]) == ("it failed", "do this")
    assert document.get("path") == (None if issubclass(kind, errors.StorageFailed) else "here")
    assert (document["code"], document["status"]) == (kind.code, problem.status)
    assert document["instance"] == "urn:omnicore:request:r1"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound("x"), 404),
        (errors.InvalidInput("x"), 422),
        (errors.InvalidInput("x", limit="input_bytes"), 413),
        (errors.PermissionDenied("x"), 403),
        (errors.Conflict("x"), 409),
        (errors.InstanceBusy("x"), 503),
        (errors.CapacityReached("x"), 503),
        (errors.Unavailable("x"), 503),
        (errors.DeadlineExceeded("x"), 504),
        (errors.FuelExhausted("x"), 502),
        (errors.GuestTrapped("x"), 502),
        (errors.ModuleRejected("x"), 422),
        (errors.PackageRejected("x"), 422),
        (errors.StorageFailed("x", reason="SQLITE_BUSY"), 500),
        (errors.StorageFailed("x", reason="SQLITE_FULL"), 507),
        (errors.StorageAway("x"), 503),
        (errors.StorageBusy("x"), 503),
        (errors.EngineFailed("x"), 500),
    ],
)
def test_the_status_says_who_can_act(error: errors.OmniError, status: int) -> None:
    assert problem_of(error, "r").status == status


def test_a_refusal_for_now_says_when_to_try_again() -> None:
    assert problem_of(errors.Unavailable("x", retry_after_s=41.2), "r").headers == ((b"retry-after", b"42"),)
    assert problem_of(errors.CapacityReached("x"), "r").headers == ((b"retry-after", b"1"),)
    assert problem_of(errors.NotFound("x"), "r").headers == ()


def test_a_caller_is_not_told_where_the_database_is() -> None:
    place = "postgresql://db.internal/omnicore"
    error = errors.StorageAway(f"{place} does not answer", path=place, reason="connection to server at db.internal")
    assert b"db.internal" not in problem_of(error, "r").body("r")


def test_details_do_not_replace_what_a_problem_says() -> None:
    document = json.loads(problem_of(errors.NotFound("x", status=1, title="no", odd=object()), "r").body("r"))
    assert (document["status"], document["title"]) == (404, "Not Found")


def test_the_table_lists_only_errors_of_the_tree() -> None:
    assert set(STATUS) <= set(CLASSES)
