"""Who stands in a file twice: by sub, by name, by an address. On disk, so that a million people cost no memory."""

import hashlib
import sqlite3
from collections.abc import Iterator

from auth.store.ports import MovedUser

_CACHE_KIB = 32 * 1024


class Twins:
    """Close it: its table is a temporary file that only this process knows."""

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None)
        self._seen.execute("PRAGMA journal_mode=OFF")
        self._seen.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._seen.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def before(self, user: MovedUser, line: int) -> tuple[str, int] | None:
        """Which field of *user* stood on an earlier line, and on which. None: nobody is them."""
        for where, text in _identities(user):
            key = hashlib.blake2b(f"{where}\0{text}".encode(), digest_size=16).digest()
            inserted = self._seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line))
            if inserted.rowcount == 0:
                found = self._seen.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
                return where, int(found[0])
        return None

    def close(self) -> None:
        self._seen.close()


def _identities(user: MovedUser) -> Iterator[tuple[str, str]]:
    if user.keeps_sub:
        yield "sub", user.user.sub
    if user.key != user.user.sub:
        yield "username", user.key
    for kind, value in user.aliases:
        yield {"email": "attributes.email", "phone": "attributes.phone_number"}.get(kind, kind), value
