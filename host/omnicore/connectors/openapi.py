"""OpenAPI 3.0 and 3.1 documents as descriptions of connectors, and what of them was left out. Pure.

A document is a stranger's. References are followed within it only, and a bounded number of times.

Source: OpenAPI Specification 3.0.4 and 3.1.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NoReturn

from omnicore.connectors.described import (
    DEEPEST,
    MOST_ACTIONS,
    MOST_BYTES,
    MOST_NODES,
    NUMBERS,
    TYPES,
    is_bound,
    read_description,
)
from omnicore.connectors.http import base_url
from omnicore.connectors.web import HOSTS_OWN
from omnicore.errors import InvalidInput
from omnicore.texts import is_whole

_METHODS = ("get", "post", "put", "patch", "delete")
_UNSENT = ("head", "options", "trace")
_MOST_OPERATIONS = 20_000
_MOST_STEPS = 10_000_000  # a minute or two; the largest documents of well-known services take a tenth of it
_STEP_BYTES = 256
_LEVELS = ((MOST_NODES // 2, 200), (300, 0), (60, 0))
"""Most parts of a schema that is sent, and of one that is answered: the first at which all actions fit is taken."""
_FULL = f"a kind has up to {MOST_BYTES} bytes: choose with --only"
_MOST_REFS = 32
_DEPTHS = (DEEPEST - 4, 8, 4, 2)
_SAYS = 500
_PLACE = re.compile(r"\{([^{}]*)\}")
_UNFIT = re.compile(r"[^A-Za-z0-9_]+")
_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,99}")
_FORM = "application/x-www-form-urlencoded"
_COPIED = frozenset({"format", "default", "const", "enum"}) | NUMBERS
_IGNORED = frozenset({"accept", "content-type", "authorization"})


@dataclass(frozen=True, slots=True)
class ImportedService:
    """The description of a document, and what is not in it: operations, or parts of them, with the reason."""

    description: Mapping[str, Any]
    left_out: tuple[tuple[str, str], ...]


class _TooLargeError(Exception):
    """A schema has too many parts."""


class _LeftOutError(Exception):
    """An operation cannot become an action; the text says why."""


def import_openapi(document: Any, *, name: str = "", only: Sequence[str] = ()) -> ImportedService:
    """The description that a document makes.

    Args:
        name: of the kind; by default that of the document's title.
        only: operations to take: ids, tags, or `METHOD /path`; `*` stands for anything.

    Raises: InvalidInput: it is no such document, or `only` names nothing of it; with the place.
    """
    if not isinstance(document, Mapping):
        _refuse("", "is not an object")
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith(("3.0", "3.1")):
        remedy = "convert it to OpenAPI 3 first" if "swagger" in document else "give an OpenAPI 3.0 or 3.1 document"
        raise InvalidInput("the document is not OpenAPI 3.0 or 3.1", remedy=remedy, path="openapi")
    if not is_whole(document):
        _refuse("", "holds half of a character")
    return _Import(document, tuple(only)).made(name)


def _refuse(path: str, fact: str) -> NoReturn:
    raise InvalidInput(f"{path or 'the document'} {fact}", remedy="correct the document", path=path)


@dataclass
class _Found:
    """An operation of the document."""

    name: str
    method: str
    path: str
    place: str
    item: Mapping[str, Any]
    given: Mapping[str, Any]

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.path}"


class _Import:
    def __init__(self, document: Mapping[str, Any], only: tuple[str, ...]) -> None:
        self._document, self._only = document, only
        self._left_out: list[tuple[str, str]] = []
        self._refs = _References(document)
        self._idempotency = ""
        self._shown: frozenset[str] = frozenset()
        self._most = _LEVELS[0]

    def made(self, name: str) -> ImportedService:
        info = self._document.get("info")
        info = info if isinstance(info, Mapping) else {}
        title = str(info.get("title") or name or "service").strip()[:100] or "service"
        found = list(self._operations())
        head: dict[str, Any] = {
            "kind": name or _slug(title).lower().strip("_")[:63] or "service",
            "title": title,
            "says": _says(info.get("summary"), info.get("description"), title),
            "answers": "any",
            **self._server(),
            **self._security(found),
        }
        self._shown = frozenset(name.lower() for name in head.get("auth", {}).get("headers", ()))
        actions, left_out = self._fitting(head, found)
        if not actions:
            reasons = "; ".join(f"{what}: {why}" for what, why in left_out[:5]) or "it has none"
            raise InvalidInput(f"no operation can become an action ({reasons})", remedy="give another document")
        if self._idempotency:
            head["idempotency"] = self._idempotency
        description = {**head, "actions": actions}
        read_description(description)
        return ImportedService(description, (*self._left_out, *left_out))

    # -- operations

    def _operations(self) -> Iterator[_Found]:
        paths = self._document.get("paths", {})
        if not isinstance(paths, Mapping):
            _refuse("paths", "is not an object")
        taken: set[str] = set()
        matched: set[str] = set()
        count = 0
        for path, given in paths.items():
            try:
                item = self._refs.resolved(given, f"paths.{path}")
            except _LeftOutError as error:
                self._left_out.append((str(path)[:200], str(error)))
                continue
            for method in (*_METHODS, *_UNSENT):
                operation = item.get(method)
                if not isinstance(operation, Mapping):
                    continue
                count += 1
                if count > _MOST_OPERATIONS:
                    _refuse("paths", f"has more than {_MOST_OPERATIONS} operations")
                if not self._wanted(operation, method, str(path), matched):
                    continue
                if method in _UNSENT:
                    self._left_out.append((f"{method.upper()} {path}", f"{method.upper()} is not sent"))
                    continue
                name = _free(_action_name(operation, method, str(path)), taken)
                yield _Found(name, method, str(path), f"paths.{path}.{method}", item, operation)
        for pattern in self._only:
            if pattern not in matched:
                raise InvalidInput(f"the document has no operation {pattern[:80]!r}", remedy="name others", path="only")

    def _wanted(self, operation: Mapping[str, Any], method: str, path: str, matched: set[str]) -> bool:
        if not self._only:
            return True
        tags = operation.get("tags")
        names = [str(operation.get("operationId", "")), f"{method.upper()} {path}", f"{method} {path}"]
        names += [str(one) for one in tags] if isinstance(tags, list) else []
        found = [pattern for pattern in self._only if any(fnmatchcase(name, pattern) for name in names)]
        matched.update(found)
        return bool(found)

    def _fitting(
        self, head: Mapping[str, Any], found: Sequence[_Found]
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The actions with schemas as large as lets all of them in, and what was left out of them."""
        before = list(self._left_out)
        for level in _LEVELS:
            self._most, self._left_out = level, []
            actions = self._actions(head, found)
            left_out, self._left_out = self._left_out, before
            if not any(why == _FULL for _, why in left_out):
                break
        if level is not _LEVELS[0]:
            left_out.insert(0, ("deep parts of schemas", "so that more actions fit; fewer with --only keep them"))
        return actions, left_out

    def _actions(self, head: Mapping[str, Any], found: Sequence[_Found]) -> dict[str, Any]:
        actions: dict[str, Any] = {}
        size = head_size = len(json.dumps(head))
        for one in found:
            try:
                if len(actions) >= MOST_ACTIONS:
                    raise _LeftOutError(f"a kind has up to {MOST_ACTIONS} actions: choose with --only")
                made = self._action(one)
                more = len(json.dumps(made)) + len(one.name) + 16
                self._refs.step(one.place, (head_size + more) // _STEP_BYTES)
                grown = size + more
                if grown > MOST_BYTES:
                    raise _LeftOutError(_FULL)
                read_description({**head, "actions": {one.name: made}})
            except _LeftOutError as error:
                self._left_out.append((one.label, str(error)))
            except InvalidInput as error:
                self._left_out.append((one.label, error.fact))
            else:
                actions[one.name] = made
                size = grown
        return actions

    def _action(self, one: _Found) -> dict[str, Any]:
        if one.given.get("servers") or one.item.get("servers"):
            raise _LeftOutError("it is at another address than the document's first server")
        inputs = _Inputs()
        self._refs.copied = 0
        for place, parameter in self._parameters(one):
            self._parameter(inputs, parameter, place)
        path = _PLACE.sub(lambda place: f"{{{inputs.place(place[1])}}}", one.path)
        for name in {place[1] for place in _PLACE.finditer(one.path)} - inputs.placed.keys():
            inputs.add(name, "path", {"type": "string"}, required=True)
        body = self._body(inputs, one)
        says = _says(one.given.get("summary"), one.given.get("description"), one.label)
        output = self._output(one)
        made = {"says": says, "method": one.method.upper(), "path": path, **inputs.made(), **body}
        return {**made, **({"output": output} if output else {})}

    def _parameters(self, one: _Found) -> Iterator[tuple[str, Mapping[str, Any]]]:
        merged: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
        for holder, at in ((one.item, one.place.rpartition(".")[0]), (one.given, one.place)):
            listed = holder.get("parameters", ())
            if not isinstance(listed, (list, tuple)):
                raise _LeftOutError(f"{at}.parameters is not a list")
            for index, given in enumerate(listed):
                place = f"{at}.parameters.{index}"
                parameter = self._refs.resolved(given, place)
                merged[str(parameter.get("name", "")), str(parameter.get("in", ""))] = (place, parameter)
        return iter(merged.values())

    def _parameter(self, inputs: _Inputs, given: Mapping[str, Any], place: str) -> None:
        name, where = str(given.get("name", "")), str(given.get("in", ""))
        required = given.get("required") is True or where == "path"
        if not name or len(name) > 100:
            raise _LeftOutError(f"{place} has no usable name")
        if where == "header" and name.lower() in _IGNORED | self._shown:
            return
        if where == "header" and name.lower() == "idempotency-key":
            self._idempotency = name
            return
        content = given.get("content")
        schema = given.get("schema")
        if isinstance(content, Mapping) and content:
            held = next(iter(content.values()))
            schema = held.get("schema") if isinstance(held, Mapping) else None
        before = self._refs.copied
        found = self._refs.schema(schema if schema is not None else {}, f"{place}.schema", most=self._most[0])
        problem = _unsendable(given, where, name, found, is_content=content is not None)
        if problem and required:
            raise _LeftOutError(f"its parameter {name} {problem}")
        if problem:
            self._refs.copied = before
            self._left_out.append((f"the parameter {place}", problem))
            return
        is_list = found.get("type") == "array"
        joined = where == "query" and is_list and (given.get("explode") is False or content is not None)
        says = given.get("description")
        if isinstance(says, str) and says.strip() and isinstance(found, dict):
            found = {**found, "description": _short(says)}
        inputs.add(name, where, found, required=required, joined=joined and content is None)

    # -- bodies

    def _body(self, inputs: _Inputs, one: _Found) -> dict[str, Any]:
        if "requestBody" not in one.given:
            return {}
        place = f"{one.place}.requestBody"
        given = self._refs.resolved(one.given["requestBody"], place)
        content = given.get("content")
        content = content if isinstance(content, Mapping) else {}
        medias = {str(media).partition(";")[0].strip().lower(): (str(media), held) for media, held in content.items()}
        kind = next((media for media in medias if media == "application/json" or media.endswith("+json")), "")
        kind = kind or ("application/json" if "*/*" in medias else _FORM if _FORM in medias else "")
        if one.method == "get":
            raise _LeftOutError("a GET with a body is not sent")
        if not kind:
            raise _LeftOutError(f"it takes {', '.join(medias)[:100] or 'no kind of body that is described'}")
        media, held = medias.get(kind) or medias["*/*"]
        held = held if isinstance(held, Mapping) else {}
        at = f"{place}.content.{media}.schema"
        schema = self._refs.schema(held.get("schema", {}), at, most=self._most[0], sent=True)
        members, needed = schema.get("properties"), schema.get("required", ())
        flat = isinstance(members, Mapping) and members and not schema.get("additionalProperties")
        if flat and isinstance(members, Mapping):
            for name, member in members.items():
                inputs.add(name, "body", member, required=given.get("required") is True and name in needed)
        elif kind == _FORM:
            raise _LeftOutError("its form has no members")
        else:
            return {"whole": inputs.add("body", "body", schema, required=given.get("required") is True)}
        if kind != _FORM:
            return {}
        encoding = held.get("encoding")
        deep = isinstance(encoding, Mapping) and "deepObject" in json.dumps(encoding)
        return {"body": "brackets" if deep else "form"}

    def _output(self, one: _Found) -> Any:
        """The schema of the answer that means success, where it is a small one."""
        if not self._most[1]:
            return {}
        answers = one.given.get("responses")
        answers = answers if isinstance(answers, Mapping) else {}
        wanted = next((code for code in map(str, answers) if code.startswith("2")), "")
        try:
            given = self._refs.resolved(answers.get(wanted, {}), f"{one.place}.responses.{wanted}")
            content = given.get("content")
            held = content.get("application/json") if isinstance(content, Mapping) else None
            schema = held.get("schema", {}) if isinstance(held, Mapping) else {}
            return self._refs.schema(schema, f"{one.place}.responses.{wanted}", most=self._most[1])
        except _LeftOutError:
            return {}

    # -- the service

    def _server(self) -> dict[str, Any]:
        servers = self._document.get("servers")
        first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], Mapping) else {}
        url, given = str(first.get("url", ""))[:2048], first.get("variables")
        given = given if isinstance(given, Mapping) else {}
        variables: dict[str, Any] = {}
        scheme, mark, rest = url.partition("://")
        if mark and (found := _PLACE.fullmatch(scheme)):
            url = f"{_scheme(given.get(found[1]))}://{rest}"
        for name in _PLACE.findall(url):
            about = given.get(name)
            about = about if isinstance(about, Mapping) else {}
            default, values = str(about.get("default", "")), about.get("enum")
            values = [str(one) for one in values] if isinstance(values, list) else []
            fits = all(map(_VALUE.fullmatch, (default or "a", *values)))
            if not fits or not re.fullmatch(r"[A-Za-z0-9_]{1,50}", name):
                return self._unplaced(f"its variable {name[:50]} has values that are no parts of an address")
            variables[name] = {"says": _says(about.get("description"), None, name), "default": default}
            variables[name] |= {"values": values} if values else {}
        if not url.lower().startswith(("https://", "http://")):
            return self._unplaced("it is relative" if url else "there is none")
        try:
            base = base_url(_PLACE.sub(lambda place: variables[place[1]]["default"] or "a", url))
        except InvalidInput as error:
            return self._unplaced(error.fact)
        if base.private:
            return self._unplaced("it is an address of this machine or network")
        if base.url.scheme == "http":
            self._left_out.append(("encryption", "the server's address begins with http: others can read what is sent"))
        return {"base": url.rstrip("/"), **({"variables": variables} if variables else {})}

    def _unplaced(self, why: str) -> dict[str, Any]:
        self._left_out.append(("the server's address", f"{why}; each connector gives base_url"))
        return {}

    def _security(self, found: Sequence[_Found]) -> dict[str, Any]:
        """The ways of the schemes that the operations name. With several, each connector gives what it has."""
        components = self._document.get("components")
        schemes = components.get("securitySchemes") if isinstance(components, Mapping) else None
        schemes = schemes if isinstance(schemes, Mapping) else {}
        general = self._document.get("security")
        names: dict[str, None] = {}
        for one in found:
            for choice in _choices(one.given.get("security", general)):
                names.update(dict.fromkeys(choice))
        ways = _Ways()
        for name in names:
            try:
                scheme = self._refs.resolved(schemes.get(name), f"components.securitySchemes.{name}")
            except _LeftOutError as error:
                self._left_out.append((f"the authentication {name[:80]}", str(error)))
                continue
            problem = ways.take(name, scheme)
            if problem:
                self._left_out.append((f"the authentication {name[:80]}", problem))
        return ways.made()


