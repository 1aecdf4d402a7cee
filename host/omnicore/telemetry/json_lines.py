"""Log records as JSON documents, one on each line, as collectors of containers read them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

__all__ = ["JsonLines"]

_LEVELS = {"WARNING": "warn", "CRITICAL": "error"}


class JsonLines(logging.Formatter):
    """Time, level, logger and message; a traceback as text in `error`. Nothing in a message can break the line."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _LEVELS.get(record.levelname, record.levelname.lower()),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            document["error"] = self.formatException(record.exc_info)
        return json.dumps(document)
