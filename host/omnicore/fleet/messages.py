"""Messages of a fleet: records, subjects and errors as they cross the wire. `specs/fleet.md` describes them.

`python -m omnicore.fleet.messages` prints their JSON Schemas.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from omnicore import errors
from omnicore.errors import HostError, InvalidInput, OmniError
from omnicore.records import Json, Meta, Record, Seconds, Time, field, schema

CALL, ANSWER = "Omnicore-Call", "Omnicore-Answer"
"""Headers of a call and of an answer; each holds one record as JSON."""
QUEUE = "omnicore"
"""The queue group of hosts that serve a function, and the name of the service."""

_LONGEST_S = 3600.0
_NAME = Meta(max_length=128)
_PLAIN = Meta(max_length=128, pattern="^[A-Za-z0-9_-]*$")
_INBOX = r"^_INBOX[A-Za-z0-9_.-]*$"
_DIGEST = Meta(max_length=64, pattern="^[A-Za-z0-9_-]*$")


class Parcel(Record, frozen=True, kw_only=True):
    """A payload over NATS' `max_payload`, which its receiver fetches in parts from an inbox of its sender."""

    at: Annotated[
        str, Meta(max_length=256, pattern=_INBOX, description="Subject that is asked for parts with a `PartOrder`.")
    ]
    id: Annotated[str, _PLAIN]
    bytes: Annotated[int, Meta(ge=0, le=1 << 30)]
    part_bytes: Annotated[int, Meta(ge=1024, le=1 << 26, description="Bytes of every part but the last.")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class PartOrder(Record, frozen=True, kw_only=True):
    """A request for one part of a parcel. The answer is the bytes alone; an empty one says that they are gone."""

    id: Annotated[str, _PLAIN]
    part: Annotated[int, Meta(ge=0, le=1 << 20, description="Counts from 0.")]


class CallOrigin(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The work that a call of another host is done for. Only hosts may send it."""

    kind: Literal["event", "step", "task"]
    hops: Annotated[int, Meta(ge=0, le=1000)] = 0
    run: Annotated[str, _NAME] = ""
    place: Annotated[str, Meta(max_length=2048)] = ""
    task: Annotated[str, _NAME] = ""
    owner: Annotated[str, _NAME] = ""
    attempt: Annotated[int, Meta(ge=0)] = 0
    key: Annotated[str, Meta(max_length=4096)] | None = None


class CallHeader(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The header of a call. All of it may be left out."""

    id: Annotated[str, _PLAIN, Meta(description="Of the call, to cancel it.")] = ""
    timeout_s: Annotated[float, Meta(gt=0, le=_LONGEST_S, description="Longest time of the call.")] | None = None
    deadline: Annotated[Time | None, Meta(description="Nobody waits for an answer after it.")] = None
    begin_by: Annotated[Time | None, Meta(description="The call is refused if it has not begun by then.")] = None
    key: (
        Annotated[
            str, Meta(min_length=1, max_length=128, description="Calls of one key and caller are made once by a host.")
        ]
        | None
    ) = None
    digest: Annotated[str, _DIGEST, Meta(description="The one version that may answer.")] = ""
    value: Annotated[
        bool, Meta(description="The payload is a JSON value, bytes as `{base64}`; else it is the input itself.")
    ] = False
    parcel: Annotated[Parcel | None, Meta(description="The payload, where it is over `max_payload`.")] = None
    parts: Annotated[bool, Meta(description="The caller hears progress and fetches long answers in parts.")] = False
    costs: Annotated[bool, Meta(description="The answer says what the call has cost.")] = False
    host: Annotated[str, _PLAIN, Meta(description="The calling host, which signs the call.")] = ""
    caller: Annotated[str, Meta(max_length=256, description="Who calls; from hosts only.")] = ""
    depth: Annotated[int, Meta(ge=0, le=1000, description="Calls inside of each other; from hosts only.")] = 0
    origin: CallOrigin | None = None


class AnswerHeader(Record, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """The header of an answer. `error` is the code of the error whose JSON is the payload."""

    host: str
    progress: Annotated[bool, Meta(description="The call goes on; the answer comes later.")] = False
    error: str = ""
    begun: Annotated[bool, Meta(description="False: the function was not entered, and another host may be asked.")] = (
        True
    )
    plugin: str = ""
    digest: str = ""
    media: Annotated[str, Meta(description="Media type of the payload.")] = ""
    replayed: Annotated[bool, Meta(description="The answer to an earlier call of the same key.")] = False
    parcel: Parcel | None = None
    time_s: Seconds | None = None
    fuel: int | None = None
    memory_bytes: int | None = None
    host_calls: Mapping[str, int] = field(default_factory=dict)


class HostBeat(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Sent by every host each second, and at once when something changed."""

    host: Annotated[str, _PLAIN]
    name: Annotated[str, Meta(max_length=256, description="The machine's name.")]
    version: Annotated[str, Meta(max_length=64)]
    at: Time
    began_at: Time
    revision: Annotated[int, Meta(description="Another number says that the list of what is served is another.")]
    state: Literal["serving", "draining", "gone"]
    running: Annotated[int, Meta(ge=0, description="Calls of others that run there.")]
    room: Annotated[int, Meta(ge=0, description="Further ones that fit.")]
    plugins: Annotated[int, Meta(ge=0)]
    labels: Mapping[str, str] = field(default_factory=dict)


class ServedFunction(Record, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """A function that a host serves. `safe`: the same call once more changes nothing more."""

    safe: bool = False
    input_media: str = ""
    output_media: str = ""


class ServedPlugin(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A plugin that a host serves. `digest` is the SHA-256 of its code, or `native` for one in Python."""

    digest: Annotated[str, _DIGEST]
    version: str
    functions: Mapping[str, ServedFunction]


class ServedList(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """All plugins that a host serves, by name: the answer on `omnicore.host.HOST.served`."""

    host: str
    revision: int
    plugins: Mapping[str, ServedPlugin]


class HostEvent(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """An event of a host, on `omnicore.event.TOPIC`."""

    id: Annotated[str, _PLAIN]
    topic: Annotated[str, Meta(max_length=256)]
    source: Annotated[str, Meta(max_length=256)]
    at: Time
    hops: Annotated[int, Meta(ge=0, le=1000)]
    data: Json = None


MESSAGES: tuple[type[Record], ...] = (
    *(CallHeader, CallOrigin, AnswerHeader, Parcel, PartOrder),
    *(HostBeat, ServedList, ServedPlugin, ServedFunction, HostEvent),
)


def schemas() -> dict[str, Any]:
    """JSON Schema of every message, under `$defs`."""
    text = json.dumps({one.__name__: schema(one) for one in MESSAGES})
    found = json.loads(text.replace("#/components/schemas/", "#/$defs/"))
    for one in MESSAGES:
        found[one.__name__]["description"] = " ".join((one.__doc__ or "").split())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": found}


# -- subjects


def token(name: str) -> str:
    """A name as one token of a subject.

    >>> token("count.vowels é")
    'count%2Evowels%20%C3%A9'
    """
    return quote(name, safe="_-").replace(".", "%2E")


def named(one: str) -> str:
    """The name that a token stands for."""
    return unquote(one)


def call_subject(plugin: str, function: str, *, host: str = "", digest: str = "") -> str:
    """The subject of a function: of any host that serves it, of one host, or of one version."""
    end = f"{token(plugin)}.{token(function)}"
    if host:
        return f"omnicore.host.{host}.call.{end}"
    return f"omnicore.version.{digest}.{end}" if digest else f"omnicore.call.{end}"


class Seal:
    """The secret by which the hosts of a fleet know each other. A proof fits one message on one subject only."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def proof(self, subject: str, header: str, payload: bytes) -> str:
        """The value of `Authorization`: HMAC-SHA256 over the subject, the record in the header and the payload."""
        text = b"\n".join((subject.encode(), header.encode(), hashlib.sha256(payload).hexdigest().encode()))
        return f"Omnicore {hmac.digest(self._secret, text, 'sha256').hex()}"

    def fits(self, given: str, subject: str, header: str, payload: bytes) -> bool:
        """True if a host of this fleet has sent it."""
        wanted = self.proof(subject, header, payload)
        return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


# -- errors

_ERRORS: Mapping[str, type[OmniError]] = {
    kind.code: kind for kind in (getattr(errors, name) for name in errors.__all__)
}
_TEXT, _DETAILS = 4096, 32
_WORD = re.compile("[a-z_][a-z0-9_]{0,63}")


def error_body(error: OmniError) -> bytes:
    """An error as JSON, its texts bounded."""
    told = error.to_json() | {"message": error.fact[:_TEXT], "remedy": error.remedy[:_TEXT]}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)
    if len(text) > 4 * _TEXT:
        text = json.dumps({name: told[name] for name in ("code", "message", "remedy")})
    return text.encode("utf-8", "replace")


def error_from(code: str, body: bytes) -> OmniError:
    """The error that another host has sent; one that this host does not know is a `HostError`."""
    try:
        told = json.loads(body[: 16 * _TEXT])
        if not isinstance(told, dict):
            raise InvalidInput("the error is no object")
    except (ValueError, RecursionError, InvalidInput):
        told = {"message": "a host of the fleet failed and did not say why"}
    message, remedy = (str(told.pop(name, ""))[:_TEXT] for name in ("message", "remedy"))
    told.pop("code", None)
    details = {name: value for name, value in told.items() if _WORD.fullmatch(name) and name != "fact"}
    kind = _ERRORS.get(code, HostError)
    return kind(message or code, remedy=remedy, **dict(list(details.items())[:_DETAILS]))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schemas(), indent=2, ensure_ascii=False) + "\n")
