"""Sign up: a new person, who is nobody until a code has come back from their address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from auth.audit import Result
from auth.client import Client
from auth.core.attributes import checked, require_writable
from auth.core.password_policy import check
from auth.core.steps import Origin
from auth.core.username import canonical_email, is_email
from auth.errors import (
    AliasExists,
    AuthError,
    InvalidParameter,
    NotAuthorized,
    UsernameExists,
    UserNotFound,
)
from auth.flows.codes import Codes
from auth.flows.custom_message import About
from auth.flows.delivery import Delivery
from auth.flows.gate import Gate
from auth.flows.hooks import Hooks, PreSignedUp
from auth.flows.naming import Naming, alias_of, aliases_of, name_of, taken
from auth.flows.passwords import NewPassword, Passwords
from auth.flows.people import UNKNOWN, Person, find, require_open
from auth.flows.signed_up import SignedUp
from auth.flows.tools import Tools
from auth.mail import texts
from auth.pool import Pool
from auth.store.ports import ConfirmUser, NewUser
from auth.user import User

SignUpAction = Literal["sign_up", "sign_up_confirmed"]


class SignUp:
    """:param tools: shared with the other flows."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._users = tools.store.users
        self._gate = Gate(tools)
        self._passwords = Passwords(tools)
        self._codes = Codes(tools)
        self._hooks = Hooks(tools)

    def sign_up(
        self,
        pool: Pool,
        client: Client,
        username: str,
        password: str,
        attributes: Mapping[str, str],
        *,
        origin: Origin,
        now: datetime,
        quiet: bool = False,
    ) -> SignedUp:
        """:param quiet: for pages: a name that is taken is answered as a new one is, and its owner gets a mail (B6).

        :raises UsernameExists: not *quiet*, and it is taken (as Cognito's SignUp; limited by address).
        :raises NotAuthorized: nobody signs up here, or writes that attribute.
        :raises InvalidPassword, InvalidParameter, TooManyRequests, LimitExceeded: nothing was written.
        """
        require_open(pool, client)
        if not pool.self_sign_up:
            raise NotAuthorized("SignUp is not permitted for this user pool")
        require_writable(client, attributes)
        self._gate.sign_up(pool, origin, now)
        naming = name_of(pool, username, attributes)
        check(pool.password, password)
        wanted = {key: value for key, value in checked(pool, naming.attributes, is_new=True).items() if value}
        if "email" in wanted:
            self._gate.send_to_mailbox(pool, wanted["email"], now)
        said = self._hooks.before_sign_up(
            pool,
            client.client_id,
            "PreSignUp_SignUp",
            naming.username,
            wanted,
            validation=origin.validation_data,
            metadata=origin.client_metadata,
        )
        # Looked for also where nobody is told: equal work. Whether it is taken is the store's to say.
        person = find(self._users, pool, username)
        kept = self._passwords.make(pool, naming.sub, naming.username, password)
        new = _new_user(pool, naming, wanted, kept, said)
        try:
            user = self._users.create(new, now)
        except (UsernameExists, AliasExists) as error:
            self._record("sign_up", "refused", pool, person.target, origin, now)
            # Where no code is asked for, whoever signs up would be in: there is nothing to hide a taken name behind.
            if not quiet or said.is_confirmed:
                raise taken(naming) from error
            delivery = self._tell_owner(pool, person, wanted.get("email"), now)
            return SignedUp(sub=new.sub, is_confirmed=False, delivery=delivery, password_hash=kept.hash)
        self._record("sign_up", "ok", pool, user.sub, origin, now)
        if said.is_confirmed:
            self._after_confirmation(pool, client, user, origin)
            return SignedUp(sub=user.sub, is_confirmed=True, delivery=None, password_hash=kept.hash)
        delivery = self._send(pool, client, user, origin, now)
        return SignedUp(sub=user.sub, is_confirmed=False, delivery=delivery, password_hash=kept.hash)

    def confirm(
        self,
        pool: Pool,
        client: Client,
        username: str,
        code: str,
        *,
        origin: Origin,
        now: datetime,
        takes_over: bool = False,
        password_hash: str | None = None,
    ) -> None:
        """:param takes_over: an address that somebody else signs in with becomes this person's (ForceAliasCreation).
        :param password_hash: of the sign-up that this confirms, as `SignedUp` gave it: it becomes the password. Else
            a stranger who had signed up with that address before would have chosen it.

        :raises CodeMismatch, ExpiredCode: also for people who do not exist, or are confirmed already.
        :raises AliasExists: the address is somebody else's; the code lives on.
        :raises LimitExceeded, TooManyRequests: too many codes were tried.
        """
        require_open(pool, client)
        self._gate.code_from(pool, origin, now)
        person = find(self._users, pool, username)
        self._gate.code_of(pool, person.subject, now)
        user = person.user
        effect = None
        if user is not None and user.is_enabled and user.status == "UNCONFIRMED":
            effect = _confirmation(pool, user, takes_over=takes_over, password_hash=password_hash)
        try:
            self._codes.use(pool, person.subject, "sign_up", code, now, effect)
        except AuthError:
            self._record("sign_up_confirmed", "refused", pool, person.target, origin, now)
            self._tell_who_may_know(client, user)
            raise
        self._record("sign_up_confirmed", "ok", pool, person.target, origin, now)
        confirmed = None if user is None else self._users.get(pool.pool_id, user.sub)
        if confirmed is not None:
            self._after_confirmation(pool, client, confirmed, origin)

    def resend(self, pool: Pool, client: Client, username: str, *, origin: Origin, now: datetime) -> Delivery:
        """A new code; people who get none are answered alike (B6).

        :raises LimitExceeded, TooManyRequests: enough were sent.
        """
        require_open(pool, client)
        if "email" not in pool.auto_verified:
            raise InvalidParameter("Auto verification not turned on.")
        self._gate.send_from(pool, origin, now)
        person = find(self._users, pool, username)
        self._gate.send_to(pool, person.subject, now)
        user = person.user
        if (
            user is not None
            and user.is_enabled
            and user.status == "UNCONFIRMED"
            and "email" in user.attributes
        ):
            to = user.attributes["email"]
            about = _about("CustomMessage_ResendCode", client, user, origin)
            return self._codes.send(pool, user.sub, "sign_up", to, texts.resent_code, now=now, about=about)
        if not client.hides_users:
            if user is None or not user.is_enabled:
                raise UserNotFound(UNKNOWN)
            raise InvalidParameter(
                "User is already confirmed."
                if user.status != "UNCONFIRMED"
                else "Cannot resend codes. The user has no email."
            )
        return self._codes.pretend(pool, person.subject, "sign_up", person.typed, now=now)

    def _after_confirmation(self, pool: Pool, client: Client, user: User, origin: Origin) -> None:
        self._hooks.after_confirmation(
            pool, client.client_id, "PostConfirmation_ConfirmSignUp", user, origin.client_metadata
        )

    def _send(self, pool: Pool, client: Client, user: User, origin: Origin, now: datetime) -> Delivery | None:
        """None: there is no mail address, or it gets no code here; an administrator confirms such people."""
        to = user.attributes.get("email")
        if to is None or "email" not in pool.auto_verified:
            return None
        about = _about("CustomMessage_SignUp", client, user, origin)
        return self._codes.send(pool, user.sub, "sign_up", to, texts.sign_up_code, now=now, about=about)

    def _tell_owner(self, pool: Pool, person: Person, to: str | None, now: datetime) -> Delivery | None:
        """To the address that was typed, and nowhere else. Whoever began to sign up with it gets a new code."""
        if to is None:
            return None
        user = person.user
        is_theirs = user is not None and _is_same_mailbox(to, user.attributes.get("email", ""))
        if user is not None and is_theirs and user.status == "UNCONFIRMED" and user.is_enabled:
            mailbox = user.attributes["email"]
            return self._codes.send(pool, user.sub, "sign_up", mailbox, texts.sign_up_code, now=now)
        # The code of somebody else who is half-way through is left alone.
        subject = person.subject if user is None or user.status != "UNCONFIRMED" else person.typed
        delivery = self._codes.pretend(pool, subject, "sign_up", to, now=now)
        self._tools.post(texts.taken_address(pool, to))
        return delivery

    def _tell_who_may_know(self, client: Client, user: User | None) -> None:
        if client.hides_users:
            return
        if user is None:
            raise UserNotFound(UNKNOWN)
        if user.status != "UNCONFIRMED":
            raise NotAuthorized(f"User cannot be confirmed. Current status is {user.status}")

    def _record(
        self, action: SignUpAction, result: Result, pool: Pool, sub: str, origin: Origin, now: datetime
    ) -> None:
        self._tools.audit.record(action, result, now, pool_id=pool.pool_id, target=sub, origin=origin)


