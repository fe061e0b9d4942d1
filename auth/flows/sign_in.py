"""Sign in: a first factor, then whatever challenges the user's state and the pool's rules ask for.

The same for pages and for the Cognito API. What may follow what is `auth.core.challenge`'s table; here its answers are
judged. A handle is used up by an answer; one that was wrong gives it back, until the fifth.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from auth.client import Client
from auth.core import challenge
from auth.core.attributes import checked, require_writable
from auth.core.challenge import Event, SignInState, Stage
from auth.core.password_policy import check
from auth.core.steps import Challenge, ChallengeName, Origin, Step
from auth.core.username import is_email
from auth.errors import (
    AuthError,
    CodeMismatch,
    EnableSoftwareToken,
    InvalidParameter,
    InvalidPassword,
    LimitExceeded,
    NotAuthorized,
    TooManyRequests,
    UsedCode,
)
from auth.flows.attribute_changes import AttributeChanges
from auth.flows.authenticator import Authenticator
from auth.flows.challenges import first_factors
from auth.flows.choice import Choice
from auth.flows.custom_auth import CustomAuth
from auth.flows.first_factor import FirstFactor
from auth.flows.mailed_codes import MailedCodes
from auth.flows.passwords import Passwords
from auth.flows.people import require_open
from auth.flows.progress import Progress
from auth.flows.tools import Tools
from auth.flows.turn import Turn, facts_of
from auth.pool import Pool
from auth.user import MfaMethod, MfaPreference, User

if TYPE_CHECKING:
    from auth.flows.srp_sign_in import SrpSignIn

_CHOSEN: Mapping[str, Event] = {
    "SOFTWARE_TOKEN_MFA": "app_chosen",
    "EMAIL_OTP": "email_chosen",
    "EMAIL_MFA": "email_chosen",  # as Cognito's model calls it; Amplify sends EMAIL_OTP
}


class SignIn:
    """:param tools: shared with the other flows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users
        self._first = FirstFactor(tools)
        self._authenticator = Authenticator(tools)
        self._changes = AttributeChanges(tools)
        self._passwords = Passwords(tools)
        self._codes = MailedCodes(tools)
        self._progress = Progress(tools)
        self._choice = Choice(tools, self._progress, self._first, lambda: self._srp().begin)
        self._custom = CustomAuth(tools, self._progress, self._first, self._srp)
        self._by_stage: Mapping[Stage, Callable[[Turn], Step]] = {
            "choice": self._choice.choose,
            "password": self._choice.password,
            "custom": self._custom.answer,
            "password_verifier": self._custom.password,
            "new_password": self._new_password,
            "select_mfa": self._select,
            "software_token": self._app_code,
            "email_code": self._mailed_code,
            "setup": self._set_up,
            "setup_associated": self._set_up,
            "setup_email": self._address_code,
            "setup_verified": self._set_up,
        }

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

    def begin_choice(
        self,
        pool: Pool,
        client: Client,
        username: str,
        parameters: Mapping[str, str],
        *,
        origin: Origin,
        now: datetime,
    ) -> Step:
        """USER_AUTH. :param parameters: as Cognito's AuthParameters: ``PREFERRED_CHALLENGE``, ``PASSWORD``, ``SRP_A``.

        May run a hash. :raises: as `begin`, LimitExceeded too.
        """
        require_open(pool, client)
        password = parameters.get("PASSWORD", "")
        prefers_password = parameters.get("PREFERRED_CHALLENGE") == "PASSWORD"
        if password and prefers_password and "PASSWORD" in first_factors(pool):
            return self.begin(pool, client, username, password, origin=origin, now=now)
        return self._choice.begin(pool, client, username, parameters, origin=origin, now=now)

    def begin_custom(
        self,
        pool: Pool,
        client: Client,
        username: str,
        parameters: Mapping[str, str],
        *,
        origin: Origin,
        now: datetime,
    ) -> Step:
        """CUSTOM_AUTH. :param parameters: as Cognito's AuthParameters: ``CHALLENGE_NAME``, ``SRP_A``.

        :raises NotAuthorized, UserLambdaValidation, InvalidLambdaResponse, UnexpectedLambda: the triggers say so.
        :raises InvalidParameter: the pool has no such triggers.
        """
        require_open(pool, client)
        return self._custom.begin(pool, client, username, parameters, origin=origin, now=now)

    def proven(
        self, pool: Pool, client: Client, user: User, typed: str, *, origin: Origin, now: datetime
    ) -> Step:
        """*user* has just proven the password, in whatever way (`FirstFactor.judged`): whatever else is asked for.

        :param typed: the canonical name that began it.
        """
        # A session that begins before `tokens_valid_from` is over; a clock that was set back does not lock out (R6).
        proven_at = max(now, user.tokens_valid_from)
        state = challenge.begin(user.sub, typed, facts_of(pool, user), proven_at)
        return self._progress.on(pool, client, state, user, origin, now)

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
        turn = self._progress.take(pool, client, name, handle, answers, origin=origin, now=now)
        return self._by_stage[turn.state.stage](turn)

    def resend(self, pool: Pool, client: Client, handle: str, *, origin: Origin, now: datetime) -> Challenge:
        """Another code by mail; the one before is dead. Wrong answers stay counted.

        :raises InvalidSession: no code by mail is asked for. :raises LimitExceeded: enough were sent.
        """
        require_open(pool, client)
        turn = self._progress.take(pool, client, "EMAIL_OTP", handle, {}, origin=origin, now=now)
        return self._progress.opened(turn, self._sent_again(turn))

    def associate(self, pool: Pool, client: Client, handle: str, *, now: datetime) -> tuple[str, Challenge]:
        """A seed for a new authenticator app, at MFA_SETUP. :returns: base32, and the handle that goes on from here.

        :raises InvalidSession: the handle opens another challenge: a second factor that exists is never replaced here.
        """
        require_open(pool, client)
        nobody = Origin(address="")
        turn = self._progress.take(pool, client, "MFA_SETUP", handle, {}, origin=nobody, now=now)
        state = turn.after("associated")
        secret = self._authenticator.associate(pool, state.sub, now)
        return secret, self._progress.opened(turn, state)

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
        turn = self._progress.take(pool, client, "MFA_SETUP", handle, {}, origin=origin, now=now)
        try:
            state = self._judged_code(turn, code, confirmed=False)
        except CodeMismatch as error:
            raise EnableSoftwareToken from error
        self._authenticator.confirm(pool, state.sub, device_name, now)
        self._switch_on(turn, _user(turn), "SOFTWARE_TOKEN_MFA")
        return self._progress.opened(turn, state)

    # --- second factors ---

    def _select(self, turn: Turn) -> Step:
        event = _CHOSEN.get(turn.needed("ANSWER"))
        if event is None:
            self._progress.back(turn)
            raise InvalidParameter("Missing or invalid ANSWER")
        return self._on(turn, turn.after(event))

    def _app_code(self, turn: Turn) -> Step:
        state = self._judged_code(turn, turn.needed("SOFTWARE_TOKEN_MFA_CODE"), confirmed=True)
        return self._on(turn, state)

    def _judged_code(self, turn: Turn, code: str, *, confirmed: bool) -> SignInState:
        """The state after a right code. :raises CodeMismatch: it was wrong, and counts."""

        def is_right() -> bool:
            return self._authenticator.is_right(
                turn.pool, turn.state.sub, code, turn.now, confirmed=confirmed
            )

        return self._judged(turn, is_right)

    def _mailed_code(self, turn: Turn) -> Step:
        code = turn.needed("EMAIL_OTP_CODE")
        return self._on(turn, self._judged(turn, lambda: self._codes.is_right(turn, code)))

    def _judged(self, turn: Turn, is_right: Callable[[], bool]) -> SignInState:
        """One try, counted. :raises CodeMismatch, UsedCode: it was wrong; the same handle again, until the fifth."""
        refusal: AuthError = CodeMismatch("Invalid code received for user")
        try:
            event: Event = "right_code" if is_right() else "wrong_code"
        except UsedCode as error:
            event, refusal = "wrong_code", error
        except (LimitExceeded, TooManyRequests):
            self._progress.back(turn)
            self._progress.refused(turn, "too many codes")
            raise
        state = turn.after(event)
        if event == "right_code":
            return state
        self._progress.back(turn, state)
        self._progress.refused(turn, f"wrong code {state.wrong}")
        raise refusal

    def _sent_again(self, turn: Turn) -> SignInState:
        state, user = turn.state, turn.user
        try:
            if state.begins:
                return self._choice.sent(turn, state)
            to = state.code.to if state.stage == "setup_email" and state.code is not None else ""
            if user is None:
                raise NotAuthorized(detail="gone or disabled since")
            return self._codes.send_second(turn.pool, turn.client, state, user, turn.now, to)
        except (LimitExceeded, TooManyRequests):
            self._progress.back(turn)
            raise

    # --- setting one up ---

    def _set_up(self, turn: Turn) -> Step:
        """The end of it; or, with ``EMAIL``, a code to the address that is to become the second factor."""
        address = turn.answers.get("EMAIL", "").strip()
        if not address or turn.state.stage == "setup_verified":
            return self._on(turn, turn.after("finished"))
        state = turn.after("address_given")
        if not is_email(address):
            self._progress.back(turn)
            raise InvalidParameter("Invalid email address format.")
        user = _user(turn)
        return self._progress.opened(
            turn, self._codes.send_second(turn.pool, turn.client, state, user, turn.now, address)
        )

    def _address_code(self, turn: Turn) -> Step:
        code = turn.needed("EMAIL_OTP_CODE")
        state, user = self._judged(turn, lambda: self._codes.is_right(turn, code)), _user(turn)
        verified = {"email": "" if turn.state.code is None else turn.state.code.to, "email_verified": "true"}
        after, _ = self._changes.apply(turn.pool, user, verified, turn.now, by_operator=True)
        self._switch_on(turn, after, "EMAIL_OTP")
        return self._on(turn, state)

    def _switch_on(self, turn: Turn, user: User, method: MfaMethod) -> None:
        preference = MfaPreference(enabled=user.mfa.enabled | {method}, preferred=method)
        self._users.set_mfa(turn.pool.pool_id, user.sub, preference, turn.now)
        detail = "set up at sign-in"
        self._progress.record("mfa_changed", "ok", turn.pool, user, turn.origin, turn.now, detail)

    # --- a new password ---

    def _new_password(self, turn: Turn) -> Step:
        pool, user, now = turn.pool, _user(turn), turn.now
        state = challenge.handle(turn.state, "password_set", turn.facts, max(now, user.tokens_valid_from))
        password, wishes = turn.answers.get("NEW_PASSWORD", ""), _attributes(turn.answers)
        try:
            check(pool.password, password)
            require_writable(turn.client, wishes)
            checked(pool, wishes, is_new=False)
        except (InvalidParameter, InvalidPassword, NotAuthorized):
            self._progress.back(turn)
            raise
        new = self._passwords.make(pool, user.sub, user.username, password)
        self._users.set_password(
            pool.pool_id, user.sub, new.hash, now, status="CONFIRMED", verifier=new.verifier
        )
        detail = "new password required"
        self._progress.record("password_changed", "ok", pool, user, turn.origin, now, detail)
        fresh = self._users.get(pool.pool_id, user.sub)
        if fresh is None:
            raise NotAuthorized(detail="gone since")
        if wishes:
            fresh, _ = self._changes.apply(pool, fresh, wishes, now)
        return self._progress.on(pool, turn.client, state, fresh, turn.origin, now)

    def _srp(self) -> "SrpSignIn":
        from auth.flows.srp_sign_in import SrpSignIn  # it goes on with this class where a password is proven

        return SrpSignIn(self._tools, self)

    def _on(self, turn: Turn, state: SignInState) -> Step:
        """What comes next; where triggers decide that, they are asked."""
        if state.stage == "custom":
            return self._custom.go_on(turn, state)
        return self._progress.on(turn.pool, turn.client, state, turn.user, turn.origin, turn.now)


def _user(turn: Turn) -> User:
    if turn.user is None:
        raise NotAuthorized(detail="gone or disabled since")
    return turn.user


def _attributes(answers: Mapping[str, str]) -> dict[str, str | None]:
    prefix = "userAttributes."
    return {name.removeprefix(prefix): value for name, value in answers.items() if name.startswith(prefix)}
