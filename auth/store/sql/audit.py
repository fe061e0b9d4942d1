"""What happened, by whom. Rows are added; triggers refuse everything else."""

from sqlalchemy import select

from auth.store.ports import AuditRecord
from auth.store.sql import tables as t
from kit.sql import Database

_FIELDS = ("at", "action", "result", "pool_id", "actor", "target", "source_ip", "detail")
_APPEND = t.audit.insert()  # made once: each sign-in appends


class SqlAudit:
    def __init__(self, database: Database) -> None:
        self._db = database

    def append(self, record: AuditRecord) -> None:
        values = {name: getattr(record, name) for name in _FIELDS}
        with self._db.write() as connection:
            connection.execute(_APPEND, values)

    def read(self, *, limit: int, pool_id: str | None = None) -> tuple[AuditRecord, ...]:
        statement = select(*(t.audit.c[name] for name in _FIELDS)).order_by(t.audit.c.seq.desc()).limit(limit)
        if pool_id is not None:
            statement = statement.where(t.audit.c.pool_id == pool_id)
        with self._db.read() as connection:
            return tuple(AuditRecord(**row) for row in connection.execute(statement).mappings())
