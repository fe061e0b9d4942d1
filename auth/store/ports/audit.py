"""What happened to whom, for as long as the database is kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """:param actor: ``user:SUB``, ``client:ID``, ``operator``, or empty for somebody unknown. :param detail: never a
    secret."""

    at: datetime
    action: str
    result: str
    pool_id: str = ""
    actor: str = ""
    target: str = ""
    source_ip: str = ""
    detail: str = ""


class AuditStore(Protocol):
    def append(self, record: AuditRecord) -> None: ...

    def read(self, *, limit: int, pool_id: str | None = None) -> tuple[AuditRecord, ...]:
        """Newest first."""
        ...
