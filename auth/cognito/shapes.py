"""What an action's input may look like: the constraints of the service model, and their refusals in its words.

A shape looks at one JSON value and says what is wrong with it. Unknown members are let through unread, as AWS does:
clients of next year send them. Source: the botocore model of cognito-idp, and recorded answers for the sentences.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Shape(Protocol):
    def problems(self, value: Any, where: str, /) -> Iterator[str]:
        """:param where: the member's path as AWS writes it: ``userAttributes.1.member.name``.

        :raises WrongType: it is not even of the right JSON type.
        """
        ...


class WrongType(Exception):
    """What AWS's decoder says before it looks at any constraint: one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """:param pattern: must match all of it, as the model writes it.

    :param shows: False: never repeated in a refusal.
    """

    min: int = 0
    max: int = 131_072
    pattern: str = ""
    values: tuple[str, ...] = ()
    shows: bool = True
    matches: Callable[[str], bool] | None = None  # where Python's `re` has not what the pattern needs

    def problems(self, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str):
            raise WrongType(f"{_json_name(value)} can not be converted to a String")
        if self.values and value not in self.values:
            yield _failed(
                value, where, f"Member must satisfy enum value set: [{', '.join(self.values)}]", self.shows
            )
        if len(value) < self.min:
            yield _failed(
                value, where, f"Member must have length greater than or equal to {self.min}", self.shows
            )
        if len(value) > self.max:
            yield _failed(
                value, where, f"Member must have length less than or equal to {self.max}", self.shows
            )
        if self.pattern and not self._matches(value):
            rule = f"Member must satisfy regular expression pattern: {self.pattern}"
            yield _failed(value, where, rule, self.shows)

    def _matches(self, value: str) -> bool:
        if self.matches is not None:
            return self.matches(value)
        return re.fullmatch(self.pattern, value) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    min: int = -(2**31)
    max: int = 2**31 - 1

    def problems(self, value: Any, where: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            raise WrongType(f"{_json_name(value)} can not be converted to an Integer")
        if value < self.min:
            yield _failed(
                str(value), where, f"Member must have value greater than or equal to {self.min}", True
            )
        if value > self.max:
            yield _failed(str(value), where, f"Member must have value less than or equal to {self.max}", True)


@dataclass(frozen=True, slots=True)
class Flag:
    def problems(self, value: Any, _where: str, /) -> Iterator[str]:
        if not isinstance(value, bool):
            raise WrongType(f"{_json_name(value)} can not be converted to a Boolean")
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    of: Shape
    min: int = 0
    max: int = 1_000

    def problems(self, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            raise WrongType("Expected list or null")
        if len(value) < self.min:
            yield _failed(
                _shown(value), where, f"Member must have length greater than or equal to {self.min}", True
            )
        if len(value) > self.max:
            yield _failed("[…]", where, f"Member must have length less than or equal to {self.max}", True)
            return
        for number, item in enumerate(value, 1):
            yield from self.of.problems(item, f"{where}.{number}.member")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary:
    """Text to text, if nothing else is said."""

    key: Shape = Text()
    value: Shape = Text()
    max: int = 1_000

    def problems(self, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            raise WrongType("Expected map or null")
        if len(value) > self.max:
            yield _failed("{…}", where, f"Member must have length less than or equal to {self.max}", True)
            return
        for key, item in value.items():
            yield from self.key.problems(key, f"{where}.key")
            if item is not None:
                yield from self.value.problems(item, f"{where}.{key}.member")


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """:param needs: members that must be there; the others may be absent or null."""

    members: Mapping[str, Shape] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def problems(self, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            raise WrongType("Unexpected value type in payload")
        for name in self.needs:
            if value.get(name) is None:
                yield _failed(None, _path(where, name), "Member must not be null", True)
        for name, shape in self.members.items():
            if value.get(name) is not None:
                yield from shape.problems(value[name], _path(where, name))


def _path(where: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{where}.{member}" if where else member


def _failed(value: str | None, where: str, rule: str, shows: bool) -> str:
    if value is None:
        return f"Value null at '{where}' failed to satisfy constraint: {rule}"
    shown = f"Value '{value}' at '{where}'" if shows and len(value) <= 128 else f"Value at '{where}'"
    return f"{shown} failed to satisfy constraint: {rule}"


def _shown(value: list[Any]) -> str:
    return f"[{', '.join(str(item) for item in value[:5])}]"


def _json_name(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, int | float):
        return "NUMBER_VALUE"
    if isinstance(value, str):
        return "STRING_VALUE"
    return "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"