@dataclass
class _Inputs:
    """The inputs of an action, with the service's names for them."""

    input: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    query: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    rename: dict[str, str] = field(default_factory=dict)
    placed: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, where: str, schema: Any, *, required: bool, joined: bool = False) -> str:
        """The name of the input that a parameter becomes."""
        wanted = name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", name) and where != "path" else _slug(name)
        if wanted in self.input or wanted == "idempotency_key":
            wanted = f"{where}_{wanted}"
        while wanted in self.input:
            wanted += "_"
        self.input[wanted] = schema
        if required:
            self.required.append(wanted)
        if where == "path":
            self.placed[name] = wanted
        elif where == "header":
            self.headers[wanted] = name
        elif where == "query":
            self.query.append(wanted)
            self.joined += [wanted] if joined else []
        if where in ("query", "body") and wanted != name:
            self.rename[wanted] = name
        return wanted

    def place(self, name: str) -> str:
        return self.placed.get(name) or _slug(name)

    def made(self) -> dict[str, Any]:
        members = ("input", "required", "query", "joined", "headers", "rename")
        return {member: getattr(self, member) for member in members if getattr(self, member)}


class _Ways:
    """The credentials of a description."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.auth: dict[str, Any] = {}

    def take(self, name: str, scheme: Mapping[str, Any]) -> str:
        """Takes a scheme up; the reason why it cannot be, or nothing."""
        kind, way = scheme.get("type"), str(scheme.get("scheme", "")).lower()
        says = _says(scheme.get("description"), None, name)
        if kind == "apiKey" and scheme.get("in") in ("header", "query"):
            return self._key(str(scheme.get("name", "")), str(scheme["in"]), name, says)
        if kind == "http" and way == "basic":
            if self._has("Authorization"):
                return "another one uses the same header"
            self.secrets |= {"user": says, "password": says}
            self.auth["basic"] = ["{user}", "{password}"]
            return ""
        if (kind == "http" and way == "bearer") or kind in ("oauth2", "openIdConnect"):
            address = _token_url(scheme) if kind == "oauth2" else ""
            return self._tokens(address, says) if address else self._bearer(name, says)
        shown = way or str(scheme.get("in", ""))
        return f"a connector cannot show a credential as {str(kind)[:40]} {shown[:40]}".strip()

    def made(self) -> dict[str, Any]:
        optional = list(self.secrets) if len(self.auth) + len(self.auth.get("headers", ())) > 2 else []
        made = {"secrets": self.secrets, "auth": self.auth, "optional": optional}
        return {name: value for name, value in made.items() if value}

    def _tokens(self, address: str, says: str) -> str:
        if self._has("Authorization"):
            return "another one uses the same header"
        self.secrets |= {"client_id": says, "client_secret": says}
        self.auth["oauth2"] = {"token_url": address}
        return ""

    def _bearer(self, name: str, says: str) -> str:
        if self._has("Authorization"):
            return "another one uses the same header"
        secret = self._secret(name, f"{says} (an access token)")
        self.auth.setdefault("headers", {})["Authorization"] = f"Bearer {{{secret}}}"
        return ""

    def _key(self, field_name: str, where: str, name: str, says: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", field_name):
            return "it has no usable name"
        part = self.auth.setdefault("headers" if where == "header" else "query", {})
        if any(known.lower() == field_name.lower() for known in part) or (where == "header" and self._has(field_name)):
            return "another one uses the same name"
        part[field_name] = f"{{{self._secret(name, says)}}}"
        return ""

    def _secret(self, name: str, says: str) -> str:
        found = _free(_slug(name), set(self.secrets))
        self.secrets[found] = says
        return found

    def _has(self, header: str) -> bool:
        taken = {name.lower() for name in self.auth.get("headers", {})}
        return header.lower() in taken or (header == "Authorization" and bool(self.auth.keys() & {"basic", "oauth2"}))


def _token_url(scheme: Mapping[str, Any]) -> str:
    """The address at which a client fetches tokens with its own credentials, where the scheme names one."""
    flows = scheme.get("flows")
    flow = flows.get("clientCredentials") if isinstance(flows, Mapping) else None
    address = flow.get("tokenUrl") if isinstance(flow, Mapping) else None
    try:
        return address if isinstance(address, str) and not base_url(address).private else ""
    except InvalidInput:
        return ""


class _References:
    """Follows references within a document, and counts the work that it makes, which is bounded."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._steps = _MOST_STEPS
        self.copied = 0
        """Parts of schemas since it was set to 0, for each operation."""

    def resolved(self, given: Any, place: str) -> Mapping[str, Any]:
        """The object, or the one it refers to. Raises: _LeftOutError."""
        for _ in range(_MOST_REFS):
            self.step(place)
            if not isinstance(given, Mapping):
                raise _LeftOutError(f"{place} is not an object")
            if "$ref" not in given:
                return given
            given = self._target(given["$ref"], place)
        raise _LeftOutError(f"{place} refers to itself")

    def schema(self, given: Any, place: str, *, most: int, sent: bool = False) -> dict[str, Any]:
        """A schema without references, of words that take a bounded time to check. Raises: _LeftOutError."""
        for deepest in _DEPTHS:
            copy = _SchemaCopy(self, most, deepest, sent=sent)
            try:
                made = copy.copy(given, place, (), 0)
            except _TooLargeError:
                continue
            if self.copied + copy.size <= MOST_NODES:
                self.copied += copy.size
                return made
        raise _LeftOutError(f"{place} is too large a schema")

    def target(self, given: Mapping[str, Any], place: str) -> Any:
        """The value that a reference names."""
        self.step(place)
        return self._target(given["$ref"], place)

    def _target(self, ref: Any, place: str) -> Any:
        if not isinstance(ref, str) or not ref.startswith("#/"):
            raise _LeftOutError(f"{place} refers to another document: {str(ref)[:80]!r}")
        found: Any = self._document
        for part in ref[2:].split("/")[:_MOST_REFS]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and len(name) < 6 and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, Mapping) and name in found:
                found = found[name]
            else:
                raise _LeftOutError(f"{place} refers to {ref[:80]!r}, which is not there")
        return found

    def step(self, place: str, steps: int = 1) -> None:
        """Counts steps. Raises: InvalidInput: there were too many."""
        self._steps -= steps
        if self._steps < 0:
            fact = f"{place} is reached after more than {_MOST_STEPS} steps"
            raise InvalidInput(fact, remedy="choose operations with --only", path=place)


