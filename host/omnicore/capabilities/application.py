"""Doors of an embedding application: typed functions of it that plugins call by a capability, as they call any door.

A plugin imports `<capability>_<function>_v1`, or another version of it. The request is a JSON object with a field for
each parameter, the reply `{"value": ...}` with the result, `{}` for a function that returns nothing, or
`{"error": ...}` as of any door.

A parameter or result is a msgspec struct or record, a dataclass, a TypedDict, a Pydantic model or a plain JSON type,
and what these hold.

The application writes `doors.json` into its data folder when it opens its host. A command on the same data, such as
`omnicore plugins grant`, reads it: there the doors can be asked for and granted, and whoever calls one is told that the
application does not run.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb, VerbLimits
from omnicore.capabilities.doors import BUILT_IN, provided
from omnicore.capabilities.request import Request, check_structure, json_bytes
from omnicore.capabilities.scope import REQUIRED, Fields, patterns
from omnicore.capabilities.services import Services
from omnicore.connectors.addresses import glob_covers, host_matches
from omnicore.errors import DoorRefused, InvalidInput, InvalidSetting, OmniError, PermissionDenied, Unavailable
from omnicore.files import check_own, write_whole
from omnicore.optional import optional
from omnicore.sandbox.abi import KIB, HostFunction

__all__ = [
    "AILING",
    "DECLARED",
    "ApplicationDoor",
    "ApplicationParts",
    "ApplicationVerb",
    "DoorHealth",
    "DoorShape",
    "PluginCaller",
    "application_doors",
    "declared",
    "door",
    "keep_record",
    "known_record",
    "narrowing_fields",
    "shape_of",
]


_MODEL = ("model_validate", "model_dump", "model_json_schema")
_REF = "#/$defs/{name}"
_FIELDS = msgspec.structs.asdict


@dataclass(frozen=True, slots=True)
class PluginCaller:
    """The plugin that calls a door of the application.

    A function that has a parameter of this type is given it; plugins do not see that parameter. `host_context` is the
    object that whoever called the plugin passed. Units: `deadline` seconds on the `time.monotonic()` clock.
    """

    plugin: str
    host_context: Any
    deadline: float


@dataclass(frozen=True, slots=True)
class DoorShape:
    """The parameters and the result of a function. `request` has a field for each parameter that plugins give.

    `caller` names the parameter for the `PluginCaller`, "" where there is none. `result` is None for nothing.
    """

    request: type[msgspec.Struct]
    result: Any
    caller: str
    remedy: str

    @property
    def parse(self) -> Callable[[bytes, int], dict[str, Any]]:
        """Makes the arguments, by name, of a request's bytes.

        Raises: InvalidInput: it is too large or too deep, or a field is missing, unknown or of another type.
        """
        read = msgspec.json.Decoder(self.request, dec_hook=_from_plain).decode
        remedy = self.remedy

        def parse(data: bytes, most: int) -> dict[str, Any]:
            check_structure(data, most)
            try:
                return _FIELDS(read(data))
            except (ValueError, RecursionError) as error:  # msgspec's own are ValueErrors
                what = "does not fit" if isinstance(error, msgspec.ValidationError) else "is not JSON"
                fact = " ".join(str(error).split())[:500]
                raise InvalidInput(f"the request {what}: {fact}", remedy=remedy) from error

        return parse

    def give(self, result: Any) -> bytes:
        """The reply. Raises: TypeError: the function returned what cannot be JSON."""
        if self.result is None:
            return b"{}"
        try:
            return _ENCODE({"value": result})
        except UnicodeEncodeError:  # half of a character, which stays an escape
            return json_bytes({"value": msgspec.to_builtins(result, enc_hook=_to_plain, str_keys=True)})

    def schemas(self) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]:
        """JSON Schemas of the request and of the result, and the definitions to which both refer."""
        kinds = [self.request] if self.result is None else [self.request, self.result]
        defined: dict[str, Any] = {}

        def hook(kind: type) -> dict[str, Any]:
            return _model_schema(kind, defined)

        found, more = msgspec.json.schema_components(kinds, schema_hook=hook, ref_template=_REF)
        defined |= more
        request = defined.pop(found[0]["$ref"].rpartition("/")[2])
        return request, (found[1] if len(found) > 1 else None), defined


def shape_of(function: Callable[..., Any], verb: str) -> DoorShape:
    """The shape of a function, by its annotations. Raises: InvalidSetting, which names the parameter at fault."""
    hints = _hints(function, verb)
    fields: list[Any] = []
    caller = ""
    for name, one in inspect.signature(function).parameters.items():
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) or name not in hints:
            fact = f"the parameter `{name}` of {verb} " + ("has no type" if name not in hints else "has no name")
            raise InvalidSetting(fact, remedy="annotate each parameter with its type, and write no `*` and no `/`")
        if hints[name] is PluginCaller:
            caller = name
            continue
        default = () if one.default is one.empty else (one.default,)
        fields.append((name, hints[name], *default))
    if "return" not in hints:
        raise InvalidSetting(f"{verb} has no type for its result", remedy="annotate it with `-> TYPE`, or `-> None`")
    result = None if hints["return"] is type(None) else hints["return"]
    made = _struct(fields, verb)
    remedy = f"see the types of {verb} in its kit (`omnicore kit`)"
    shape = DoorShape(made, result, caller, remedy)
    try:
        shape.schemas()
        msgspec.json.Decoder(made, dec_hook=_from_plain)
    except TypeError as error:
        raise InvalidSetting(
            f"{verb} has a type that JSON cannot carry: {str(error)[:300]}",
            remedy="use a msgspec struct, a dataclass, a TypedDict, a Pydantic model or a plain JSON type",
        ) from error
    return shape


def _hints(function: Callable[..., Any], verb: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # whatever stands in an annotation is evaluated
        raise InvalidSetting(
            f"the types of {verb} cannot be read: {error}",
            remedy="define them in the module of the function, before it",
        ) from error


def _struct(fields: list[Any], verb: str) -> type[msgspec.Struct]:
    name = "".join(part.capitalize() for part in verb.replace(".", "_").split("_")) + "Request"
    try:
        return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
    except TypeError as error:  # a default that is shared, such as a list that is not empty
        raise InvalidSetting(f"{verb} has a default that cannot be used: {error}", remedy="use None") from error


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and all(hasattr(kind, name) for name in _MODEL)


def _from_plain(kind: type, value: Any) -> Any:
    if not _is_model(kind):
        raise TypeError(f"{kind.__name__} is no type that JSON can carry")
    try:
        return kind.model_validate(value)  # type: ignore[attr-defined]  # a Pydantic model
    except ValueError as error:
        raise ValueError(_problems(error)) from error


def _problems(error: Any) -> str:
    if not hasattr(error, "errors"):
        return str(error)
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in found[:5])


def _to_plain(value: Any) -> Any:
    if not _is_model(type(value)):
        raise TypeError(f"{type(value).__name__} is no type that JSON can carry")
    return value.model_dump(mode="json")


_ENCODE = msgspec.json.Encoder(enc_hook=_to_plain).encode


def _model_schema(kind: type, defined: dict[str, Any]) -> dict[str, Any]:
    """The schema of a Pydantic model as a reference; the model and those within it join the definitions."""
    if not _is_model(kind):
        raise TypeError(f"{kind.__name__} is no type that JSON can carry")
    schema = kind.model_json_schema(ref_template="#/$defs/{model}")  # type: ignore[attr-defined]
    defined |= schema.pop("$defs", {})
    defined[kind.__name__] = schema
    return {"$ref": _REF.format(name=kind.__name__)}


DECLARED = "__omnicore_door__"
"""The attribute of a function that holds its `ApplicationVerb`."""
REQUEST_BYTES = 64 * KIB
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_OWN_CODES = frozenset({"malformed-request", "permission-denied", "limit-exceeded", "unavailable", "capacity-reached"})
_RESERVED = frozenset({"limits", "errors", "door", "omnicore"})  # a grant of another kind, and words of kits
AILING = 5  # failures in a row
_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The part of a grant that narrows a function: the scope's field, and what of the arguments it is about."""

    name: str
    values: Callable[[Mapping[str, Any]], Iterable[str]]


