"""InitiateAuth and RespondToAuthChallenge, and both for operators: the flows' steps in the API's words.

No rule is here: which challenge follows is `SignIn`'s to say, whether a password was proven `SrpSignIn`'s.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast, get_args

from auth.client import Client
from auth.cognito.action import Action, Answer, Call
from auth.cognito.actions import auth_flows
from auth.cognito.actions.refreshed import refreshed, result_of
from auth.cognito.caller import check_secret_hash, client_in, client_of, pool_of
from auth.cognito.shapes import Dictionary, Shape, Structure, Text
from auth.core.steps import Challenge, ChallengeName, Origin, Step
from auth.errors import InvalidParameter, ResourceNotFound
from auth.pool import Pool

CLIENT_ID: Final = Text(min=1, max=128, pattern=r"[\w+]+")
POOL_ID: Final = Text(min=1, max=55, pattern=r"[\w-]+_[0-9a-zA-Z]+")
_SESSION: Final = Text(min=20, max=2048, shows=False)
_SECRET_MAP: Final = Dictionary(value=Text(shows=False))
_CHALLENGES: Final = (
    *("SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE", "MFA_SETUP", "PASSWORD_VERIFIER"),
    *("CUSTOM_CHALLENGE", "SELECT_CHALLENGE", "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"),
    *("ADMIN_NO_SRP_AUTH", "NEW_PASSWORD_REQUIRED", "SMS_OTP", "PASSWORD", "WEB_AUTHN", "PASSWORD_SRP"),
)


def initiate_auth(call: Call) -> Answer:
    pool, client = client_of(call)
    return _begun(_with_metadata(call), pool, client, by_operator=False)


def admin_initiate_auth(call: Call) -> Answer:
    pool = pool_of(call)
    client = client_in(call, pool)
    return _begun(_from_behind(_with_metadata(call)), pool, client, by_operator=True)


def respond_to_auth_challenge(call: Call) -> Answer:
    pool, client = client_of(call)
    return _answered(_with_metadata(call), pool, client)


def admin_respond_to_auth_challenge(call: Call) -> Answer:
    pool = pool_of(call)
    client = client_in(call, pool)
    return _answered(_from_behind(_with_metadata(call)), pool, client)


def _begun(call: Call, pool: Pool, client: Client, *, by_operator: bool) -> Answer:
    flow, given = call.text("AuthFlow"), call.texts("AuthParameters")
    auth_flows.require_flow(client, flow, by_operator=by_operator)
    refuse_device(given)
    if flow in auth_flows.REFRESH:
        token = needed(given, "REFRESH_TOKEN")
        return refreshed(call, pool, client, token, secret_hash=given.get("SECRET_HASH", ""))
    username = needed(given, "USERNAME")
    check_secret_hash(call, client, username, given.get("SECRET_HASH", ""))
    return _shown(call, pool, client, _first_step(call, pool, client, flow, username, given))


def _first_step(
    call: Call, pool: Pool, client: Client, flow: str, username: str, given: Mapping[str, str]
) -> Step:
    identity, origin, now = call.identity, call.origin, call.now
    if flow == "USER_SRP_AUTH":
        srp_a = needed(given, "SRP_A")
        return identity.srp_sign_in.begin(pool, client, username, srp_a, origin=origin, now=now)
    if flow == "CUSTOM_AUTH":
        return identity.sign_in.begin_custom(pool, client, username, given, origin=origin, now=now)
    if flow == "USER_AUTH":
        return identity.sign_in.begin_choice(pool, client, username, given, origin=origin, now=now)
    password = needed(given, "PASSWORD")
    return identity.sign_in.begin(pool, client, username, password, origin=origin, now=now)


def _answered(call: Call, pool: Pool, client: Client) -> Answer:
    name, answers = call.text("ChallengeName"), call.texts("ChallengeResponses")
    refuse_device(answers)
    username = needed(answers, "USERNAME")
    check_secret_hash(call, client, username, answers.get("SECRET_HASH", ""))
    return _shown(call, pool, client, _next_step(call, pool, client, name, answers))


def _next_step(call: Call, pool: Pool, client: Client, name: str, answers: Mapping[str, str]) -> Step:
    identity, origin, now = call.identity, call.origin, call.now
    if name not in get_args(ChallengeName):
        raise InvalidParameter(f"The challenge {name} is never given by this user pool.")
    if name == "PASSWORD_VERIFIER" and not call.text("Session"):
        return identity.srp_sign_in.answer(pool, client, answers, origin=origin, now=now)
    session = needed(call.input, "Session")
    challenge = cast(ChallengeName, name)
    return identity.sign_in.answer(pool, client, challenge, session, answers, origin=origin, now=now)


def _shown(call: Call, pool: Pool, client: Client, step: Step) -> Answer:
    if isinstance(step, Challenge):
        return _challenge(step)
    is_new = call.text("ChallengeName") == "NEW_PASSWORD_REQUIRED"
    tokens = call.identity.api_sessions.start(
        pool,
        client,
        step,
        source="TokenGeneration_NewPasswordChallenge" if is_new else "TokenGeneration_Authentication",
        metadata=call.origin.client_metadata if call.text("ChallengeName") else {},
        now=call.now,
    )
    return {"ChallengeParameters": {}, "AuthenticationResult": result_of(tokens)}


def _challenge(step: Challenge) -> Answer:
    answer: dict[str, Any] = {"ChallengeName": step.name, "ChallengeParameters": dict(step.parameters)}
    if step.handle != step.parameters.get("SECRET_BLOCK"):  # a classic SRP sign-in has no Session
        answer["Session"] = step.handle
    if step.available:
        answer["AvailableChallenges"] = list(step.available)
    return answer


def needed(given: Mapping[str, Any], name: str) -> str:
    """:raises InvalidParameter: it is not there, or empty."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidParameter(f"Missing required parameter {name}")
    return value


