"""What a trigger's function is given: Cognito's event, key by key. Pure.

Source: Amazon Cognito Developer Guide, "Customizing user pool workflows with Lambda triggers".
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from auth.flows.triggers import Asked, TriggerName
from auth.pool import Pool

SDK: Final = "aws-sdk-unknown-unknown"

TITLES: Final[Mapping[TriggerName, str]] = {
    "pre_sign_up": "PreSignUp",
    "post_confirmation": "PostConfirmation",
    "pre_authentication": "PreAuthentication",
    "post_authentication": "PostAuthentication",
    "pre_token_generation": "PreTokenGeneration",
    "custom_message": "CustomMessage",
    "define_auth_challenge": "DefineAuthChallenge",
    "create_auth_challenge": "CreateAuthChallenge",
    "verify_auth_challenge_response": "VerifyAuthChallengeResponse",
    "user_migration": "UserMigration",
}

_RESPONSES: Final[Mapping[TriggerName, Mapping[str, Any]]] = {
    "pre_sign_up": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    "post_confirmation": {},
    "pre_authentication": {},
    "post_authentication": {},
    "pre_token_generation": {"claimsOverrideDetails": None},
    "custom_message": {"smsMessage": None, "emailMessage": None, "emailSubject": None},
    "define_auth_challenge": {"challengeName": None, "issueTokens": None, "failAuthentication": None},
    "create_auth_challenge": {
        "publicChallengeParameters": None,
        "privateChallengeParameters": None,
        "challengeMetadata": None,
    },
    "verify_auth_challenge_response": {"answerCorrect": None},
    "user_migration": {
        "userAttributes": None,
        "forceAliasCreation": None,
        "enableSMSMFA": None,
        "finalUserStatus": None,
        "messageAction": None,
        "desiredDeliveryMediums": None,
    },
}
_SCOPES_TOO: Final[Mapping[str, Any]] = {"claimsAndScopeOverrideDetails": None}


def response_of(asked: Asked) -> Mapping[str, Any]:
    """The response as it leaves: every key that the function may set, with its default."""
    if asked.trigger == "pre_token_generation" and asked.version != "1":
        return {**_SCOPES_TOO, **asked.response}
    return {**_RESPONSES[asked.trigger], **asked.response}


def event_of(pool: Pool, asked: Asked) -> bytes:
    """As JSON in ASCII: what clients put into their metadata cannot break it."""
    whom = {} if asked.attributes is None else {"userAttributes": dict(asked.attributes)}
    return json.dumps(
        {
            "version": asked.version,
            "triggerSource": asked.source,
            "region": pool.pool_id.partition("_")[0],
            "userPoolId": pool.pool_id,
            "userName": asked.username,
            "callerContext": {"awsSdkVersion": SDK, "clientId": asked.client_id},
            "request": {**whom, **asked.request},
            "response": response_of(asked),
        }
    ).encode()