@dataclass(frozen=True, slots=True)
class ApplicationVerb:
    """One version of a function of an application. `codes` are those of the exceptions that plugins are told of."""

    capability: str
    name: str
    version: int
    reason: str
    doc: str
    run: Callable[..., Any]
    shape: DoorShape
    codes: Mapping[type[BaseException], str]
    narrowing: Narrowing | None
    limits: VerbLimits
    request_bytes: int
    audit: bool

    @property
    def function(self) -> str:
        """The name by which plugins import it."""
        return f"{self.capability}_{self.name}_v{self.version}"

    @property
    def verb(self) -> str:
        """Its name among the functions of the capability, and in kits: `get_order`, and `get_order_v2` of version 2."""
        return self.name if self.version == 1 else f"{self.name}_v{self.version}"

    def schemas(self) -> dict[str, Any]:
        """JSON Schemas of request and reply, the definitions to which they refer, and the codes of errors."""
        request, reply, defined = self.shape.schemas()
        codes = {code: kind.__name__ for kind, code in self.codes.items()}
        return {"request": request, "reply": reply, "defs": defined, "codes": codes}


@dataclass(slots=True)
class DoorHealth:
    """The failures in a row of a capability of the application, refusals that it declared left out."""

    failures: int = 0
    last: str = ""

    def failed(self, verb: str, error: BaseException) -> None:
        """Counts an exception that no plugin is told of."""
        self.failures += 1
        self.last = f"{verb}: {type(error).__name__}: {str(error)[:200]}"

    def probe(self) -> str | None:
        """The reason why the door is degraded, or None."""
        return (
            f"{self.failures} calls in a row failed, the last one at {self.last}" if self.failures >= AILING else None
        )


