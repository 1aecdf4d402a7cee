"""Messages in an AWS SQS queue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from omnicore.connectors.aws import BASE_URL, REGION, REQUIRED, SECRETS, AwsClient
from omnicore.connectors.kind import Action, Client, Kind, Opening, number, obj, text

__all__ = ["KIND"]

_LONGEST_POLL_S = 20


class _Sqs(AwsClient):
    """One queue."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening, "sqs")
        self._queue: str = opening.config["queue"]
        self._url = ""

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """See `omnicore.connectors.kind.Client.call`."""
        async with self.translated():
            return await _ACTS[action](self, await self._address(), given)

    async def probe(self) -> None:
        """See `omnicore.connectors.kind.Client.probe`."""
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


_ACTS: Mapping[str, Callable[[_Sqs, str, Mapping[str, Any]], Awaitable[Any]]] = {
    "send": _Sqs.send,
    "receive": _Sqs.receive,
    "delete": _Sqs.delete,
}


async def _open(opening: Opening) -> Client:
    client = _Sqs(opening)
    await client.begin()
    return client


KIND = Kind(
    name="sqs",
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
    open=_open,
)