class _SchemaCopy:
    """Copies one schema. What contains itself becomes any value the second time, and so does what is too deep."""

    def __init__(self, refs: _References, most: int, deepest: int, *, sent: bool) -> None:
        self._refs, self._most, self._deepest, self._sent = refs, most, deepest, sent
        self.size = 0

    def copy(self, given: Any, place: str, within: tuple[str, ...], depth: int) -> dict[str, Any]:
        self.size += 1
        self._refs.step(place)
        if self.size > self._most:
            raise _TooLargeError
        if not isinstance(given, Mapping) or depth > self._deepest or len(within) > _MOST_REFS:
            return {}
        if "$ref" in given:
            ref = str(given["$ref"])[:500]
            return {} if ref in within else self.copy(self._refs.target(given, place), place, (*within, ref), depth)
        made = self._words(given)
        for word in ("anyOf", "oneOf"):
            choices = given.get(word)
            if isinstance(choices, list) and choices:
                made["anyOf"] = [self.copy(one, f"{place}/{word}", within, depth + 1) for one in choices]
        if "items" in given:
            made["items"] = self.copy(given["items"], f"{place}/items", within, depth + 1)
        self._object(made, given, place, within, depth + 1)
        parts = given.get("allOf")
        if isinstance(parts, list) and parts:
            self._joined(made, [self.copy(one, f"{place}/allOf", within, depth + 1) for one in parts])
        return made

    def _words(self, given: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        kinds = given.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        kinds = [one for one in kinds if isinstance(one, str) and one in TYPES]
        if kinds and given.get("nullable") is True and "null" not in kinds:
            kinds.append("null")
        if kinds:
            made["type"] = kinds[0] if len(kinds) == 1 else kinds
        for word in _COPIED & given.keys():
            value = given[word]
            fits = is_bound(word, value) if word in NUMBERS else True
            if word == "enum":
                fits = isinstance(value, list) and bool(value)
                value = [*value, None] if fits and given.get("nullable") is True and None not in value else value
            if word == "format":
                fits = isinstance(value, str)
            if fits:
                made[word] = value
        for word, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if given.get(word) is True and plain in made:  # as 3.0 writes it
                made[word] = made.pop(plain)
        for word in ("title", "description"):
            if isinstance(given.get(word), str) and given[word].strip():
                made[word] = _short(given[word])
        return made

    def _object(
        self, made: dict[str, Any], given: Mapping[str, Any], place: str, within: tuple[str, ...], depth: int
    ) -> None:
        members = given.get("properties")
        members = members if isinstance(members, Mapping) else {}
        kept = {}
        for name, member in members.items():
            if self._sent and isinstance(member, Mapping) and member.get("readOnly") is True:
                continue
            kept[str(name)] = self.copy(member, f"{place}/properties/{str(name)[:60]}", within, depth)
        if kept:
            made["properties"] = kept
            made.setdefault("type", "object")
        required = given.get("required")
        dropped = members.keys() - kept.keys()
        needed = [one for one in required if isinstance(one, str)] if isinstance(required, list) else []
        if needed := [one for one in needed if one not in dropped]:
            made["required"] = needed
        more = given.get("additionalProperties")
        if isinstance(more, Mapping):
            made["additionalProperties"] = self.copy(more, f"{place}/additionalProperties", within, depth)
        elif isinstance(more, bool) and "patternProperties" not in given:
            made["additionalProperties"] = more

    @staticmethod
    def _joined(made: dict[str, Any], parts: list[dict[str, Any]]) -> None:
        """Objects become one object, as a form shows them; else the parts stay parts."""
        plain = {"type", "properties", "required", "title", "description"}
        if not all(part.keys() <= plain and part.get("type", "object") == "object" for part in parts):
            made["allOf"] = parts
            return
        for part in parts:
            if part.get("properties"):
                made["properties"] = {**part["properties"], **made.get("properties", {})}
                made.setdefault("type", "object")
            required = [*made.get("required", ()), *part.get("required", ())]
            if required:
                made["required"] = list(dict.fromkeys(required))
            for word in ("title", "description"):
                if word in part:
                    made.setdefault(word, part[word])


def _unsendable(given: Mapping[str, Any], where: str, name: str, schema: Mapping[str, Any], *, is_content: bool) -> str:
    """The reason why a parameter cannot be sent, or nothing."""
    style = given.get("style")
    if where not in ("path", "query", "header"):
        return f"is sent as {where[:20] or 'nothing'}"
    if where == "path" and style not in (None, "simple"):
        return f"has the style {str(style)[:20]}"
    if where == "query" and style not in (None, "form"):
        return f"has the style {str(style)[:20]}"
    if where == "query" and not is_content and (schema.get("type") == "object" or "properties" in schema):
        return "is an object"
    if where == "header" and (name.lower() in HOSTS_OWN or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name)):
        return "is the host's to set"
    return ""


