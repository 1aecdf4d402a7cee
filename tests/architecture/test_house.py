"""The package keeps every rule of the house."""

from __future__ import annotations

import pytest
from tests.architecture.rules import RULES
from tests.architecture.source import package

import omnicore
import omnicore.errors

ERRORS = [
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


@pytest.mark.parametrize("name", RULES)
def test_the_package_keeps_the_rule(name: str) -> None:
    findings = RULES[name](package())
    assert not findings, "\n".join(findings)


def test_the_package_is_read_from_its_first_room_to_its_last() -> None:
    rooms = {source.module.split(".")[1] for source in package() if "." in source.module}
    assert {"errors", "storage", "sandbox", "capabilities", "plugins", "api", "assembly", "cli"} <= rooms


def test_the_package_exports_these_names() -> None:
    assert sorted(omnicore.__all__) == [
        *("BlockingHost", "Host", "HostFunction", "Limits", "PluginCaller", "__version__", "door"),
    ]


def test_every_exported_name_can_be_had() -> None:
    assert [name for name in omnicore.__all__ if getattr(omnicore, name, None) is None] == []


def test_a_name_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        omnicore.Nothing  # noqa: B018


def test_the_error_tree_exports_these_names() -> None:
    assert sorted(omnicore.errors.__all__) == ERRORS


def test_every_error_is_drawn_in_the_tree_and_has_a_code_of_its_own() -> None:
    classes = [getattr(omnicore.errors, name) for name in omnicore.errors.__all__]
    drawing = omnicore.errors.__doc__ or ""
    assert [cls.__name__ for cls in classes if cls.__name__ not in drawing] == []
    assert len({cls.code for cls in classes}) == len(classes)
