"""From one step of a sign-in to the next: who holds a challenge, what is asked for next, and when somebody is in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from auth.client import Client
from auth.core import challenge
from auth.core.challenge import CHALLENGES, SignInState, Stage, second_factors
from auth.core.steps import Challenge, ChallengeName, Origin, SignedIn, Step
from auth.core.username import sign_in_key
from auth.errors import AuthError, InvalidSession, NotAuthorized
from auth.flows.challenges import Challenges
from auth.flows.hooks import Hooks
from auth.flows.mailed_codes import MailedCodes
from auth.flows.tools import Tools
from auth.flows.turn import NOBODY, Turn, facts_of
from auth.pool import Pool
from auth.user import User

_ENROLLING: frozenset[Stage] = frozenset({"setup", "setup_associated", "setup_email"})


class Progress:
    """:param tools: shared with the other flows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users
        self._hooks = Hooks(tools)
        self._challenges = Challenges(tools)
        self._codes = MailedCodes(tools)

    def take(
        self,
        pool: Pool,
        client: Client,
        name: ChallengeName,
        handle: str,
        answers: Mapping[str, str],
        *,
        origin: Origin,
        now: datetime,
    ) -> Turn:
        """The only holder of the challenge, and its user as they are now.

        :raises InvalidSession: the handle is used up, or opens another challenge: then it is used up by this.
        """
        opened = self._challenges.take(pool, client, handle, now)
        state = opened.state
        if CHALLENGES.get(state.stage) != name:
            raise InvalidSession(detail=f"{name} instead of {state.stage}")
        user = self._users.get(pool.pool_id, state.sub)
        if user is not None and not user.is_enabled:
            user = None
        if user is None and (state.sub and state.proofs):
            raise NotAuthorized(detail="gone or disabled since")
        if user is not None and state.proofs and state.proven_at < user.tokens_valid_from:
            raise InvalidSession(detail="the password was changed or the user signed out since")
        if user is not None and state.stage in _ENROLLING and second_factors(facts_of(pool, user)):
            raise InvalidSession(detail="a second factor was set up since")
        turn = Turn(
            pool=pool, client=client, opened=opened, user=user, answers=answers, origin=origin, now=now
        )
        if "USERNAME" in answers and not _is_meant(turn, answers["USERNAME"]):
            raise InvalidSession(detail="an answer in the name of somebody else")
        return turn

    def on(
        self, pool: Pool, client: Client, state: SignInState, user: User | None, origin: Origin, now: datetime
    ) -> Step:
        """The challenge that *state* asks for, with its mail if there is one; or the user is signed in.

        :raises LimitExceeded: enough was mailed. :raises UserLambdaValidation: a trigger lets them in not.
        """
        if state.stage == "done" and user is not None:
            return self._arrived(pool, client, state, user, origin, now)
        if state.stage == "email_code" and state.code is None and user is not None:
            state = self._codes.send_second(pool, client, state, user, now)
        facts = NOBODY if user is None else facts_of(pool, user)
        return self._challenges.open(pool, client, state, user, facts, now)

    def opened(self, turn: Turn, state: SignInState) -> Challenge:
        """A new handle for a step that is no end and sends no mail."""
        return self._challenges.open(turn.pool, turn.client, state, turn.user, turn.facts, turn.now)

    def back(self, turn: Turn, state: SignInState | None = None) -> None:
        """The same handle opens once more, if it is not the end. :param state: after a wrong answer."""
        kept = turn.state if state is None else state
        if kept.stage != "dead":
            self._challenges.put_back(turn.pool, turn.client, turn.opened, kept)

    def refused(self, turn: Turn, why: str) -> None:
        self.record("challenge", "refused", turn.pool, turn.user, turn.origin, turn.now, why)

    def record(
        self,
        action: Literal["sign_in", "challenge", "mfa_changed", "password_changed"],
        result: Literal["ok", "refused"],
        pool: Pool,
        user: User | None,
        origin: Origin,
        now: datetime,
        detail: str,
    ) -> None:
        self._tools.audit.record(
            action,
            result,
            now,
            pool_id=pool.pool_id,
            actor="" if user is None else f"user:{user.sub}",
            target="" if user is None else user.sub,
            origin=origin,
            detail=detail,
        )

    def _arrived(
        self, pool: Pool, client: Client, state: SignInState, user: User, origin: Origin, now: datetime
    ) -> SignedIn:
        amr = challenge.amr(state)
        try:
            self._hooks.after_authentication(pool, client.client_id, user, origin.client_metadata)
        except AuthError:
            self.record("sign_in", "refused", pool, user, origin, now, "by a trigger")
            raise
        self.record("sign_in", "ok", pool, user, origin, now, " ".join(amr))
        # What begins before `tokens_valid_from` is over: that of a clock that was ahead locks nobody out (R6).
        return SignedIn(user=user, auth_time=max(now, user.tokens_valid_from), amr=amr)


def _is_meant(turn: Turn, text: str) -> bool:
    """Whether *text* is the name that began it, or one that a challenge gave."""
    given = () if turn.state.custom is None else tuple(turn.state.custom.srp.values())
    own = () if turn.user is None else (turn.user.sub, turn.user.username)
    return text in (*own, *given) or sign_in_key(turn.pool, text) == turn.state.typed
