"""Who did what to whom, with which result: the one place that writes audit records (L4).

Nothing that a person typed goes into one: a password is sometimes typed into the field of the name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from auth.core.steps import Origin
from auth.store.ports import AuditRecord, AuditStore

Action = Literal[
    "sign_in",
    "lock",
    "challenge",
    "sign_up",
    "sign_up_confirmed",
    "password_forgotten",
    "password_reset",
    "password_changed",
    "password_set",
    "mfa_associated",
    "mfa_changed",
    "attributes_changed",
    "attribute_verified",
    "user_created",
    "user_confirmed",
    "user_enabled",
    "user_disabled",
    "user_deleted",
    "users_exported",
    "users_imported",
    "group_changed",
    "signed_out",
    "token_issued",
    "token_reused",
    "token_revoked",
    "client_refused",
    "key_rotated",
    "pools_declared",
    "pool_created",
    "pool_changed",
    "pool_deleted",
    "client_created",
    "client_changed",
    "client_deleted",
    "client_secret_made",
    "client_secret_deleted",
    "api_called",
]
Result = Literal["ok", "refused"]
ACTIONS: Final = frozenset(get_args(Action))
RESULTS: Final = frozenset(get_args(Result))
OPERATOR: Final = "operator"
_acting: ContextVar[str] = ContextVar("acting", default=OPERATOR)


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Within it, in this thread, what an operator does is told of *actor*: of ``key:ID`` who signed the call (P5)."""
    token = _acting.set(actor or OPERATOR)
    try:
        yield
    finally:
        _acting.reset(token)


@dataclass(frozen=True, slots=True)
class Audit:
    store: AuditStore

    def record(
        self,
        action: Action,
        result: Result,
        now: datetime,
        *,
        pool_id: str = "",
        actor: str = "",
        target: str = "",
        origin: Origin | None = None,
        detail: str = "",
    ) -> None:
        """:param actor: ``user:SUB``, ``client:ID``, ``operator`` (or `acting_as` who), or empty for somebody unknown.

        :param target: a ``sub``, a group, a key: never what somebody typed. :param detail: of our own words.
        """
        self.store.append(
            AuditRecord(
                at=now,
                action=action,
                result=result,
                pool_id=pool_id,
                actor=_acting.get() if actor == OPERATOR else actor,
                target=target,
                source_ip="" if origin is None else origin.address,
                detail=detail,
            )
        )
