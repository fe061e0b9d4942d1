"""Codes by mail within a sign-in: as a first factor, as a second one, and for an address that becomes one (B10).

The code's digest lives in the sealed state of the sign-in that it was sent for, so it is good for that one only, dies
with its handle, and is used up by the answer that takes the handle.
"""

import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Final

from auth.client import Client
from auth.core.challenge import MailedCode, SignInState
from auth.core.masking import decoy_email, masked_email
from auth.core.one_time_code import new_code, plain
from auth.core.steps import Origin
from auth.core.username import is_email
from auth.errors import LimitExceeded
from auth.flows.challenges import life_s
from auth.flows.custom_message import About, CustomMessage
from auth.flows.gate import Gate
from auth.flows.tools import Tools
from auth.flows.turn import Turn
from auth.mail import texts
from auth.pool import Pool
from auth.store.ports import LockRule
from auth.user import User

RULE: Final = LockRule()


class MailedCodes:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._attempts = tools.store.attempts
        self._gate = Gate(tools)
        self._custom = CustomMessage(tools)

    def send_first(
        self, pool: Pool, client: Client, state: SignInState, user: User | None, origin: Origin, now: datetime
    ) -> SignInState:
        """To whoever typed that name; for those who get none the same work and the same answer (B6).

        :raises LimitExceeded, TooManyRequests: enough were sent.
        """
        self._gate.send_from(pool, origin, now)
        self._gate.send_first(pool, state.sub or state.typed, now)
        code, to = new_code(secrets.randbelow), "" if user is None else user.attributes["email"]
        kept = MailedCode(mac=self._mac(pool, state, code), to=to, shown=self._shown(pool, state, to))
        if user is None:
            return replace(state, code=replace(kept, mac=""))
        self._post(pool, client, state, user, to, code, is_first=True)
        return replace(state, code=kept)

    def send_second(
        self, pool: Pool, client: Client, state: SignInState, user: User, now: datetime, to: str = ""
    ) -> SignInState:
        """After a first factor. :param to: an address that is to become the second; else the user's.

        :raises LimitExceeded: enough were sent.
        """
        self._gate.send_second(pool, user.sub, now)
        to = to or user.attributes["email"]
        code = new_code(secrets.randbelow)
        kept = MailedCode(mac=self._mac(pool, state, code), to=to, shown=masked_email(to))
        self._post(pool, client, state, user, to, code, is_first=False)
        return replace(state, code=kept)

    def is_right(self, turn: Turn, code: str) -> bool:
        """Counted before it is judged. :raises LimitExceeded, TooManyRequests: too many wrong ones lately."""
        state, kept = turn.state, turn.state.code
        if state.begins:
            self._gate.code_from(turn.pool, turn.origin, turn.now)
            self._gate.code_first(turn.pool, state.sub or state.typed, turn.now)
        elif self._attempts.count(turn.pool.pool_id, "mfa", state.sub, RULE, turn.now) is None:
            raise LimitExceeded(detail="second factors of one person")
        mac = self._mac(turn.pool, state, plain(code))
        if kept is None or not hmac.compare_digest(mac, kept.mac) or not _is_still_theirs(turn):
            return False
        if not state.begins:
            self._attempts.clear(turn.pool.pool_id, "mfa", state.sub)
        return True

    def _post(
        self,
        pool: Pool,
        client: Client,
        state: SignInState,
        user: User,
        to: str,
        code: str,
        *,
        is_first: bool,
    ) -> None:
        minutes = int(life_s(client, state.stage) // 60)
        write = texts.sign_in_code if is_first else texts.mfa_code
        about = About(source="CustomMessage_Authentication", user=user, client_id=client.client_id)
        self._tools.post(self._custom.worded(pool, about, write(pool, to, code, minutes), code))

    def _mac(self, pool: Pool, state: SignInState, code: str) -> str:
        said = f"mailed code\n{pool.pool_id}\n{state.sub}\n{state.typed}\n{code}"
        return hmac.new(self._tools.decoy_key, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def _shown(self, pool: Pool, state: SignInState, to: str) -> str:
        """What was typed, where it is an address; else where a code went, or might have gone."""
        if is_email(state.typed):
            return masked_email(state.typed)
        said = f"{pool.pool_id}\n{state.typed}".encode()
        decoy = decoy_email(hmac.new(self._tools.decoy_key, said, hashlib.sha256).digest())
        return masked_email(to) if to else decoy


def _is_still_theirs(turn: Turn) -> bool:
    """The address was not changed since the code left; one that is being set up is nobody's yet."""
    if turn.user is None or turn.state.code is None:
        return False
    return turn.state.stage == "setup_email" or turn.user.attributes.get("email") == turn.state.code.to
