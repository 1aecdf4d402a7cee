"""Objects in AWS S3 (and services with its interface) and messages in AWS SQS, through aiobotocore.

`S3Modules` keeps modules of the host's own there, with the library below it, which blocks.
"""

from __future__ import annotations

import socket
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed
from botocore.session import Session

from omnicore.connectors.addresses import literal_address
from omnicore.connectors.http import Base, base_url
from omnicore.connectors.kind import (
    Action,
    Kind,
    Opening,
    ServiceClient,
    malformed,
    number,
    obj,
    of_status,
    shown,
    temporary,
    text,
    wrapped,
)
from omnicore.errors import LimitExceeded, OmniError, ServiceRefused, StorageFailed, Unavailable
from omnicore.storage.modules import too_long, wrong_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from omnicore.config.settings import Settings


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


class _Checked(AbstractResolver):
    """Addresses of names that the connector may connect to."""

    def __init__(self, opening: Opening, base: Base | None) -> None:
        self._reserved, self._base = opening.reserved, base

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        base = self._base
        spelled = base is not None and base.spelled and (base.url.host, base.url.port) == (host, port)
        found = await self._reserved.addresses(host, port, spelled=spelled)
        return [_resolved(host, one, port) for one in found]

    async def close(self) -> None:
        """Nothing of its own is open."""


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=numeric)


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
        base = base_url(config["base_url"]) if "base_url" in config else None
        if base is not None and literal_address(base.url.host) is not None:  # the library would ask nobody
            await self._opening.reserved.addresses(base.url.host, base.url.port, spelled=base.spelled)
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
                    connector_args={"resolver": _Checked(self._opening, base)},
                    connect_timeout=_CONNECT_S,
                    max_pool_connections=self._opening.concurrency,
                    retries={"total_max_attempts": 1},  # the service repeats what may be repeated
                    s3={"addressing_style": "path"} if config.get("base_url") else None,
                    user_agent="omnicore",
                ),
            )
        )

    async def close(self) -> None:
        """See `omnicore.connectors.kind.ServiceClient.close`."""
        await self._stack.aclose()

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[None]:
        """Errors of the library in the host's words."""
        try:
            yield
        except (ClientError, BotoCoreError, OSError) as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> OmniError:
        cause = error.kwargs.get("error") if isinstance(error, HTTPClientError) else None
        if isinstance(cause, OmniError):  # what the check of an address said, in the library's wrapping
            return cause
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
        return ServiceRefused(f"{self.name} refused: {str(error)[:300]}", remedy="correct the input", service=self.name)


_KEY = text("the object's key", most=1024)
_LONGEST_LINK_S = 7 * 86_400


