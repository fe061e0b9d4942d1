"""What a new person is called and may sign in with, by the pool's ``sign_in_with``.

With names beside addresses, a name is unique from the start and an address opens the account once a code from it came
back. With addresses only, the address is unique from the start, and the user name is the ``sub``.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auth.core.username import (
    AddressKind,
    canonical,
    canonical_address,
    canonical_phone,
    has_names,
    is_email,
    is_phone,
    is_user_id,
    sign_in_key,
)
from auth.errors import InvalidParameter, UsernameExists
from auth.pool import Pool
from auth.user import User

ATTRIBUTES: Mapping[AddressKind, Literal["email", "phone_number"]] = {
    "email": "email",
    "phone": "phone_number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """:param key: canonical form of *username*. :param aliases: what opens the account from the start."""

    sub: str
    username: str
    key: str
    attributes: Mapping[str, str]
    aliases: tuple[tuple[str, str], ...]


def name_of(pool: Pool, username: str, attributes: Mapping[str, str], *, sub: str = "") -> Naming:
    """:param sub: that they bring along. :raises InvalidParameter: nobody can be called that here."""
    sub = sub or str(uuid.uuid4())
    if has_names(pool):
        key = _free_name(pool, username)
        return Naming(sub=sub, username=username.strip(), key=key, attributes=dict(attributes), aliases=())
    kind = _kind_of(pool, username)
    attribute = ATTRIBUTES[kind]
    with_address = {**attributes, attribute: username.strip()}
    alias = canonical_address(kind, username, is_case_sensitive=pool.is_case_sensitive)
    given = attributes.get(attribute)
    if (
        given is not None
        and canonical_address(kind, given, is_case_sensitive=pool.is_case_sensitive) != alias
    ):
        raise InvalidParameter(f"The {attribute} attribute must be the same as the user name.")
    return Naming(sub=sub, username=sub, key=sub, attributes=with_address, aliases=((kind, alias),))


def aliases_of(pool: Pool, naming: Naming, attributes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What names the person, and addresses that somebody who may vouches for."""
    aliases = dict(naming.aliases)
    for kind, name in ATTRIBUTES.items():
        if attributes.get(f"{name}_verified") == "true" and name in attributes:
            alias = alias_of(pool, kind, attributes[name])
            if alias is not None:
                aliases[kind] = alias[1]
    return tuple(aliases.items())


def alias_of(pool: Pool, kind: AddressKind, address: User | str) -> tuple[str, str] | None:
    """(kind, canonical value) of a person's address, where people sign in with such. None: not here, or none."""
    text = address if isinstance(address, str) else address.attributes.get(ATTRIBUTES[kind])
    if text is None or kind not in pool.sign_in_with:
        return None
    return kind, canonical_address(kind, text, is_case_sensitive=pool.is_case_sensitive)


def _free_name(pool: Pool, username: str) -> str:
    """People are looked up by name, address and ``sub`` alike: a name never has the form of one of the others."""
    key = canonical(username, is_case_sensitive=pool.is_case_sensitive)
    if is_user_id(key):
        raise InvalidParameter("Username cannot be of the form of a user's id.")
    if "email" in pool.sign_in_with and "@" in key:
        raise InvalidParameter(
            "Username cannot be of email format, since user pool is configured for email alias."
        )
    if "phone" in pool.sign_in_with and is_phone(key):
        raise InvalidParameter(
            "Username cannot be of phone number format, since user pool is configured for phone number alias."
        )
    return key


def _kind_of(pool: Pool, username: str) -> AddressKind:
    key = sign_in_key(pool, username)
    if "email" in pool.sign_in_with and is_email(key):
        return "email"
    if "phone" in pool.sign_in_with and is_phone(key):
        canonical_phone(username)
        return "phone"
    kinds = {"email": "an email", "phone": "a phone number"}
    wanted = " or ".join(text for kind, text in kinds.items() if kind in pool.sign_in_with)
    raise InvalidParameter(f"Username should be {wanted}.")


def taken(naming: Naming) -> UsernameExists:
    """What somebody is told who wants a name that somebody has."""
    if not naming.aliases:
        return UsernameExists()
    kind = "email" if naming.aliases[0][0] == "email" else "phone_number"
    return UsernameExists(f"An account with the given {kind} already exists.")
