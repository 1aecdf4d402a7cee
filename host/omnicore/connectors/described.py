"""Connectors as data: a description names a service's address, credentials and requests, and becomes a kind.

Descriptions that come with the host are the files of `services/`. Others are added by an operator and kept in the
database. `specs/connector.md` has the format.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar
from urllib.parse import urlencode

from omnicore.connectors.http import HttpSession, ServiceAnswer, base_url
from omnicore.connectors.kind import (
    Action,
    CallLimits,
    Kind,
    Opening,
    Repeat,
    Schema,
    shown,
    temporary,
    text,
)
from omnicore.connectors.rest import (
    BASE,
    LIMIT,
    REQUEST,
    Auth,
    Failure,
    FixedAuth,
    JsonService,
    OAuth2,
    document_of,
    failure_of,
    open_session,
    placed,
    token_session,
)
from omnicore.connectors.web import HOSTS_OWN
from omnicore.connectors.webhooks import RULES
from omnicore.errors import InvalidInput, LimitExceeded, ServiceRefused
from omnicore.records import Json, Meta, Record, decode, field, from_yaml
from omnicore.texts import is_whole

if TYPE_CHECKING:
    from omnicore.clock import Clock

SERVICES = Path(__file__).parent / "services"
MOST_ACTIONS = 300
MOST_BYTES = 512 * 1024
MOST_NODES = 3000
DEEPEST = 24
_MOST_PAGES = 50
_ENVELOPES = 4  # all pages together may have this many times the bytes that their items may have
_PAGE = 100
_LONGEST_CURSOR = 4096
_LARGEST = 1e300  # of a bound; what compares numbers may make it a float

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,99}$")]
_Says = Annotated[str, Meta(min_length=1, max_length=2000)]
_Template = Annotated[str, Meta(min_length=1, max_length=1000)]
_Texts = Mapping[_Name, _Template]
_Member = Annotated[str, Meta(max_length=200, description="Members on the way, with dots between; `0` and `-1` count.")]


class Variable(Record, frozen=True, kw_only=True):
    """A part of the address that each connector sets, such as the name of a site."""

    says: _Says
    default: Annotated[str, Meta(max_length=100)] = ""
    values: Annotated[tuple[str, ...], Meta(max_length=100)] = ()


class TokenSource(Record, frozen=True, kw_only=True):
    """OAuth 2: where tokens are fetched, with `client_id`, `client_secret` and, where there is one, `refresh_token`."""

    token_url: Annotated[str, Meta(max_length=2048)]
    scope: Annotated[str, Meta(max_length=2048)] = ""


class ShownAuth(Record, frozen=True, kw_only=True):
    """The way to show credentials: templates over secrets and variables. One without its secret is left out."""

    headers: _Texts = field(default_factory=dict)
    query: _Texts = field(default_factory=dict)
    body: Annotated[_Texts, Meta(description="Members of JSON and form bodies.")] = field(default_factory=dict)
    basic: Annotated[tuple[str, ...], Meta(description="Templates of user and password.")] = ()
    oauth2: TokenSource | None = None


class Refusal(Record, frozen=True, kw_only=True):
    """The place of the reason in an answer that refuses, and the signs of a refusal that says 200."""

    unless: Annotated[_Member, Meta(description="An answer is a refusal unless this is true.")] = ""
    when: Annotated[_Member, Meta(description="An answer is a refusal when this is there.")] = ""
    message: _Member = ""
    code: _Member = ""


class Paging(Record, frozen=True, kw_only=True):
    """The way from one page of a list to the next. The action takes `limit`, and gives the items of all pages."""

    items: _Member = ""
    link: Annotated[bool, Meta(description="The next page stands in the header Link.")] = False
    next: Annotated[_Member, Meta(description="The member of an answer that leads to the next page.")] = ""
    more: Annotated[_Member, Meta(description="The member that is true when there is a next page.")] = ""
    cursor: Annotated[str, Meta(max_length=100, description="The parameter that takes it.")] = ""
    size: Annotated[str, Meta(max_length=100, description="The parameter for the length of a page.")] = ""
    most: Annotated[int, Meta(ge=1, le=1000, description="Most items on a page.")] = _PAGE


class ServiceAction(Record, frozen=True, kw_only=True):
    """A request as an action. Inputs without another place are members of the body."""

    says: _Says
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, Meta(pattern="^/[^?#]*$", max_length=1000)]
    input: Annotated[Mapping[_Name, Json], Meta(description="JSON Schema of each input.")] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    joined: Annotated[tuple[str, ...], Meta(description="Lists of the query sent with commas between.")] = ()
    headers: Annotated[_Texts, Meta(description="Headers by input.")] = field(default_factory=dict)
    rename: Annotated[_Texts, Meta(description="The service's names of inputs.")] = field(default_factory=dict)
    slashes: Annotated[tuple[str, ...], Meta(description="Places of the path whose slashes stay.")] = ()
    body: Annotated[
        Literal["json", "form", "brackets"],
        Meta(description="`form` repeats lists; `brackets` writes members as `a[b]` and `a[0]`."),
    ] = "json"
    fixed: Annotated[Mapping[str, Json], Meta(description="Members always sent.")] = field(default_factory=dict)
    within: Annotated[_Member, Meta(description="The member of the body that the inputs are members of.")] = ""
    whole: Annotated[str, Meta(max_length=100, description="The input that is the body itself.")] = ""
    pick: Annotated[_Member, Meta(description="The part of the answer that is the output.")] = ""
    pages: Paging | None = None
    repeat: Literal["never", "always", "keyed"] | None = None
    output: Annotated[Mapping[str, Json], Meta(description="JSON Schema of the output.")] = field(default_factory=dict)


class ServiceDescription(Record, frozen=True, kw_only=True):
    """A service as data. `actions` and `variables` are decoded one by one, so that a problem has its place."""

    kind: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="The name of the kind.")]
    title: Annotated[str, Meta(min_length=1, max_length=100)]
    says: _Says
    docs: Annotated[
        str, Meta(pattern="^(https?://.*)?$", max_length=500, description="Where the service documents its interface.")
    ] = ""
    base: Annotated[str, Meta(max_length=2048, description="Where it is; variables stand in braces.")] = ""
    prefix: Annotated[str, Meta(max_length=200, description="Begins every path, also below a base_url.")] = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: Annotated[Mapping[_Name, _Says], Meta(description="What each one is.")] = field(default_factory=dict)
    optional: Annotated[tuple[str, ...], Meta(description="Secrets that it can do without.")] = ()
    auth: ShownAuth = ShownAuth()
    headers: Annotated[_Texts, Meta(description="Sent with every request.")] = field(default_factory=dict)
    idempotency: Annotated[str, Meta(max_length=100, description="The header for the key of a POST.")] = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    refusal: Refusal = Refusal()
    answers: Annotated[Literal["json", "any"], Meta(description="`any` also takes texts and bytes.")] = "json"
    probe: Annotated[str, Meta(max_length=1000, description="A test: an action without inputs, or a path.")] = ""
    request: Annotated[bool, Meta(description="Whether any other request may be sent.")] = False
    webhook: Annotated[str, Meta(max_length=50, description="The rule that proves its deliveries.")] = "standard"
    actions: Mapping[str, Any]


# -- reading


_PLACE = re.compile(r"\{(\w+)\}")
_ACTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,99}")
_VALUE_SCHEMA: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9]([A-Za-z0-9_-]|\.(?!\.)){0,99}$"}
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,100}")
TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
NUMBERS = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    }
)
_WORDS: Mapping[str, type] = {
    **dict.fromkeys(("title", "description", "format"), str),
    **dict.fromkeys(("enum", "anyOf", "oneOf", "allOf", "examples", "required"), list),
    "properties": dict,
}
_R = TypeVar("_R", bound=Record)


def read_description(values: Any, *, shipped: bool = False) -> ServiceDescription:
    """The description that a document holds. Raises: InvalidInput, with `path` of what is wrong.

    Args:
        shipped: it comes with the host, so that its schemas may have patterns.
    """
    if not is_whole(values):
        _refuse("", "holds half of a character", "write whole texts")
    found = decode(ServiceDescription, values, "description")
    if len(json.dumps(values)) > MOST_BYTES:
        _refuse("", f"is larger than {MOST_BYTES} bytes", "leave some actions out")
    if not 1 <= len(found.actions) <= MOST_ACTIONS:
        _refuse("actions", f"are {len(found.actions)}", f"describe 1 to {MOST_ACTIONS}")
    _check_whole(found)
    for name, operation in operations_of(found).items():
        _check_operation(found, operation, f"actions.{name}", patterns=shipped)
    return found


def operations_of(description: ServiceDescription) -> dict[str, ServiceAction]:
    """Its actions by name. Raises: InvalidInput, with `path`."""
    for name in description.actions:
        if not _ACTION.fullmatch(name):
            _refuse(f"actions.{name[:80]}", "is no name of an action", "use up to 64 of A-Z a-z 0-9 _ -")
    return {name: _one(ServiceAction, one, f"actions.{name}") for name, one in description.actions.items()}


def variables_of(description: ServiceDescription) -> dict[str, Variable]:
    """Its variables by name. Raises: InvalidInput, with `path`."""
    return {name: _one(Variable, one, f"variables.{name[:80]}") for name, one in description.variables.items()}


def _one(record: type[_R], values: Any, at: str) -> _R:
    try:
        return decode(record, values, "description")
    except InvalidInput as error:
        path = ".".join(filter(None, (at, str(error.details.get("path", "")))))
        raise InvalidInput(f"{path}: {error.fact}", remedy=error.remedy, path=path) from None


def _refuse(path: str, fact: str, remedy: str) -> NoReturn:
    raise InvalidInput(f"{path or 'the description'} {fact}", remedy=remedy, path=path)


def _check_whole(found: ServiceDescription) -> None:
    variables = variables_of(found)
    _check_variables(found, variables)
    _check_places(found.base, variables, "base")
    usual = {name: one.default or "a" for name, one in variables.items()}
    if found.base and base_url(_filled(found.base, usual)).private:
        _refuse("base", "is an address of this machine or network", "leave it out: each connector gives base_url")
    if found.prefix and not found.prefix.startswith("/"):
        _refuse("prefix", "is no path", "begin it with /")
    _check_auth(found, {*variables, *found.secrets})
    for name in found.optional:
        if name not in found.secrets:
            _refuse("optional", f"names {name[:80]!r}, which is no secret", "remove it")
    for limit, value in found.limits.items():
        if limit not in CallLimits.__slots__:
            _refuse(f"limits.{limit[:80]}", "is no limit", f"limits are {', '.join(CallLimits.__slots__)}")
        if not 0 < value < 1e6:
            _refuse(f"limits.{limit}", "is not a number above 0", "correct it")
    if found.webhook not in RULES:
        _refuse("webhook", f"is no rule: {found.webhook[:50]!r}", f"use one of {', '.join(RULES)}")
    if found.request and REQUEST.name in found.actions:
        _refuse("actions.request", "is there twice", "give it another name, or set `request: false`")
    if found.probe and not found.probe.startswith("/") and found.probe not in found.actions:
        _refuse("probe", "is neither a path nor an action", "begin a path with /")


def _check_variables(found: ServiceDescription, variables: Mapping[str, Variable]) -> None:
    for name, one in variables.items():
        if not _PLACE.fullmatch(f"{{{name}}}") or name in {*BASE, "token_url", *found.secrets}:
            _refuse(f"variables.{name[:80]}", "is no free name", "use A-Z a-z 0-9 _, and no name of a secret")
        for value in filter(None, (one.default, *one.values)):
            if not _VALUE.fullmatch(value):
                _refuse(f"variables.{name}", f"cannot be {value[:80]!r}", "use up to 100 of A-Z a-z 0-9 . _ -")


def _check_auth(found: ServiceDescription, known: Set[str]) -> None:
    ways = found.auth
    for part, texts in (("headers", ways.headers), ("query", ways.query), ("body", ways.body)):
        for name, template in texts.items():
            _check_places(template, known, f"auth.{part}.{name}")
    for template in ways.basic:
        _check_places(template, known, "auth.basic")
    if ways.basic and len(ways.basic) != 2:
        _refuse("auth.basic", "is not a user and a password", "give two templates")
    for header in (*ways.headers, *found.headers, *filter(None, (found.idempotency,))):
        if not _HEADER.fullmatch(header):
            _refuse(f"headers.{header[:80]}", "is no name of a header", "use A-Z a-z 0-9 _ -")
    if ways.oauth2 is not None:
        if base_url(ways.oauth2.token_url).private:
            fact = "is an address of this machine or network"
            _refuse("auth.oauth2.token_url", fact, "name the service's own: each connector may give another token_url")
        for name in ("client_id", "client_secret"):
            if name not in found.secrets:
                _refuse(f"secrets.{name}", "is missing", "OAuth 2 needs it")


def _check_places(template: str, known: Container[str], path: str) -> None:
    for name in _PLACE.findall(template):
        if name not in known:
            _refuse(path, f"names {{{name[:80]}}}, which nothing gives", "declare it")


def _check_operation(found: ServiceDescription, one: ServiceAction, at: str, *, patterns: bool) -> None:
    _check_names(found, one, at)
    rest = one.input.keys() - set(_PLACE.findall(one.path)) - set(one.query) - one.headers.keys()
    if one.method == "GET" and (rest or one.fixed or one.whole):
        _refuse(f"{at}.input", f"has no place for {min(rest, default='a body')!r}", "name it under query")
    taken = {"idempotency_key"} | ({"limit"} if one.pages else set())
    for name in sorted(taken & one.input.keys()):
        _refuse(f"{at}.input.{name}", "is the host's own input", "give it another name, and rename it")
    if one.pages is not None and not one.pages.link and not (one.pages.next and one.pages.cursor):
        _refuse(f"{at}.pages", "has neither link nor next and cursor", "say how the next page is found")
    words = _SchemaCheck(patterns=patterns)
    for name, schema in one.input.items():
        words.check(schema, f"{at}.input.{name}")
    words.check(one.output, f"{at}.output")


def _check_names(found: ServiceDescription, one: ServiceAction, at: str) -> None:
    for name in sorted(set(_PLACE.findall(one.path)) - found.variables.keys()):
        if name not in one.required or name not in one.input:
            _refuse(f"{at}.path", f"has {{{name}}}, which is no required input", "declare it under input and required")
    named = {"required": one.required, "query": one.query, "joined": one.joined, "slashes": one.slashes}
    named |= {"headers": tuple(one.headers), "rename": tuple(one.rename), "whole": (one.whole,) if one.whole else ()}
    for member, names in named.items():
        for name in names:
            if name not in one.input:
                _refuse(f"{at}.{member}", f"names {name[:80]!r}, which is no input", "declare it under input")
    own = {header.lower() for header in (*found.auth.headers, *found.headers)} | HOSTS_OWN
    for header in one.headers.values():
        if header.lower() in own or not _HEADER.fullmatch(header):
            _refuse(f"{at}.headers", f"sets {header[:80]!r}, which is not a caller's to set", "leave it out")


class _SchemaCheck:
    """Lets the words of JSON Schema pass that take a bounded time to check; a pattern may take for ever."""

    def __init__(self, *, patterns: bool) -> None:
        self._left = MOST_NODES
        self._patterns = patterns

    def check(self, schema: Any, at: str, depth: int = 0) -> None:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            _refuse(at, "is too large or too deep", f"use up to {MOST_NODES} schemas, {DEEPEST} deep")
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            _refuse(at, "is no JSON Schema", "write an object")
        for word, value in schema.items():
            if not (fits := _fits(word, value)) and not (self._patterns and word == "pattern"):
                fact = (
                    "is no word that schemas of actions have" if fits is None else "is not what JSON Schema has there"
                )
                _refuse(f"{at}.{word}", fact, "leave it out")
        for place, inner in parts_of_schema(schema):
            self.check(inner, f"{at}.{place}", depth + 1)


def _fits(word: str, value: Any) -> bool | None:
    """True if a word of a schema has a value of its kind; None for a word that is not taken."""
    if word in ("items", "additionalProperties", "const", "default"):
        return True
    if word == "type":
        kinds = value if isinstance(value, list) else [value]
        return bool(kinds) and all(isinstance(one, str) and one in TYPES for one in kinds)
    if word in NUMBERS:
        return is_bound(word, value)
    wanted = _WORDS.get(word)
    if wanted is None:
        return None
    if word == "required":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, wanted)


def is_bound(word: str, value: Any) -> bool:
    """True if a bound of a schema has a number that fits it: counts are whole, and nothing is infinite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if word.startswith(("minL", "maxL", "minI", "maxI", "minP", "maxP")):
        return isinstance(value, int) and 0 <= value <= _LARGEST
    return -_LARGEST <= value <= _LARGEST and (word != "multipleOf" or value > 0)


