"""The kind `openai`: chat and embeddings of OpenAI or of any server that speaks its protocol."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from omnicore.connectors.http import ServiceAnswer, Streamed
from omnicore.connectors.kind import Action, Emit, Kind, Opening, Schema, number, obj, temporary, text
from omnicore.connectors.rest import BASE, REQUEST, FixedAuth, JsonService, document_of, open_session

_MODEL = text("instead of the connector's own", most=200)
_ERROR_BYTES = 16 * 1024
_CHAT = Action(
    "chat",
    "Lets a model answer; with `stream` each piece is also an event `connector.NAME.chunk` while the answer grows.",
    obj(
        "messages",
        model=_MODEL,
        messages={
            "type": "array",
            "minItems": 1,
            "maxItems": 2000,
            "items": obj(
                "role", more=True, role={"enum": ["system", "developer", "user", "assistant", "tool"]}, content={}
            ),
        },
        temperature={"type": "number", "minimum": 0, "maximum": 2},
        top_p={"type": "number", "minimum": 0, "maximum": 1},
        max_tokens=number(least=1),
        max_completion_tokens=number(least=1),
        stop={"anyOf": [text(), {"type": "array", "maxItems": 4, "items": text()}]},
        tools={"type": "array", "maxItems": 128, "items": {"type": "object"}},
        tool_choice={},
        response_format={"type": "object"},
        seed={"type": "integer"},
        stream={"type": "boolean"},
        stream_id=text("told with each piece, so that its reader knows which answer grows", most=64),
    ),
    obj(
        *("content", "finish_reason"),
        more=True,
        content={"type": ["string", "null"]},
        finish_reason={"type": ["string", "null"]},
        tool_calls={"type": "array"},
        model={"type": "string"},
        usage={"type": "object"},
    ),
)
_EMBEDDINGS = Action(
    "embeddings",
    "Turns texts into vectors.",
    obj(
        "input",
        model=_MODEL,
        input={"anyOf": [text(), {"type": "array", "minItems": 1, "maxItems": 2048, "items": text()}]},
        dimensions=number(least=1, most=65536),
    ),
    obj(
        *("vectors", "model"),
        vectors={"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        model={"type": "string"},
        usage={"type": "object"},
    ),
    "always",
)
_MODELS = Action("models", "Lists the models.", obj(), {"type": "array", "items": {"type": "string"}}, "always")


class _OpenAi(JsonService):
    chat_model = ""
    embedding_model = ""
    emit: Emit

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The result of an action, in fewer layers than the service puts around it."""
        if action == "chat":
            return await self._chat(given)
        if action == "embeddings":
            return await self._embeddings(given)
        if action == "models":
            document = document_of(await self.send("GET", "/models"))
            return [str(one["id"]) for one in self._list(document, "data") if isinstance(one, Mapping) and "id" in one]
        return await super().call(action, given, timeout_s=timeout_s)

    async def _chat(self, given: Mapping[str, Any]) -> dict[str, Any]:
        body = {"model": self.chat_model, **given}
        name = body.pop("stream_id", None)
        if not given.get("stream"):
            document = document_of(await self.send("POST", "/chat/completions", body=body))
            choice = next(iter(self._list(document, "choices")), None)
            message = choice.get("message") if isinstance(choice, Mapping) else None
            if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
                raise temporary(f"{self.name} answers without a choice")
            return _answer(document, message.get("content"), message.get("tool_calls"), choice.get("finish_reason"))
        body["stream_options"] = {"include_usage": True}
        return await self._streamed(body, name)

    async def _streamed(self, body: Mapping[str, Any], name: str | None) -> dict[str, Any]:
        headers = {
            **self._headers,
            **await self.auth.headers(),
            "accept": "text/event-stream",
            "content-type": "application/json",
        }
        path = "/chat/completions"
        async with self.session.stream("POST", path, headers=headers, body=json.dumps(body).encode()) as streamed:
            if streamed.status >= 400:
                raise self.fault(ServiceAnswer(streamed.status, streamed.headers, await _first(streamed)))
            growing = _Growing(self.name)
            async for chunk in _events(self.name, streamed.lines):
                piece = growing.take(chunk)
                if piece:
                    self.emit("chunk", {"stream": name, "index": growing.pieces, "text": piece})
            return growing.answer()

    async def _embeddings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        texts = [given["input"]] if isinstance(given["input"], str) else given["input"]
        body = {"model": self.embedding_model, "encoding_format": "float", **given, "input": texts}
        document = document_of(await self.send("POST", "/embeddings", body=body))
        found = self._list(document, "data")
        ordered = sorted(found, key=lambda one: one.get("index", 0) if isinstance(one, Mapping) else 0)
        vectors = [one.get("embedding") if isinstance(one, Mapping) else None for one in ordered]
        if len(vectors) != len(texts) or not all(map(_is_vector, vectors)):
            raise temporary(f"{self.name} gave no vector for each text")
        return {
            "vectors": vectors,
            "model": str(document.get("model", body["model"])),
            "usage": document.get("usage") or {},
        }

    def _list(self, document: Any, member: str) -> list[Any]:
        found = document.get(member) if isinstance(document, Mapping) else None
        if not isinstance(found, list):
            raise temporary(f"{self.name} answers without {member}")
        return found


