"""Why a plugin does not answer, as errors that say what to do."""

from __future__ import annotations

from collections.abc import Sequence

from omnicore.errors import OmniError, PermissionDenied, Unavailable
from omnicore.plugins.view import Change
from omnicore.storage.tables.plugins import PluginRow

__all__ = ["not_serving"]


def not_serving(row: PluginRow, missing: Sequence[Change]) -> OmniError:
    """The error for a call to a plugin of which no version is in service."""
    if row.state == "needs-grant" and missing:
        first = missing[0]
        return PermissionDenied(
            f"{row.name} has no grant for {', '.join(change.capability for change in missing)}",
            remedy=f"run `{first.command if len(missing) == 1 else f'omnicore plugins grant {row.name}'}`",
            plugin=row.name,
            capability=first.capability,
            resource=first.asked,
        )
    if row.state == "disabled":
        return Unavailable(
            f"{row.name} is disabled", remedy=f"run `omnicore plugins enable {row.name}`", plugin=row.name
        )
    return Unavailable(
        f"{row.name} cannot be used: {row.reason or 'no version of it is kept'}",
        remedy=f"correct the file, or run `omnicore plugins enable {row.name}` to try it once more",
        plugin=row.name,
    )
