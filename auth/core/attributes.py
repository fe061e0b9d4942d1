"""Which attributes people have, who may write them, and what their values look like."""

import re
from collections.abc import Mapping
from typing import Final

from auth.core.username import canonical_phone, is_email
from auth.errors import InvalidParameter, NotAuthorized
from auth.pool import STANDARD_ATTRIBUTES, AttributeRule, Pool

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
    own = {f"custom:{rule.name}": rule for rule in pool.attributes}
    done: dict[str, str | None] = {}
    for name, value in changes.items():
        if name == "sub" or (name in _NOT_BY_USERS and not by_operator):
            raise NotAuthorized("A client attempted to write unauthorized attribute")
        rule = own.get(name)
        if rule is None and name not in STANDARD_ATTRIBUTES:
            raise _schema(name, "Attribute does not exist in the schema.")
        if rule is not None and not rule.is_mutable and not is_new:
            raise _schema(name, "Attribute cannot be updated.")
        done[name] = None if value is None else _value(name, value, rule)
    return done


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
    is_number = name == "updated_at" or (rule is not None and rule.type == "number")
    if is_number and not _NUMBER.fullmatch(value):
        raise _schema(name, "Must be a number.")
    return value


def _email(value: str) -> str:
    """As it was typed, but for blanks around it: some mail servers do tell capitals apart."""
    plain = value.strip()
    if not is_email(plain):
        raise InvalidParameter("Invalid email address format.")
    return plain


def _schema(name: str, what: str) -> InvalidParameter:
    return InvalidParameter(f"Attributes did not conform to the schema: {name[:64]}: {what}")
