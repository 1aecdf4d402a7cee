"""Doors of an embedding application: typed functions of it that plugins call by a capability, as they call any door.

A plugin imports `<capability>_<function>_v1`. The request is a JSON object with a field for each parameter, the reply
`{"value": ...}` with the result, `{}` for a function that returns nothing, or `{"error": ...}` as of any door.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any, TypeVar

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb, VerbLimits
from omnicore.capabilities.doors import BUILT_IN, provided
from omnicore.capabilities.scope import REQUIRED, Fields, patterns
from omnicore.capabilities.services import Services
from omnicore.capabilities.shapes import DoorShape, PluginCaller, shape_of
from omnicore.connectors.addresses import glob_covers, host_matches
from omnicore.errors import DoorRefused, InvalidSetting, OmniError, PermissionDenied
from omnicore.optional import optional
from omnicore.sandbox.abi import KIB, HostFunction

__all__ = [
    "AILING",
    "DECLARED",
    "ApplicationDoor",
    "ApplicationParts",
    "ApplicationVerb",
    "DoorHealth",
    "application_doors",
    "declared",
    "door",
    "narrowing_fields",
]

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
    """One function of an application. `codes` are those of the exceptions that plugins are told of."""

    capability: str
    name: str
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
        return f"{self.capability}_{self.name}_v1"

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
        verbs = [{"name": one.name, "function": one.function, "doc": one.doc, **one.schemas()} for one in self.verbs]
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
        found = optional("omnicore.sandbox.reference.host_fn")
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
    made = ApplicationVerb(capability, verb, reason, doc, function, shape, codes, None, limits, most, audit)
    return _narrowed(made, scope)


def application_doors(verbs: Sequence[ApplicationVerb]) -> tuple[ApplicationDoor, ...]:
    """The capabilities of some functions. Raises: InvalidSetting: two functions have one name."""
    by_name: dict[str, list[ApplicationVerb]] = {}
    taken = {name for _, name in provided().functions}
    for one in verbs:
        group = by_name.setdefault(one.capability, [])
        group.append(one)
        if one.function in taken:
            raise InvalidSetting(
                f"there are two functions {one.capability}.{one.name}: plugins would import both as {one.function}",
                remedy="rename one of the two",
            )
        taken.add(one.function)
    return tuple(_door(name, tuple(group)) for name, group in by_name.items())


def _door(name: str, verbs: tuple[ApplicationVerb, ...]) -> ApplicationDoor:
    health = DoorHealth()
    largest = max(one.request_bytes for one in verbs)
    narrowed = [one.narrowing.name if one.narrowing else "" for one in verbs]
    names = tuple(dict.fromkeys(name for name in narrowed if name))
    capability = Capability(
        name=name,
        purpose="; ".join(dict.fromkeys(one.reason for one in verbs)),
        verbs=tuple(one.name for one in verbs),
        resource=narrowed[0] if len(set(narrowed)) == 1 else "",
        open=partial(_open, verbs, health),
        scope=narrowing_fields(names, needed=len(names) == 1 and "" not in narrowed),
        request_bytes=lambda limits: largest,
        large=frozenset(one.name for one in verbs if one.request_bytes > REQUEST_BYTES),
        limits={one.name: one.limits for one in verbs},
        parse={one.name: one.shape.parse for one in verbs},
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
    return {one.name: _served(one, _Opened(one, plugin.name, scope, health, services)) for one in verbs}


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
        self.health.failed(self.verb.name, error)
        self._record("failed")

    def _record(self, outcome: str) -> None:
        if self._used is not None:
            self._used(self.plugin, f"{self.verb.capability}.{self.verb.name}", outcome)

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
