"""Every error the host raises, on one page.

```
OmniError
├── CallerError            fix the request
│   ├── NotFound               a plugin, function or other named thing that is not there
│   │   └── NotServed              no host of the fleet serves the plugin or function now
│   ├── InvalidInput           the input breaks a schema or a size limit
│   │   ├── WorkflowInvalid        a workflow's text that cannot be run
│   │   └── ExpressionInvalid      jq cannot read an expression
│   ├── InvalidSetting         a setting, argument or document that cannot be used
│   ├── PermissionDenied       a grant or a role is missing
│   ├── WrongCredentials       nobody is known by this name and password, key or token
│   ├── TooManyTries           too many failed logins
│   ├── Conflict               the state does not allow it now
│   ├── DoorRefused            a function of the application refused a plugin, with a code of its own
│   ├── InstanceBusy           a second call on one instance
│   ├── CallCancelled          somebody cancelled the call
│   ├── ToolMissing            a compiler is not on this machine
│   └── BuildFailed            a plugin's source does not compile
├── GuestError             fix the plugin
│   ├── ModuleRejected         the file cannot be a plugin: malformed, forbidden feature, too big
│   ├── LinkFailed             an import nobody provides, a wrong type, a cycle
│   ├── ManifestInvalid        the manifest breaks its schema
│   ├── PackageRejected        a package or its registry is not what it says
│   ├── GuestFailed            the guest reported an error or a non-zero code
│   ├── GuestTrapped           the guest hit a Wasm trap
│   ├── WorkflowFailed         a run of a workflow faulted
│   └── LimitExceeded          the guest went over a limit
│       ├── DeadlineExceeded
│       ├── FuelExhausted
│       └── MemoryExceeded
└── HostError              fix the host
    ├── StorageFailed          the database: full disk, lock, corruption
    │   ├── StorageAway        its server does not answer
    │   └── StorageBusy        a lock of another session
    ├── WrongMasterKey         this host's master key does not open the vault of its database
    ├── HostLost               this host was silent for a lease: others have its runs of workflows
    ├── RunLost                a run of a workflow is no longer this host's
    ├── EngineFailed           the engine cannot start or broke a promise
    ├── CapacityReached        all instances are in use
    ├── ModuleFailed           a module of an application did not start or stop
    ├── JournalMismatch        a run's journal does not fit its definition
    ├── ServiceRefused         a connected service said no: its status and its own code
    └── Unavailable            quarantined, shutting down or waiting for a grant
        └── FleetRefused       the NATS servers of the fleet do not let this host in
```

Each carries a stable `code` and the `remedy`: what to do about it. `str(error)` is the fact, then the remedy.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "BuildFailed",
    "CallCancelled",
    "CallerError",
    "CapacityReached",
    "Conflict",
    "DeadlineExceeded",
    "DoorRefused",
    "EngineFailed",
    "ExpressionInvalid",
    "FleetRefused",
    "FuelExhausted",
    "GuestError",
    "GuestFailed",
    "GuestTrapped",
    "HostError",
    "HostLost",
    "InstanceBusy",
    "InvalidInput",
    "InvalidSetting",
    "JournalMismatch",
    "LimitExceeded",
    "LinkFailed",
    "ManifestInvalid",
    "MemoryExceeded",
    "ModuleFailed",
    "ModuleRejected",
    "NotFound",
    "NotServed",
    "OmniError",
    "PackageRejected",
    "PermissionDenied",
    "RunLost",
    "ServiceRefused",
    "StorageAway",
    "StorageBusy",
    "StorageFailed",
    "TooManyTries",
    "ToolMissing",
    "Unavailable",
    "WorkflowFailed",
    "WorkflowInvalid",
    "WrongCredentials",
    "WrongMasterKey",
]


class OmniError(Exception):
    """A failure the host explains: `fact` what happened, `remedy` what to do, `details` typed context."""

    code: ClassVar[str] = "error"

    def __init__(self, fact: str, *, remedy: str = "", **details: Any) -> None:
        super().__init__(f"{fact}; {remedy}" if remedy else fact)
        self.fact = fact
        self.remedy = remedy
        self.details = details

    def to_json(self) -> dict[str, Any]:
        """The error as guests, REST and `-o json` show it."""
        return {"code": self.code, "message": self.fact, "remedy": self.remedy, **self.details}


class CallerError(OmniError):
    """The request is at fault."""

    code = "caller"


class NotFound(CallerError):
    """A named thing is not there."""

    code = "not-found"


class NotServed(NotFound):
    """No host of the fleet serves a plugin or function now; one that comes later may. Details: `plugin`, `function`."""

    code = "not-served"


class InvalidInput(CallerError):
    """Input that breaks a schema or a size limit."""

    code = "invalid-input"


class WorkflowInvalid(InvalidInput):
    """A workflow's text that cannot be run. Details: `problems`: path, line, column, fact, remedy, severity of each."""

    code = "workflow-invalid"