def parts_of_schema(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas inside of one, with their places."""
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield word, schema[word]
    for name, inner in schema.get("properties", {}).items():
        yield f"properties.{name}", inner
    for word in ("anyOf", "oneOf", "allOf"):
        for index, inner in enumerate(schema.get(word, ())):
            yield f"{word}.{index}", inner


# -- the kind


def load_service(name: str) -> Kind:
    """The kind of a description that comes with the host."""
    return kind_of(read_description(from_yaml((SERVICES / f"{name}.yaml").read_bytes()), shipped=True))


def kind_of(description: ServiceDescription) -> Kind:
    """The kind of connector that a description makes."""
    variables, operations = variables_of(description), operations_of(description)
    actions = tuple(_action(description, name, one) for name, one in operations.items())
    config = {name: _variable(one) for name, one in variables.items()}
    if description.auth.oauth2 is not None:
        config["token_url"] = text("where tokens are fetched, if elsewhere", most=2048)
    config |= BASE
    if description.base:
        config["base_url"] = text(f"where the service is, if not at {description.base}", most=2048)
    needed = [name for name, one in variables.items() if not one.default]
    return Kind(
        name=description.kind,
        title=description.title,
        docs=description.docs,
        says=description.says,
        config=_object([*([] if description.base else ["base_url"]), *needed], config),
        secrets=description.secrets,
        required=tuple(name for name in description.secrets if name not in description.optional),
        actions=(*actions, REQUEST) if description.request else actions,
        open=partial(_open, description, variables, operations),
        hook=description.webhook,
        echoes=True,
        limits=description.limits,
        places=tuple(variables),
        check=partial(_check_config, variables),
    )


def _check_config(variables: Mapping[str, Variable], config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    for name in variables:
        if not _VALUE.fullmatch(str(config.get(name, variables[name].default))):
            raise InvalidInput(
                f"config.{name} does not fit", remedy="use up to 100 of A-Z a-z 0-9 . _ -", path=f"config.{name}"
            )


def _variable(one: Variable) -> Schema:
    found: Schema = {"enum": list(one.values)} if one.values else _VALUE_SCHEMA
    return {**found, "description": one.says, **({"default": one.default} if one.default else {})}


def _action(description: ServiceDescription, name: str, one: ServiceAction) -> Action:
    members: dict[str, Schema] = {key: given if isinstance(given, Mapping) else {} for key, given in one.input.items()}
    output: Schema = one.output
    if one.pages is not None:
        members["limit"] = LIMIT
        output = output or {"type": "array"}
    repeat: Repeat = one.repeat or ("always" if one.method in ("GET", "PUT", "DELETE") else "never")
    if description.idempotency and one.method == "POST":
        members["idempotency_key"] = text("the request may be repeated with it", most=255)
        repeat = one.repeat or "keyed"
    return Action(name, one.says, _object(one.required, members), output, repeat)


def _object(required: Sequence[str], members: Mapping[str, Any]) -> Schema:
    """As `obj`, whose own parameters an input could be named like."""
    return {"type": "object", "properties": members, "additionalProperties": False, "required": list(required)}


async def _open(
    description: ServiceDescription,
    variables: Mapping[str, Variable],
    operations: Mapping[str, ServiceAction],
    opening: Opening,
) -> DescribedService:
    values = {name: str(opening.config.get(name, one.default)) for name, one in variables.items()}
    session = open_session(opening, _filled(description.base, values))
    known = {**values, **opening.credentials}
    auth = _auth(description, known, opening)
    members = _known(description.auth.body, known)
    return DescribedService(opening.name, session, auth, description, operations, values, members, clock=opening.clock)


def _auth(description: ServiceDescription, known: Mapping[str, str], opening: Opening) -> Auth:
    ways = description.auth
    fields = {name.lower(): value for name, value in _known(ways.headers, known).items()}
    basic = _known(dict(zip(("user", "password"), ways.basic, strict=False)), known)
    if len(basic) == 2:
        coded = base64.b64encode(f"{basic['user']}:{basic['password']}".encode()).decode()
        opening.hide(coded)
        fields.setdefault("authorization", f"Basic {coded}")
    parameters = _known(ways.query, known)
    tokens = ways.oauth2
    fixed = FixedAuth(fields, parameters)
    if tokens is None or not known.keys() >= {"client_id", "client_secret"}:
        return fixed
    session = token_session(opening, tokens.token_url)
    credentials, scope = opening.credentials, tokens.scope
    return OAuth2(session, credentials, scope=scope, clock=opening.clock, hide=opening.hide, beside=fixed)


def _known(templates: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The templates filled in, without those of which a secret was not given."""
    return {
        name: _filled(template, known)
        for name, template in templates.items()
        if known.keys() >= set(_PLACE.findall(template))
    }


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], template)


