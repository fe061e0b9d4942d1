"""One-time codes: made, kept as digests, mailed; and decoys for those who get none (B6, B10)."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from auth.core.masking import decoy_email, masked_email
from auth.core.one_time_code import expires_at, new_code, plain
from auth.core.username import is_email
from auth.errors import CodeMismatch
from auth.flows.custom_message import About, CustomMessage
from auth.flows.delivery import Delivery
from auth.flows.tools import Tools
from auth.mail.message import Message
from auth.pool import Pool
from auth.store.ports import CodePurpose, Effect

Write = Callable[[Pool, str, str], Message]
NOWHERE: Final = ""  # the destination of a code that was never sent


class Codes:
    def __init__(self, tools: Tools) -> None:
        self._codes = tools.store.codes
        self._post = tools.post
        self._decoy_key = tools.decoy_key
        self._custom = CustomMessage(tools)

    def send(
        self,
        pool: Pool,
        subject: str,
        purpose: CodePurpose,
        to: str,
        write: Write,
        *,
        now: datetime,
        about: About | None = None,
    ) -> Delivery:
        """A new code to the mail address *to*; an earlier one for the same purpose is dead.

        :param about: whom the mail is about: the pool's trigger may word it. None: it is not asked.
        """
        code = self._put(pool, subject, purpose, to, now)
        ours = write(pool, to, code)
        self._post(ours if about is None else self._custom.worded(pool, about, ours, code))
        return Delivery(destination_masked=masked_email(to))

    def pretend(
        self, pool: Pool, subject: str, purpose: CodePurpose, typed: str, *, now: datetime
    ) -> Delivery:
        """The same work, and an answer of the same form, for somebody who gets no mail."""
        self._put(pool, subject, purpose, NOWHERE, now)
        if is_email(typed):
            return Delivery(destination_masked=masked_email(typed))
        message = f"{pool.pool_id}\n{typed}".encode()
        mac = hmac.new(self._decoy_key, message, hashlib.sha256).digest()
        return Delivery(destination_masked=decoy_email(mac))

    def void(self, pool: Pool, subject: str, purpose: Literal["sign_up", "reset"], now: datetime) -> None:
        """Whatever code is out is dead: the address that it went to is nobody's here any more (B11)."""
        self._codes.put(pool.pool_id, subject, purpose, new_code(secrets.randbelow), NOWHERE, now, now)

    def use(
        self, pool: Pool, subject: str, purpose: CodePurpose, code: str, now: datetime, effect: Effect | None
    ) -> str:
        """:param effect: None: nothing may come of it, however right the code is; it is refused after the same work.

        :returns: the address that the code went to. :raises CodeMismatch, ExpiredCode, AliasExists: nothing happened.
        """
        to = self._codes.use(pool.pool_id, subject, purpose, plain(code), now, effect)
        if effect is None:
            raise CodeMismatch(detail="a code that can do nothing")
        return to

    def _put(self, pool: Pool, subject: str, purpose: CodePurpose, to: str, now: datetime) -> str:
        code = new_code(secrets.randbelow)
        self._codes.put(pool.pool_id, subject, purpose, code, to, expires_at(purpose, now), now)
        return code
