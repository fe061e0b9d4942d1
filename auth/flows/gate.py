"""How often an address, a person or a whole pool may try: asked before anything is judged (B7, B10)."""

from datetime import datetime

from auth.core.lockout import WHOLE_POOL, Window, address_subject, mailbox_subject
from auth.core.steps import Origin
from auth.errors import LimitExceeded, TooManyRequests
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.store.ports import AttemptKind


class Gate:
    """Every method raises instead of letting through, and takes as many queries for the unknown as for the known."""

    def __init__(self, tools: Tools) -> None:
        self._attempts = tools.store.attempts
        self._limits = tools.limits

    def sign_in(self, pool: Pool, origin: Origin, now: datetime) -> None:
        """:raises TooManyRequests: the address, or the pool, tries too many passwords."""
        address = address_subject(origin.address)
        if not self._take(pool, "password", address, self._limits.address_sign_ins, now):
            raise TooManyRequests(detail="passwords from one address")
        if not self._take(pool, "password", WHOLE_POOL, self._limits.pool_sign_ins, now):
            raise TooManyRequests(detail="passwords in one pool")

    def sign_up(self, pool: Pool, origin: Origin, now: datetime) -> None:
        """:raises TooManyRequests: too many accounts are made from that address."""
        address = address_subject(origin.address)
        if not self._take(pool, "sign_up", address, self._limits.address_sign_ups, now):
            raise TooManyRequests(detail="sign-ups from one address")

    def send_from(self, pool: Pool, origin: Origin, now: datetime) -> None:
        """:raises TooManyRequests: too many mails were asked for from that address."""
        if not self._take(pool, "send", address_subject(origin.address), self._limits.address_sends, now):
            raise TooManyRequests(detail="mails asked for from one address")

    def send_to(self, pool: Pool, subject: str, now: datetime) -> None:
        """:raises LimitExceeded: that person was sent enough."""
        if not self._take(pool, "send", subject, self._limits.person_sends, now):
            raise LimitExceeded(detail="mails to one person")

    def send_to_mailbox(self, pool: Pool, address: str, now: datetime) -> None:
        """:raises LimitExceeded: strangers have had enough sent there, whoever's it is."""
        if not self._take(pool, "send", mailbox_subject(address), self._limits.person_sends, now):
            raise LimitExceeded(detail="mails to one address")

    def send_first(self, pool: Pool, subject: str, now: datetime) -> None:
        """:raises LimitExceeded: that person was sent enough codes to begin with. Anybody can ask for those, so they
        are not counted with others: nobody is kept from resetting a password, or from a second factor."""
        if not self._take(pool, "send", f"first {subject}", self._limits.person_sends, now):
            raise LimitExceeded(detail="mails to begin with, to one person")

    def send_second(self, pool: Pool, sub: str, now: datetime) -> None:
        """:raises LimitExceeded: that person, whose first factor was right each time, was sent enough."""
        if not self._take(pool, "send", f"second {sub}", self._limits.second_sends, now):
            raise LimitExceeded(detail="second factors mailed to one person")

    def code_first(self, pool: Pool, subject: str, now: datetime) -> None:
        """:raises LimitExceeded: too many codes to begin with were tried for that person."""
        if not self._take(pool, "code", f"first {subject}", self._limits.person_codes, now):
            raise LimitExceeded(detail="codes to begin with, of one person")

    def code_from(self, pool: Pool, origin: Origin, now: datetime) -> None:
        """:raises TooManyRequests: too many codes were tried from that address."""
        if not self._take(pool, "code", address_subject(origin.address), self._limits.address_codes, now):
            raise TooManyRequests(detail="codes from one address")

    def code_of(self, pool: Pool, subject: str, now: datetime) -> None:
        """:raises LimitExceeded: too many codes were tried for that person."""
        if not self._take(pool, "code", subject, self._limits.person_codes, now):
            raise LimitExceeded(detail="codes of one person")

    def _take(self, pool: Pool, kind: AttemptKind, subject: str, window: Window, now: datetime) -> bool:
        return self._attempts.take(
            pool.pool_id, kind, subject, limit=window.limit, window_s=window.window_s, now=now
        )