def refuse_device(given: Mapping[str, str]) -> None:
    """No device is remembered here, so none exists. Amplify goes on without it when it reads these words."""
    if given.get("DEVICE_KEY"):
        raise ResourceNotFound("Device does not exist.")


def _with_metadata(call: Call) -> Call:
    return replace(call, origin=replace(call.origin, client_metadata=call.texts("ClientMetadata")))


def _from_behind(call: Call) -> Call:
    """An operator's backend signs in many people: limits are those of the address that it names, not of its own."""
    context = call.input.get("ContextData") or {}
    try:
        address = str(ipaddress.ip_address(context.get("IpAddress") or ""))
    except ValueError:
        return call
    return replace(call, origin=Origin(address=address, client_metadata=call.origin.client_metadata))


_BEGIN: Final[Mapping[str, Shape]] = {
    "AuthFlow": Text(values=auth_flows.ALL),
    "ClientId": CLIENT_ID,
    "AuthParameters": _SECRET_MAP,
    "ClientMetadata": Dictionary(),
    "Session": _SESSION,
}
_RESPOND: Final[Mapping[str, Shape]] = {
    "ChallengeName": Text(values=_CHALLENGES),
    "ClientId": CLIENT_ID,
    "ChallengeResponses": _SECRET_MAP,
    "ClientMetadata": Dictionary(),
    "Session": _SESSION,
}
_POOL: Final[Mapping[str, Shape]] = {
    "UserPoolId": POOL_ID,
    "ContextData": Structure(members={"IpAddress": Text()}),
}

ACTIONS = (
    Action(
        name="InitiateAuth",
        audience="public",
        input=Structure(members=_BEGIN, needs=("AuthFlow", "ClientId")),
        run=initiate_auth,
        lane="passwords",
    ),
    Action(
        name="RespondToAuthChallenge",
        audience="public",
        input=Structure(members=_RESPOND, needs=("ClientId", "ChallengeName")),
        run=respond_to_auth_challenge,
        lane="passwords",
    ),
    Action(
        name="AdminInitiateAuth",
        audience="admin",
        input=Structure(members={**_BEGIN, **_POOL}, needs=("UserPoolId", "AuthFlow", "ClientId")),
        run=admin_initiate_auth,
        lane="passwords",
    ),
    Action(
        name="AdminRespondToAuthChallenge",
        audience="admin",
        input=Structure(members={**_RESPOND, **_POOL}, needs=("UserPoolId", "ClientId", "ChallengeName")),
        run=admin_respond_to_auth_challenge,
        lane="passwords",
    ),
)
