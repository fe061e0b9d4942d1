"""Sign in by choice: the client says what the first factor is: a password, typed or by SRP, or a code by mail.

What there is to choose from is the pool's, whoever asks: people who do not exist, or get no mail, are told the same and
sent the same ways, and are never right (B6).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from auth.client import Client
from auth.core import challenge
from auth.core.challenge import Event, SignInState
from auth.core.steps import Challenge, Origin, Step
from auth.errors import InvalidParameter, LimitExceeded, NotAuthorized, TooManyRequests, UserNotFound
from auth.flows.challenges import first_factors
from auth.flows.first_factor import FirstFactor
from auth.flows.gate import Gate
from auth.flows.mailed_codes import MailedCodes
from auth.flows.people import find
from auth.flows.progress import Progress
from auth.flows.tools import Tools
from auth.flows.turn import NOBODY, Turn, facts_of
from auth.pool import Pool
from auth.user import User


class BeginSrp(Protocol):
    def __call__(
        self, pool: Pool, client: Client, username: str, srp_a: str, /, *, origin: Origin, now: datetime
    ) -> Challenge: ...


class Choice:
    """:param tools: shared with the other flows. :param begin_srp: a challenge that is answered with a signature."""

    def __init__(
        self, tools: Tools, progress: Progress, first: FirstFactor, begin_srp: Callable[[], BeginSrp]
    ) -> None:
        self._users = tools.store.users
        self._progress = progress
        self._first = first
        self._begin_srp = begin_srp
        self._gate = Gate(tools)
        self._codes = MailedCodes(tools)

    def begin(
        self,
        pool: Pool,
        client: Client,
        username: str,
        parameters: Mapping[str, str],
        *,
        origin: Origin,
        now: datetime,
    ) -> Step:
        """SELECT_CHALLENGE, or at once what the client prefers, where the pool has it."""
        preferred = parameters.get("PREFERRED_CHALLENGE", "")
        wanted = preferred if preferred in first_factors(pool) else ""
        if wanted == "PASSWORD_SRP" and parameters.get("SRP_A"):
            return self._begin_srp()(pool, client, username, parameters["SRP_A"], origin=origin, now=now)
        self._gate.sign_in(pool, origin, now)
        person = find(self._users, pool, username)
        if person.user is None and not client.hides_users:
            raise UserNotFound
        sub = "" if person.user is None else person.user.sub
        state = challenge.begin_unproven("choice", sub, person.typed, now)
        if wanted == "EMAIL_OTP":
            state = challenge.handle(state, "email_chosen", NOBODY, now)
            self._first.before(pool, client, person, origin, now)
            state = self._codes.send_first(pool, client, state, _reached(person.user), origin, now)
        elif wanted == "PASSWORD":
            state = challenge.handle(state, "password_chosen", NOBODY, now)
        return self._progress.on(pool, client, state, person.user, origin, now)

    def choose(self, turn: Turn) -> Step:
        """:raises InvalidParameter: the pool has no such first factor; the handle opens once more."""
        answer = turn.answers.get("ANSWER", "")
        if answer not in first_factors(turn.pool):
            self._progress.back(turn)
            raise InvalidParameter("Missing or invalid ANSWER")
        if answer == "PASSWORD_SRP":
            name, srp_a = turn.state.typed, turn.needed("SRP_A")
            return self._begin_srp()(turn.pool, turn.client, name, srp_a, origin=turn.origin, now=turn.now)
        if answer == "EMAIL_OTP":
            person = replace(find(self._users, turn.pool, turn.state.typed), user=turn.user)
            self._first.before(turn.pool, turn.client, person, turn.origin, turn.now)
            return self._progress.opened(turn, self.sent(turn, turn.after("email_chosen")))
        if turn.answers.get("PASSWORD"):
            return self.password(turn)
        return self._progress.opened(turn, turn.after("password_chosen"))

    def sent(self, turn: Turn, state: SignInState) -> SignInState:
        """With a code by mail on its way, or not: nobody is told."""
        try:
            return self._codes.send_first(
                turn.pool, turn.client, state, _reached(turn.user), turn.origin, turn.now
            )
        except (LimitExceeded, TooManyRequests):
            self._progress.back(turn)
            raise

    def password(self, turn: Turn) -> Step:
        """:raises: as `FirstFactor.prove`; a wrong one may be followed by others, five in all."""
        try:
            user, _ = self._first.prove(
                turn.pool,
                turn.client,
                turn.state.typed,
                turn.needed("PASSWORD"),
                origin=turn.origin,
                now=turn.now,
            )
        except NotAuthorized:
            self._progress.back(turn, turn.after("wrong_password"))
            raise
        if turn.state.proofs and user.sub != turn.state.sub:
            raise NotAuthorized(detail="the name is somebody else's since")
        now = max(turn.now, user.tokens_valid_from)
        event: Event = "right_password"
        state = challenge.handle(replace(turn.state, sub=user.sub), event, facts_of(turn.pool, user), now)
        return self._progress.on(turn.pool, turn.client, state, user, turn.origin, turn.now)


def _reached(user: User | None) -> User | None:
    """Whom a code instead of a password may go to: as with a forgotten one, only where a code came back before (B11).

    Whoever must choose a password, or waits to be confirmed, gets in by no other way.
    """
    if user is None or not user.is_enabled or user.status != "CONFIRMED" or not user.is_verified("email"):
        return None
    return user if user.attributes.get("email") else None
