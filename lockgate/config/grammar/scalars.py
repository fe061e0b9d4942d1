"""The scalar types of the grammar: durations, names, shares. Each reads the file's text into a typed value.

Each type carries its JSON Schema beside its Python check, so that editors and the loader agree.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from lockgate.config.grammar.base import refuse

_REFERENCE_SCHEMA = r"\$\{"  # a text with a reference is judged when its value is known
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")


def text_of(value: object) -> str:
    if not isinstance(value, str):
        hint = f'put it in quotes: "{value}"' if type(value) is int else "put it in quotes"
        raise refuse("wrong-type", f"text is needed here, not {kind_of(value)}", hint)
    return value


def kind_of(value: object) -> str:
    """What a value is, in the words of the file's writer."""
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a fraction",
        str: "text",
        list: "a list",
        dict: "a mapping",
    }
    return kinds.get(type(value), "this")


def duration(minimum: str, maximum: str) -> Callable[[object], float]:
    """A reader of durations from *minimum* to *maximum*; gives seconds."""
    low_s, high_s = _seconds(minimum), _seconds(maximum)

    def read(value: object) -> float:
        if type(value) is int:
            hint = f"write {value}s, or another unit: 500ms, 10s, 5m, 1h"
            raise refuse("wrong-type", "a duration needs a unit", hint)
        text = text_of(value)
        if not _DURATION.fullmatch(text):
            reason = f'"{text[:40]}" is not a duration'
            raise refuse("wrong-value", reason, "write a whole number and a unit: 500ms, 10s, 5m, 1h")
        seconds = _seconds(text)
        if not low_s <= seconds <= high_s:
            raise refuse("out-of-range", f"{text} is not within {minimum} and {maximum}")
        return seconds

    return read


def whole_seconds(minimum: str, maximum: str) -> Callable[[object], int]:
    """A reader of durations that have no fraction of a second."""
    read = duration(minimum, maximum)

    def read_whole(value: object) -> int:
        seconds = read(value)
        if seconds != int(seconds):
            raise refuse("out-of-range", f"{value} is not whole seconds", f"write {int(seconds) + 1}s")
        return int(seconds)

    return read_whole


def _seconds(text: str) -> float:
    parsed = _DURATION.fullmatch(text)
    assert parsed is not None, "callers have matched it"
    return int(parsed[1]) * _UNITS_S[parsed[2]]


DURATION_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": rf"^[0-9]+(ms|s|m|h|d)$|{_REFERENCE_SCHEMA}",
        "examples": ["500ms", "10s", "5m"],
    }
)

FunctionTimeout = Annotated[float, PlainValidator(duration("1s", "900s")), DURATION_SCHEMA]  # Lambda's limits
IdleTimeout = Annotated[float, PlainValidator(duration("1s", "24h")), DURATION_SCHEMA]
RouteTimeout = Annotated[float, PlainValidator(duration("50ms", "900s")), DURATION_SCHEMA]
CacheTime = Annotated[float, PlainValidator(duration("0s", "1h")), DURATION_SCHEMA]
CorsMaxAge = Annotated[
    int, PlainValidator(whole_seconds("0s", "24h")), DURATION_SCHEMA
]  # API Gateway's limit
Leeway = Annotated[int, PlainValidator(whole_seconds("0s", "60s")), DURATION_SCHEMA]  # J9
TokenLifetime = Annotated[float, PlainValidator(duration("1m", "3650d")), DURATION_SCHEMA]
TemporaryLifetime = Annotated[float, PlainValidator(duration("1h", "365d")), DURATION_SCHEMA]
RefreshGrace = Annotated[float, PlainValidator(duration("0s", "60s")), DURATION_SCHEMA]  # A7

MemoryMb = Annotated[int, Field(ge=128, le=10_240)]  # Lambda's limits
StorageMb = Annotated[int, Field(ge=512, le=10_240)]  # Lambda's limits


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """A share of the machine's memory, or a number of MB; exactly one is set."""

    percent: int | None = None
    mb: int | None = None

    def of(self, machine_mb: int) -> int:
        """The limit in MB on a machine with *machine_mb*."""
        if self.percent is not None:
            return machine_mb * self.percent // 100
        return self.mb or 0


def _memory_limit(value: object) -> MemoryLimit:
    if type(value) is int:
        if value < 128:
            raise refuse(
                "out-of-range", f"{value} MB is less than one environment needs", "128 or more, or 75%"
            )
        return MemoryLimit(mb=value)
    if not isinstance(value, str):
        raise refuse("wrong-type", f"MB or a share is needed here, not {kind_of(value)}", "write 4096 or 75%")
    parsed = re.fullmatch(r"([0-9]{1,3})%", value)
    if parsed is None:
        raise refuse(
            "wrong-value", f'"{value[:40]}" is neither a number of MB nor a share', "write 4096 or 75%"
        )
    if not 1 <= int(parsed[1]) <= 100:
        raise refuse("out-of-range", f"{value} is not within 1% and 100%")
    return MemoryLimit(percent=int(parsed[1]))


