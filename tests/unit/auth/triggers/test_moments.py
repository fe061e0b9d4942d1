"""At which moments of the Cognito API a pool's triggers are asked, and with exactly which event."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.cognito_stand import CognitoStand, refusal
from tests.support.trigger_functions import Event, TriggerFunctions, raises, same, says
from tests.support.user_pool import PASSWORD

EMAIL = "ada@example.com"
Given = list[dict[str, str]]
ADDRESS: Given = [{"Name": "email", "Value": EMAIL}]
METADATA = {"page": "one"}


@contextmanager
def site(folder: Path, functions: TriggerFunctions, **changes: Any) -> Iterator[CognitoStand]:
    """A pool whose triggers are the functions of the same name."""
    with ExitStack() as held:
        held.enter_context(functions)
        stand = CognitoStand(
            folder,
            client={"flows": frozenset({"code", "refresh", "srp", "password", "custom"})},
            foundation={"triggers": functions.triggers},
            triggers={name: name for name in functions.handlers},
            **changes,
        )
        yield held.enter_context(stand)


def event(stand: CognitoStand, source: str, username: str, **parts: Any) -> Event:
    """What a function is given, as section 10 of Cognito's contract has it."""
    return {
        "version": "1",
        "triggerSource": source,
        "region": "us-east-1",
        "userPoolId": stand.pool_id,
        "userName": username,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": stand.client_id},
        "request": {},
        "response": {},
    } | parts


