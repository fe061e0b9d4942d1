"""What every flow works with. Frozen, shared by all of them and by all threads."""

from collections.abc import Callable
from dataclasses import dataclass, field

from auth.audit import Audit
from auth.core.lockout import Limits
from auth.flows.password_hasher import PasswordHasher
from auth.flows.triggers import NO_TRIGGERS, Triggers
from auth.mail.message import Message
from auth.store.ports import Store

PEOPLES_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """:param post: takes a message without waiting for it to be sent.

    :param decoy_key: 32 secret bytes, the same in every process and after a restart: what people who do not exist
        are told is made with it (B6).
    """

    store: Store
    hasher: PasswordHasher
    audit: Audit
    post: Callable[[Message], None]
    decoy_key: bytes = field(repr=False)
    limits: Limits = PEOPLES_LIMITS
    triggers: Triggers = NO_TRIGGERS
