"""Sign in: a password, then whatever challenges the user's state and the pool's rules ask for.

The same for pages and for the Cognito API. What may follow what is `auth.core.challenge`'s table; here its answers are
judged. A handle is used up by an answer; one that was wrong gives it back, until the fifth.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from auth.client import Client
from auth.core import challenge
from auth.core.attributes import checked
from auth.core.challenge import CHALLENGES, Event, Facts, SignInState
from auth.core.password_policy import check
from auth.core.steps import Challenge, ChallengeName, Origin, SignedIn, Step
from auth.core.username import sign_in_key
from auth.errors import (
    AuthError,
    CodeMismatch,
    EnableSoftwareToken,
    InvalidParameter,
    InvalidPassword,
    InvalidSession,
    LimitExceeded,
    NotAuthorized,
)
from auth.flows.attribute_changes import AttributeChanges
from auth.flows.authenticator import Authenticator
from auth.flows.challenges import Challenges, OpenChallenge
from auth.flows.first_factor import FirstFactor
from auth.flows.hooks import Hooks
from auth.flows.passwords import Passwords
from auth.flows.people import require_open
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.user import MfaPreference, User

_TOKEN_ONLY = MfaPreference(enabled=frozenset({"SOFTWARE_TOKEN_MFA"}), preferred="SOFTWARE_TOKEN_MFA")


class SignIn:
    """:param tools: shared with the other flows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users
        self._first = FirstFactor(tools)
        self._passwords = Passwords(tools)
        self._hooks = Hooks(tools)
        self._challenges = Challenges(tools)
        self._authenticator = Authenticator(tools)
        self._changes = AttributeChanges(tools)

    def begin(
        self, pool: Pool, client: Client, username: str, password: str, *, origin: Origin, now: datetime
    ) -> Step:
        """:raises NotAuthorized: whatever is wrong, alike for people who do not exist (B6). Runs one hash.

        :raises LockedOut, PasswordResetRequired, UserNotConfirmed, TooManyRequests: as their docs say.
        """
        require_open(pool, client)
        user, typed = self._first.prove(pool, client, username, password, origin=origin, now=now)
        # What comes with the password is for the triggers before it; those after it get what came with an answer.
        origin = replace(origin, client_metadata={})
        return self.proven(pool, client, user, typed, origin=origin, now=now)

    def proven(
        self, pool: Pool, client: Client, user: User, typed: str, *, origin: Origin, now: datetime
    ) -> Step:
        """*user* has just proven the password, in whatever way (`FirstFactor.judged`): whatever else is asked for.

        :param typed: the canonical name that began it.
        """
        # A session that begins before `tokens_valid_from` is over; a clock that was set back does not lock out (R6).
        proven_at = max(now, user.tokens_valid_from)
        state = challenge.begin(user.sub, typed, _facts(pool, user), proven_at)
        return self._proceed(pool, client, state, user, origin, now)

    def answer(
        self,
        pool: Pool,
        client: Client,
        name: ChallengeName,
        handle: str,
        answers: Mapping[str, str],
        *,
        origin: Origin,
        now: datetime,
    ) -> Step:
        """:param answers: as Cognito's ChallengeResponses: ``NEW_PASSWORD``, ``SOFTWARE_TOKEN_MFA_CODE``.

        :raises InvalidSession: the handle is used up, or opens another challenge: then it is used up by this.
        :raises CodeMismatch, InvalidPassword, LimitExceeded: try again with the same handle.
        """
        require_open(pool, client)
        opened, user = self._take(pool, client, name, handle, now)
        if "USERNAME" in answers and not _is_meant(pool, answers["USERNAME"], opened.state, user):
            raise InvalidSession(detail="an answer in the name of somebody else")
        if name == "NEW_PASSWORD_REQUIRED":
            return self._new_password(pool, client, opened, user, answers, origin, now)
        if name == "MFA_SETUP":
            state = challenge.handle(opened.state, "finished", _facts(pool, user), now)
            return self._proceed(pool, client, state, user, origin, now)
        if name == "SOFTWARE_TOKEN_MFA":
            code = _needed(answers, "SOFTWARE_TOKEN_MFA_CODE")
            state = self._code(pool, client, opened, user, code, origin=origin, now=now)
            return self._proceed(pool, client, state, user, origin, now)
        raise InvalidSession(detail=f"{name} is never asked for")

    def associate(self, pool: Pool, client: Client, handle: str, *, now: datetime) -> tuple[str, Challenge]:
        """A seed for a new authenticator app, at MFA_SETUP. :returns: base32, and the handle that goes on from here.

        :raises InvalidSession: the handle opens another challenge: a second factor that exists is never replaced here.
        """
        require_open(pool, client)
        opened, user = self._take(pool, client, "MFA_SETUP", handle, now)
        state = challenge.handle(opened.state, "associated", _facts(pool, user), now)
        secret = self._authenticator.associate(pool, user.sub, now)
        return secret, self._challenges.open(pool, client, state, user, now)

    def verify_association(
        self,
        pool: Pool,
        client: Client,
        handle: str,
        code: str,
        device_name: str,
        *,
        origin: Origin,
        now: datetime,
    ) -> Challenge:
        """The first code of the new app. :returns: the handle with which MFA_SETUP is answered.

        :raises EnableSoftwareToken: it is wrong; try again with the same handle.
        """
        require_open(pool, client)
        opened, user = self._take(pool, client, "MFA_SETUP", handle, now)
        try:
            state = self._code(pool, client, opened, user, code, origin=origin, now=now)
        except CodeMismatch as error:
            raise EnableSoftwareToken from error
        self._authenticator.confirm(pool, user.sub, device_name, now)
        self._users.set_mfa(pool.pool_id, user.sub, _TOKEN_ONLY, now)
        self._record("mfa_changed", "ok", pool, user, origin, now, "set up at sign-in")
        return self._challenges.open(pool, client, state, user, now)

    def _take(
        self, pool: Pool, client: Client, name: ChallengeName, handle: str, now: datetime
    ) -> tuple[OpenChallenge, User]:
        """The only holder of the challenge, and its user as they are now."""
        opened = self._challenges.take(pool, client, handle, now)
        if CHALLENGES.get(opened.state.stage) != name:
            raise InvalidSession(detail=f"{name} instead of {opened.state.stage}")
        user = self._users.get(pool.pool_id, opened.state.sub)
        if user is None or not user.is_enabled:
            raise NotAuthorized(detail="gone or disabled since")
        if opened.state.proven_at < user.tokens_valid_from:
            raise InvalidSession(detail="the password was changed or the user signed out since")
        if opened.state.stage in ("setup", "setup_associated") and user.has_software_token:
            raise InvalidSession(detail="a second factor was set up since")
        return opened, user

    def _code(
        self,
        pool: Pool,
        client: Client,
        opened: OpenChallenge,
        user: User,
        code: str,
        *,
        origin: Origin,
        now: datetime,
    ) -> SignInState:
        """The state after a right code. :raises CodeMismatch: it was wrong, and counts."""
        facts = _facts(pool, user)
        confirmed = opened.state.stage == "software_token"
        try:
            is_right = self._authenticator.is_right(pool, user.sub, code, now, confirmed=confirmed)
        except LimitExceeded:
            self._challenges.put_back(pool, client, opened, opened.state)
            self._record("challenge", "refused", pool, user, origin, now, "too many codes")
            raise
        event: Event = "right_code" if is_right else "wrong_code"
        state = challenge.handle(opened.state, event, facts, now)
        if is_right:
            return state
        if state.stage != "dead":
            self._challenges.put_back(pool, client, opened, state)
        self._record("challenge", "refused", pool, user, origin, now, f"wrong code {state.wrong}")
        raise CodeMismatch("Invalid code received for user")

    def _new_password(
        self,
        pool: Pool,
        client: Client,
        opened: OpenChallenge,
        user: User,
        answers: Mapping[str, str],
        origin: Origin,
        now: datetime,
    ) -> Step:
        facts = _facts(pool, user)
        state = challenge.handle(opened.state, "password_set", facts, max(now, user.tokens_valid_from))
        password = answers.get("NEW_PASSWORD", "")
        wishes = _attributes(answers)
        try:
            check(pool.password, password)
            checked(pool, wishes, is_new=False)
        except (InvalidParameter, InvalidPassword, NotAuthorized):
            self._challenges.put_back(pool, client, opened, opened.state)
            raise
        new = self._passwords.make(pool, user.sub, user.username, password)
        self._users.set_password(
            pool.pool_id, user.sub, new.hash, now, status="CONFIRMED", verifier=new.verifier
        )
        self._record("password_changed", "ok", pool, user, origin, now, "new password required")
        fresh = self._users.get(pool.pool_id, user.sub)
        if fresh is None:
            raise NotAuthorized(detail="gone since")
        if wishes:
            fresh, _ = self._changes.apply(pool, fresh, wishes, now)
        return self._proceed(pool, client, state, fresh, origin, now)

    def _proceed(
        self, pool: Pool, client: Client, state: SignInState, user: User, origin: Origin, now: datetime
    ) -> Step:
        if state.stage != "done":
            return self._challenges.open(pool, client, state, user, now)
        amr = challenge.amr(state)
        try:
            self._hooks.after_authentication(pool, client.client_id, user, origin.client_metadata)
        except AuthError:
            self._record("sign_in", "refused", pool, user, origin, now, "by a trigger")
            raise
        self._record("sign_in", "ok", pool, user, origin, now, " ".join(amr))
        # What begins before `tokens_valid_from` is over: that of a clock that was ahead locks nobody out (R6).
        return SignedIn(user=user, auth_time=max(now, user.tokens_valid_from), amr=amr)

    def _record(
        self,
        action: Literal["sign_in", "challenge", "mfa_changed", "password_changed"],
        result: Literal["ok", "refused"],
        pool: Pool,
        user: User,
        origin: Origin,
        now: datetime,
        detail: str,
    ) -> None:
        self._tools.audit.record(
            action,
            result,
            now,
            pool_id=pool.pool_id,
            actor=f"user:{user.sub}",
            target=user.sub,
            origin=origin,
            detail=detail,
        )


def _facts(pool: Pool, user: User) -> Facts:
    return Facts(
        must_change_password=user.status == "FORCE_CHANGE_PASSWORD",
        mfa=pool.mfa,
        has_software_token=user.has_software_token,
        wants_software_token="SOFTWARE_TOKEN_MFA" in user.mfa.enabled,
    )


def _is_meant(pool: Pool, text: str, state: SignInState, user: User) -> bool:
    """Whether *text* is the name that began it, or one that the challenge gave."""
    return text in (user.sub, user.username) or sign_in_key(pool, text) == state.typed


def _attributes(answers: Mapping[str, str]) -> dict[str, str | None]:
    prefix = "userAttributes."
    return {name.removeprefix(prefix): value for name, value in answers.items() if name.startswith(prefix)}


def _needed(answers: Mapping[str, str], name: str) -> str:
    if not answers.get(name):
        raise InvalidParameter(f"Missing required parameter {name}")
    return answers[name]