# -- requests


class DescribedService(JsonService):
    """A client of a described service."""

    def __init__(
        self,
        name: str,
        session: HttpSession,
        auth: Auth,
        description: ServiceDescription,
        operations: Mapping[str, ServiceAction],
        variables: dict[str, str],
        members: Mapping[str, str],
        *,
        clock: Clock,
    ) -> None:
        headers = {field.lower(): value for field, value in description.headers.items()}
        says = partial(_says, description.refusal)
        super().__init__(
            *(name, session, auth),
            endpoints={},
            clock=clock,
            probe="",
            headers=headers,
            prefix=description.prefix,
            says=says,
        )
        self._description = description
        self._members = members
        self._operations, self._variables = operations, variables

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The result of an action."""
        if action == REQUEST.name and action not in self._operations:
            answer = await self.request(given)
            self._judge(answer["body"])
            return answer
        operation = self._operations[action]
        if operation.pages is not None:
            return await self._pages_of(operation, operation.pages, given)
        _, document = await self._sent(operation, given)
        return pick(document, operation.pick)

    async def probe(self) -> None:
        """Asks for what needs the credential; where nothing is named, any answer will do that takes it."""
        wanted = self._description.probe
        if wanted and not wanted.startswith("/"):
            await self._sent(self._operations[wanted], {})
            return
        try:
            answer = await self.send("GET", wanted or "/")
            if wanted:
                self._value(answer)
        except ServiceRefused as error:
            if wanted or error.details.get("status") in (401, 403):
                raise

    async def _sent(
        self, operation: ServiceAction, given: Mapping[str, Any], extra: Mapping[str, Any] | None = None
    ) -> tuple[ServiceAnswer, Any]:
        header = self._description.idempotency
        headers = {header.lower(): given["idempotency_key"]} if header and "idempotency_key" in given else {}
        inputs = {name: value for name, value in given.items() if name in operation.input}
        path, query, more, body = request_of(operation, inputs, self._variables, {**(extra or {})}, self._members)
        if isinstance(body, Form):
            body, more = body.data, {**more, "content-type": "application/x-www-form-urlencoded"}
        answer = await self.send(operation.method, path, query=query, body=body, headers={**headers, **more})
        return answer, self._value(answer)

    def _judge(self, document: Any) -> None:
        """Raises: ServiceRefused: the answer says 200 and is a refusal all the same."""
        rule = self._description.refusal
        refused = (rule.unless and pick(document, rule.unless) is not True) or (rule.when and pick(document, rule.when))
        if refused:
            said = _says(rule, document)
            raise ServiceRefused(
                f"{self.name} answers: {said.message[:300] or 'no reason'}",
                remedy="correct the input, or give the connector a credential that may do this",
                service=self.name,
                status=200,
                service_code=said.code,
            )

    async def _pages_of(self, operation: ServiceAction, pages: Paging, given: Mapping[str, Any]) -> list[Any]:
        """The items of one page after the other, up to the input's `limit`."""
        limit, found = given.get("limit", _PAGE), list[Any]()
        extra: dict[str, Any] = {pages.size: min(pages.most, limit)} if pages.size else {}
        seen: set[str] = set()
        size = 0
        following: tuple[str, dict[str, Any]] | None = None
        for _ in range(_MOST_PAGES):
            answer, document = await self._page(operation, given, extra, following)
            items = pick(document, pages.items)
            if not isinstance(items, list):
                raise temporary(f"{self.name} answers with something that is no list")
            found += items
            size += len(answer.body)
            self.session.bound(size // _ENVELOPES)
            following = self.following(answer) if pages.link else None
            cursor = "" if pages.link else _cursor(pages, document)
            if len(found) >= limit or not items or cursor in seen or not (following or cursor):
                return found[:limit]
            if cursor:
                seen.add(cursor)
                extra[pages.cursor] = cursor
        raise LimitExceeded(f"{self.name} has more than {_MOST_PAGES} pages", limit="connector_pages")

    async def _page(
        self,
        operation: ServiceAction,
        given: Mapping[str, Any],
        extra: Mapping[str, Any],
        following: tuple[str, dict[str, Any]] | None,
    ) -> tuple[ServiceAnswer, Any]:
        if following is None:
            return await self._sent(operation, given, extra)
        answer = await self.send(operation.method, following[0], query=following[1])
        return answer, self._value(answer)

    def _value(self, answer: ServiceAnswer) -> Any:
        """The answer as a JSON value, which is no refusal. Raises: Unavailable, ServiceRefused."""
        document = value_of(answer) if self._description.answers == "any" else document_of(answer)
        self._judge(document)
        return document


def _cursor(pages: Paging, document: Any) -> str:
    """The way to the next page; empty where there is none."""
    found = pick(document, pages.next)
    if not isinstance(found, (str, int)) or isinstance(found, bool) or (pages.more and not pick(document, pages.more)):
        return ""
    return str(found) if len(str(found)) <= _LONGEST_CURSOR else ""


class Form:
    """A body that is a form."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def request_of(
    operation: ServiceAction,
    given: Mapping[str, Any],
    variables: dict[str, str],
    extra: Mapping[str, Any],
    members: Mapping[str, str],
) -> tuple[str, dict[str, Any], dict[str, str], Any]:
    """Path, query, headers and body of a request. Pure.

    Args:
        extra: goes where inputs go.
        members: of a body, which show the credential.
    """
    places = set(_PLACE.findall(operation.path))
    parts = variables | {name: _asked(given[name], joined=True) for name in places if name in given}
    path = _PLACE.sub(lambda place: placed(place[1], parts, operation.slashes), operation.path)
    names = operation.rename
    query = {
        names.get(name, name): _asked(given[name], joined=name in operation.joined)
        for name in operation.query
        if name in given
    }
    headers = {field.lower(): _plain(given[name]) for name, field in operation.headers.items() if name in given}
    if operation.method == "GET" or operation.whole:
        body = given.get(operation.whole) if operation.whole else None
        return path, {**query, **extra}, headers, body
    rest = operation.input.keys() - places - set(operation.query) - operation.headers.keys()
    if not (rest or extra or operation.fixed or members):
        return path, query, headers, None
    inner = {names.get(name, name): given[name] for name in operation.input if name in rest and name in given}
    body = {**_merged(operation.fixed, operation.within, {**inner, **extra}), **members}
    if operation.body == "json":
        return path, query, headers, body
    flat = list(_brackets("", body)) if operation.body == "brackets" else list(_repeated(body))
    return path, query, headers, Form(urlencode(flat).encode())


def _merged(fixed: Mapping[str, Any], within: str, rest: Mapping[str, Any]) -> dict[str, Any]:
    """The fixed members, with the others at `within`."""
    head, _, tail = within.partition(".")
    if not head:
        return {**fixed, **rest}
    inner = fixed.get(head)
    return {**fixed, head: _merged(inner if isinstance(inner, Mapping) else {}, tail, rest)}


def _asked(value: Any, *, joined: bool) -> Any:
    if isinstance(value, list):
        return ",".join(map(_plain, value)) if joined else [_plain(one) for one in value]
    return None if value is None else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _repeated(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                yield name, _plain(one)


def _brackets(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, (Mapping, list)):
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in pairs:
            yield from _brackets(f"{name}[{key}]" if name else str(key), inner)
    elif value is not None:
        yield name, _plain(value)


def value_of(answer: ServiceAnswer) -> Any:
    """The answer as a JSON value: itself, else its text, else its bytes as base64; None when it is empty."""
    if not answer.body:
        return None
    try:
        return json.loads(answer.body, parse_constant=str)
    except (ValueError, RecursionError):
        return shown(answer.body)


def pick(value: Any, path: str) -> Any:
    """The part of a JSON value at a path; None where there is none.

    >>> pick({"data": [{"id": 1}, {"id": 2}]}, "data.-1.id")
    2
    """
    for step in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.removeprefix("-").isdecimal() and len(step) < 6:
            value = value[int(step)] if -len(value) <= int(step) < len(value) else None
        else:
            return None
    return value


def _says(rule: Refusal, body: Any) -> Failure:
    usual = failure_of(body)
    message, code = pick(body, rule.message) if rule.message else None, pick(body, rule.code) if rule.code else None
    return Failure(
        message if isinstance(message, str) else json.dumps(message) if message else usual.message,
        str(code)[:80] if isinstance(code, (str, int)) else usual.code,
    )
