"""What the server remembers between the halves of an SRP sign-in, behind the ``SECRET_BLOCK``: sealed, once, briefly.

No exponent is kept: the key that a right answer is signed with is computed at once, and only it.
"""

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from auth.client import Client
from auth.errors import InvalidSession
from auth.flows.tools import Tools
from auth.pool import Pool

LIFE_S: Final = 180.0  # B9; less where the client says so
_BLOCK_BYTES: Final = 48
_MAX_BLOCK: Final = 512  # characters: nothing longer was ever given out
_CLOCK_SLACK: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SrpChallenge:
    """One that was taken: whoever holds this is the only one who answers.

    :param block: as text; its digest finds it. :param sub: whom it is about: nobody, where it is a decoy.
    :param typed: the canonical name that began it. :param user_id: ``USER_ID_FOR_SRP``. :param salt: in hexadecimal.
    :param key: with which a right answer is signed. :param purpose: which flow goes on when it was right.
    :param wrong: answers so far.
    """

    block: str = field(repr=False)
    pool_id: str
    sub: str
    typed: str
    user_id: str
    salt: str
    key: str = field(repr=False)
    purpose: str
    opened_at: str
    expires_at: str
    wrong: int = 0


class SrpChallenges:
    def __init__(self, tools: Tools) -> None:
        self._store = tools.store.challenges

    def open(
        self,
        pool: Pool,
        client: Client,
        *,
        sub: str,
        typed: str,
        user_id: str,
        salt: bytes,
        key: bytes,
        purpose: str,
        now: datetime,
    ) -> SrpChallenge:
        life = timedelta(seconds=min(client.challenge_s, LIFE_S))  # B9
        challenge = SrpChallenge(
            block=base64.b64encode(secrets.token_bytes(_BLOCK_BYTES)).decode(),
            pool_id=pool.pool_id,
            sub=sub,
            typed=typed,
            user_id=user_id,
            salt=salt.hex(),
            key=key.hex(),
            purpose=purpose,
            opened_at=now.isoformat(),
            expires_at=(now + life).isoformat(),
        )
        self.put_back(client, challenge)
        return challenge

    def take(self, pool: Pool, client: Client, block: str, now: datetime) -> SrpChallenge:
        """:raises InvalidSession: used, expired, altered, another client's or pool's, or never there."""
        may_be = len(block) <= _MAX_BLOCK and block.isascii()
        kept = self._store.consume(_handle(block), client.client_id, now) if may_be else None
        if kept is None:
            raise InvalidSession
        challenge = SrpChallenge(block=block, **json.loads(kept))
        opened_at, expires_at = (
            datetime.fromisoformat(text) for text in (challenge.opened_at, challenge.expires_at)
        )
        # A clock that was set back does not make it live longer (R6).
        if challenge.pool_id != pool.pool_id or not opened_at - _CLOCK_SLACK <= now < expires_at:
            raise InvalidSession(detail="of another pool, or from a clock that was set")
        return challenge

    def put_back(self, client: Client, challenge: SrpChallenge) -> None:
        """The same block once more, until the same time."""
        fields = asdict(challenge)
        del fields["block"]
        self._store.put(
            _handle(challenge.block),
            challenge.pool_id,
            client.client_id,
            challenge.typed,
            challenge.sub,
            json.dumps(fields).encode(),
            datetime.fromisoformat(challenge.expires_at),
        )


def _handle(block: str) -> str:
    """Of the row: no Session of another challenge is ever a block, and no block a Session (B12)."""
    return f"srp {block}"
