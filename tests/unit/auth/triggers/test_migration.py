"""People who come over from another directory when they first sign in, or have forgotten their password."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.trigger_functions import Event, Raised, TriggerFunctions
from tests.support.user_pool import PASSWORD

EMAIL = "ada@example.com"


class Directory:
    """The other one: it knows ada by her password. :ivar says: what is different in its response."""

    def __init__(self, **says: Any) -> None:
        self.says = says

    def __call__(self, event: Event) -> Event:
        is_sign_in = event["triggerSource"] == "UserMigration_Authentication"
        if event["userName"] != "ada" or (is_sign_in and event["request"]["password"] != PASSWORD):
            raise Raised("Bad password")
        known = {"userAttributes": {"username": "ada", "email": EMAIL, "email_verified": "true"}}
        return {**event, "response": {**event["response"], **known, **self.says}}


def site(folder: Path, functions: TriggerFunctions, **client: Any) -> CognitoStand:
    return CognitoStand(
        folder,
        client=client,
        foundation={"triggers": functions.triggers},
        triggers={name: name for name in functions.handlers},
    )


def test_somebody_comes_over_with_their_password_once(tmp_path: Path) -> None:
    functions = TriggerFunctions(user_migration=Directory(finalUserStatus="CONFIRMED"))
    with functions, site(tmp_path, functions) as stand:
        answer = stand.public.initiate_auth(
            ClientId=stand.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
            ClientMetadata={"page": "one"},
        )
        assert "AccessToken" in answer["AuthenticationResult"]
        assert functions.events == [
            {
                "version": "1",
                "triggerSource": "UserMigration_Authentication",
                "region": "us-east-1",
                "userPoolId": stand.pool_id,
                "userName": "ada",
                "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": stand.client_id},
                "request": {
                    "password": PASSWORD,
                    "validationData": {"page": "one"},
                    "clientMetadata": None,
                },
                "response": {
                    "userAttributes": None,
                    "forceAliasCreation": None,
                    "enableSMSMFA": None,
                    "finalUserStatus": None,
                    "messageAction": None,
                    "desiredDeliveryMediums": None,
                },
            }
        ]
        user = stand.people.user()
        assert (user.status, user.is_verified("email"), user.attributes["email"]) == (
            "CONFIRMED",
            True,
            EMAIL,
        )
        assert "AccessToken" in stand.sign_in()["AuthenticationResult"]
        assert len(functions.events) == 1
        assert ("user_created", "ok") in stand.people.audited()


def test_somebody_who_must_choose_another_password_is_told(tmp_path: Path) -> None:
    functions = TriggerFunctions(user_migration=Directory(finalUserStatus="RESET_REQUIRED"))
    with functions, site(tmp_path, functions) as stand:
        assert refusal(stand.sign_in)[0] == "PasswordResetRequired"
        stand.public.forgot_password(ClientId=stand.client_id, Username="ada")
        stand.public.confirm_forgot_password(
            ClientId=stand.client_id,
            Username="ada",
            ConfirmationCode=stand.people.code(),
            Password=f"{PASSWORD} 2",
        )
        assert "AccessToken" in stand.sign_in(password=f"{PASSWORD} 2")["AuthenticationResult"]


def test_a_forgotten_password_brings_somebody_over_without_one(tmp_path: Path) -> None:
    functions = TriggerFunctions(user_migration=Directory())
    with functions, site(tmp_path, functions) as stand:
        stand.public.forgot_password(ClientId=stand.client_id, Username="ada", ClientMetadata={"a": "b"})
        asked = functions.events[0]
        assert asked["triggerSource"] == "UserMigration_ForgotPassword"
        assert asked["request"] == {"password": None, "validationData": None, "clientMetadata": {"a": "b"}}
        assert stand.people.user().status == "RESET_REQUIRED"
        assert refusal(stand.sign_in)[0] == "NotAuthorized"
        stand.public.confirm_forgot_password(
            ClientId=stand.client_id,
            Username="ada",
            ConfirmationCode=stand.people.code(),
            Password=PASSWORD,
        )
        assert "AccessToken" in stand.sign_in()["AuthenticationResult"]


@pytest.mark.parametrize(
    ("says", "username", "password"),
    [
        pytest.param({}, "ada", "wrong password", id="wrong-password"),
        pytest.param({}, "bob", PASSWORD, id="unknown"),
        pytest.param({"userAttributes": {}}, "ada", PASSWORD, id="nothing-said"),
        pytest.param({"userAttributes": {"email": "x"}}, "ada", PASSWORD, id="no-address"),
        pytest.param({"userAttributes": {"custom:none": "x"}}, "ada", PASSWORD, id="no-attribute"),
        pytest.param({"finalUserStatus": "ARCHIVED"}, "ada", PASSWORD, id="nonsense"),
    ],
)
def test_who_does_not_come_over_is_nobody(
    tmp_path: Path, says: dict[str, Any], username: str, password: str
) -> None:
    """B6: answered as a wrong password is; the same work. Twin: what the directory says unchanged."""
    functions = TriggerFunctions(user_migration=Directory(**says))
    with functions, site(tmp_path, functions) as stand:
        said = refusal(stand.sign_in, username=username, password=password)
        assert said == ("NotAuthorized", "Incorrect username or password.")
        functions.handlers["user_migration"] = Directory()
        assert "AccessToken" in stand.sign_in()["AuthenticationResult"]


def test_a_client_that_may_know_hears_that_it_went_wrong(tmp_path: Path) -> None:
    functions = TriggerFunctions(user_migration=Directory())
    with functions, site(tmp_path, functions, hides_users=False) as stand:
        code, said = refusal(stand.sign_in, username="bob")
        assert (code, said) == ("UserNotFound", f"Exception migrating user in app client {stand.client_id}")


def test_who_is_locked_out_guesses_nowhere_else(tmp_path: Path) -> None:
    """B7: guesses for people who are still there count here, and a lock keeps them from there.

    Twin: when the lock has passed."""
    functions = TriggerFunctions(user_migration=Directory())
    with functions, site(tmp_path, functions) as stand:
        for _ in range(6):
            refusal(stand.sign_in, password="wrong password")
        asked = len(functions.events)
        assert refusal(stand.sign_in) == ("NotAuthorized", "Password attempts exceeded")
        assert len(functions.events) == asked
        stand.people.clock.move(3600)
        assert "AccessToken" in stand.sign_in()["AuthenticationResult"]
