"""The right to sign in with an address. The row is the right; two people can never hold one."""

from sqlalchemy import Connection, delete, select, update

from auth.store.sql import tables as t
from auth.store.sql.statements import insert_if_absent
from auth.store.sql.user_rows import is_user

# Which attribute stops being verified when its alias is taken away.
_ATTRIBUTE = {"email": "email", "phone": "phone_number", "phone_number": "phone_number"}


def take_alias(connection: Connection, pool_id: str, sub: str, kind: str, value: str) -> bool:
    """:returns: False: somebody else holds it."""
    if insert_if_absent(connection, t.user_aliases, pool_id=pool_id, kind=kind, alias_key=value, sub=sub):
        return True
    return _holder(connection, pool_id, kind, value) == sub


def take_alias_over(connection: Connection, pool_id: str, sub: str, kind: str, value: str) -> None:
    """From whoever holds it: their address is not verified any more (ForceAliasCreation)."""
    if take_alias(connection, pool_id, sub, kind, value):
        return
    loser = _holder(connection, pool_id, kind, value)
    of = t.user_aliases.c
    connection.execute(
        update(t.user_aliases)
        .where(of.pool_id == pool_id, of.kind == kind, of.alias_key == value)
        .values(sub=sub)
    )
    if loser is not None and kind in _ATTRIBUTE:
        set_attribute(connection, pool_id, loser, f"{_ATTRIBUTE[kind]}_verified", "false")


def drop_alias(connection: Connection, pool_id: str, sub: str, kind: str) -> None:
    of = t.user_aliases.c
    connection.execute(delete(t.user_aliases).where(of.pool_id == pool_id, of.sub == sub, of.kind == kind))


def set_attribute(connection: Connection, pool_id: str, sub: str, name: str, value: str) -> None:
    """In a transaction that holds the row."""
    row = select(t.users.c.attributes).where(is_user(pool_id, sub)).with_for_update()
    attributes = connection.execute(row).scalar()
    if attributes is None:
        return
    connection.execute(
        update(t.users)
        .where(is_user(pool_id, sub))
        .values(attributes={**attributes, name: value}, version=t.users.c.version + 1)
    )


def _holder(connection: Connection, pool_id: str, kind: str, value: str) -> str | None:
    of = t.user_aliases.c
    return connection.execute(
        select(of.sub).where(of.pool_id == pool_id, of.kind == kind, of.alias_key == value)
    ).scalar()