@dataclass(frozen=True, slots=True)
class ApplicationDoor:
    """A capability of the application with its functions."""

    capability: Capability
    verbs: tuple[ApplicationVerb, ...]
    health: DoorHealth = field(default_factory=DoorHealth)

    def described(self) -> dict[str, Any]:
        """The door as plain values, for the generator of kits."""
        verbs = [{"name": one.verb, "function": one.function, "doc": one.doc, **one.schemas()} for one in self.verbs]
        about = self.capability
        return {"name": about.name, "purpose": about.purpose, "scope": list(about.scope), "verbs": verbs}


class ApplicationParts:
    """All that an application gives to plugins: typed functions, which are grouped to doors, and bare ones."""

    def __init__(self, verbs: Sequence[ApplicationVerb] = (), functions: Sequence[HostFunction] = ()) -> None:
        self._verbs, self.functions = tuple(verbs), tuple(functions)
        self.doors = application_doors(self._verbs)

    @classmethod
    def of(cls, given: Sequence[Any]) -> ApplicationParts:
        """Sorts what `Host(functions=...)` was given. Raises: InvalidSetting: plugins cannot call one of them."""
        verbs, functions = [], []
        for one in given:
            if isinstance(one, HostFunction):
                functions.append(one)
            elif isinstance(found := getattr(one, DECLARED, None), ApplicationVerb):
                verbs.append(found)
            else:
                functions.append(_foreign(one))
        return cls(verbs, functions)

    @property
    def empty(self) -> bool:
        """True when there is nothing."""
        return not (self._verbs or self.functions)

    def with_verb(self, verb: ApplicationVerb) -> ApplicationParts:
        """The same and one more. Raises: InvalidSetting: there is one of this name."""
        return ApplicationParts((*self._verbs, verb), self.functions)


def _foreign(given: Any) -> HostFunction:
    """A function that was declared for the `extism` package. Raises: InvalidSetting."""
    if type(given).__module__.partition(".")[0] == "extism":
        found = optional("omnicore.sandbox.reference.call")
        if found.is_host_fn(given):
            made: HostFunction = found.adapted(given)
            return made
    name = str(getattr(given, "__name__", type(given).__name__))
    raise InvalidSetting(
        f"{name[:80]} is a plain {'function' if callable(given) else 'value'}, which plugins cannot call",
        remedy=f'put `@omnicore.door(capability="...", reason="...")` above `def {name[:80]}`, or give a '
        "`omnicore.HostFunction` that works on numbers and blocks",
    )


def door(capability: str, reason: str, **options: Any) -> Callable[[_Function], _Function]:
    """Declares a function of the application that plugins may call once they were granted the capability.

    ```python
    @door(capability="orders", reason="reads an order", scope="id", errors={OrderMissing: "order-missing"})
    async def get_order(id: int) -> Order: ...
    ```

    The function stays as it is. A plain function may be called on any thread and should not wait for long; a coroutine
    function runs on the event loop of the host.

    Args:
        capability: manifests ask for it by this name. Functions of one capability are granted together.
        reason: completes "the plugin ..." for the person who grants, such as "reads an order".
        options: see `declared`.

    Raises: InvalidSetting: see `declared`.
    """

    def declare(function: _Function) -> _Function:
        setattr(function, DECLARED, declared(function, capability, reason, **options))
        return function

    return declare


