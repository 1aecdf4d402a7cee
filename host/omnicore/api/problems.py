"""Errors as `application/problem+json`: a table from the error tree to status codes.

Source: RFC 9457.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from typing import Any

from starlette.exceptions import HTTPException

from omnicore import errors

MEDIA = "application/problem+json"

_log = logging.getLogger("omnicore.api")

# RFC 9110 renamed two; Python follows from 3.13 on, and a document must not depend on who wrote it.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}

STATUS: Mapping[type[errors.OmniError], int] = {
    errors.OmniError: 500,
    errors.CallerError: 400,
    errors.NotFound: 404,
    errors.InvalidInput: 422,
    errors.InvalidSetting: 422,
    errors.PermissionDenied: 403,
    errors.WrongCredentials: 401,
    errors.TooManyTries: 429,
    errors.Conflict: 409,
    errors.InstanceBusy: 503,
    errors.CallCancelled: 503,
    errors.GuestError: 502,
    errors.ModuleRejected: 422,
    errors.LinkFailed: 422,
    errors.ManifestInvalid: 422,
    errors.PackageRejected: 422,
    errors.DeadlineExceeded: 504,
    errors.HostError: 500,
    errors.CapacityReached: 503,
    errors.ServiceRefused: 502,
    errors.StorageAway: 503,
    errors.StorageBusy: 503,
    errors.Unavailable: 503,
    errors.WrongMasterKey: 503,
}
"""The status of each class; one that is not listed has its nearest ancestor's."""

_DISK_FULL = ("SQLITE_FULL", "No space left on device", "Disk quota exceeded")


def phrase(status: int) -> str:
    """The reason phrase of a status. Source: RFC 9110, section 15."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


@dataclass(frozen=True, slots=True)
class Problem:
    """A failed request: the fact and the remedy."""

    status: int
    code: str
    detail: str
    remedy: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """The document. `instance` names the request, as the log and the `x-request-id` header do."""
        document = {
            **self.details,
            "type": f"urn:omnicore:error:{self.code}",
            "title": phrase(self.status),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "remedy": self.remedy,
            "instance": f"urn:omnicore:request:{request_id}",
        }
        return json.dumps(document, default=str).encode()


class RefusalError(Exception):
    """Ends a request with one of HTTP's own problems, such as a wrong method."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_of(error: Exception, request_id: str) -> Problem:
    """The problem of an error. Unexpected errors are logged and reveal nothing."""
    if isinstance(error, RefusalError):
        return error.problem
    if isinstance(error, HTTPException):
        return _http_problem(error)
    if isinstance(error, errors.StorageFailed):
        return _storage_problem(error)
    if isinstance(error, errors.OmniError):
        status = _status(error)
        return Problem(status, error.code, error.fact, error.remedy, _retry_after(error, status), error.details)
    _log.error("request %s failed", request_id, exc_info=error)
    return Problem(500, "internal", "the host failed", "see the host's log for the request named by `instance`")


def status_of(error: Exception) -> int:
    """The status of the problem of an error."""
    if isinstance(error, RefusalError):
        return error.problem.status
    if isinstance(error, HTTPException):
        return error.status_code
    return _status(error) if isinstance(error, errors.OmniError) else 500


def _storage_problem(error: errors.StorageFailed) -> Problem:
    """The problem of a database. Callers are not shown where it is: the address stands in the host's log."""
    status, place = _status(error), str(error.details.get("path", ""))
    fact = error.fact.replace(place, "the database") if place else error.fact
    details = {name: value for name, value in error.details.items() if name not in ("path", "reason")}
    return Problem(status, error.code, fact, error.remedy, _retry_after(error, status), details)


def _http_problem(error: HTTPException) -> Problem:
    """The problem of one of Starlette's own errors, such as a wrong method."""
    headers = tuple((name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items())
    code = "wrong-method" if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else "http"
    return Problem(error.status_code, code, error.detail, "see /openapi.json for what is here", headers)


def _status(error: errors.OmniError) -> int:
    if isinstance(error, errors.InvalidInput) and "limit" in error.details:
        return 413
    if isinstance(error, errors.LimitExceeded) and "retry_after_s" in error.details:
        return 429
    if isinstance(error, errors.StorageFailed) and error.details.get("reason") in _DISK_FULL:
        return 507
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def _retry_after(error: errors.OmniError, status: int) -> tuple[tuple[bytes, bytes], ...]:
    if status not in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return ()
    seconds = ceil(error.details.get("retry_after_s", 1))
    return ((b"retry-after", b"%d" % max(seconds, 1)),)
