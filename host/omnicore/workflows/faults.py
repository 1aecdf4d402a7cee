"""Faults: errors of a workflow as the specification defines them, and the mapping from the host's errors.

Source: DSL 1.0.3, errors and standard error types; RFC 7807.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from omnicore.errors import (
    BuildFailed,
    CallCancelled,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    GuestError,
    InvalidInput,
    InvalidSetting,
    LimitExceeded,
    NotFound,
    OmniError,
    PermissionDenied,
    ServiceRefused,
    StorageFailed,
    ToolMissing,
    TooManyTries,
    Unavailable,
    WrongCredentials,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


_LONGEST = 2000

_KINDS: tuple[tuple[type[OmniError], str, int, str], ...] = (
    (PermissionDenied, "authorization", 403, "Not allowed"),
    (WrongCredentials, "authentication", 401, "Wrong credentials"),
    (TooManyTries, "authentication", 429, "Too many tries"),
    (DeadlineExceeded, "timeout", 408, "Time is over"),
    (InvalidInput, "validation", 400, "Invalid input"),
    (InvalidSetting, "configuration", 400, "Invalid setting"),
    (NotFound, "configuration", 404, "Not found"),
    (ToolMissing, "configuration", 501, "A tool is missing"),
    (BuildFailed, "configuration", 400, "The script does not compile"),
    (Conflict, "runtime", 409, "Conflict"),
    (CallCancelled, "runtime", 499, "Cancelled"),
    (Unavailable, "communication", 503, "Unavailable"),
    (CapacityReached, "runtime", 429, "Too much at once"),
    (StorageFailed, "runtime", 503, "The database failed"),
    (LimitExceeded, "runtime", 500, "Over a limit"),
    (GuestError, "runtime", 500, "The plugin failed"),
)
"""The first that fits; subclasses before their families."""


def fault_of(error: OmniError, *, plugin: str = "") -> Fault:
    """The fault of an error: what happened, its remedy, and the stable code of it. No trace and no typed context.

    What the host's own rules refuse stays refused until somebody changes them: such a fault is final.

    Args: plugin: whose failure a guest's error is.
    """
    if isinstance(error, ServiceRefused):
        return _refused(error)
    type_, status, title = next(
        ((type_, status, title) for kind, type_, status, title in _KINDS if isinstance(error, kind)),
        ("runtime", 500, "The host failed"),
    )
    told = f"{plugin}: {error}" if plugin and isinstance(error, GuestError) else str(error)
    extra: dict[str, Any] = {"code": error.code, **({"plugin": plugin} if plugin else {})}
    if isinstance(error, PermissionDenied):
        extra["final"] = True
    return Fault(type_, status, title, told[:_LONGEST], extra=extra)


def of_status(status: int, detail: str = "") -> Fault:
    """The fault of an HTTP answer that is none of the good ones."""
    return Fault("communication", status, phrase(status), detail[:_LONGEST])


def phrase(status: int) -> str:
    """The standard phrase of a status.

    >>> phrase(404), phrase(599)
    ('Not Found', 'Status 599')
    """
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def _refused(error: ServiceRefused) -> Fault:
    status = error.details.get("status")
    known = status if type(status) is int and 100 <= status <= 599 else 502
    return Fault("communication", known, phrase(known), str(error)[:_LONGEST], extra={"code": error.code})


class Fault(Exception):
    """An error of a workflow, as it is raised, caught and shown. Source: DSL 1.0.3, errors; RFC 7807.

    Args: type: a URI, or one of the specification's short names: configuration, validation, expression, authentication,
        authorization, timeout, communication, runtime. instance: the place where it came up.
    """

    def __init__(
        self,
        type: str,
        status: int,
        title: str = "",
        detail: str = "",
        instance: str = "",
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(title or detail or type)
        self.type = type if ":" in type else f"https://serverlessworkflow.io/spec/1.0.0/errors/{type}"
        self.status, self.title, self.detail, self.instance = status, title, detail, instance
        self.extra = dict(extra or {})

    @property
    def final(self) -> bool:
        """True if no retry policy tries it again. It is part of the error, and so of the journal, since runs that
        were recorded before errors had it go on as they did."""
        return self.extra.get("final") is True

    def to_json(self) -> dict[str, Any]:
        """As `catch.as` and the API show it."""
        shown = {"type": self.type, "status": self.status, "title": self.title, "detail": self.detail}
        shown = {name: value for name, value in shown.items() if value not in ("", None)}
        return {**self.extra, **shown, "instance": self.instance}

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Fault:
        """The fault of what `to_json` gave."""
        known = {"type", "status", "title", "detail", "instance"}
        return cls(
            str(value.get("type", "runtime")),
            int(value.get("status", 500)),
            str(value.get("title", "")),
            str(value.get("detail", "")),
            str(value.get("instance", "")),
            extra={name: one for name, one in value.items() if name not in known},
        )