def declared(
    function: Callable[..., Any],
    capability: str,
    reason: str,
    *,
    name: str | None = None,
    version: int = 1,
    scope: str | Callable[..., Any] | None = None,
    errors: Mapping[type[BaseException], str] | None = None,
    per_call: int | None = None,
    per_second: int | None = None,
    request_bytes: int = REQUEST_BYTES,
    audit: bool = False,
) -> ApplicationVerb:
    """A function as plugins may call it.

    Args:
        name: instead of the function's.
        version: of what it takes and gives. Plugins that were built for version 1 go on calling that one, as long as
            the application declares both.
        scope: narrows grants: the name of a parameter, or a function of parameters of the same names that returns
            a text or several. The grant lists patterns that these must match, in the field of that name.
        errors: exceptions that the plugin sees as an error value with this code and their text. Any other ends the
            call of the plugin and reaches its caller.
        per_call, per_second: how often a plugin may call it: in one call of the plugin, and in a second.
        request_bytes: the largest request.
        audit: records each use.

    Raises: InvalidSetting: a name, type, scope or code that cannot be used.
    """

    verb = name or function.__name__
    _check_names(capability, verb)
    shape, codes = shape_of(function, f"{capability}.{verb}"), _codes(errors or {}, verb)
    limits = VerbLimits(_count(per_call, "per_call"), _count(per_second, "per_second"))
    most = _count(request_bytes, "request_bytes") or REQUEST_BYTES
    doc = _doc(function, reason)
    number = _count(version, "version") or 1
    made = ApplicationVerb(capability, verb, number, reason, doc, function, shape, codes, None, limits, most, audit)
    return _narrowed(made, scope)


def application_doors(verbs: Sequence[ApplicationVerb]) -> tuple[ApplicationDoor, ...]:
    """The capabilities of some functions. Raises: InvalidSetting: two functions have one name."""
    by_name: dict[str, list[ApplicationVerb]] = {}
    taken = {name for _, name in provided().functions}
    for one in verbs:
        group = by_name.setdefault(one.capability, [])
        group.append(one)
        if taken & {one.function, f"{one.capability}.{one.verb}"}:
            raise InvalidSetting(
                f"there are two functions {one.capability}.{one.verb}: plugins would import both as {one.function}",
                remedy="rename one of the two, or give it another version",
            )
        taken |= {one.function, f"{one.capability}.{one.verb}"}
    return tuple(_door(name, tuple(group)) for name, group in by_name.items())


def _door(name: str, verbs: tuple[ApplicationVerb, ...]) -> ApplicationDoor:
    health = DoorHealth()
    largest = max(one.request_bytes for one in verbs)
    narrowed = [one.narrowing.name if one.narrowing else "" for one in verbs]
    names = tuple(dict.fromkeys(name for name in narrowed if name))
    capability = Capability(
        name=name,
        purpose="; ".join(dict.fromkeys(one.reason for one in verbs)),
        verbs=tuple(one.verb for one in verbs),
        resource=narrowed[0] if len(set(narrowed)) == 1 else "",
        open=partial(_open, verbs, health),
        scope=narrowing_fields(names, needed=len(names) == 1 and "" not in narrowed),
        request_bytes=lambda limits: largest,
        large=frozenset(one.verb for one in verbs if one.request_bytes > REQUEST_BYTES),
        limits={one.verb: one.limits for one in verbs},
        parse={one.verb: one.shape.parse for one in verbs},
        imports={one.verb: one.function for one in verbs if one.version > 1},
    )
    return ApplicationDoor(capability, verbs, health)


def narrowing_fields(names: Iterable[str], *, needed: bool) -> Fields:
    """The fields of a scope that narrow functions.

    Args:
        needed: a manifest must write them. Else one that is left out grants none of the functions that it narrows.
    """
    says = 'a list of 1 to 100 texts, `*` for any part, such as ["*"]'
    return {name: patterns(REQUIRED if needed else (), says, valid=bool, covers=glob_covers) for name in names}


def _open(
    verbs: tuple[ApplicationVerb, ...],
    health: DoorHealth,
    plugin: PluginScope,
    scope: Mapping[str, Any],
    services: Services,
) -> Mapping[str, Verb]:
    return {one.verb: _served(one, _Opened(one, plugin.name, scope, health, services)) for one in verbs}


