"""Clients' secrets: sealed, because SECRET_HASH is made with them; two are valid while one replaces the other."""

import hashlib
import secrets
import string
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from auth.sealing import Sealer
from auth.store.ports.management import ClientSecret
from auth.store.sql import tables as t
from auth.store.sql.statements import put
from kit.sql import UtcMs

SECRET_LENGTH = 52  # 268 bits: as long as Cognito's, from the same letters
_LETTERS = string.ascii_lowercase + string.digits
_of = t.client_secrets.c
_VALID = (  # made once: to make it again costs more than to execute it
    select(_of.secret_id, _of.sealed, _of.created_at)
    .where(_of.client_id == bindparam("of_client"))
    .where(or_(_of.expires_at.is_(None), _of.expires_at > bindparam("now", type_=UtcMs)))
    .order_by(_of.expires_at.is_not(None), _of.created_at.desc(), _of.secret_id)
)


def new_secret() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(SECRET_LENGTH))


def valid_secrets(
    connection: Connection, sealer: Sealer, client_id: str, now: datetime
) -> tuple[ClientSecret, ...]:
    """Newest first; those that end soon behind those that do not."""
    rows = connection.execute(_VALID, {"of_client": client_id, "now": now})
    return tuple(
        ClientSecret(
            secret_id=row.secret_id,
            secret=sealer.open("client_secrets.sealed", client_id, row.secret_id, sealed=row.sealed).decode(),
            created_at=row.created_at,
        )
        for row in rows
    )


def write_secret(
    connection: Connection, sealer: Sealer, client_id: str, secret: str, now: datetime
) -> ClientSecret:
    """Beside the others."""
    digest = hashlib.sha256(secret.encode()).digest()
    secret_id = digest.hex()[:32]  # the same text given again is the same row
    put(
        connection,
        t.client_secrets,
        client_id=client_id,
        secret_id=secret_id,
        sha256=digest,
        sealed=sealer.seal("client_secrets.sealed", client_id, secret_id, plain=secret.encode()),
        created_at=now,
        expires_at=None,
    )
    return ClientSecret(secret_id=secret_id, secret=secret, created_at=now)


def end_secrets(connection: Connection, client_id: str, until: datetime) -> None:
    """Those that would be valid longer."""
    still = or_(_of.expires_at.is_(None), _of.expires_at > until)
    connection.execute(
        update(t.client_secrets).where(_of.client_id == client_id, still).values(expires_at=until)
    )
