"""What connectors to AWS share: clients of aiobotocore with the connector's own credentials, and its errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed

from omnicore.connectors.faults import of_status, temporary
from omnicore.connectors.kind import Opening, text
from omnicore.errors import OmniError, ServiceRefused

__all__ = ["BASE_URL", "REGION", "REQUIRED", "SECRETS", "AwsClient"]

_CONNECT_S = 10
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown", "TooManyRequests"})

REGION = text("such as eu-central-1", most=64)
BASE_URL = text("another service with the same interface", most=2048, pattern="^https?://")
SECRETS: Mapping[str, str] = {
    "access_key_id": "of the account",
    "secret_access_key": "that belongs to it",
    "session_token": "of credentials that are temporary",
}
REQUIRED = ("access_key_id", "secret_access_key")


class AwsClient:
    """One service of AWS. Files and variables of the machine, where a person's credentials may lie, are not read."""

    def __init__(self, opening: Opening, service: str) -> None:
        self.name = opening.name
        self._opening = opening
        self._service = service
        self._stack = AsyncExitStack()
        self.aws: Any = None

    async def begin(self) -> None:
        """Makes the client; no connection is opened yet."""
        credentials, config = self._opening.credentials, self._opening.config
        session = AioSession()
        session.set_config_variable("config_file", "/dev/null")
        session.set_config_variable("credentials_file", "/dev/null")
        self.aws = await self._stack.enter_async_context(
            session.create_client(
                self._service,
                region_name=config["region"],
                endpoint_url=config.get("base_url"),
                aws_access_key_id=credentials["access_key_id"],
                aws_secret_access_key=credentials["secret_access_key"],
                aws_session_token=credentials.get("session_token"),
                config=AioConfig(
                    connect_timeout=_CONNECT_S,
                    max_pool_connections=self._opening.concurrency,
                    retries={"total_max_attempts": 1},  # the service repeats what may be repeated
                    s3={"addressing_style": "path"} if config.get("base_url") else None,
                    user_agent="omnicore",
                ),
            )
        )

    async def close(self) -> None:
        """See `omnicore.connectors.kind.Client.close`."""
        await self._stack.aclose()

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """Errors of the library in the host's words."""
        try:
            yield
        except (ClientError, BotoCoreError, OSError) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> OmniError:
        if isinstance(error, ClientError):
            about = error.response.get("Error", {})
            answer = error.response.get("ResponseMetadata", {})
            code, message = str(about.get("Code", "")), str(about.get("Message", ""))
            if code in _THROTTLED:
                return temporary(f"{self.name} asks for fewer requests: {message[:300]}", acted=False)
            return of_status(
                self.name,
                int(answer.get("HTTPStatusCode", 400)),
                answer.get("HTTPHeaders", {}),
                message or code,
                now=self._opening.clock.now(),
                code=code,
            )
        if isinstance(error, (ConnectionFailed, HTTPClientError, OSError)):
            return temporary(f"{self.name} cannot be reached: {type(error).__name__}")
        return ServiceRefused(f"{self.name} refuses: {str(error)[:300]}", remedy="correct the input", service=self.name)
