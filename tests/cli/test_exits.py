"""Exit codes are one table, and every error of the host has a number."""

from __future__ import annotations

import pytest

from omnicore import errors
from omnicore.cli.options import Exit, exit_for


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotFound, 5),
        (errors.PermissionDenied, 3),
        (errors.DeadlineExceeded, 4),
        (errors.InvalidInput, 2),
        (errors.InvalidSetting, 2),
        (errors.GuestFailed, 1),
        (errors.FuelExhausted, 1),
        (errors.StorageFailed, 1),
        (errors.Unavailable, 1),
    ],
)
def test_an_error_has_the_code_of_its_class(error, code):
    assert exit_for(error("it happened")) == code


@pytest.mark.parametrize("name", errors.__all__)
def test_no_error_of_the_host_ends_as_success_or_usage_by_accident(name):
    error = getattr(errors, name)("it happened")
    code = exit_for(error)
    assert code in set(Exit) - {Exit.OK}
    assert (code == Exit.USAGE) is isinstance(
        error, errors.InvalidInput | errors.InvalidSetting | errors.WrongMasterKey
    )