class _Opened:
    """A function as one plugin may call it."""

    def __init__(
        self, verb: ApplicationVerb, plugin: str, scope: Mapping[str, Any], health: DoorHealth, services: Services
    ) -> None:
        self.verb, self.plugin, self.health = verb, plugin, health
        self._patterns = tuple(scope.get(verb.narrowing.name, ())) if verb.narrowing else None
        self._used = services.used if verb.audit else None
        self.told, self.caller, self.give = tuple(verb.codes), verb.shape.caller, verb.shape.give

    @property
    def plain(self) -> bool:
        """True when the arguments are the fields of the request, all of which the plugin may choose."""
        return self._patterns is None and not self.caller

    def arguments(self, call: DoorCall, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments of the function. Raises: PermissionDenied."""
        if self._patterns is not None:
            self._check_scope(given)
        if self.caller:
            given[self.caller] = PluginCaller(self.plugin, call.host_context, call.deadline)
        return given

    def reply(self, result: Any) -> bytes:
        """The reply to a request that was served."""
        self.health.failures = 0
        if self._used is not None:
            self._record("done")
        return self.give(result)

    def failed(self, error: BaseException) -> None:
        """Notes an exception that the plugin is not told of."""
        self.health.failed(self.verb.verb, error)
        self._record("failed")

    def _record(self, outcome: str) -> None:
        if self._used is not None:
            self._used(self.plugin, f"{self.verb.capability}.{self.verb.verb}", outcome)

    def refused(self, error: BaseException) -> DoorRefused:
        """The error that the plugin sees for one of the declared exceptions."""
        self.health.failures = 0
        code = next(code for kind, code in self.verb.codes.items() if isinstance(error, kind))
        self._record(code)
        return DoorRefused(str(error)[:2000] or code, code=code)

    def _check_scope(self, given: Mapping[str, Any]) -> None:
        narrowing, verb = self.verb.narrowing, self.verb
        for value in narrowing.values(given) if narrowing else ():
            if not any(host_matches(pattern, value) for pattern in self._patterns or ()):
                name = narrowing.name if narrowing else ""
                raise PermissionDenied(
                    f"{self.plugin} may not call {verb.capability}.{verb.name} for {name} {value[:100]!r}: "
                    f"no granted `{name}` matches",
                    remedy=f"let `{name}` in the scope of its manifest name it, then run "
                    f"`omnicore plugins grant {self.plugin} {verb.capability}`",
                    resource=value[:200],
                )


def _served(verb: ApplicationVerb, opened: _Opened) -> Verb:
    run, told, failed = verb.run, opened.told, opened.failed
    arguments, reply = opened.arguments, opened.reply

    if inspect.iscoroutinefunction(run):

        async def wait(call: DoorCall, request: dict[str, Any]) -> bytes:
            given = arguments(call, request)
            try:
                result = await run(**given)
            except told as error:
                raise opened.refused(error) from error
            except OmniError:
                raise
            except Exception as error:
                failed(error)
                raise
            return reply(result)

        return wait

    plain = opened.plain  # a call of each costs 0.2 us

    def serve(call: DoorCall, request: dict[str, Any]) -> bytes:
        given = request if plain else arguments(call, request)
        try:
            result = run(**given)
        except told as error:
            raise opened.refused(error) from error
        except OmniError:
            raise
        except Exception as error:
            failed(error)
            raise
        return reply(result)

    return serve


def _narrowed(verb: ApplicationVerb, scope: str | Callable[..., Any] | None) -> ApplicationVerb:
    if scope is None:
        return verb
    known = set(verb.shape.request.__struct_fields__)
    if isinstance(scope, str):
        name, wanted = scope, {scope}
        values: Callable[[Mapping[str, Any]], Iterable[str]] = partial(_texts_of, scope)
    else:
        name, wanted = scope.__name__, set(inspect.signature(scope).parameters)
        values = partial(_texts_from, scope, tuple(wanted))
    full = f"{verb.capability}.{verb.name}"
    if not wanted <= known:
        raise InvalidSetting(
            f"the scope of {full} is about {', '.join(sorted(wanted - known))}, which is no parameter of it",
            remedy=f"name one of {', '.join(sorted(known)) or 'none: it has no parameter'}",
        )
    if not _NAME.fullmatch(name):
        raise InvalidSetting(f"the scope of {full} has no name", remedy="give it a function with a name, no lambda")
    return replace(verb, narrowing=Narrowing(name, values))


def _texts_of(name: str, given: Mapping[str, Any]) -> Iterable[str]:
    return _as_texts(given[name])


def _texts_from(function: Callable[..., Any], names: Sequence[str], given: Mapping[str, Any]) -> Iterable[str]:
    return _as_texts(function(**{name: given[name] for name in names}))


def _as_texts(value: Any) -> Iterable[str]:
    several = isinstance(value, list | tuple | set | frozenset)
    return [str(one.value if isinstance(one, Enum) else one) for one in (value if several else (value,))]


def _check_names(capability: str, verb: str) -> None:
    if capability in BUILT_IN or capability in _RESERVED:
        raise InvalidSetting(f"{capability} is a capability of every host", remedy="choose another name")
    for what, name in (("capability", capability), ("function", verb)):
        if not _NAME.fullmatch(name):
            raise InvalidSetting(
                f"{name[:80]!r} is no name for a {what} of the application",
                remedy="use up to 63 small letters, digits and `_`, the first one a letter",
            )


def _codes(errors: Mapping[type[BaseException], str], verb: str) -> dict[type[BaseException], str]:
    for kind, code in errors.items():
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise InvalidSetting(f"{kind!r} in the errors of {verb} is no exception", remedy="name classes of them")
        if not _CODE.fullmatch(code) or code in _OWN_CODES:
            raise InvalidSetting(
                f"the code {code[:80]!r} of {kind.__name__} cannot be used",
                remedy="use small letters, digits and `-`, and none of " + ", ".join(sorted(_OWN_CODES)),
            )
    return dict(errors)


def _count(value: int | None, name: str) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise InvalidSetting(f"{name} of a door cannot be {value!r}", remedy="use a whole number above 0")
    return value


def _doc(function: Callable[..., Any], reason: str) -> str:
    first = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return " ".join(first.split()) or f"{reason[:1].upper()}{reason[1:]}."


FILE = "doors.json"
_RECORD_BYTES = 1_048_576


def keep_record(data: Path, doors: Sequence[Capability], functions: Sequence[HostFunction]) -> None:
    """Writes what the application provides, where that has changed. Raises: StorageFailed."""
    values = {
        "doors": [
            {
                "name": one.name,
                "purpose": one.purpose,
                "verbs": list(one.verbs),
                "imports": dict(one.imports),
                "resource": one.resource,
                "scope": list(one.scope),
                "needed": any(each.default is REQUIRED for each in one.scope.values()),
            }
            for one in doors
        ],
        "functions": [[one.namespace, one.name, list(one.params), list(one.results)] for one in functions],
    }
    text = json.dumps(values, indent=1).encode()
    if _recorded(data / FILE) != text:
        write_whole(data / FILE, text)


def known_record(data: Path) -> tuple[tuple[Capability, ...], tuple[HostFunction, ...]]:
    """Doors and functions of an application on this data, all of them out of reach here; none without one."""
    text = _recorded(data / FILE)
    try:
        values = json.loads(text) if text else {}
        doors = tuple(map(_known_door, values.get("doors", ())))
        functions = tuple(map(_known_function, values.get("functions", ())))
    except (ValueError, KeyError, TypeError, AttributeError):  # of another version, or cut short
        return (), ()
    return doors, functions


def _recorded(file: Path) -> bytes | None:
    try:
        if not check_own(file) or file.stat().st_size > _RECORD_BYTES:
            return None
        return file.read_bytes()
    except (OmniError, OSError):
        return None


def _known_door(values: Mapping[str, Any]) -> Capability:
    name, verbs = str(values["name"]), tuple(map(str, values["verbs"]))
    return Capability(
        name=name,
        purpose=str(values["purpose"]),
        verbs=verbs,
        resource=str(values["resource"]),
        open=partial(_open_away, name, verbs),
        scope=narrowing_fields(map(str, values["scope"]), needed=bool(values["needed"])),
        imports={str(verb): str(name) for verb, name in dict(values.get("imports", {})).items()},
    )


def _open_away(
    name: str, verbs: Sequence[str], plugin: PluginScope, scope: Mapping[str, Any], services: Services
) -> Mapping[str, Verb]:
    def serve(call: DoorCall, request: Request) -> Mapping[str, Any]:
        raise _away(f"the door {name}")

    return dict.fromkeys(verbs, serve)


def _known_function(values: Sequence[Any]) -> HostFunction:
    namespace, name, params, results = values

    def run(*_arguments: Any) -> Any:
        raise _away(f"the function {name}")

    return HostFunction(str(namespace), str(name), tuple(params), tuple(results), run)


def _away(what: str) -> Unavailable:
    return Unavailable(
        f"{what} belongs to an application, which this process is not", remedy="call the plugin from the application"
    )
