"""What functions may answer, and what is nonsense."""

import json
from typing import Any

import pytest

from auth.errors import InvalidLambdaResponse
from auth.flows.triggers import Asked, TriggerName
from auth.triggers.answers import MAX_ANSWER_BYTES, MAX_ERROR, answer_of, said_of


def asked(trigger: TriggerName, version: str = "1") -> Asked:
    return Asked(trigger=trigger, source="", username="ada", client_id="web", attributes={}, version=version)


def answered(trigger: TriggerName, version: str = "1", **response: Any) -> dict[str, Any]:
    return dict(answer_of(asked(trigger, version), json.dumps({"response": response}).encode()))


CLAIMS = {"claimsToAddOrOverride": {"tenant": "t1"}, "claimsToSuppress": ["email"]}
GROUPS = {"groupsToOverride": ["a"], "iamRolesToOverride": [], "preferredRole": None}
RICH = {"claimsToAddOrOverride": {"list": [1, {"deep": True}], "number": 1.5, "flag": False}}


@pytest.mark.parametrize(
    ("trigger", "version", "name", "good", "bad"),
    [
        ("pre_sign_up", "1", "autoConfirmUser", True, "true"),
        ("pre_sign_up", "1", "autoVerifyPhone", False, 1),
        ("define_auth_challenge", "1", "issueTokens", True, "yes"),
        ("define_auth_challenge", "1", "challengeName", "CUSTOM_CHALLENGE", 7),
        ("create_auth_challenge", "1", "privateChallengeParameters", {"answer": "5"}, {"answer": 5}),
        ("create_auth_challenge", "1", "publicChallengeParameters", {"a": "b"}, ["a"]),
        ("verify_auth_challenge_response", "1", "answerCorrect", True, "true"),
        ("custom_message", "1", "emailMessage", "{####}", ["{####}"]),
        ("user_migration", "1", "userAttributes", {"email": "a@b.example"}, {"email": True}),
        ("user_migration", "1", "finalUserStatus", "RESET_REQUIRED", "ARCHIVED"),
        ("user_migration", "1", "messageAction", "SUPPRESS", "SHOUT"),
        ("user_migration", "1", "desiredDeliveryMediums", ["EMAIL"], "EMAIL"),
        ("pre_token_generation", "1", "claimsOverrideDetails", CLAIMS, RICH),
        ("pre_token_generation", "1", "claimsOverrideDetails", {"groupOverrideDetails": GROUPS}, "x"),
        (
            "pre_token_generation",
            "2",
            "claimsAndScopeOverrideDetails",
            {"idTokenGeneration": RICH, "accessTokenGeneration": {**RICH, "scopesToAdd": ["a/b"]}},
            {"accessTokenGeneration": {"scopesToAdd": "a/b"}},
        ),
    ],
)
def test_each_key_has_its_type(
    trigger: TriggerName, version: str, name: str, good: object, bad: object
) -> None:
    assert answered(trigger, version, **{name: good})[name] == good
    with pytest.raises(InvalidLambdaResponse, match="Unrecognizable lambda output"):
        answered(trigger, version, **{name: bad})


def test_what_is_missing_or_null_is_as_it_was_sent() -> None:
    defaults = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
    assert answered("pre_sign_up") == defaults
    assert answered("pre_sign_up", autoConfirmUser=None) == defaults


def test_keys_of_nobody_are_dropped() -> None:
    assert answered("post_confirmation", more="x") == {}
    assert answered("pre_token_generation", "2", claimsOverrideDetails=CLAIMS) == {
        "claimsAndScopeOverrideDetails": None
    }


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="no-response"),
        pytest.param(b'{"response": null}', id="response-null"),
        pytest.param(b'{"response": []}', id="response-list"),
        pytest.param(b'{"response": {', id="half"),
        pytest.param(b'{"response": {"x": NaN}}', id="NaN"),
        pytest.param(b'{"response": {}, "x": "\xff"}', id="not-utf-8"),
        pytest.param(b'{"response": {}, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"),
        pytest.param(b'{"response": {}, "x": "' + b"x" * MAX_ANSWER_BYTES + b'"}', id="huge"),
    ],
)
def test_nonsense_is_no_answer(payload: bytes) -> None:
    with pytest.raises(InvalidLambdaResponse, match="Unrecognizable lambda output"):
        answer_of(asked("post_confirmation"), payload)
    assert answer_of(asked("post_confirmation"), b'{"response": {}}') == {}


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b'{"errorMessage": "not you", "errorType": "Error"}', "not you"),
        (b'{"errorMessage": "two\\nlines\\u0000 \\u202e"}', "two lines"),
        (b'{"errorMessage": ""}', "Unknown"),
        (b'{"errorMessage": 5}', "Unknown"),
        (b"not json", "Unknown"),
        (json.dumps({"errorMessage": "x" * 5000}).encode(), "x" * MAX_ERROR),
    ],
)
def test_what_a_function_says_went_wrong_is_one_short_line(payload: bytes, said: str) -> None:
    assert said_of(payload) == said
