"""Authenticator apps and the choice of second factors by boto3, of users and of operators."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auth.core.steps import Challenge
from auth.core.totp import STEP_S, secret_of
from tests.support.cognito_stand import CognitoStand, refusal

ON = {"Enabled": True, "PreferredMfa": True}
OFF = {"Enabled": False, "PreferredMfa": False}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[CognitoStand]:
    kinds = frozenset({"software_token", "email"})
    with CognitoStand(tmp_path, mfa="optional", mfa_kinds=kinds) as stand:
        stand.people.add()
        yield stand


def set_up(stand: CognitoStand, token: str) -> bytes:
    """:returns: the seed of an app whose first code was right."""
    seed = secret_of(stand.public.associate_software_token(AccessToken=token)["SecretCode"])
    code = stand.people.app_code(seed)
    verified = stand.public.verify_software_token(
        AccessToken=token, UserCode=code, FriendlyDeviceName="phone"
    )
    assert verified["Status"] == "SUCCESS"
    stand.people.clock.move(2 * STEP_S)
    return seed


def settings(stand: CognitoStand) -> tuple[Any, Any]:
    """By AdminGetUser: what is on, and what is preferred."""
    user = stand.admin.admin_get_user(UserPoolId=stand.pool_id, Username="ada")
    return user.get("UserMFASettingList"), user.get("PreferredMfaSetting")


def test_an_app_is_set_up_and_asked_for(stand: CognitoStand) -> None:
    token = stand.access_token()
    set_up(stand, token)
    assert settings(stand) == (None, None)
    stand.public.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings=ON)
    assert settings(stand) == (["SOFTWARE_TOKEN_MFA"], "SOFTWARE_TOKEN_MFA")
    shown = stand.public.get_user(AccessToken=token)
    assert shown["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    step = stand.people.log_in()
    assert isinstance(step, Challenge)
    assert step.name == "SOFTWARE_TOKEN_MFA"
    stand.public.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings=OFF)
    assert settings(stand) == (None, None)
    assert stand.people.is_let_in()


def test_the_first_code_is_wrong_or_there_is_no_app(stand: CognitoStand) -> None:
    token = stand.access_token()
    verify = stand.public.verify_software_token
    assert refusal(verify, AccessToken=token, UserCode="123456") == (
        "SoftwareTokenMFANotFound",
        "Software token has not been associated with the user.",
    )
    seed = secret_of(stand.public.associate_software_token(AccessToken=token)["SecretCode"])
    right = stand.people.app_code(seed)
    wrong = "000000" if right != "000000" else "000001"
    assert refusal(verify, AccessToken=token, UserCode=wrong) == ("EnableSoftwareTokenMFA", "Code mismatch")
    assert verify(AccessToken=token, UserCode=right)["Status"] == "SUCCESS"


def test_setting_up_within_a_sign_in(tmp_path: Path) -> None:
    """By the session, which opens nothing twice (B12); the client is the session's own."""
    with CognitoStand(tmp_path, mfa="required") as stand:
        stand.people.add()
        step = stand.people.log_in()
        assert isinstance(step, Challenge)
        made = stand.public.associate_software_token(Session=step.handle)
        code = stand.people.app_code(secret_of(made["SecretCode"]))
        verify = stand.public.verify_software_token
        done = verify(Session=made["Session"], UserCode=code)
        assert done["Status"] == "SUCCESS"
        expired = ("NotAuthorized", "Invalid session for the user, session is expired.")
        assert refusal(verify, Session=made["Session"], UserCode=code) == expired
        assert refusal(stand.public.associate_software_token, Session=step.handle) == expired
        assert refusal(stand.public.associate_software_token, Session="x" * 43) == expired
        stand.people.answer("MFA_SETUP", done["Session"], {})
        assert settings(stand) == (["SOFTWARE_TOKEN_MFA"], "SOFTWARE_TOKEN_MFA")


def test_a_token_or_a_session(stand: CognitoStand) -> None:
    """Twin: either of them alone, in the tests above."""
    said = ("InvalidParameter", "Send either AccessToken or Session.")
    assert refusal(stand.public.associate_software_token) == said
    both = {"AccessToken": stand.access_token(), "Session": "x" * 43}
    assert refusal(stand.public.associate_software_token, **both) == said


