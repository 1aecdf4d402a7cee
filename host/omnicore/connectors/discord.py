"""The kind `discord`: a bot that reads and writes messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.connectors.kind import Action, Kind, Opening, Repeat, Schema, number, obj, text
from omnicore.connectors.rest import BASE, REQUEST, Endpoint, Failure, FixedAuth, JsonService, failure_of, open_session
from omnicore.version import __version__

_ID = text("a number of Discord's, as text", most=20, pattern="^[0-9]{1,20}$")
_THING: Schema = {"type": "object"}
_LIST: Schema = {"type": "array", "items": _THING}
_MESSAGE: dict[str, Any] = {
    "content": text(least=0, most=2000),
    "embeds": {"type": "array", "maxItems": 10, "items": _THING},
    "components": {"type": "array", "maxItems": 40, "items": _THING},
    "allowed_mentions": _THING,
}
_NO_MENTIONS: Schema = {"parse": []}
_CHANNEL = "/channels/{channel}"


def _endpoint(
    name: str,
    says: str,
    method: str,
    path: str,
    given: Schema,
    *,
    repeat: Repeat = "never",
    query: tuple[str, ...] = (),
) -> Endpoint:
    harmless: Repeat = "always" if method in ("GET", "PUT", "DELETE", "PATCH") else repeat
    return Endpoint(Action(name, says, given, {}, harmless), method, path, query)


_ENDPOINTS = (
    _endpoint(
        *("send_message", "Sends a message; it mentions nobody unless allowed_mentions says so.", "POST"),
        _CHANNEL + "/messages",
        obj("channel", channel=_ID, nonce=text(most=25), message_reference=_THING, **_MESSAGE),
    ),
    _endpoint(
        *("edit_message", "Changes a message.", "PATCH", _CHANNEL + "/messages/{message}"),
        obj("channel", "message", channel=_ID, message=_ID, **_MESSAGE),
    ),
    _endpoint(
        *("delete_message", "Deletes a message.", "DELETE", _CHANNEL + "/messages/{message}"),
        obj("channel", "message", channel=_ID, message=_ID),
    ),
    _endpoint(
        *("get_message", "Reads a message.", "GET", _CHANNEL + "/messages/{message}"),
        obj("channel", "message", channel=_ID, message=_ID),
    ),
    _endpoint(
        *("list_messages", "Lists messages of a channel, the newest first.", "GET", _CHANNEL + "/messages"),
        obj("channel", channel=_ID, before=_ID, after=_ID, limit=number(least=1, most=100)),
        query=("before", "after", "limit"),
    ),
    _endpoint(
        *("react", "Adds a reaction.", "PUT", _CHANNEL + "/messages/{message}/reactions/{emoji}/@me"),
        obj("channel", "message", "emoji", channel=_ID, message=_ID, emoji=text(most=100)),
    ),
    _endpoint(
        *("create_thread", "Begins a thread at a message.", "POST", _CHANNEL + "/messages/{message}/threads"),
        obj("channel", "message", "name", channel=_ID, message=_ID, name=text(most=100)),
    ),
    _endpoint("get_channel", "Reads a channel.", "GET", _CHANNEL, obj("channel", channel=_ID)),
    _endpoint(
        "list_channels", "Lists a server's channels.", "GET", "/guilds/{guild}/channels", obj("guild", guild=_ID)
    ),
)


class _Discord(JsonService):
    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """A message mentions nobody by itself, and one with a nonce is posted once."""
        if action == "send_message":
            given = {"allowed_mentions": _NO_MENTIONS, **given}
            if "nonce" in given:
                given = {**given, "enforce_nonce": True}
        return await super().call(action, given, timeout_s=timeout_s)


def _says(body: Any) -> Failure:
    found = failure_of(body)
    wait = body.get("retry_after") if isinstance(body, Mapping) else None
    after = float(wait) if isinstance(wait, (int, float)) and 0 <= wait < 86_400 else None
    return Failure(found.message, found.code, after)


async def _open(opening: Opening) -> JsonService:
    return _Discord(
        opening.name,
        open_session(opening, "https://discord.com/api/v10"),
        FixedAuth({"authorization": f"Bot {opening.credentials['token']}"}),
        endpoints={one.action.name: one for one in _ENDPOINTS},
        clock=opening.clock,
        probe="/users/@me",
        headers={"user-agent": f"DiscordBot (omnicore, {__version__})"},
        says=_says,
    )


KIND = Kind(
    name="discord",
    title="Discord",
    says="A Discord bot",
    config=obj(**BASE),
    secrets={"token": "the bot's token"},
    required=("token",),
    actions=(*(one.action for one in _ENDPOINTS), REQUEST),
    open=_open,
    hook="discord",
    echoes=True,
)
