"""The half-way points of sign-ins behind their handles: one answer each, one client each, one person each (B12)."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.client import Client
from auth.core.challenge import CHALLENGES, SignInState, Stage
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

    def open(self, pool: Pool, client: Client, state: SignInState, user: User, now: datetime) -> Challenge:
        """Under a new handle, for as long as the client allows; setting up an app has a quarter of an hour."""
        handle = secrets.token_urlsafe(_HANDLE_BYTES)
        expires_at = now + timedelta(seconds=_life_s(client, state.stage))
        opened = OpenChallenge(handle=handle, state=state, opened_at=now, expires_at=expires_at)
        self.put_back(pool, client, opened, state)
        parameters = _parameters(state.stage, user)
        return Challenge(name=CHALLENGES[state.stage], handle=handle, parameters=parameters)

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
            state.sub,
            _written(pool, opened, state),
            opened.expires_at,
        )


def _life_s(client: Client, stage: Stage) -> float:
    return max(client.challenge_s, SET_UP_S) if stage in _SETTING_UP else client.challenge_s


def _parameters(stage: Stage, user: User) -> dict[str, str]:
    """As Cognito names them; some are JSON inside text."""
    parameters = {"USER_ID_FOR_SRP": user.username}
    if stage == "new_password":
        parameters["requiredAttributes"] = "[]"
        parameters["userAttributes"] = json.dumps(dict(user.attributes))
    if CHALLENGES[stage] == "MFA_SETUP":
        parameters["MFAS_CAN_SETUP"] = json.dumps(["SOFTWARE_TOKEN_MFA"])
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
        "opened_at": opened.opened_at.isoformat(),
        "expires_at": opened.expires_at.isoformat(),
    }
    return json.dumps(fields).encode()


def _read(handle: str, kept: bytes) -> tuple[str, OpenChallenge]:
    fields = json.loads(kept)
    state = SignInState(
        sub=fields["sub"],
        typed=fields["typed"],
        stage=fields["stage"],
        proofs=frozenset(fields["proofs"]),
        proven_at=datetime.fromisoformat(fields["proven_at"]),
        wrong=fields["wrong"],
    )
    opened = OpenChallenge(
        handle=handle,
        state=state,
        opened_at=datetime.fromisoformat(fields["opened_at"]),
        expires_at=datetime.fromisoformat(fields["expires_at"]),
    )
    return fields["pool_id"], opened
