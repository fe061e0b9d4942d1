"""Which attributes people have, who may write them, and what their values look like."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from auth.client import Client
from auth.core.username import canonical_phone, is_email
from auth.errors import InvalidParameter, NotAuthorized
from auth.pool import STANDARD_ATTRIBUTES, AttributeRule, AttributeType, Pool

MAX_VALUE: Final = 2048  # characters, as Cognito's
VERIFIED: Final = {"email": "email_verified", "phone_number": "phone_number_verified"}
_NOT_BY_USERS: Final = frozenset({"sub", *VERIFIED.values()})
_BIRTHDATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")


def checked(
    pool: Pool, changes: Mapping[str, str | None], *, is_new: bool, by_operator: bool = False
) -> dict[str, str | None]:
    """The changes with addresses in one form. None: take it away.

    :raises NotAuthorized: a user may not write that. :raises InvalidParameter: no such attribute, or not its form.
    """
    rules = {rule.name: rule for rule in pool.standard}
    rules |= {f"custom:{rule.name}": rule for rule in pool.attributes}
    done: dict[str, str | None] = {}
    for name, value in changes.items():
        if name == "sub" or (name in _NOT_BY_USERS and not by_operator):
            raise NotAuthorized("A client attempted to write unauthorized attribute")
        rule = rules.get(name)
        if rule is None and name not in STANDARD_ATTRIBUTES:
            raise _schema(name, "Attribute does not exist in the schema.")
        if rule is not None and not rule.is_mutable and not is_new:
            raise _schema(name, "Attribute cannot be updated.")
        done[name] = _value(name, value, rule) if value else None  # empty text takes it away, as at Cognito
    for rule in pool.standard:
        is_missing = rule.is_required and not done.get(rule.name)
        if is_missing and ((is_new and not by_operator) or rule.name in done):
            raise _schema(rule.name, "The attribute is required")
    return done


def require_writable(client: Client, names: Iterable[str]) -> None:
    """:raises NotAuthorized: the client may not write one of them."""
    if not all(client.may_write(name) for name in names):
        raise NotAuthorized("A client attempted to write unauthorized attribute")


def _value(name: str, value: str, rule: AttributeRule | None) -> str:
    if len(value) > MAX_VALUE:
        raise _schema(name, f"String must be no longer than {MAX_VALUE} characters.")
    if not all(part.isprintable() for part in value.split("\n")):
        raise _schema(name, "Control characters are not allowed.")
    if name == "email":
        return _email(value)
    if name == "phone_number":
        return canonical_phone(value)
    if name in VERIFIED.values() and value not in ("true", "false"):
        raise _schema(name, "Must be true or false.")
    if name == "birthdate" and not _BIRTHDATE.fullmatch(value):
        raise InvalidParameter("Invalid birthdate format. It must be YYYY-MM-DD.")
    kind = rule.type if rule is not None else "number" if name == "updated_at" else "string"
    if not _FORMS[kind](value):
        raise _schema(name, _WRONG_FORMS[kind])
    if rule is not None:
        _require_bounds(name, value, rule)
    return value


def _require_bounds(name: str, value: str, rule: AttributeRule) -> None:
    size = float(value) if rule.type == "number" else len(value)
    what = "Number" if rule.type == "number" else "String"
    if rule.least is not None and size < rule.least:
        raise _schema(name, f"{what} must be no less than {rule.least}.")
    if rule.most is not None and size > rule.most:
        raise _schema(name, f"{what} must be no more than {rule.most}.")


def _is_time(value: str) -> bool:
    """Seconds since 1970, or as ISO 8601 writes it."""
    if _NUMBER.fullmatch(value):
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_FORMS: Final[Mapping[AttributeType, Callable[[str], bool]]] = {
    "string": lambda _: True,
    "number": lambda value: _NUMBER.fullmatch(value) is not None,
    "boolean": lambda value: value in ("true", "false"),
    "datetime": _is_time,
}
_WRONG_FORMS: Final[Mapping[AttributeType, str]] = {
    "string": "Must be text.",
    "number": "Must be a number.",
    "boolean": "Must be true or false.",
    "datetime": "Must be a time: seconds since 1970, or YYYY-MM-DDThh:mm:ssZ.",
}


def _email(value: str) -> str:
    """As it was typed, but for blanks around it: some mail servers do tell capitals apart."""
    plain = value.strip()
    if not is_email(plain):
        raise InvalidParameter("Invalid email address format.")
    return plain


def _schema(name: str, what: str) -> InvalidParameter:
    return InvalidParameter(f"Attributes did not conform to the schema: {name[:64]}: {what}")
