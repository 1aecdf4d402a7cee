"""What workflows want of webhooks, connectors and events, events that wait for others, and events on their way out."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

# A want follows from a definition: `kind` is webhook, connector, event (a trigger) or listen (a task); `name` is that
# of the webhook, the connector, or the type of the event, empty where several types may fit. A partial is an event of
# a trigger that wants several; `tie` is what they have in common, and `slot` which of the trigger's filters it fits.
STEP: Step = (
    Table(
        "workflow_wants",
        {"workflow": str, "number": int, "place": int, "kind": str, "name": str},
        pk=("workflow", "number"),
        not_null=("place", "kind", "name"),
        indexes=(("kind", "name"),),
    ),
    Table(
        "workflow_partials",
        {
            **{"workflow": str, "trigger": str, "tie": str, "slot": int},
            **{"event": str, "envelope": str, "until": float},
        },
        pk=("workflow", "trigger", "tie", "slot"),
        not_null=("event", "envelope", "until"),
        indexes=(("until",),),
    ),
    Table(
        "workflow_outbox",
        {"id": str, "broker": str, "target": str, "type": str, "envelope": str, "at": float},
        pk="id",
        not_null=("broker", "target", "type", "envelope", "at"),
        indexes=(("broker", "id"),),
    ),
)