def test_mail_beside_an_app(stand: CognitoStand) -> None:
    """Each is switched by itself; one is preferred."""
    token = stand.access_token()
    set_up(stand, token)
    prefer = stand.public.set_user_mfa_preference
    prefer(AccessToken=token, EmailMfaSettings=ON)
    assert settings(stand) == (["EMAIL_OTP"], "EMAIL_OTP")
    prefer(AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True})
    assert settings(stand) == (["EMAIL_OTP", "SOFTWARE_TOKEN_MFA"], "EMAIL_OTP")
    prefer(AccessToken=token, SoftwareTokenMfaSettings=ON)
    assert settings(stand) == (["EMAIL_OTP", "SOFTWARE_TOKEN_MFA"], "SOFTWARE_TOKEN_MFA")
    factors = stand.public.get_user_auth_factors(AccessToken=token)
    assert factors["UserMFASettingList"] == ["EMAIL_OTP", "SOFTWARE_TOKEN_MFA"]
    assert factors["ConfiguredUserAuthFactors"] == ["PASSWORD"]
    prefer(AccessToken=token, SoftwareTokenMfaSettings=OFF)
    assert settings(stand) == (["EMAIL_OTP"], None)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"SoftwareTokenMfaSettings": ON}, "User has not verified software token mfa"),
        (
            {"EmailMfaSettings": {"Enabled": False, "PreferredMfa": True}},
            "EMAIL_OTP is not enabled, so it cannot be preferred.",
        ),
        (
            {"EmailMfaSettings": ON, "SoftwareTokenMfaSettings": ON},
            "Only one MFA method can be preferred.",
        ),
        ({"SMSMfaSettings": ON}, "This server sends no text messages."),
        ({"WebAuthnMfaSettings": {"Enabled": True}}, "Passkeys are not there."),
    ],
)
def test_choices_that_nobody_has(stand: CognitoStand, wish: dict[str, Any], said: str) -> None:
    """Of users and operators alike; twin: a choice that is there."""
    token = stand.access_token()
    named = {"UserPoolId": stand.pool_id, "Username": "ada"}
    refused = ("InvalidParameter", said)
    assert refusal(stand.public.set_user_mfa_preference, AccessToken=token, **wish) == refused
    assert refusal(stand.admin.admin_set_user_mfa_preference, **named, **wish) == refused
    assert settings(stand) == (None, None)
    stand.admin.admin_set_user_mfa_preference(**named, EmailMfaSettings=ON)
    assert settings(stand) == (["EMAIL_OTP"], "EMAIL_OTP")


def test_mail_needs_a_verified_address_and_a_pool_that_has_it(tmp_path: Path) -> None:
    with CognitoStand(tmp_path, mfa="optional") as stand:
        stand.people.add()
        asked = {"AccessToken": stand.access_token(), "EmailMfaSettings": ON}
        assert refusal(stand.public.set_user_mfa_preference, **asked) == (
            "InvalidParameter",
            "EMAIL_OTP is not enabled for the user pool.",
        )


def test_mail_needs_a_verified_address(stand: CognitoStand) -> None:
    stand.people.add("bob", email="bob@example.com", email_verified="false")
    asked = {"AccessToken": stand.access_token("bob"), "EmailMfaSettings": ON}
    assert refusal(stand.public.set_user_mfa_preference, **asked) == (
        "InvalidParameter",
        "User does not have a verified email.",
    )


def test_where_it_is_required_users_keep_one(tmp_path: Path) -> None:
    """Twin: an operator takes it away."""
    with CognitoStand(tmp_path, mfa="required") as stand:
        stand.people.add()
        stand.people.with_app()
        asked = {"AccessToken": stand.access_token(), "SoftwareTokenMfaSettings": OFF}
        assert refusal(stand.public.set_user_mfa_preference, **asked) == (
            "InvalidParameter",
            "MFA cannot be turned off: the user pool requires it.",
        )
        stand.admin.admin_set_user_mfa_preference(
            UserPoolId=stand.pool_id, Username="ada", SoftwareTokenMfaSettings=OFF
        )
        assert settings(stand) == (None, None)


def test_settings_of_old_know_only_text_messages(stand: CognitoStand) -> None:
    token = stand.access_token()
    stand.public.set_user_settings(AccessToken=token, MFAOptions=[])
    option = {"DeliveryMedium": "SMS", "AttributeName": "phone_number"}
    assert refusal(stand.public.set_user_settings, AccessToken=token, MFAOptions=[option]) == (
        "InvalidParameter",
        "This server sends no text messages.",
    )


def test_codes_at_a_sign_in_in_cognitos_words(stand: CognitoStand) -> None:
    """B10: wrong, right, replayed; each session once. Twin: the next code of the same app."""
    token = stand.access_token()
    seed = set_up(stand, token)
    stand.public.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings=ON)

    def answered(session: str, code: str) -> dict[str, Any]:
        responses = {"USERNAME": "ada", "SOFTWARE_TOKEN_MFA_CODE": code}
        return {
            "ClientId": stand.client_id,
            "ChallengeName": "SOFTWARE_TOKEN_MFA",
            "Session": session,
            "ChallengeResponses": responses,
        }

    respond = stand.public.respond_to_auth_challenge
    first, second, code = stand.sign_in()["Session"], stand.sign_in()["Session"], stand.people.app_code(seed)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert refusal(respond, **answered(first, wrong)) == ("CodeMismatch", "Invalid code received for user")
    assert "AuthenticationResult" in respond(**answered(first, code))
    assert refusal(respond, **answered(first, code)) == (
        "NotAuthorized", "Invalid session for the user, session is expired.",
    )  # fmt: skip
    assert refusal(respond, **answered(second, code)) == (
        "ExpiredCode", "Your software token has already been used once.",
    )  # fmt: skip
    stand.people.clock.move(STEP_S)
    assert "AuthenticationResult" in respond(**answered(second, stand.people.app_code(seed)))