def _about(
    source: Literal["CustomMessage_SignUp", "CustomMessage_ResendCode"],
    client: Client,
    user: User,
    origin: Origin,
) -> About:
    return About(source=source, user=user, client_id=client.client_id, metadata=origin.client_metadata)


def _new_user(
    pool: Pool, naming: Naming, attributes: Mapping[str, str], kept: NewPassword, said: PreSignedUp
) -> NewUser:
    attributes = {**attributes, **{f"{name}_verified": "true" for name in said.verified}}
    return NewUser(
        pool_id=pool.pool_id,
        sub=naming.sub,
        username=naming.username,
        username_key=naming.key,
        status="CONFIRMED" if said.is_confirmed else "UNCONFIRMED",
        attributes=attributes,
        aliases=aliases_of(pool, naming, attributes),
        password_hash=kept.hash,
        verifier=kept.verifier,
    )


def _confirmation(pool: Pool, user: User, *, takes_over: bool, password_hash: str | None) -> ConfirmUser:
    """The code went to the mail address, so that is what it proves."""
    alias = alias_of(pool, "email", user)
    return ConfirmUser(
        sub=user.sub,
        verified=("email",) if "email" in user.attributes else (),
        aliases=() if alias is None else (alias,),
        takes_over=takes_over,
        hash=password_hash,
    )


def _is_same_mailbox(one: str, other: str) -> bool:
    return is_email(other) and canonical_email(one) == canonical_email(other)