MemoryShare = Annotated[
    MemoryLimit,
    PlainValidator(_memory_limit),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 128},
                {"type": "string", "pattern": rf"^[0-9]{{1,3}}%$|{_REFERENCE_SCHEMA}"},
            ]
        }
    ),
]


def named(pattern: str, what: str, rule: str, *, code: str = "wrong-name") -> Callable[[object], str]:
    """A reader of texts that match *pattern* whole."""
    compiled = re.compile(pattern)

    def read(value: object) -> str:
        text = text_of(value)
        if not compiled.fullmatch(text):
            hint = _repaired(compiled, text) if code == "wrong-name" else ""
            raise refuse(code, f'"{text[:80]}" is not {what}: {rule}', hint)
        return text

    return read


def _repaired(pattern: re.Pattern[str], text: str) -> str:
    for candidate in (re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-"), re.sub(r"\W+", "_", text).strip("_")):
        if candidate and pattern.fullmatch(candidate):
            return f"write {candidate}"
    return ""


def text_schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$|{_REFERENCE_SCHEMA}"})


def key_schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$"})


def choice(*allowed: str) -> Callable[[object], str]:
    """A reader of one of *allowed*."""

    def read(value: object) -> str:
        if type(value) is float and str(value) in allowed:
            raise refuse("wrong-type", "text is needed here, not a number", f'put it in quotes: "{value}"')
        text = text_of(value)
        if text not in allowed:
            raise refuse("wrong-value", f'"{text[:40]}" is not possible here', closest(text, allowed))
        return text

    return read


def closest(text: str, allowed: Iterable[str]) -> str:
    """A suggestion: the nearest of *allowed*, or all of them when there are few."""
    names = list(allowed)
    lowered = {name.lower(): name for name in names}
    near = get_close_matches(text.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{lowered[near[0]]}"?'
    return f"possible: {', '.join(names)}" if 0 < len(names) <= 12 else ""


FUNCTION_NAME = "[a-zA-Z0-9_-]{1,64}"  # C8: becomes container names, labels, paths, log keys
_function_name = named(FUNCTION_NAME, "a function's name", "1 to 64 letters, digits, - and _")


def _function(value: object) -> str:
    text = text_of(value)
    if ":" in text:
        name = text.partition(":")[0]
        raise refuse(
            "not-yet", "versions and aliases of functions do not exist yet", f"write {name}" if name else ""
        )
    return _function_name(text)


FunctionName = Annotated[str, PlainValidator(_function), key_schema(FUNCTION_NAME)]
FunctionReference = Annotated[str, PlainValidator(_function), text_schema(FUNCTION_NAME)]

NAME = "[a-zA-Z0-9_-]{1,64}"
_name = named(NAME, "a name", "1 to 64 letters, digits, - and _")
Name = Annotated[str, PlainValidator(_name), key_schema(NAME)]
NameReference = Annotated[str, PlainValidator(_name), text_schema(NAME)]

RESERVED_AUTHORIZERS = frozenset({"iam", "none", "public", "key"})


def _authorizer(value: object) -> str:
    if isinstance(value, list):
        raise refuse("not-yet", "several authorizers for one route do not exist yet", "name one")
    text = _name(value)
    if text in RESERVED_AUTHORIZERS:
        raise refuse("not-yet", f'the authorizer name "{text}" is reserved')
    return text


_AUTHORIZER_SCHEMA = f"(?!(?:{'|'.join(sorted(RESERVED_AUTHORIZERS))})$){NAME}"
AuthorizerName = Annotated[str, PlainValidator(_authorizer), key_schema(_AUTHORIZER_SCHEMA)]
AuthorizerReference = Annotated[str, PlainValidator(_authorizer), text_schema(_AUTHORIZER_SCHEMA)]

VARIABLE_NAME = "[a-zA-Z][a-zA-Z0-9_]+"  # Lambda's rule for environment variables
_variable = named(VARIABLE_NAME, "a variable's name", "a letter, then one or more letters, digits and _")
VariableName = Annotated[str, PlainValidator(_variable), key_schema(VARIABLE_NAME)]

Payload = Annotated[str, PlainValidator(choice("1.0", "2.0")), WithJsonSchema({"enum": ["1.0", "2.0"]})]
Text = Annotated[str, PlainValidator(text_of), WithJsonSchema({"type": "string"})]
