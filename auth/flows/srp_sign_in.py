"""Sign in without sending the password: a challenge by SRP, and one signed answer to it (B9).

People who do not exist get a challenge too, the same each time, made with a key that is not in the database (B6): the
same queries, the same powers, the same refusal. An answer is counted before it is judged, as a password is (B7).
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from auth.client import Client
from auth.core import srp
from auth.core.challenge import MAX_WRONG
from auth.core.steps import Challenge, Origin, Step
from auth.core.username import sign_in_key
from auth.errors import (
    AuthError,
    InvalidParameter,
    InvalidSession,
    LockedOut,
    NotAuthorized,
    TooManyRequests,
    UserNotFound,
)
from auth.flows.first_factor import FirstFactor
from auth.flows.gate import Gate
from auth.flows.passwords import srp_id
from auth.flows.people import Person, find, require_open
from auth.flows.sign_in import SignIn
from auth.flows.srp_challenges import SrpChallenge, SrpChallenges
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.store.ports import SrpVerifier
from auth.user import User

# As signed requests of AWS: a block lives three minutes, so this guards nothing more than a client's own clock.
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
SIGN_IN: Final = "sign_in"
_NEEDED: Final = ("USERNAME", "PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP")


@dataclass(frozen=True, slots=True, kw_only=True)
class SrpProof:
    """Somebody has proven their password. :param purpose: as `SrpSignIn.begin` was told."""

    user: User
    typed: str
    purpose: str


class SrpSignIn:
    """:param tools: shared with the other flows. :param sign_in: goes on where the password is proven."""

    def __init__(self, tools: Tools, sign_in: SignIn) -> None:
        self._tools = tools
        self._sign_in = sign_in
        self._gate = Gate(tools)
        self._first = FirstFactor(tools)
        self._challenges = SrpChallenges(tools)

    def begin(
        self,
        pool: Pool,
        client: Client,
        username: str,
        srp_a: str,
        *,
        origin: Origin,
        now: datetime,
        purpose: str = SIGN_IN,
    ) -> Challenge:
        """:param srp_a: hexadecimal. :param purpose: of whoever calls `prove` afterwards.

        :returns: PASSWORD_VERIFIER; its handle is the ``SECRET_BLOCK``. Three modular powers for everybody.
        :raises InvalidParameter: no such number, or nobody can have that name. :raises TooManyRequests: see `Gate`.
        :raises UserNotFound: only where the client may know.
        """
        require_open(pool, client)
        public = srp.read_public(srp_a)
        self._gate.sign_in(pool, origin, now)
        person = find(self._tools.store.users, pool, username)
        self._first.before(pool, client, person, origin, now)
        if person.user is None and not client.hides_users:
            raise UserNotFound
        decoy = self._decoy(pool, person)
        sub = _sub_of(person, decoy)
        known = self._tools.store.srp.get(pool.pool_id, sub) or decoy
        exponent = secrets.randbits(8 * srp.SECRET_BYTES)
        answered = srp.server_public(known.verifier, exponent)
        opened = self._challenges.open(
            pool,
            client,
            sub=sub,
            typed=person.typed,
            user_id=known.user_id,
            salt=known.salt,
            key=srp.server_key(public, answered, known.verifier, exponent),
            purpose=purpose,
            now=now,
        )
        parameters = {
            "SALT": f"{int.from_bytes(known.salt, 'big'):x}",
            "SRP_B": f"{answered:x}",
            "SECRET_BLOCK": opened.block,
            "USERNAME": known.user_id,
            "USER_ID_FOR_SRP": known.user_id,
        }
        return Challenge(name="PASSWORD_VERIFIER", handle=opened.block, parameters=parameters)

    def answer(
        self, pool: Pool, client: Client, answers: Mapping[str, str], *, origin: Origin, now: datetime
    ) -> Step:
        """:param answers: as Cognito's ChallengeResponses. :returns: what comes after a password.

        :raises: as `prove`, and as `SignIn.begin`.
        """
        proof = self.prove(pool, client, answers, origin=origin, now=now)
        if proof.purpose != SIGN_IN:
            raise InvalidSession(detail=f"begun for {proof.purpose}")
        return self._sign_in.proven(pool, client, proof.user, proof.typed, origin=origin, now=now)

    def prove(
        self, pool: Pool, client: Client, answers: Mapping[str, str], *, origin: Origin, now: datetime
    ) -> SrpProof:
        """Judge the answer; the block is used up by a right one, and by the fifth wrong one.

        :raises InvalidParameter: something is missing or has not its form: nothing happened.
        :raises InvalidSession: the block is used up, too old, altered, or somebody else's.
        :raises NotAuthorized: the password is wrong, whoever it is. :raises LockedOut: too many were.
        :raises TooManyRequests, PasswordResetRequired, UserNotConfirmed: as at sign-in with a password.
        """
        require_open(pool, client)
        for name in _NEEDED:
            if not answers.get(name):
                raise InvalidParameter(f"Missing required parameter {name}")
        signed_at = srp.read_timestamp(answers["TIMESTAMP"])
        if abs(signed_at - now) > CLOCK_TOLERANCE:
            raise NotAuthorized("TIMESTAMP is too far from the time of the server.")
        challenge = self._challenges.take(pool, client, answers["PASSWORD_CLAIM_SECRET_BLOCK"], now)
        person = self._person(pool, challenge)
        if not _is_meant(pool, answers["USERNAME"], challenge, person):  # B12
            raise InvalidSession(detail="an answer in the name of somebody else")
        if challenge.wrong:  # the first answer of a block was let in when it began
            self._let_in_again(pool, client, challenge, origin, now)
        proven = False

        def is_right() -> bool:
            nonlocal proven
            proven = self._is_right(pool, challenge, person, answers)
            return proven

        try:
            user = self._first.judged(pool, client, person, is_right, origin=origin, now=now)
        except AuthError as error:
            wrong = replace(challenge, wrong=challenge.wrong + 1)
            if (not proven or isinstance(error, LockedOut)) and wrong.wrong < MAX_WRONG:  # B9
                self._challenges.put_back(client, wrong)
            raise
        return SrpProof(user=user, typed=challenge.typed, purpose=challenge.purpose)

    def _person(self, pool: Pool, challenge: SrpChallenge) -> Person:
        """As they are now: the query is made for decoys too."""
        found = find(self._tools.store.users, pool, challenge.sub)
        return replace(found, typed=challenge.typed)

    def _is_right(
        self, pool: Pool, challenge: SrpChallenge, person: Person, answers: Mapping[str, str]
    ) -> bool:
        """The password is the one that it was when this began, and the signature is of its key."""
        kept = self._tools.store.srp.get(pool.pool_id, challenge.sub)
        block = base64.b64decode(challenge.block)
        signed = srp.signature(
            bytes.fromhex(challenge.key), pool.key_name, challenge.user_id, block, answers["TIMESTAMP"]
        )
        given = answers["PASSWORD_CLAIM_SIGNATURE"].encode("utf-8", "surrogatepass")
        is_signed = hmac.compare_digest(signed.encode(), given)  # B9
        is_same_password = kept is not None and kept.salt.hex() == challenge.salt
        return is_signed and is_same_password and person.user is not None and person.user.is_enabled

    def _let_in_again(
        self, pool: Pool, client: Client, challenge: SrpChallenge, origin: Origin, now: datetime
    ) -> None:
        """Another guess counts as another sign-in, so that one beginning does not buy five."""
        try:
            self._gate.sign_in(pool, origin, now)
        except TooManyRequests:
            self._challenges.put_back(client, challenge)
            raise

    def _decoy(self, pool: Pool, person: Person) -> SrpVerifier:
        """What somebody without a verifier is shown, the same for one name each time. Nobody's password fits it."""
        mac = hmac.digest(self._tools.decoy_key, f"srp\n{pool.pool_id}\n{person.typed}".encode(), "sha256")
        drawn = hashlib.shake_256(mac).digest(srp.NUMBER_BYTES + srp.SALT_BYTES + 16)
        sub = str(uuid.UUID(bytes=drawn[-16:], version=4))
        return SrpVerifier(
            user_id=srp_id(pool, sub, person.typed),
            salt=drawn[: srp.SALT_BYTES],
            verifier=int.from_bytes(drawn[srp.SALT_BYTES : -16], "big") % srp.N,
        )


def _sub_of(person: Person, decoy: SrpVerifier) -> str:
    """Whom the challenge is about; of nobody something that nobody has, so that it is looked for all the same."""
    return person.user.sub if person.user is not None else decoy.salt.hex()


def _is_meant(pool: Pool, text: str, challenge: SrpChallenge, person: Person) -> bool:
    """Whether *text* is the name that began it, or one that the challenge gave."""
    if text in (challenge.user_id, "" if person.user is None else person.user.username):
        return True
    try:
        return sign_in_key(pool, text) in (challenge.typed, challenge.sub)
    except InvalidParameter:
        return False