def _scheme(about: Any) -> str:
    """The one of a variable that is the scheme of an address: https, where it may be."""
    about = about if isinstance(about, Mapping) else {}
    values = about.get("enum")
    return "https" if isinstance(values, list) and "https" in values else str(about.get("default", ""))[:20]


def _choices(security: Any) -> Iterator[list[str]]:
    for one in security if isinstance(security, list) else ():
        if isinstance(one, Mapping):
            yield [str(name) for name in one]


def _action_name(operation: Mapping[str, Any], method: str, path: str) -> str:
    given = operation.get("operationId")
    text = given if isinstance(given, str) and given.strip() else f"{method}_{path}"
    return _slug(text)[:60]


def _slug(text: str) -> str:
    """The text as a name.

    >>> _slug("find pets/by-id"), _slug("2fa")
    ('find_pets_by_id', 'n2fa')
    """
    found = _UNFIT.sub("_", text).strip("_")[:80] or "value"
    return found if found[0].isalpha() else f"n{found}"


def _free(name: str, taken: set[str]) -> str:
    found, count = name, 2
    while found in taken:
        found, count = f"{name}_{count}", count + 1
    taken.add(found)
    return found


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SAYS else plain[: _SAYS - 3] + "..."


def _says(first: Any, second: Any, otherwise: str) -> str:
    for one in (first, second):
        if isinstance(one, str) and one.strip():
            return _short(one)
    return otherwise[:_SAYS] or "it"
