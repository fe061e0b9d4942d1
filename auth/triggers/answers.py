"""Whether what a trigger's function returned is an answer to what it was asked. Pure.

A function returns the event with its ``response`` filled in. Each key is checked for its type; others are dropped, so
that a flow sees the keys that it knows and nothing else.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from auth.errors import InvalidLambdaResponse
from auth.flows.triggers import Asked, TriggerName
from auth.triggers.event import response_of

MAX_ANSWER_BYTES: Final = 256 * 1024  # it holds the event again, which is some kilobytes
MAX_ERROR: Final = 1000  # characters of what a function says went wrong: it is shown to the client

Check = Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_anything(_: object) -> bool:
    return True


def _one_of(*texts: str) -> Check:
    return lambda value: value in texts


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _map_of(check: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _fields(**checks: Check) -> Check:
    """An object; each of its known keys may be missing or null."""

    def is_good(value: object) -> bool:
        if not isinstance(value, dict):
            return False
        return all(value.get(name) is None or check(value[name]) for name, check in checks.items())

    return is_good


_texts: Final = _list_of(_is_text)
_GROUPS: Final = _fields(groupsToOverride=_texts, iamRolesToOverride=_texts, preferredRole=_is_text)
_ID: Final = _fields(claimsToAddOrOverride=_map_of(_is_anything), claimsToSuppress=_texts)
_ACCESS: Final = _fields(
    claimsToAddOrOverride=_map_of(_is_anything),
    claimsToSuppress=_texts,
    scopesToAdd=_texts,
    scopesToSuppress=_texts,
)
_CHECKS: Final[Mapping[TriggerName, Mapping[str, Check]]] = {
    "pre_sign_up": {"autoConfirmUser": _is_flag, "autoVerifyEmail": _is_flag, "autoVerifyPhone": _is_flag},
    "post_confirmation": {},
    "pre_authentication": {},
    "post_authentication": {},
    "pre_token_generation": {
        "claimsOverrideDetails": _fields(
            claimsToAddOrOverride=_map_of(_is_text),
            claimsToSuppress=_texts,
            groupOverrideDetails=_GROUPS,
        ),
        "claimsAndScopeOverrideDetails": _fields(
            idTokenGeneration=_ID, accessTokenGeneration=_ACCESS, groupOverrideDetails=_GROUPS
        ),
    },
    "custom_message": {"smsMessage": _is_text, "emailMessage": _is_text, "emailSubject": _is_text},
    "define_auth_challenge": {
        "challengeName": _is_text,
        "issueTokens": _is_flag,
        "failAuthentication": _is_flag,
    },
    "create_auth_challenge": {
        "publicChallengeParameters": _map_of(_is_text),
        "privateChallengeParameters": _map_of(_is_text),
        "challengeMetadata": _is_text,
    },
    "verify_auth_challenge_response": {"answerCorrect": _is_flag},
    "user_migration": {
        "userAttributes": _map_of(_is_text),
        "forceAliasCreation": _is_flag,
        "enableSMSMFA": _is_flag,
        "finalUserStatus": _one_of("CONFIRMED", "RESET_REQUIRED"),
        "messageAction": _one_of("SUPPRESS", "RESEND"),
        "desiredDeliveryMediums": _list_of(_one_of("EMAIL", "SMS")),
    },
}


def answer_of(asked: Asked, payload: bytes) -> Mapping[str, Any]:
    """The checked ``response``: each key of the trigger, null or of its type.

    :raises InvalidLambdaResponse: it is no answer to *asked*.
    """
    if len(payload) > MAX_ANSWER_BYTES:
        raise InvalidLambdaResponse(detail=f"{len(payload)} bytes")
    response = _object(_parsed(payload), "the answer").get("response")
    given = _object(response, "its response")
    checks, answer = _CHECKS[asked.trigger], dict(response_of(asked))
    for name in answer:
        value = given.get(name)
        if value is None:
            continue
        if not checks[name](value):
            raise InvalidLambdaResponse(detail=f"{name} is not what it should be")
        answer[name] = value
    return answer


def said_of(payload: bytes) -> str:
    """What a function that failed says about it, as one short line."""
    try:
        said = _object(_parsed(payload[:MAX_ANSWER_BYTES]), "the error").get("errorMessage")
    except InvalidLambdaResponse:
        said = None
    if not isinstance(said, str):
        return "Unknown"
    shown = "".join(letter if letter.isprintable() else " " for letter in said[:MAX_ERROR])
    return " ".join(shown.split()) or "Unknown"


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidLambdaResponse(detail=f"{what} is no object")
    return value


def _parsed(payload: bytes) -> object:
    try:
        return json.loads(payload, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidLambdaResponse(detail="it is no JSON") from error


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are Python's, and no JSON
