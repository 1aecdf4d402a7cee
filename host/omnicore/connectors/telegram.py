"""The kind `telegram`: a bot. Its token is part of every path, so no path is ever told or logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.connectors.kind import Action, Kind, Opening, Repeat, Schema, malformed, number, obj, temporary, text
from omnicore.connectors.rest import BASE, Endpoint, Failure, FixedAuth, JsonService, document_of, open_session

_CHAT: Schema = {
    "anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^(@[A-Za-z0-9_]{1,64}|-?[0-9]{1,20})$"}],
    "description": "a chat's number, or @channel",
}
_MODE: Schema = {"enum": ["MarkdownV2", "HTML", "Markdown"]}
_MESSAGE_ID = number(least=1)
_TEXT = text(most=4096)
_THING: Schema = {"type": "object"}
_MARKUP: Schema = {"type": "object", "description": "buttons, as Telegram's reply_markup"}


def _method(name: str, method: str, says: str, given: Schema, repeat: Repeat = "never") -> Endpoint:
    return Endpoint(Action(name, says, given, {}, repeat), "POST", f"/{method}")


_ENDPOINTS = (
    _method("get_me", "getMe", "Tells who the bot is.", obj(), "always"),
    _method(
        *("send_message", "sendMessage", "Sends a message."),
        obj(
            *("chat_id", "text"),
            chat_id=_CHAT,
            text=_TEXT,
            parse_mode=_MODE,
            message_thread_id=_MESSAGE_ID,
            disable_notification={"type": "boolean"},
            reply_parameters=_THING,
            reply_markup=_MARKUP,
        ),
    ),
    _method(
        *("edit_message", "editMessageText", "Changes the text of a message."),
        obj(
            *("chat_id", "message_id", "text"),
            chat_id=_CHAT,
            message_id=_MESSAGE_ID,
            text=_TEXT,
            parse_mode=_MODE,
            reply_markup=_MARKUP,
        ),
        "always",
    ),
    _method(
        *("delete_message", "deleteMessage", "Deletes a message."),
        obj("chat_id", "message_id", chat_id=_CHAT, message_id=_MESSAGE_ID),
        "always",
    ),
    _method(
        *("send_photo", "sendPhoto", "Sends a picture by its address or its number at Telegram."),
        obj("chat_id", "photo", chat_id=_CHAT, photo=text(most=4096), caption=text(most=1024), parse_mode=_MODE),
    ),
    _method(
        *("send_document", "sendDocument", "Sends a file by its address or its number at Telegram."),
        obj("chat_id", "document", chat_id=_CHAT, document=text(most=4096), caption=text(most=1024)),
    ),
    _method(
        *("answer_callback", "answerCallbackQuery", "Answers a button that was pressed."),
        obj(
            "callback_query_id",
            callback_query_id=text(most=128),
            text=text(least=0, most=200),
            show_alert={"type": "boolean"},
        ),
        "always",
    ),
    _method("get_chat", "getChat", "Reads a chat.", obj("chat_id", chat_id=_CHAT), "always"),
    _method(
        *("get_updates", "getUpdates", "Reads what came in, where no webhook is set."),
        obj(offset={"type": "integer"}, limit=number(least=1, most=100), timeout=number(most=50)),
        "always",
    ),
)
_REQUEST = Action(
    "request",
    "Calls any method of the bot API.",
    obj("method", method=text(most=64, pattern="^[A-Za-z]+$"), parameters={"type": "object"}),
    {},
)
# These hand over the bot, or tell where its messages go, which is the operator's to decide.
_REFUSED = frozenset({"setwebhook", "deletewebhook", "logout", "close", "getwebhookinfo", "getmanagedbottoken"})


class _Telegram(JsonService):
    """Every answer is `{"ok", "result"}`."""

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The member that Telegram calls `result`."""
        if action == _REQUEST.name:
            method = given["method"]
            if method.lower() in _REFUSED:
                raise malformed(f"{method} is not for plugins", "the operator does it at Telegram")
            return self._result(document_of(await self.send("POST", f"/{method}", body=given.get("parameters", {}))))
        return self._result(await super().call(action, given, timeout_s=timeout_s))

    def _result(self, document: Any) -> Any:
        if not isinstance(document, Mapping) or document.get("ok") is not True:
            raise temporary(f"{self.name} answers without a result")
        return document.get("result")


def _says(body: Any) -> Failure:
    if not isinstance(body, Mapping):
        return Failure()
    parameters = body.get("parameters")
    wait = parameters.get("retry_after") if isinstance(parameters, Mapping) else None
    after = float(wait) if isinstance(wait, int) and 0 <= wait < 86_400 else None
    return Failure(str(body.get("description", "")), str(body.get("error_code", ""))[:20], after)


async def _open(opening: Opening) -> JsonService:
    token = opening.credentials["token"]
    if not token.replace(":", "").replace("-", "").replace("_", "").isalnum() or not token.isascii():
        raise malformed("the token is none of Telegram's", "copy it once more from BotFather")
    opening.hide(token.partition(":")[2])
    return _Telegram(
        opening.name,
        open_session(opening, "https://api.telegram.org"),
        FixedAuth(),
        endpoints={one.action.name: one for one in _ENDPOINTS},
        clock=opening.clock,
        probe="/getMe",
        prefix=f"/bot{token}",
        says=_says,
    )


KIND = Kind(
    name="telegram",
    title="Telegram",
    says="A Telegram bot",
    config=obj(**BASE),
    secrets={"token": "the bot's token, from BotFather"},
    required=("token",),
    actions=(*(one.action for one in _ENDPOINTS), _REQUEST),
    open=_open,
    hook="telegram",
    echoes=True,
)
