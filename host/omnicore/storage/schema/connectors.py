"""Connectors, sealed credentials, webhooks and their deliveries."""

from __future__ import annotations

from omnicore.storage.schema.table import Step, Table

__all__ = ["STEP"]

STEP: Step = (
    Table(
        "connectors",
        {
            "name": str,
            "kind": str,
            "config": str,
            "credentials": str,
            "limits": str,
            "version": int,
            "added_at": float,
            "changed_at": float,
        },
        pk="name",
        not_null=("kind", "config", "credentials", "limits", "version", "added_at", "changed_at"),
    ),
    Table(
        "connector_uses",
        {
            "id": str,
            "connector": str,
            "action": str,
            "who": str,
            "at": float,
            "took_s": float,
            "attempts": int,
            "outcome": str,
        },
        pk="id",
        not_null=("connector", "action", "who", "at", "attempts", "outcome"),
        indexes=(("connector", "id"), ("at",)),
    ),
    Table(
        "vault_keys",
        {"id": str, "wrapped": bytes, "master": str, "retired": int, "made_at": float},
        pk="id",
        not_null=("wrapped", "master", "retired", "made_at"),
    ),
    Table(
        "secrets",
        {"name": str, "version": int, "data_key": str, "sealed": bytes, "changed_at": float},
        pk="name",
        not_null=("version", "data_key", "sealed", "changed_at"),
        indexes=(("data_key",),),
    ),
    Table(
        "webhooks",
        {
            "id": str,
            "name": str,
            "connector": str,
            "rule": str,
            "secret": str,
            "window_s": float,
            "added_at": float,
        },
        pk="id",
        not_null=("name", "rule", "secret", "window_s", "added_at"),
        unique=(("name",),),
    ),
    Table(
        "webhook_deliveries",
        {
            "id": str,
            "hook": str,
            "dedupe": str,
            "event": str,
            "media": str,
            "body": bytes,
            "state": str,
            "attempts": int,
            "received_at": float,
            "published_at": float,
        },
        pk="id",
        not_null=("hook", "dedupe", "event", "media", "body", "state", "attempts", "received_at"),
        indexes=(("hook", "id"), ("state", "id"), ("received_at",)),
        unique=(("hook", "dedupe"),),
    ),
)