def attributes(stand: CognitoStand, status: str = "CONFIRMED", name: str = "ada", **more: str) -> Event:
    own = {"email": EMAIL, "email_verified": "true"} | more
    return {"sub": stand.people.user(name).sub, "cognito:user_status": status, **own}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def sign_up(stand: CognitoStand, name: str = "ada", **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stand.public.sign_up(
        ClientId=stand.client_id, Username=name, Password=PASSWORD, UserAttributes=ADDRESS, **more
    )
    return answer


CHECKED = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
WORDS = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
ASKED_FOR = {"codeParameter": "{####}", "linkParameter": "{##Click Here##}", "usernameParameter": None}


# --- sign up ---


def test_sign_up_asks_before_the_user_exists_and_for_the_mails_words(tmp_path: Path) -> None:
    functions = TriggerFunctions(pre_sign_up=same, custom_message=same, post_confirmation=same)
    with site(tmp_path, functions) as stand:
        sign_up(stand, ValidationData=[{"Name": "coupon", "Value": "x"}], ClientMetadata=METADATA)
        unverified = {"sub": stand.people.user().sub, "cognito:user_status": "UNCONFIRMED", "email": EMAIL}
        assert functions.events == [
            event(
                stand,
                "PreSignUp_SignUp",
                "ada",
                request={
                    "userAttributes": {"email": EMAIL},
                    "validationData": {"coupon": "x"},
                    "clientMetadata": METADATA,
                },
                response=CHECKED,
            ),
            event(
                stand,
                "CustomMessage_SignUp",
                "ada",
                request={"userAttributes": unverified, **ASKED_FOR, "clientMetadata": METADATA},
                response=WORDS,
            ),
        ]
        functions.events.clear()
        stand.public.confirm_sign_up(
            ClientId=stand.client_id, Username="ada", ConfirmationCode=stand.people.code()
        )
        assert functions.events == [
            event(
                stand,
                "PostConfirmation_ConfirmSignUp",
                "ada",
                request={"userAttributes": attributes(stand), "clientMetadata": None},
            )
        ]


def test_a_function_confirms_who_signs_up(tmp_path: Path) -> None:
    functions = TriggerFunctions(
        pre_sign_up=says(autoConfirmUser=True, autoVerifyEmail=True), post_confirmation=same
    )
    with site(tmp_path, functions) as stand:
        assert sign_up(stand)["UserConfirmed"]
        assert stand.people.user().is_verified("email")
        assert functions.sources() == ["PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp"]
        assert stand.people.mails == []
        assert "AccessToken" in stand.sign_in()["AuthenticationResult"]


def test_a_function_verifies_no_address_that_is_not_there(tmp_path: Path) -> None:
    with site(tmp_path, TriggerFunctions(pre_sign_up=says(autoVerifyPhone=True))) as stand:
        code, _ = refusal(sign_up, stand=stand)
        assert code == "InvalidLambdaResponse"
        assert (
            refusal(stand.admin.admin_get_user, UserPoolId=stand.pool_id, Username="ada")[0] == "UserNotFound"
        )


def test_what_a_function_refuses_leaves_nobody(tmp_path: Path) -> None:
    """Twin: the same sign-up, and a function that only looks on."""
    functions = TriggerFunctions(pre_sign_up=raises("no guests"))
    with site(tmp_path, functions) as stand:
        assert refusal(sign_up, stand=stand) == (
            "UserLambdaValidation",
            "PreSignUp failed with error no guests.",
        )
        functions.handlers["pre_sign_up"] = same
        assert not sign_up(stand)["UserConfirmed"]


def test_what_fails_after_the_confirmation_does_not_undo_it(tmp_path: Path) -> None:
    with site(tmp_path, TriggerFunctions(post_confirmation=raises("late"))) as stand:
        sign_up(stand)
        said = refusal(
            stand.public.confirm_sign_up,
            ClientId=stand.client_id,
            Username="ada",
            ConfirmationCode=stand.people.code(),
        )
        assert said == ("UserLambdaValidation", "PostConfirmation failed with error late.")
        assert stand.people.user().status == "CONFIRMED"


def test_operators_ask_without_a_client(tmp_path: Path) -> None:
    functions = TriggerFunctions(
        pre_sign_up=says(autoVerifyEmail=True),
        custom_message=says(emailSubject="Hello {username}", emailMessage="Begin with {username}: {####}"),
    )
    with site(tmp_path, functions) as stand:
        stand.admin.admin_create_user(
            UserPoolId=stand.pool_id,
            Username="ada",
            TemporaryPassword=PASSWORD,
            UserAttributes=ADDRESS,
            ValidationData=[{"Name": "by", "Value": "hand"}],
            ClientMetadata=METADATA,
        )
        nobody = {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "CLIENT_ID_NOT_APPLICABLE"}
        assert functions.event("PreSignUp_AdminCreateUser") == event(
            stand,
            "PreSignUp_AdminCreateUser",
            "ada",
            callerContext=nobody,
            request={
                "userAttributes": {"email": EMAIL},
                "validationData": {"by": "hand"},
                "clientMetadata": METADATA,
            },
            response=CHECKED,
        )
        assert (
            functions.event("CustomMessage_AdminCreateUser")["request"]["usernameParameter"] == "{username}"
        )
        (mail,) = stand.people.mails
        assert (mail.subject, mail.text) == ("Hello ada", f"Begin with ada: {PASSWORD}\n")
        assert stand.people.user().is_verified("email")


# --- sign in ---


def test_a_sign_in_asks_before_and_after_it_and_before_its_tokens(tmp_path: Path) -> None:
    """ClientMetadata of the beginning is for the trigger before it only."""
    functions = TriggerFunctions(pre_authentication=same, post_authentication=same, pre_token_generation=same)
    with site(tmp_path, functions) as stand:
        stand.people.add(groups=())
        tokens = stand.public.initiate_auth(
            ClientId=stand.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
            ClientMetadata=METADATA,
        )["AuthenticationResult"]
        no_groups: Event = {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None}
        assert functions.events == [
            event(
                stand,
                "PreAuthentication_Authentication",
                "ada",
                request={
                    "userAttributes": attributes(stand),
                    "validationData": METADATA,
                    "userNotFound": False,
                },
            ),
            event(
                stand,
                "PostAuthentication_Authentication",
                "ada",
                request={
                    "userAttributes": attributes(stand),
                    "newDeviceUsed": False,
                    "clientMetadata": None,
                },
            ),
            event(
                stand,
                "TokenGeneration_Authentication",
                "ada",
                request={
                    "userAttributes": attributes(stand),
                    "groupConfiguration": no_groups,
                    "clientMetadata": None,
                },
                response={"claimsOverrideDetails": None},
            ),
        ]
        functions.events.clear()
        stand.public.initiate_auth(
            ClientId=stand.client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )
        assert functions.sources() == ["TokenGeneration_RefreshTokens"]


def test_what_comes_with_an_answer_reaches_the_triggers_after_it(tmp_path: Path) -> None:
    functions = TriggerFunctions(post_authentication=same, pre_token_generation=same)
    with site(tmp_path, functions) as stand:
        stand.people.add(is_permanent=False)
        begun = stand.sign_in()
        stand.public.respond_to_auth_challenge(
            ClientId=stand.client_id,
            ChallengeName="NEW_PASSWORD_REQUIRED",
            Session=begun["Session"],
            ChallengeResponses={"USERNAME": "ada", "NEW_PASSWORD": f"{PASSWORD} 2"},
            ClientMetadata=METADATA,
        )
        assert functions.sources() == [
            "PostAuthentication_Authentication",
            "TokenGeneration_NewPasswordChallenge",
        ]
        assert [each["request"]["clientMetadata"] for each in functions.events] == [METADATA, METADATA]


@pytest.mark.parametrize("hides_users", [True, False])
def test_people_who_do_not_exist_are_asked_about_where_that_is_not_told(
    tmp_path: Path, hides_users: bool
) -> None:
    """B6: with a trigger as without one."""
    functions = TriggerFunctions(pre_authentication=same)
    with (
        functions,
        CognitoStand(
            tmp_path,
            client={"hides_users": hides_users},
            foundation={"triggers": functions.triggers},
            triggers={"pre_authentication": "pre_authentication"},
        ) as stand,
    ):
        code, _ = refusal(stand.sign_in, username="nobody")
        assert code == ("NotAuthorized" if hides_users else "UserNotFound")
        expected = event(
            stand,
            "PreAuthentication_Authentication",
            "nobody",
            request={"userAttributes": {}, "validationData": None, "userNotFound": True},
        )
        assert functions.events == ([expected] if hides_users else [])


@pytest.mark.parametrize("trigger", ["pre_authentication", "post_authentication", "pre_token_generation"])
def test_a_function_keeps_somebody_out(tmp_path: Path, trigger: str) -> None:
    functions = TriggerFunctions()
    functions.handlers[trigger] = raises("not today")
    with site(tmp_path, functions) as stand:
        stand.people.add()
        code, said = refusal(stand.sign_in)
        assert (code, said.endswith(" failed with error not today.")) == ("UserLambdaValidation", True)
        functions.handlers[trigger] = same
        assert "AccessToken" in stand.sign_in()["AuthenticationResult"]


# --- tokens ---


def overrides(**details: object) -> TriggerFunctions:
    return TriggerFunctions(pre_token_generation=says(claimsOverrideDetails=details))


def test_the_first_version_changes_id_tokens_and_groups(tmp_path: Path) -> None:
    functions = overrides(
        claimsToAddOrOverride={
            "tenant": "t1",
            "email": "other@example.com",
            "sub": "x",
            "cognito:username": "y",
        },
        claimsToSuppress=["email_verified", "iss"],
        groupOverrideDetails={"groupsToOverride": ["editors"], "preferredRole": "arn:x"},
    )
    with site(tmp_path, functions, groups=("admins",)) as stand:
        user = stand.people.add(groups=("admins",))
        tokens = stand.sign_in()["AuthenticationResult"]
        told, access = claims(tokens["IdToken"]), claims(tokens["AccessToken"])
        assert (told["tenant"], told["email"], "email_verified" in told) == ("t1", "other@example.com", False)
        assert (told["sub"], told["cognito:username"]) == (user.sub, "ada")
        assert told["iss"] == access["iss"]
        assert told["cognito:groups"] == access["cognito:groups"] == ["editors"]
        assert told["cognito:preferred_role"] == "arn:x"
        assert "cognito:preferred_role" not in access
        assert "tenant" not in access
        asked = functions.event("TokenGeneration_Authentication")["request"]["groupConfiguration"]
        assert asked["groupsToOverride"] == ["admins"]


def test_the_second_version_changes_access_tokens_and_takes_any_json(tmp_path: Path) -> None:
    functions = TriggerFunctions(
        pre_token_generation=says(
            claimsAndScopeOverrideDetails={
                "idTokenGeneration": {"claimsToAddOrOverride": {"plan": {"seats": 5}}},
                "accessTokenGeneration": {
                    "claimsToAddOrOverride": {"roles": ["a", 1], "client_id": "x", "aud": "x", "scope": "y"},
                    "scopesToAdd": ["notes/read", "aws.cognito.signin.user.admin.more"],
                    "scopesToSuppress": ["aws.cognito.signin.user.admin"],
                },
            }
        )
    )
    with site(tmp_path, functions, claims_event="2") as stand:
        stand.people.add()
        tokens = stand.sign_in()["AuthenticationResult"]
        told, access = claims(tokens["IdToken"]), claims(tokens["AccessToken"])
        assert (told["plan"], access["roles"]) == ({"seats": 5}, ["a", 1])
        assert (access["client_id"], access["scope"]) == (stand.client_id, "notes/read")
        assert "aud" not in access
        asked = functions.event("TokenGeneration_Authentication")
        assert (asked["version"], asked["request"]["scopes"]) == ("2", ["aws.cognito.signin.user.admin"])
        assert asked["response"] == {"claimsAndScopeOverrideDetails": None}


# --- mails ---


@pytest.mark.parametrize(
    ("words", "subject", "text"),
    [
        pytest.param(
            {"emailSubject": "Welcome", "emailMessage": "<p>Your code is <b>{####}</b>.</p><p>Bye</p>"},
            "Welcome",
            "Your code is CODE.\n\nBye\n",
            id="html",
        ),
        pytest.param({"emailMessage": "Code:\r\n{####}"}, None, "Code:\nCODE\n", id="text"),
        pytest.param({"emailSubject": "Welcome", "emailMessage": "no code"}, None, None, id="no-placeholder"),
        pytest.param({"smsMessage": "{####}"}, None, None, id="sms-only"),
    ],
)
def test_functions_word_mails(
    tmp_path: Path, words: Mapping[str, str], subject: str | None, text: str | None
) -> None:
    functions = TriggerFunctions(custom_message=says(**words))
    with site(tmp_path, functions) as stand:
        sign_up(stand)
        code = stand.people.code()
        stand.public.resend_confirmation_code(ClientId=stand.client_id, Username="ada")
        first, second = stand.people.mails
        assert functions.sources() == ["CustomMessage_SignUp", "CustomMessage_ResendCode"]
        if text is None:
            assert "With this code you finish signing up" in first.text
        else:
            assert first.text == text.replace("CODE", code)
        assert (first.subject == subject) == (subject is not None)
        assert second.purpose == "resend"


@pytest.mark.parametrize("words", [{"emailSubject": "two\nlines"}, {"emailMessage": "{####}" + "x" * 20_001}])
def test_a_mail_that_cannot_be_sent_is_nonsense(tmp_path: Path, words: Mapping[str, str]) -> None:
    functions = TriggerFunctions(custom_message=says(**{"emailMessage": "{####}", **words}))
    with site(tmp_path, functions) as stand:
        assert refusal(sign_up, stand=stand)[0] == "InvalidLambdaResponse"


def test_a_forgotten_password_asks_for_words_and_after_it(tmp_path: Path) -> None:
    functions = TriggerFunctions(custom_message=same, post_confirmation=same)
    with site(tmp_path, functions) as stand:
        stand.people.add()
        stand.public.forgot_password(ClientId=stand.client_id, Username="ada", ClientMetadata=METADATA)
        assert functions.events[0] == event(
            stand,
            "CustomMessage_ForgotPassword",
            "ada",
            request={"userAttributes": attributes(stand), **ASKED_FOR, "clientMetadata": METADATA},
            response=WORDS,
        )
        stand.public.confirm_forgot_password(
            ClientId=stand.client_id,
            Username="ada",
            ConfirmationCode=stand.people.code(),
            Password=f"{PASSWORD} 2",
        )
        assert functions.events[1] == event(
            stand,
            "PostConfirmation_ConfirmForgotPassword",
            "ada",
            request={"userAttributes": attributes(stand), "clientMetadata": None},
        )


def test_a_new_address_asks_for_words(tmp_path: Path) -> None:
    functions = TriggerFunctions(custom_message=same)
    with site(tmp_path, functions) as stand:
        stand.people.add()
        token = stand.access_token()
        stand.public.update_user_attributes(
            AccessToken=token, UserAttributes=[{"Name": "email", "Value": "new@example.com"}]
        )
        stand.public.get_user_attribute_verification_code(AccessToken=token, AttributeName="email")
        assert functions.sources() == [
            "CustomMessage_UpdateUserAttribute",
            "CustomMessage_VerifyUserAttribute",
        ]
        assert {each["callerContext"]["clientId"] for each in functions.events} == {stand.client_id}