class _S3(AwsClient):
    """One bucket."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening, "s3")
        self._bucket: str = opening.config["bucket"]
        self._most = opening.output_bytes

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """See `omnicore.connectors.kind.ServiceClient.call`."""
        async with self.translated():
            return await _S3_ACTIONS[action](self, given)

    async def probe(self) -> None:
        """See `omnicore.connectors.kind.ServiceClient.probe`."""
        async with self.translated():
            await self.aws.head_bucket(Bucket=self._bucket)

    async def list(self, given: Mapping[str, Any]) -> Any:
        more = {"ContinuationToken": given["cursor"]} if given.get("cursor") else {}
        page = await self.aws.list_objects_v2(
            Bucket=self._bucket, Prefix=given.get("prefix", ""), MaxKeys=given.get("limit", 100), **more
        )
        objects = [
            {"key": one["Key"], "bytes": one["Size"], "changed_at": one["LastModified"].timestamp()}
            for one in page.get("Contents", ())
        ]
        return {"objects": objects, "cursor": page.get("NextContinuationToken")}

    async def get(self, given: Mapping[str, Any]) -> Any:
        answer = await self.aws.get_object(Bucket=self._bucket, Key=given["key"])
        async with answer["Body"] as body:
            if answer["ContentLength"] > self._most:
                raise LimitExceeded(
                    f"{given['key']} has {answer['ContentLength']} bytes, {self._most} are allowed",
                    remedy="make a link with the action `link`",
                    limit="output_bytes",
                    allowed=self._most,
                )
            data = await body.read()
        return {"body": shown(data), "media": answer.get("ContentType", "application/octet-stream")}

    async def put(self, given: Mapping[str, Any]) -> Any:
        answer = await self.aws.put_object(
            Bucket=self._bucket,
            Key=given["key"],
            Body=_raw(given["body"]),
            ContentType=given.get("media", "application/octet-stream"),
        )
        return {"tag": answer["ETag"].strip('"')}

    async def delete(self, given: Mapping[str, Any]) -> Any:
        await self.aws.delete_object(Bucket=self._bucket, Key=given["key"])
        return {}

    async def link(self, given: Mapping[str, Any]) -> Any:
        url = await self.aws.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": given["key"]},
            ExpiresIn=given.get("ttl_s", 3600),
        )
        return {"url": url}


def _raw(body: Any) -> bytes:
    data = body.encode() if isinstance(body, str) else wrapped(body)
    if data is None:
        raise malformed("the body is neither text nor base64", 'send bytes as {"base64": "..."}')
    return data


_S3_ACTIONS: Mapping[str, Callable[[_S3, Mapping[str, Any]], Awaitable[Any]]] = {
    "list": _S3.list,
    "get": _S3.get,
    "put": _S3.put,
    "delete": _S3.delete,
    "link": _S3.link,
}


async def _open_s3(opening: Opening) -> ServiceClient:
    client = _S3(opening)
    await client.begin()
    return client


S3 = Kind(
    name="s3",
    title="Amazon S3",
    says="A bucket of AWS S3, or of a service with its interface",
    config=obj("region", "bucket", region=REGION, base_url=BASE_URL, bucket=text(least=3, most=63)),
    secrets=SECRETS,
    required=REQUIRED,
    actions=(
        Action(
            "list",
            "A page of objects with a prefix.",
            obj(prefix=text(least=0, most=1024), limit=number(least=1, most=1000), cursor=text(most=2048)),
            repeat="always",
        ),
        Action("get", "Reads an object.", obj("key", key=_KEY), repeat="always"),
        Action(
            "put",
            "Writes an object.",
            obj("key", "body", key=_KEY, body={"description": "text, or {base64}"}, media=text(most=255)),
            repeat="always",
        ),
        Action("delete", "Deletes an object.", obj("key", key=_KEY), repeat="always"),
        Action(
            "link",
            "An address by which anybody may read the object for a time.",
            obj("key", key=_KEY, ttl_s=number(least=1, most=_LONGEST_LINK_S)),
            repeat="always",
        ),
    ),
    open=_open_s3,
)


_LONGEST_POLL_S = 20


class _Sqs(AwsClient):
    """One queue."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening, "sqs")
        self._queue: str = opening.config["queue"]
        self._url = ""

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """See `omnicore.connectors.kind.ServiceClient.call`."""
        async with self.translated():
            return await _SQS_ACTIONS[action](self, await self._address(), given)

    async def probe(self) -> None:
        """See `omnicore.connectors.kind.ServiceClient.probe`."""
        async with self.translated():
            await self.aws.get_queue_attributes(QueueUrl=await self._address(), AttributeNames=["QueueArn"])

    async def send(self, url: str, given: Mapping[str, Any]) -> Any:
        fifo = {
            name: given[field]
            for name, field in (("MessageGroupId", "group"), ("MessageDeduplicationId", "idempotency_key"))
            if field in given and url.endswith(".fifo")
        }
        answer = await self.aws.send_message(
            QueueUrl=url, MessageBody=given["body"], DelaySeconds=given.get("delay_s", 0), **fifo
        )
        return {"id": answer["MessageId"]}

    async def receive(self, url: str, given: Mapping[str, Any]) -> Any:
        answer = await self.aws.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=given.get("limit", 1),
            WaitTimeSeconds=given.get("wait_s", 0),
            VisibilityTimeout=given.get("hold_s", 30),
        )
        messages = [
            {"id": one["MessageId"], "body": one["Body"], "receipt": one["ReceiptHandle"]}
            for one in answer.get("Messages", ())
        ]
        return {"messages": messages}

    async def delete(self, url: str, given: Mapping[str, Any]) -> Any:
        await self.aws.delete_message(QueueUrl=url, ReceiptHandle=given["receipt"])
        return {}

    async def _address(self) -> str:
        if not self._url:
            answer = await self.aws.get_queue_url(QueueName=self._queue)
            self._url = answer["QueueUrl"]
        return self._url


_SQS_ACTIONS: Mapping[str, Callable[[_Sqs, str, Mapping[str, Any]], Awaitable[Any]]] = {
    "send": _Sqs.send,
    "receive": _Sqs.receive,
    "delete": _Sqs.delete,
}


async def _open_sqs(opening: Opening) -> ServiceClient:
    client = _Sqs(opening)
    await client.begin()
    return client


