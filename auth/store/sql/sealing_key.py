"""Whether a key file belongs to this database: it says by itself which keys have sealed its rows."""

from datetime import UTC, datetime

from sqlalchemy import select

from auth.key_file import KeyFile, KeyFileError
from auth.sealing import SealBroken, Sealer
from auth.store.sql import tables as t
from auth.store.sql.statements import insert_if_absent
from kit.sql import OPENING_S, Database

_PROOF = b"lockgate"


def settle_key(database: Database, key: KeyFile) -> KeyFile:
    """A new key is written only for a database that knows none.

    :raises KeyFileError: rows were sealed with a key that the file does not have.
    """
    with database.read(seconds=OPENING_S) as connection:
        rows = connection.execute(select(t.sealing)).all()
    if not rows:
        key = _first(database, key)
        with database.read(seconds=OPENING_S) as connection:
            rows = connection.execute(select(t.sealing)).all()
    elif key.is_new:
        key = KeyFile.open_or_make(key.path)  # another process may have made it meanwhile
    if key.is_new:
        raise KeyFileError(
            f"{key.path} is missing, and the database has rows that only this key opens: bring it back from a backup"
        )
    sealer = Sealer(key)
    for row in rows:
        try:
            sealer.open("sealing.proof", row.key_id.hex(), sealed=row.proof)
        except SealBroken as error:
            raise KeyFileError(
                f"{key.path} lacks the key {row.key_id.hex()} that this database was sealed with: "
                "bring the file back from a backup"
            ) from error
    return key


def _first(database: Database, key: KeyFile) -> KeyFile:
    """The file first: a crash between the two leaves a key without rows, never rows without a key."""
    with database.write(seconds=OPENING_S) as connection:
        if connection.execute(select(t.sealing.c.key_id)).first() is not None:
            return KeyFile.open_or_make(key.path)
        kept = key.keep()
        sealer = Sealer(kept)
        insert_if_absent(
            connection,
            t.sealing,
            key_id=kept.current,
            proof=sealer.seal("sealing.proof", kept.current.hex(), plain=_PROOF),
            created_at=datetime.now(UTC),
        )
        return kept
