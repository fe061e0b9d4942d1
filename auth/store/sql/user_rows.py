"""Rows of people, and what hangs on them: read with their groups in one statement."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    cast,
    delete,
    exists,
    func,
    literal_column,
    select,
)

from auth.store.sql import tables as t
from auth.user import MfaPreference, User

LISTED = frozenset(
    ["username", "email", "phone_number", "name", "given_name", "family_name", "preferred_username"]
)
VALUE_KEY_LENGTH = 256  # of a value in the index; longer ones are told apart by the row itself

_member, _group = t.group_members.c, t.groups.c

# `precedence name` a line: names have no white space, and the order is made of it in `_groups`.
groups_of_user = (
    select(
        func.aggregate_strings(
            func.coalesce(cast(_group.precedence, String), "") + " " + _group.name,
            # A text would be written into the statement anew each time that it is executed.
            literal_column("'\n'"),  # type: ignore[arg-type]  # any expression will do
        )
    )
    .where(_member.pool_id == t.users.c.pool_id, _member.sub == t.users.c.sub)
    .where(_group.pool_id == _member.pool_id, _group.name == _member.group_name)
    .correlate(t.users)
    .scalar_subquery()
    .label("group_lines")
)
has_totp = (
    exists()
    .where(t.totp.c.pool_id == t.users.c.pool_id, t.totp.c.sub == t.users.c.sub)
    .where(t.totp.c.confirmed_at.is_not(None))
    .correlate(t.users)
    .label("has_totp")
)
USER_COLUMNS = (*t.users.c, groups_of_user, has_totp)


def is_user(pool_id: str, sub: str) -> ColumnElement[bool]:
    return and_(t.users.c.pool_id == pool_id, t.users.c.sub == sub)


def select_user(pool_id: str, sub: str) -> Select[Any]:
    return select(*USER_COLUMNS).where(is_user(pool_id, sub))


def read_user(row: Mapping[str, Any]) -> User:
    """:param row: of `USER_COLUMNS`."""
    mfa = row["mfa"]
    return User(
        pool_id=row["pool_id"],
        sub=row["sub"],
        username=row["username"],
        status=row["status"],
        is_enabled=row["enabled"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        tokens_valid_from=row["tokens_valid_from"],
        attributes=row["attributes"],
        groups=_groups(row["group_lines"]),
        mfa=MfaPreference(enabled=frozenset(mfa["enabled"]), preferred=mfa["preferred"]),
        has_software_token=bool(row["has_totp"]),
        version=row["version"],
    )


def _groups(lines: str | None) -> tuple[str, ...]:
    pairs = [line.partition(" ") for line in (lines or "").split("\n") if line]
    ordered = sorted(pairs, key=lambda pair: (pair[0] == "", int(pair[0] or 0), pair[2]))
    return tuple(name for _, _, name in ordered)


def fold(value: str) -> str:
    return value.casefold()[:VALUE_KEY_LENGTH]


def write_index(connection: Connection, pool_id: str, sub: str, listed: Mapping[str, str]) -> None:
    """What the user is listed by from now on. :param listed: attributes, and ``username``."""
    of = t.user_index.c
    connection.execute(delete(t.user_index).where(of.pool_id == pool_id, of.sub == sub))
    rows = [
        {"pool_id": pool_id, "sub": sub, "name": name, "value_key": fold(value)}
        for name, value in listed.items()
        if name in LISTED
    ]
    if rows:
        connection.execute(t.user_index.insert(), rows)
