"""What people do with their own access token."""

from auth.core.totp import secret_of
from tests.support.cognito_proofs.registry import proves
from tests.support.cognito_trial import Trial
from tests.support.user_pool import PASSWORD

NOT_ONE = "e30.e30.e30"


@proves("GetUser")
def get_user(trial: Trial) -> None:
    trial.see(
        "AdminCreateUser", Username=trial.name, UserAttributes=trial.attribute("name", "Ada"),
        MessageAction="SUPPRESS",
    )  # fmt: skip
    trial.see("AdminSetUserPassword", Username=trial.name, Password=PASSWORD, Permanent=True)
    shown = trial.act(AccessToken=trial.token())
    assert trial.shown(shown["UserAttributes"])["name"] == "Ada"
    trial.refused("NotAuthorized", AccessToken=NOT_ONE)


@proves("UpdateUserAttributes")
def update_user_attributes(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    trial.act(AccessToken=token, UserAttributes=trial.attribute("nickname", "countess"))
    shown = trial.see("GetUser", AccessToken=token)["UserAttributes"]
    assert trial.shown(shown)["nickname"] == "countess"
    trial.refused("InvalidParameter", AccessToken=token, UserAttributes=trial.attribute("birthdate", "once"))


@proves("DeleteUserAttributes")
def delete_user_attributes(trial: Trial) -> None:
    trial.person(nickname="countess")
    token = trial.token()
    trial.act(AccessToken=token, UserAttributeNames=["nickname"])
    assert "nickname" not in trial.shown(trial.see("GetUser", AccessToken=token)["UserAttributes"])
    trial.refused("NotAuthorized", AccessToken=NOT_ONE, UserAttributeNames=["nickname"])


def unverified(trial: Trial) -> str:
    trial.person(email_verified="false")
    return trial.token()


@proves("GetUserAttributeVerificationCode")
def get_user_attribute_verification_code(trial: Trial) -> None:
    token = unverified(trial)
    assert trial.act(AccessToken=token, AttributeName="email")["CodeDeliveryDetails"]
    trial.see("VerifyUserAttribute", AccessToken=token, AttributeName="email", Code=trial.code())
    trial.refused("InvalidParameter", AccessToken=token, AttributeName="shoe")


@proves("VerifyUserAttribute")
def verify_user_attribute(trial: Trial) -> None:
    token = unverified(trial)
    trial.see("GetUserAttributeVerificationCode", AccessToken=token, AttributeName="email")
    given = {"AccessToken": token, "AttributeName": "email"}
    trial.refused("CodeMismatch", Code=trial.stand.people.wrong_code(), **given)
    trial.act(Code=trial.code(), **given)
    shown = trial.see("GetUser", AccessToken=token)["UserAttributes"]
    assert trial.shown(shown)["email_verified"] == "true"


@proves("DeleteUser")
def delete_user(trial: Trial) -> None:
    trial.person()
    trial.refused("NotAuthorized", AccessToken=NOT_ONE)
    trial.act(AccessToken=trial.token())
    trial.no_more("AdminGetUser", "UserNotFound", Username=trial.name)


def app_code(trial: Trial, said: dict[str, str]) -> str:
    return trial.stand.people.app_code(secret_of(said["SecretCode"]))


@proves("AssociateSoftwareToken")
def associate_software_token(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    code = app_code(trial, trial.act(AccessToken=token))
    assert trial.see("VerifySoftwareToken", AccessToken=token, UserCode=code)["Status"] == "SUCCESS"
    trial.refused("NotAuthorized", AccessToken=NOT_ONE)


@proves("VerifySoftwareToken")
def verify_software_token(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    code = app_code(trial, trial.see("AssociateSoftwareToken", AccessToken=token))
    wrong = f"{(int(code) + 1) % 10**6:06}"
    trial.refused("EnableSoftwareTokenMFA", AccessToken=token, UserCode=wrong)
    assert trial.act(AccessToken=token, UserCode=code)["Status"] == "SUCCESS"
    wanted = {"Enabled": True, "PreferredMfa": True}
    trial.see("SetUserMFAPreference", AccessToken=token, SoftwareTokenMfaSettings=wanted)


@proves("SetUserMFAPreference")
def set_user_mfa_preference(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    wanted = {"AccessToken": token, "SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}}
    trial.refused("InvalidParameter", **wanted)
    code = app_code(trial, trial.see("AssociateSoftwareToken", AccessToken=token))
    trial.see("VerifySoftwareToken", AccessToken=token, UserCode=code)
    trial.act(**wanted)
    assert trial.see("GetUser", AccessToken=token)["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    assert trial.sign_in()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


@proves("GetUserAuthFactors")
def get_user_auth_factors(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    code = app_code(trial, trial.see("AssociateSoftwareToken", AccessToken=token))
    trial.see("VerifySoftwareToken", AccessToken=token, UserCode=code)
    wanted = {"Enabled": True, "PreferredMfa": True}
    trial.see("SetUserMFAPreference", AccessToken=token, SoftwareTokenMfaSettings=wanted)
    shown = trial.act(AccessToken=token)
    assert shown["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
    assert "PASSWORD" in shown["ConfiguredUserAuthFactors"]
    trial.refused("NotAuthorized", AccessToken=NOT_ONE)