SQS = Kind(
    name="sqs",
    title="Amazon SQS",
    says="A queue of AWS SQS",
    config=obj("region", "queue", region=REGION, base_url=BASE_URL, queue=text(most=80)),
    secrets=SECRETS,
    required=REQUIRED,
    actions=(
        Action(
            "send",
            "Puts a message into the queue; in a FIFO queue one key counts once.",
            obj(
                "body",
                body=text(most=262_144),
                delay_s=number(most=900),
                group=text(most=128),
                idempotency_key=text(most=128),
            ),
        ),
        Action(
            "receive",
            "Takes messages, which others do not see for `hold_s` seconds.",
            obj(limit=number(least=1, most=10), wait_s=number(most=_LONGEST_POLL_S), hold_s=number(most=43_200)),
        ),
        Action("delete", "Says that a message is done with.", obj("receipt", receipt=text(most=1024)), repeat="always"),
    ),
    open=_open_sqs,
)


_MODULES_CONNECT_S, _MODULES_READ_S, _MODULES_TRIES = 3, 20, 2
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})


class S3Modules:
    """Modules in a bucket, an object `PREFIX/SHA256.wasm` each. See `omnicore.storage.modules.ModulePlace`.

    Credentials are those of this host, as AWS's own tools find them (variables, files, the machine's role), unless the
    URL names a file of them.

    Args: url: `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&credentials=FILE`. Raises: InvalidSetting.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query))
        if unknown := sorted(given.keys() - {"endpoint", "region", "credentials"}):
            raise wrong_place(f"has {unknown[0][:80]!r} after the ?", "endpoint, region and credentials are known")
        if not parts.hostname or "@" in parts.netloc:
            raise wrong_place("names no bucket", "write s3://BUCKET/PREFIX, credentials are not part of it")
        prefix = unquote(parts.path).strip("/")
        self.shown = f"s3://{parts.netloc}/{prefix}".rstrip("/")
        self._bucket, self._prefix, self._given = parts.netloc, f"{prefix}/" if prefix else "", given
        self._lock = threading.Lock()
        self._client: Any = None

    def get(self, digest: str, most: int) -> bytes | None:
        """See `ModulePlace`."""
        answer = self._ask("get_object", Key=self._key(digest))
        if answer is None:
            return None
        with answer["Body"] as body:
            if answer["ContentLength"] > most:
                raise too_long(self.shown, digest, most)
            try:
                data: bytes = body.read(most + 1)
            except (BotoCoreError, OSError) as error:
                raise self._away(error) from error
        return data

    def put(self, digest: str, data: bytes) -> None:
        """See `ModulePlace`."""
        if self._ask("put_object", Key=self._key(digest), Body=data, ContentType="application/wasm") is None:
            raise self._refused("NoSuchBucket")

    def has(self, digest: str) -> bool:
        """See `ModulePlace`."""
        return self._ask("head_object", Key=self._key(digest)) is not None

    def delete(self, digest: str) -> None:
        """See `ModulePlace`."""
        self._ask("delete_object", Key=self._key(digest))

    def check(self) -> None:
        """See `ModulePlace`."""
        if self._ask("head_bucket") is None:
            raise self._refused("NoSuchBucket")

    def close(self) -> None:
        """See `ModulePlace`."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _key(self, digest: str) -> str:
        return f"{self._prefix}{digest}.wasm"

    def _ask(self, action: str, **given: Any) -> Any:
        """The answer, or None for what is not there. Raises: Unavailable, StorageFailed."""
        try:
            return getattr(self._made(), action)(Bucket=self._bucket, **given)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if code in _GONE:
                return None
            if status >= 500 or code in _THROTTLED:
                raise self._away(error) from error
            raise self._refused(code) from error
        except (BotoCoreError, OSError) as error:
            raise self._away(error) from error

    def _made(self) -> Any:
        with self._lock:
            if self._client is None:
                session = Session()
                if "credentials" in self._given:
                    session.set_config_variable("credentials_file", self._given["credentials"])
                endpoint = self._given.get("endpoint")
                self._client = session.create_client(
                    "s3",
                    region_name=self._given.get("region") or session.get_config_variable("region") or "us-east-1",
                    endpoint_url=endpoint,
                    config=Config(
                        connect_timeout=_MODULES_CONNECT_S,
                        read_timeout=_MODULES_READ_S,
                        retries={"total_max_attempts": _MODULES_TRIES},
                        s3={"addressing_style": "path"} if endpoint else None,
                        user_agent="omnicore",
                    ),
                )
            return self._client

    def _away(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"the modules in {self.shown} cannot be reached: {type(error).__name__}",
            remedy="check modules.store, the service, and this host's way and credentials to it; it is tried again",
        )

    def _refused(self, code: str) -> StorageFailed:
        return StorageFailed(
            f"{self.shown} refuses this host: {code[:80]}",
            remedy="make the bucket, and allow this host GetObject, PutObject, DeleteObject and ListBucket there",
        )


def module_place(url: str, _settings: Settings) -> S3Modules:
    """The place that `modules.store` names. Raises: InvalidSetting."""
    return S3Modules(url)
