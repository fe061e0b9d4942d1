"""The half-way points of sign-ins behind their handles: one answer each, one client each, one person each (B12)."""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from auth.client import Client
from auth.core.challenge import CHALLENGES, CustomRound, Facts, MailedCode, SignInState, Stage, second_factors
from auth.core.steps import Challenge
from auth.errors import InvalidSession
from auth.flows.tools import Tools
from auth.pool import Pool
from auth.user import User

_HANDLE_BYTES = 32
_CLOCK_SLACK = timedelta(seconds=60)
# Somebody has to find an app, install it and add an account: three minutes are not enough for that.
SET_UP_S = 900.0
_SETTING_UP: frozenset[Stage] = frozenset({"setup", "setup_associated"})
_MAILED: frozenset[Stage] = frozenset({"email_code", "setup_email"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChallenge:
    """One that was taken from the store: whoever holds this is the only one who answers."""

    handle: str
    state: SignInState
    opened_at: datetime
    expires_at: datetime


class Challenges:
    def __init__(self, tools: Tools) -> None:
        self._store = tools.store.challenges

    def open(
        self, pool: Pool, client: Client, state: SignInState, user: User | None, facts: Facts, now: datetime
    ) -> Challenge:
        """Under a new handle, for as long as the client allows; setting up an app has a quarter of an hour."""
        handle = secrets.token_urlsafe(_HANDLE_BYTES)
        expires_at = now + timedelta(seconds=life_s(client, state.stage))
        opened = OpenChallenge(handle=handle, state=state, opened_at=now, expires_at=expires_at)
        self.put_back(pool, client, opened, state)
        return Challenge(
            name=CHALLENGES[state.stage],
            handle=handle,
            parameters=_parameters(pool, state, user, facts),
            available=first_factors(pool) if state.stage == "choice" else (),
        )

    def take(self, pool: Pool, client: Client, handle: str, now: datetime) -> OpenChallenge:
        """:raises InvalidSession: used, expired, another client's, or never there."""
        kept = self._store.consume(handle, client.client_id, now)
        if kept is None:
            raise InvalidSession
        pool_id, opened = _read(handle, kept)
        # A clock that was set back does not make it live longer (R6).
        if pool_id != pool.pool_id or not opened.opened_at - _CLOCK_SLACK <= now < opened.expires_at:
            raise InvalidSession(detail="of another pool, or from a clock that was set")
        return opened

    def put_back(self, pool: Pool, client: Client, opened: OpenChallenge, state: SignInState) -> None:
        """The same handle once more, until the same time: after an answer that was wrong."""
        self._store.put(
            opened.handle,
            pool.pool_id,
            client.client_id,
            state.typed,
            state.sub or None,
            _written(pool, opened, state),
            opened.expires_at,
        )


def life_s(client: Client, stage: Stage) -> float:
    return max(client.challenge_s, SET_UP_S) if stage in _SETTING_UP else client.challenge_s


def first_factors(pool: Pool) -> tuple[str, ...]:
    """What a sign-in by choice may begin with: the same for everybody, whatever they have (B6)."""
    names = []
    if "PASSWORD" in pool.first_factors:
        names += ["PASSWORD", "PASSWORD_SRP"] if pool.takes_srp else ["PASSWORD"]
    if "EMAIL_OTP" in pool.first_factors:
        names.append("EMAIL_OTP")
    return tuple(names)


def _parameters(pool: Pool, state: SignInState, user: User | None, facts: Facts) -> dict[str, str]:
    """As Cognito names them; some are JSON inside text. Who the user is is told once they have proven it."""
    if state.is_proven and user is not None:
        parameters = {"USER_ID_FOR_SRP": user.username}
    else:
        parameters = {"USERNAME": state.typed}
    if state.stage == "new_password" and user is not None:
        lacks = [rule.name for rule in pool.standard if rule.is_required and rule.name not in user.attributes]
        parameters["requiredAttributes"] = json.dumps([f"userAttributes.{name}" for name in lacks])
        parameters["userAttributes"] = json.dumps(dict(user.attributes))
    elif state.stage == "select_mfa":
        parameters["MFAS_CAN_CHOOSE"] = json.dumps(sorted(second_factors(facts) or ()))
    elif CHALLENGES[state.stage] == "MFA_SETUP":
        parameters["MFAS_CAN_SETUP"] = json.dumps(sorted(facts.offered))
    elif state.stage in _MAILED and state.code is not None:
        parameters["CODE_DELIVERY_DELIVERY_MEDIUM"] = "EMAIL"
        parameters["CODE_DELIVERY_DESTINATION"] = state.code.shown
    elif state.custom is not None and state.stage == "password_verifier":
        parameters = dict(state.custom.srp)
    elif state.custom is not None and state.stage == "custom":
        parameters = {**state.custom.public, **parameters}
    return parameters


def _written(pool: Pool, opened: OpenChallenge, state: SignInState) -> bytes:
    fields = {
        "pool_id": pool.pool_id,
        "sub": state.sub,
        "typed": state.typed,
        "stage": state.stage,
        "proofs": sorted(state.proofs),
        "proven_at": state.proven_at.isoformat(),
        "wrong": state.wrong,
        "flow": state.flow,
        "code": None if state.code is None else asdict(state.code),
        "custom": None if state.custom is None else asdict(state.custom),
        "opened_at": opened.opened_at.isoformat(),
        "expires_at": opened.expires_at.isoformat(),
    }
    return json.dumps(fields).encode()


def _read(handle: str, kept: bytes) -> tuple[str, OpenChallenge]:
    fields = json.loads(kept)
    code = fields.get("code")
    state = SignInState(
        sub=fields["sub"],
        typed=fields["typed"],
        stage=fields["stage"],
        proofs=frozenset(fields["proofs"]),
        proven_at=datetime.fromisoformat(fields["proven_at"]),
        wrong=fields["wrong"],
        flow=fields.get("flow", "password"),
        code=None if code is None else MailedCode(**code),
        custom=_round(fields.get("custom")),
    )
    opened = OpenChallenge(
        handle=handle,
        state=state,
        opened_at=datetime.fromisoformat(fields["opened_at"]),
        expires_at=datetime.fromisoformat(fields["expires_at"]),
    )
    return fields["pool_id"], opened


def _round(fields: Any) -> CustomRound | None:
    if fields is None:
        return None
    return CustomRound(**{**fields, "session": tuple(fields["session"])})