class _Growing:
    """An answer that comes in pieces."""

    def __init__(self, service: str) -> None:
        self.pieces = 0
        self._service = service
        self._texts: list[str] = []
        self._tools: dict[int, dict[str, Any]] = {}
        self._about: dict[str, Any] = {}
        self._ended: str | None = None

    def take(self, chunk: Mapping[str, Any]) -> str:
        """The text that a chunk adds."""
        for name in ("model", "usage"):
            if chunk.get(name):
                self._about[name] = chunk[name]
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, Mapping):
            return ""
        self._ended = choice.get("finish_reason") or self._ended
        delta = choice.get("delta")
        if not isinstance(delta, Mapping):
            return ""
        for call in delta.get("tool_calls") or ():
            self._take_tool(call)
        piece = delta.get("content")
        if not isinstance(piece, str) or not piece:
            return ""
        self.pieces += 1
        self._texts.append(piece)
        return piece

    def answer(self) -> dict[str, Any]:
        """The whole answer. Raises: Unavailable: it was cut off."""
        if self._ended is None:
            raise temporary(f"{self._service} broke off its answer")
        tools = [self._tools[place] for place in sorted(self._tools)]
        return _answer(self._about, "".join(self._texts) or None, tools, self._ended)

    def _take_tool(self, call: Any) -> None:
        if not isinstance(call, Mapping) or not isinstance(call.get("index", 0), int) or len(self._tools) > 128:
            return
        known = self._tools.setdefault(
            call.get("index", 0), {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        known["id"] = call.get("id") or known["id"]
        function = call.get("function")
        if isinstance(function, Mapping):
            known["function"]["name"] += str(function.get("name") or "")
            known["function"]["arguments"] += str(function.get("arguments") or "")


async def _events(service: str, lines: AsyncIterator[bytes]) -> AsyncIterator[Mapping[str, Any]]:
    """The documents of an event stream until `[DONE]`. Source: the WHATWG HTML standard, section 9.2."""
    async for line in lines:
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise temporary(f"{service} streams something that is no JSON") from error
        if isinstance(document, Mapping):
            if "error" in document:
                raise temporary(f"{service} broke off its answer: {json.dumps(document['error'])[:200]}")
            yield document


async def _first(streamed: Streamed) -> bytes:
    found = bytearray()
    async for line in streamed.lines:
        found += line + b"\n"
        if len(found) > _ERROR_BYTES:
            break
    return bytes(found)


def _answer(document: Mapping[str, Any], content: Any, tools: Any, ended: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "content": content if isinstance(content, str) else None,
        "finish_reason": ended if isinstance(ended, str) else None,
        "model": str(document.get("model", "")),
        "usage": document.get("usage") or {},
    }
    return {**found, "tool_calls": tools} if tools else found


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(one) in (int, float) for one in value)


async def _open(opening: Opening) -> JsonService:
    token = opening.credentials.get("token")
    service = _OpenAi(
        opening.name,
        open_session(opening, "https://api.openai.com/v1"),
        FixedAuth({"authorization": f"Bearer {token}"} if token else {}),
        endpoints={},
        clock=opening.clock,
        probe="/models",
        headers={"openai-organization": opening.config["organization"]} if "organization" in opening.config else None,
    )
    service.chat_model = opening.config.get("chat_model", "gpt-4o-mini")
    service.embedding_model = opening.config.get("embedding_model", "text-embedding-3-small")
    service.emit = opening.emit
    return service


_NAME: Schema = text(most=200)

KIND = Kind(
    name="openai",
    title="OpenAI-compatible models",
    says="OpenAI, or any server that speaks its protocol at its base_url",
    config=obj(**BASE, chat_model=_NAME, embedding_model=_NAME, organization=_NAME),
    secrets={"token": "the API key; servers of one's own may need none"},
    actions=(_CHAT, _EMBEDDINGS, _MODELS, REQUEST),
    open=_open,
    echoes=True,
)
