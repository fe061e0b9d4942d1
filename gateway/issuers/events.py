"""What becomes known of an issuer: single events for the log, and the whole at any time for metrics and people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from kit.jwt.keys import KeySet

IssuerEvent = Literal[
    "keys_fetched",
    "keys_failed",
    "keys_changed",
    "key_ignored",  # an entry of the key set that cannot be used, and why
    "keys_expired",  # too old to be believed any longer
    "key_cache_failed",  # a file was ignored or could not be written
]
FetchResult = Literal["success", "discovery_failed", "keys_failed"]
KeysState = Literal["none", "fresh", "stale"]

# kind, issuer, a sentence
OnEvent = Callable[[IssuerEvent, str, str], None]


def ignore_event(_kind: IssuerEvent, _issuer: str, _detail: str) -> None:
    """For who wants no log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSnapshot:
    """:param kids: of the keys that can be used.
    :param state: ``stale`` keys are used while new ones cannot be had.
    :param age_s: since the keys were fetched; None without keys.
    :param last_error: of the last fetch; None if it succeeded.
    :param fetches: how many ended how since the start.
    """

    issuer: str
    kids: tuple[str, ...]
    state: KeysState
    age_s: float | None
    last_error: str | None
    fetches: Mapping[FetchResult, int]


def change_text(before: KeySet, after: KeySet) -> str:
    """Which kids came, went, or name another key now."""
    came = [kid for kid in after.kids if before.get(kid) is None]
    went = [kid for kid in before.kids if after.get(kid) is None]
    replaced = [kid for kid in after.kids if before.get(kid) not in (None, after.get(kid))]
    parts = (("new", came), ("gone", went), ("replaced", replaced))
    return "; ".join(f"{word}: {', '.join(kids)}" for word, kids in parts if kids)
