"""CUSTOM_AUTH end to end: what the three functions are given, and who gets in."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.trigger_functions import Event, TriggerFunctions, says

METADATA = {"page": "one"}


def define(event: Event) -> Event:
    """Up to three tries."""
    session = event["request"]["session"]
    is_right = bool(session) and session[-1]["challengeResult"]
    response = {
        "challengeName": None if is_right or len(session) >= 3 else "CUSTOM_CHALLENGE",
        "issueTokens": is_right,
        "failAuthentication": not is_right and len(session) >= 3,
    }
    return {**event, "response": response}


def verify(event: Event) -> Event:
    given = event["request"]["challengeAnswer"]
    return {
        **event,
        "response": {"answerCorrect": given == event["request"]["privateChallengeParameters"]["answer"]},
    }


CREATE = says(
    publicChallengeParameters={"question": "2 + 3"},
    privateChallengeParameters={"answer": "5"},
    challengeMetadata="SUM",
)


def functions() -> TriggerFunctions:
    return TriggerFunctions(
        define_auth_challenge=define, create_auth_challenge=CREATE, verify_auth_challenge_response=verify
    )


def site(folder: Path, asked: TriggerFunctions) -> CognitoStand:
    return CognitoStand(
        folder,
        client={"flows": frozenset({"custom", "refresh"})},
        foundation={"triggers": asked.triggers},
        triggers={name: name for name in asked.handlers},
    )


def begin(stand: CognitoStand, username: str = "ada") -> dict[str, Any]:
    answer: dict[str, Any] = stand.public.initiate_auth(
        ClientId=stand.client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": username},
        ClientMetadata=METADATA,
    )  # fmt: skip
    return answer


def respond(stand: CognitoStand, begun: dict[str, Any], answer: str, username: str = "ada") -> dict[str, Any]:
    said: dict[str, Any] = stand.public.respond_to_auth_challenge(
        ClientId=stand.client_id, ChallengeName="CUSTOM_CHALLENGE", Session=begun["Session"],
        ChallengeResponses={"USERNAME": username, "ANSWER": answer}, ClientMetadata=METADATA,
    )  # fmt: skip
    return said


def test_the_three_functions_are_given_cognitos_events(tmp_path: Path) -> None:
    with functions() as asked, site(tmp_path, asked) as stand:
        user = stand.people.add()
        begun = begin(stand)
        assert begun["ChallengeName"] == "CUSTOM_CHALLENGE"
        assert begun["ChallengeParameters"]["question"] == "2 + 3"
        assert "answer" not in begun["ChallengeParameters"]
        assert "AccessToken" in respond(stand, begun, "5")["AuthenticationResult"]
        people = {
            "sub": user.sub, "cognito:user_status": "CONFIRMED", "email": "ada@example.com", "email_verified": "true",
        }  # fmt: skip
        head = {
            "version": "1", "region": "us-east-1", "userPoolId": stand.pool_id, "userName": "ada",
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": stand.client_id},
        }  # fmt: skip
        done = [{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": True, "challengeMetadata": "SUM"}]
        nothing = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
        beside = {"userAttributes": people, "userNotFound": False}
        assert asked.events == [
            {
                **head,
                "triggerSource": "DefineAuthChallenge_Authentication",
                "request": {**beside, "session": [], "clientMetadata": None},
                "response": nothing,
            },
            {
                **head,
                "triggerSource": "CreateAuthChallenge_Authentication",
                "request": {
                    **beside,
                    "challengeName": "CUSTOM_CHALLENGE",
                    "session": [],
                    "clientMetadata": None,
                },
                "response": {
                    "publicChallengeParameters": None,
                    "privateChallengeParameters": None,
                    "challengeMetadata": None,
                },
            },
            {
                **head,
                "triggerSource": "VerifyAuthChallengeResponse_Authentication",
                "request": {
                    **beside,
                    "privateChallengeParameters": {"answer": "5"},
                    "challengeAnswer": "5",
                    "clientMetadata": METADATA,
                },
                "response": {"answerCorrect": None},
            },
            {
                **head,
                "triggerSource": "DefineAuthChallenge_Authentication",
                "request": {**beside, "session": done, "clientMetadata": METADATA},
                "response": nothing,
            },
        ]


def test_wrong_answers_are_the_functions_to_judge(tmp_path: Path) -> None:
    """Three tries; each in the sealed session of the one before. Twin: right at the third."""
    with functions() as asked, site(tmp_path, asked) as stand:
        stand.people.add()
        step = respond(stand, respond(stand, begin(stand), "4"), "6")
        assert "AccessToken" in respond(stand, step, "5")["AuthenticationResult"]
        step = respond(stand, respond(stand, begin(stand), "4"), "6")
        assert refusal(respond, stand=stand, begun=step, answer="7") == (
            "NotAuthorized",
            "Incorrect username or password.",
        )
        refused = refusal(respond, stand=stand, begun=step, answer="5")
        assert refused[0] == "NotAuthorized"


def test_nobody_gets_no_tokens_whatever_the_functions_say(tmp_path: Path) -> None:
    """B6: the functions are asked, with userNotFound. Twin: somebody."""
    with functions() as asked, site(tmp_path, asked) as stand:
        stand.people.add()
        begun = begin(stand, "nobody")
        assert begun["ChallengeParameters"]["question"] == "2 + 3"
        assert refusal(respond, stand=stand, begun=begun, answer="5", username="nobody")[0] == "NotAuthorized"
        assert all(each["request"]["userNotFound"] for each in asked.events)
        assert all(each["request"]["userAttributes"] == {} for each in asked.events)
        assert "AccessToken" in respond(stand, begin(stand), "5")["AuthenticationResult"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("define_auth_challenge", {"challengeName": 5}),
        ("define_auth_challenge", {"challengeName": "SOMETHING"}),
        ("define_auth_challenge", {}),
        ("create_auth_challenge", {"privateChallengeParameters": {"answer": 5}}),
        ("create_auth_challenge", {"privateChallengeParameters": {"answer": "5" * 70_000}}),
    ],
)
def test_nonsense_ends_it(tmp_path: Path, name: str, says: dict[str, Any]) -> None:
    with functions() as asked, site(tmp_path, asked) as stand:
        stand.people.add()
        asked.handlers[name] = lambda event: {**event, "response": {**event["response"], **says}}
        assert refusal(begin, stand=stand) == ("InvalidLambdaResponse", "Unrecognizable lambda output")