class ExpressionInvalid(InvalidInput):
    """An expression of a workflow that jq cannot read. Details: `expression`, `path` within the value it stands in."""

    code = "expression-invalid"


class InvalidSetting(CallerError, ValueError):
    """A setting, argument or document that cannot be used."""

    code = "invalid-setting"


class PermissionDenied(CallerError):
    """A grant or a role is missing. Details: `capability`, `resource`."""

    code = "permission-denied"


class WrongCredentials(CallerError):
    """Nobody is known by this name and password, or by this key."""

    code = "wrong-credentials"


class TooManyTries(CallerError):
    """Too many failed logins of one name or from one address. Details: `retry_after_s`."""

    code = "too-many-tries"


class Conflict(CallerError):
    """The present state does not allow the request."""

    code = "conflict"


class DoorRefused(CallerError):
    """A function of the application refused what a plugin asked. `code` is the one that the application declared."""

    code = "door-refused"

    def __init__(self, fact: str, *, code: str = code, remedy: str = "", **details: Any) -> None:
        super().__init__(fact, remedy=remedy, **details)
        self.code = code  # type: ignore[misc]  # of this error, not of its class


class InstanceBusy(CallerError):
    """A second call, or a re-entrant one, on an instance that is in a call."""

    code = "instance-busy"


class CallCancelled(CallerError):
    """The call was cancelled while it ran."""

    code = "cancelled"


class ToolMissing(CallerError):
    """A compiler is not on this machine; the remedy is the command that installs it. Details: `tool`."""

    code = "tool-missing"


class BuildFailed(CallerError):
    """The source of a plugin does not compile. Details: `output`, what the compiler says."""

    code = "build-failed"


class GuestError(OmniError):
    """The plugin is at fault."""

    code = "guest"


class ModuleRejected(GuestError):
    """The file cannot be a plugin. Details: `offset` in bytes where one is known."""

    code = "module-rejected"


class LinkFailed(GuestError):
    """An import nobody provides, one of the wrong type, or a cycle of modules."""

    code = "link-failed"


class ManifestInvalid(GuestError):
    """A manifest that breaks its schema. Details: `path`, `line`."""

    code = "manifest-invalid"


class PackageRejected(GuestError):
    """A package, or a registry that gives one, is not what it says. Details: `fault`: size, digest, type or content."""

    code = "package-rejected"


class GuestFailed(GuestError):
    """The guest said that it failed. Details: `exit_code`."""

    code = "guest-failed"


class GuestTrapped(GuestError):
    """The guest hit a Wasm trap. Details: `trap`, `backtrace`."""

    code = "guest-trapped"


class WorkflowFailed(GuestError):
    """A run of a workflow faulted. Details: `run`, `fault` as the run shows it."""

    code = "workflow-failed"


class LimitExceeded(GuestError):
    """The guest went over a limit. Details: `limit` (the setting's name), `allowed`."""

    code = "limit-exceeded"


class DeadlineExceeded(LimitExceeded):
    """The call ran longer than it may."""

    code = "deadline-exceeded"


class FuelExhausted(LimitExceeded):
    """The call used more instructions than it may."""

    code = "fuel-exhausted"


class MemoryExceeded(LimitExceeded):
    """The guest's memories together grew over the limit."""

    code = "memory-exceeded"


class HostError(OmniError):
    """The host or its machine is at fault."""

    code = "host"


class StorageFailed(HostError):
    """The database cannot be read or written."""

    code = "storage-failed"


class StorageBusy(StorageFailed):
    """A write waited too long for a lock that another session of the database holds. Nothing was kept."""

    code = "storage-busy"


class StorageAway(StorageFailed):
    """The server of the database does not answer. The host connects again by itself."""

    code = "storage-away"


class WrongMasterKey(HostError):
    """The master key of this host does not open the vault of its database. Details: `master`, the key's digest."""

    code = "wrong-master-key"


class HostLost(HostError):
    """This host was silent for so long that others have taken over its runs of workflows."""

    code = "host-lost"


class RunLost(HostError):
    """A run of a workflow is no longer this host's, and nothing may be written to it."""

    code = "run-lost"


class EngineFailed(HostError):
    """The engine cannot start, or broke a promise."""

    code = "engine-failed"


class CapacityReached(HostError):
    """Every instance the host may hold is in use."""

    code = "capacity-reached"


class ModuleFailed(HostError):
    """A module of an application did not start or stop. Details: `modules` (their names), `phase`."""

    code = "module-failed"


class JournalMismatch(HostError):
    """The journal of a run does not fit its definition. Details: `run`, `seq`."""

    code = "journal-mismatch"


class ServiceRefused(HostError):
    """A connected service answered that it will not. Details: `service`, `status`, `service_code`."""

    code = "service-refused"


class Unavailable(HostError):
    """The plugin or the host does not take calls now."""

    code = "unavailable"


class FleetRefused(Unavailable):
    """The NATS servers of the fleet do not let this host in."""

    code = "fleet-refused"
