"""One action of the API: who may ask, what its input looks like, and what runs for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from auth.cognito.shapes import Structure
from auth.core.steps import Origin
from auth.identity import Identity, LaneName

Audience = Literal["public", "admin"]
Answer = Mapping[str, Any]  # JSON, with times as epoch seconds (`auth.cognito.wire.timestamp`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """:param input: has passed the action's shape; absent members may be None or missing.

    :param actor: of the audit: ``key:ID`` of whoever signed an admin action, empty for a public one.
    """

    identity: Identity
    input: Mapping[str, Any] = field(repr=False)
    origin: Origin
    now: datetime
    actor: str = ""

    def text(self, name: str) -> str:
        """A member that the shape requires, or ``""``."""
        value = self.input.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> Mapping[str, str]:
        """A map's entries that are not null."""
        return {key: value for key, value in (self.input.get(name) or {}).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """:param audience: ``public``: on every listener, without a signature; ``admin``: only on the control listener,
    signed (P5). :param lane: ``passwords`` for whatever may hash one.
    :param run: synchronous, on that lane; None: the answer has no body at all.
    :raises auth.errors.AuthError: from `run`, in Cognito's words.
    """

    name: str
    audience: Audience
    input: Structure
    run: Callable[[Call], Answer | None]
    lane: LaneName = "store"
