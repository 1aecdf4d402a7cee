"""Objects in AWS S3 and services with its interface."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from omnicore.connectors.aws import BASE_URL, REGION, REQUIRED, SECRETS, AwsClient
from omnicore.connectors.blobs import shown, wrapped
from omnicore.connectors.faults import malformed
from omnicore.connectors.kind import Action, Client, Kind, Opening, number, obj, text
from omnicore.errors import LimitExceeded

__all__ = ["KIND"]

_KEY = text("the object's key", most=1024)
_LONGEST_LINK_S = 7 * 86_400


class _S3(AwsClient):
    """One bucket."""

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening, "s3")
        self._bucket: str = opening.config["bucket"]
        self._most = opening.output_bytes

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """See `omnicore.connectors.kind.Client.call`."""
        async with self.translated():
            return await _ACTS[action](self, given)

    async def probe(self) -> None:
        """See `omnicore.connectors.kind.Client.probe`."""
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


_ACTS: Mapping[str, Callable[[_S3, Mapping[str, Any]], Awaitable[Any]]] = {
    "list": _S3.list,
    "get": _S3.get,
    "put": _S3.put,
    "delete": _S3.delete,
    "link": _S3.link,
}


async def _open(opening: Opening) -> Client:
    client = _S3(opening)
    await client.begin()
    return client


KIND = Kind(
    name="s3",
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
    open=_open,
)
