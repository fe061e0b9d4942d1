"""Codes that are redeemed once, and families of refresh tokens that never fork."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from auth.errors import NotAuthorized, RefreshTokenReuse
from auth.grant import Grant, LiveGrant
from auth.sealing import Sealer, digest
from auth.store.ports import NewCode, RedeemedCode, Rotated
from auth.store.sql import tables as t
from auth.store.sql.ending import end_sessions, moments, revoke_grant
from auth.store.sql.grant_rows import IS_ALIVE, LIVE_COLUMNS, OF_USER, grant_values, live_grant, read_live
from auth.store.sql.refresh_tokens import SECRET_BYTES, ReadToken, make_token, read_token
from kit.sql import Database, UtcMs

_code, _family = t.authorization_codes.c, t.refresh_families.c

INVALID = "Invalid Refresh Token"
EXPIRED = "Refresh Token has expired"
REVOKED = "Refresh Token has been revoked"
_NOTHING: Mapping[str, object] = {}

# Made once: to make them again costs more than to execute them.
_START, _START_FAMILY = t.grants.insert(), t.refresh_families.insert()
_ADD_CODE = t.authorization_codes.insert()
_REDEEM = (  # A5: the row count names the one winner
    update(t.authorization_codes)
    .where(_code.handle == bindparam("code"), _code.client_id == bindparam("of_client"))
    .where(_code.redeemed_at.is_(None), _code.expires_at > bindparam("now", type_=UtcMs))
    .values(redeemed_at=bindparam("now", type_=UtcMs))
    .returning(_code.grant_id, _code.redirect_uri, _code.challenge)
)
_OF_CLIENT = and_(_family.grant_id == bindparam("of_grant"), t.grants.c.client_id == bindparam("of_client"))
_FAMILY = (
    select(_family.secret, _family.generation, _family.expires_at)
    .add_columns(t.grants.c.expires_at.label("grant_expires_at"))
    .join(t.grants, t.grants.c.grant_id == _family.grant_id)
    .where(_OF_CLIENT)
)
_FAMILY_ALIVE = (  # the same with whose it is: all that a token needs which is not rotated
    select(*LIVE_COLUMNS, IS_ALIVE.label("is_alive"))
    .add_columns(_family.secret, _family.generation, _family.expires_at)
    .add_columns(t.grants.c.expires_at.label("grant_expires_at"))
    .select_from(t.refresh_families)
    .join(t.grants, t.grants.c.grant_id == _family.grant_id)
    .join(t.users, OF_USER)
    .where(_OF_CLIENT)
)
_ADVANCE = (
    update(t.refresh_families)
    .where(_family.grant_id == bindparam("of_grant"), _family.generation == bindparam("made"))
    .values(generation=_family.generation + 1, rotated_at=bindparam("now", type_=UtcMs))
)


class SqlGrants:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer

    def start(
        self, grant: Grant, now: datetime, *, code: NewCode | None = None, refresh: bool = False
    ) -> str | None:
        """:raises NotAuthorized: its user is gone, or its time."""
        if grant.expires_at <= now:
            raise NotAuthorized
        try:
            with self._db.write() as connection:
                connection.execute(_START, grant_values(grant))
                if code is not None:
                    _insert_code(connection, grant, code)
                return self._start_family(connection, grant) if refresh else None
        except IntegrityError as error:  # the foreign key
            raise NotAuthorized from error

    def redeem(
        self,
        code: str,
        client_id: str,
        now: datetime,
        check: Callable[[RedeemedCode], bool],
        *,
        refresh: bool,
    ) -> tuple[LiveGrant, str | None] | None:
        handle = digest(code)
        with self._db.write() as connection:
            won = connection.execute(_REDEEM, {"code": handle, "of_client": client_id, "now": now}).first()
            if won is None:
                _punish_reuse(connection, handle, now)
                return None
            live = live_grant(connection, won.grant_id, now)
            if live is None:
                return None
            redeemed = RedeemedCode(grant=live.grant, redirect_uri=won.redirect_uri, challenge=won.challenge)
            if not check(redeemed):
                revoke_grant(connection, won.grant_id, "code presented wrongly", now)
                return None
            return live, self._start_family(connection, live.grant) if refresh else None

    def rotate(self, token: str, client_id: str, now: datetime, *, rotates: bool, grace_s: float) -> Rotated:
        statement, given = (_FAMILY, _NOTHING) if rotates else (_FAMILY_ALIVE, moments(now))
        with self._db.read() as connection:
            read, secret, seen = self._judge(connection, token, client_id, statement, given)
        if seen.expires_at <= now or seen.grant_expires_at <= now:
            raise NotAuthorized(EXPIRED)
        if not rotates and read.generation == seen.generation:
            if not seen.is_alive:
                raise NotAuthorized(REVOKED)
            return Rotated(live=read_live(seen), token=token)
        grace = timedelta(seconds=grace_s)
        with self._db.write() as connection:
            is_reuse = not _advances(connection, read, now, rotates) and not _is_retry(
                connection, read, now, grace
            )
            if is_reuse:
                revoke_grant(connection, read.grant_id, "refresh token used again", now)
                live = None
            else:
                live = live_grant(
                    connection, read.grant_id, now
                )  # after the row is ours: no sign-out is missed
        if live is None:
            raise RefreshTokenReuse(REVOKED) if is_reuse else NotAuthorized(REVOKED)
        return Rotated(live=live, token=make_token(secret, read.grant_id, read.generation + 1))

    def live(self, grant_id: str, now: datetime) -> LiveGrant | None:
        with self._db.read() as connection:
            return live_grant(connection, grant_id, now)

    def revoke(self, grant_id: str, why: str, now: datetime) -> bool:
        with self._db.write() as connection:
            return revoke_grant(connection, grant_id, why, now)

    def revoke_token(self, token: str, client_id: str, now: datetime) -> bool:
        try:
            with self._db.read() as connection:
                read, _, _ = self._judge(connection, token, client_id)
        except NotAuthorized:
            return False
        self.revoke(read.grant_id, "token revoked", now)
        return True

    def sign_out(self, pool_id: str, sub: str, now: datetime, *, except_grant: str | None = None) -> None:
        with self._db.write() as connection:
            end_sessions(connection, pool_id, sub, "signed out", now, except_grant=except_grant)

    def _start_family(self, connection: Connection, grant: Grant) -> str:
        secret = secrets.token_bytes(SECRET_BYTES)
        values = {
            "grant_id": grant.grant_id,
            "secret": self._sealer.seal("refresh_families.secret", grant.grant_id, plain=secret),
            "generation": 1,
            "expires_at": grant.expires_at,
        }
        connection.execute(_START_FAMILY, values)
        return make_token(secret, grant.grant_id, 1)

    def _judge(
        self,
        connection: Connection,
        token: str,
        client_id: str,
        statement: Select[Any] = _FAMILY,
        given: Mapping[str, object] = _NOTHING,
    ) -> tuple[ReadToken, bytes, Row[Any]]:
        """Whether we made it, for this client. It writes nothing. :raises NotAuthorized: not so.

        :param statement: what to see of its family. :param given: that it needs beside the family's name.
        """
        read = read_token(token)
        if read is None:
            raise NotAuthorized(INVALID)
        row = connection.execute(
            statement, {"of_grant": read.grant_id, "of_client": client_id, **given}
        ).first()
        if row is None:
            raise NotAuthorized(INVALID)
        secret = self._sealer.open("refresh_families.secret", read.grant_id, sealed=row.secret)
        if not read.is_of(secret) or read.generation > row.generation:
            raise NotAuthorized(INVALID)
        return read, secret, row


def _insert_code(connection: Connection, grant: Grant, code: NewCode) -> None:
    values = {
        "handle": digest(code.code),
        "grant_id": grant.grant_id,
        "client_id": grant.client_id,
        "redirect_uri": code.redirect_uri,
        "challenge": code.challenge,
        "expires_at": code.expires_at,
    }
    connection.execute(_ADD_CODE, values)


def _punish_reuse(connection: Connection, handle: bytes, now: datetime) -> None:
    """A6: a code that comes a second time was stolen by one of the two; what the first got dies."""
    used = select(_code.grant_id).where(_code.handle == handle, _code.redeemed_at.is_not(None))
    grant_id = connection.execute(used).scalar()
    if grant_id is not None:
        revoke_grant(connection, grant_id, "code used again", now)


def _advances(connection: Connection, read: ReadToken, now: datetime, rotates: bool) -> bool:
    """A7: one of N that present the same token makes the next generation."""
    if not rotates:
        return False
    given = {"of_grant": read.grant_id, "made": read.generation, "now": now}
    return connection.execute(_ADVANCE, given).rowcount == 1


def _is_retry(connection: Connection, read: ReadToken, now: datetime, grace: timedelta) -> bool:
    """Whether the answer to the rotation just before got lost: it is given once more."""
    row = connection.execute(
        select(_family.generation, _family.rotated_at).where(_family.grant_id == read.grant_id)
    ).first()
    if row is None or row.generation != read.generation + 1:
        return False
    return bool(abs(now - row.rotated_at) <= grace)  # also when clocks disagree a little
