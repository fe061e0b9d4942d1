"""A person's authenticator app: its seed, and the judgement of its codes, each of which counts once (B10)."""

import secrets
from datetime import datetime, timedelta

from auth.core.one_time_code import plain
from auth.core.totp import REMEMBER_S, SECRET_BYTES, base32, matching_step
from auth.errors import LimitExceeded, SoftwareTokenNotFound, UsedCode
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.store.ports import LockRule

RULE = LockRule()


class Authenticator:
    def __init__(self, tools: Tools) -> None:
        self._tokens = tools.store.software_tokens
        self._attempts = tools.store.attempts

    def associate(self, pool: Pool, sub: str, now: datetime) -> str:
        """A new seed, which counts once a code of it was right. :returns: 52 characters of base32."""
        secret = secrets.token_bytes(SECRET_BYTES)
        self._tokens.put_secret(pool.pool_id, sub, secret, now)
        return base32(secret)

    def is_right(self, pool: Pool, sub: str, code: str, now: datetime, *, confirmed: bool) -> bool:
        """:param confirmed: False: the first code of a new seed.

        :raises SoftwareTokenNotFound: there is no such seed. :raises LimitExceeded: too many wrong ones lately.
        :raises UsedCode: a code of a confirmed seed was right before; it counts as a wrong one.
        """
        secret = self._tokens.secret(pool.pool_id, sub, confirmed=confirmed)
        if secret is None:
            raise SoftwareTokenNotFound
        if self._attempts.count(pool.pool_id, "mfa", sub, RULE, now) is None:
            raise LimitExceeded(detail="second factors of one person")
        step = matching_step(secret, plain(code), now)
        remember_until = now + timedelta(seconds=REMEMBER_S)
        if step is None:
            return False
        if not self._tokens.use_step(pool.pool_id, sub, step, remember_until):
            if confirmed:
                raise UsedCode
            return False
        self._attempts.clear(pool.pool_id, "mfa", sub)
        return True

    def confirm(self, pool: Pool, sub: str, name: str, now: datetime) -> None:
        self._tokens.confirm(pool.pool_id, sub, name, now)
