"""Sign in as the pool's triggers say: one defines which challenge is next, one makes it, one judges the answer.

What a right answer is judged by (``privateChallengeParameters``) stays in the sealed state. Whatever the triggers say,
somebody who does not exist gets no tokens, and what the pool requires beside (a second factor, a new password) is asked
for when they have issued them. Source: Cognito Developer Guide, "Custom authentication challenge Lambda triggers".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final, Protocol

from auth.client import Client
from auth.core import challenge
from auth.core.challenge import CustomRound, Event, SignInState
from auth.core.steps import Challenge, Origin, Step
from auth.errors import InvalidLambdaResponse, InvalidParameter, InvalidSession, NotAuthorized, UserNotFound
from auth.flows.first_factor import FirstFactor
from auth.flows.gate import Gate
from auth.flows.people import find
from auth.flows.progress import Progress
from auth.flows.tools import Tools
from auth.flows.triggers import Asked, TriggerName, user_attributes
from auth.flows.turn import NOBODY, Turn, facts_of
from auth.pool import Pool
from auth.user import User

MAX_ROUNDS: Final = 20  # challenges in one sign-in: a trigger that never decides is stopped
MAX_ANSWER: Final = 16_384  # characters: a signed assertion fits
MAX_ROUND_BYTES: Final = 65_536  # of all that the triggers want remembered
PURPOSE: Final = "custom"
_CHOSEN: Mapping[str, Event] = {"SOFTWARE_TOKEN_MFA": "app_chosen", "EMAIL_OTP": "email_chosen"}


class Proof(Protocol):
    @property
    def user(self) -> User: ...

    @property
    def purpose(self) -> str: ...


class SrpExchange(Protocol):
    def begin(
        self,
        pool: Pool,
        client: Client,
        username: str,
        srp_a: str,
        *,
        origin: Origin,
        now: datetime,
        purpose: str = ...,
    ) -> Challenge: ...

    def prove(
        self, pool: Pool, client: Client, answers: Mapping[str, str], *, origin: Origin, now: datetime
    ) -> Proof: ...


class CustomAuth:
    """:param tools: shared with the other flows. :param srp: for triggers that want a password first."""

    def __init__(
        self, tools: Tools, progress: Progress, first: FirstFactor, srp: Callable[[], SrpExchange]
    ) -> None:
        self._triggers = tools.triggers
        self._users = tools.store.users
        self._progress = progress
        self._first = first
        self._gate = Gate(tools)
        self._srp = srp

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
        """Plain, or with ``CHALLENGE_NAME: SRP_A`` and the client's half of an exchange."""
        if not self._triggers.has(pool, "define_auth_challenge"):
            raise InvalidParameter("Custom auth lambda trigger is not configured for the user pool.")
        begun = CustomRound()
        if parameters.get("CHALLENGE_NAME"):
            exchange = self._exchange(pool, client, username, parameters, origin, now)
            begun = CustomRound(session=(_result("SRP_A", True),), srp=dict(exchange.parameters))
        else:
            self._gate.sign_in(pool, origin, now)
        person = find(self._users, pool, username)
        if person.user is None and not client.hides_users:
            raise UserNotFound
        if not begun.srp:
            self._first.before(pool, client, person, origin, now)
        user = person.user if person.user is not None and person.user.is_enabled else None
        state = challenge.begin_unproven("custom", "" if user is None else user.sub, person.typed, now)
        # What comes with the beginning is for the triggers before it; those of the challenges get none of it.
        origin = replace(origin, client_metadata={})
        return self._define(pool, client, replace(state, custom=begun), user, origin, now)

    def answer(self, turn: Turn) -> Step:
        """:raises NotAuthorized: the trigger gives up; so does the fifth wrong answer."""
        given, kept = turn.answers.get("ANSWER", ""), _round_of(turn.state)
        if not given or len(given) > MAX_ANSWER:
            self._progress.back(turn)
            raise InvalidParameter("Missing or invalid ANSWER")
        said = self._ask(
            turn.pool,
            turn.client,
            "verify_auth_challenge_response",
            turn.state,
            turn.user,
            turn.origin,
            privateChallengeParameters=kept.private,
            challengeAnswer=given,
        )
        is_right = said.get("answerCorrect") is True
        state = turn.after("right_answer" if is_right else "wrong_answer")
        if not is_right:
            self._progress.refused(turn, f"wrong answer {state.wrong}")
        if state.stage == "dead":
            raise NotAuthorized(detail="the fifth wrong answer")
        result = _result("CUSTOM_CHALLENGE", is_right, kept.metadata)
        return self._defined(turn, state, result)

    def password(self, turn: Turn) -> Step:
        """PASSWORD_VERIFIER of this very sign-in. :raises: as `SrpSignIn.prove`."""
        if turn.answers.get("PASSWORD_CLAIM_SECRET_BLOCK") != _round_of(turn.state).srp.get("SECRET_BLOCK"):
            raise InvalidSession(detail="the answer to another exchange")
        try:
            proof = self._srp().prove(turn.pool, turn.client, turn.answers, origin=turn.origin, now=turn.now)
        except NotAuthorized:
            self._progress.back(turn, turn.after("wrong_password"))
            raise
        if proof.purpose != PURPOSE or proof.user.sub != turn.state.sub:
            raise InvalidSession(detail="the exchange of somebody else")
        return self._defined(turn, turn.after("right_password"), _result("PASSWORD_VERIFIER", True))

    def go_on(self, turn: Turn, state: SignInState) -> Step:
        """After a second factor that the triggers have asked for, and that was right."""
        return self._defined(turn, state, _result(challenge.CHALLENGES[turn.state.stage], True))

    def _exchange(
        self,
        pool: Pool,
        client: Client,
        username: str,
        parameters: Mapping[str, str],
        origin: Origin,
        now: datetime,
    ) -> Challenge:
        if parameters["CHALLENGE_NAME"] != "SRP_A" or not parameters.get("SRP_A"):
            raise InvalidParameter("CHALLENGE_NAME must be SRP_A, with an SRP_A.")
        if not pool.takes_srp:  # nobody in it has a verifier
            raise InvalidParameter("SRP_A needs a client of the user pool that may use SRP.")
        return self._srp().begin(
            pool, client, username, parameters["SRP_A"], origin=origin, now=now, purpose=PURPOSE
        )

    # --- the triggers ---

    def _defined(self, turn: Turn, state: SignInState, result: dict[str, Any]) -> Step:
        kept = _round_of(state)
        state = replace(state, custom=replace(kept, session=(*kept.session, result), public={}, private={}))
        return self._define(turn.pool, turn.client, state, turn.user, turn.origin, turn.now)

    def _define(
        self, pool: Pool, client: Client, state: SignInState, user: User | None, origin: Origin, now: datetime
    ) -> Step:
        kept = _round_of(state)
        if len(kept.session) > MAX_ROUNDS:
            raise NotAuthorized(detail="the triggers come to no end")
        said = self._ask(
            pool, client, "define_auth_challenge", state, user, origin, session=list(kept.session)
        )
        if said.get("failAuthentication"):
            raise NotAuthorized(detail="the trigger gave up")
        if said.get("issueTokens"):
            return self._issue(pool, client, state, user, origin, now)
        name = str(said.get("challengeName"))
        if name == "CUSTOM_CHALLENGE":
            state = self._create(pool, client, state, user, origin)
        elif name == "PASSWORD_VERIFIER" and kept.srp:
            state = challenge.handle(state, "password_chosen", NOBODY, now)
        elif name in _CHOSEN and user is None:
            raise NotAuthorized(detail="nobody has a second factor")
        elif name in _CHOSEN and user is not None:
            state = challenge.handle(state, _CHOSEN[name], facts_of(pool, user), now)
        else:
            raise InvalidLambdaResponse(detail="no challenge that there is, no tokens, no end")
        return self._progress.on(pool, client, state, user, origin, now)

    def _create(
        self, pool: Pool, client: Client, state: SignInState, user: User | None, origin: Origin
    ) -> SignInState:
        kept = _round_of(state)
        said = self._ask(
            pool,
            client,
            "create_auth_challenge",
            state,
            user,
            origin,
            challengeName="CUSTOM_CHALLENGE",
            session=list(kept.session),
        )
        made = replace(
            kept,
            public=dict(said.get("publicChallengeParameters") or {}),
            private=dict(said.get("privateChallengeParameters") or {}),
            metadata=said.get("challengeMetadata"),
        )
        if len(json.dumps(asdict(made))) > MAX_ROUND_BYTES:
            raise InvalidLambdaResponse(detail="more than a sign-in may remember")
        return replace(state, custom=made)

    def _issue(
        self, pool: Pool, client: Client, state: SignInState, user: User | None, origin: Origin, now: datetime
    ) -> Step:
        if user is None:
            raise NotAuthorized(detail="tokens for nobody")
        person = find(self._users, pool, user.sub)
        self._first.require_usable(pool, person, user, origin, now)
        proven_at = max(now, user.tokens_valid_from)
        state = challenge.handle(state, "tokens_issued", facts_of(pool, user), proven_at)
        return self._progress.on(pool, client, replace(state, custom=None), user, origin, now)

    def _ask(
        self,
        pool: Pool,
        client: Client,
        trigger: TriggerName,
        state: SignInState,
        user: User | None,
        origin: Origin,
        **request: Any,
    ) -> Mapping[str, Any]:
        """:raises InvalidParameter: the pool has not all three triggers."""
        said = self._triggers.ask(
            pool,
            Asked(
                trigger=trigger,
                source=_SOURCES[trigger],
                username=state.typed if user is None else user.username,
                client_id=client.client_id,
                attributes={} if user is None else user_attributes(user),
                request={
                    **request,
                    "clientMetadata": dict(origin.client_metadata) or None,
                    "userNotFound": user is None,
                },
            ),
        )
        if said is None:
            raise InvalidParameter("Custom auth lambda trigger is not configured for the user pool.")
        return said


_SOURCES: Final[Mapping[TriggerName, str]] = {
    "define_auth_challenge": "DefineAuthChallenge_Authentication",
    "create_auth_challenge": "CreateAuthChallenge_Authentication",
    "verify_auth_challenge_response": "VerifyAuthChallengeResponse_Authentication",
}


def _round_of(state: SignInState) -> CustomRound:
    return CustomRound() if state.custom is None else state.custom


def _result(name: str, is_right: bool, metadata: str | None = None) -> dict[str, Any]:
    return {"challengeName": name, "challengeResult": is_right, "challengeMetadata": metadata}
