"""What operators do with people."""

from tests.support.cognito_proofs.registry import proves
from tests.support.cognito_proofs.self_service import app_code
from tests.support.cognito_trial import Trial
from tests.support.user_pool import PASSWORD

OTHER = "another horse, another battery"


def status(trial: Trial) -> str:
    return str(trial.see("AdminGetUser", Username=trial.name)["UserStatus"])


@proves("AdminCreateUser")
def admin_create_user(trial: Trial) -> None:
    given = {"Username": trial.name, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS"}
    said = trial.act(**given, UserAttributes=trial.attribute("email", trial.email))["User"]
    assert (said["Username"], said["Enabled"]) == (trial.name, True)
    assert status(trial) == "FORCE_CHANGE_PASSWORD"
    assert trial.sign_in()["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    trial.refused("UsernameExists", **given)


@proves("AdminGetUser")
def admin_get_user(trial: Trial) -> None:
    trial.see(
        "AdminCreateUser", Username=trial.name, UserAttributes=trial.attribute("name", "Ada"),
        MessageAction="SUPPRESS",
    )  # fmt: skip
    assert trial.shown(trial.act(Username=trial.name)["UserAttributes"])["name"] == "Ada"
    trial.refused("UserNotFound", Username=f"{trial.name}b")
    trial.refused("ResourceNotFound", UserPoolId="us-east-1_Nobody000", Username=trial.name)


@proves("AdminDeleteUser")
def admin_delete_user(trial: Trial) -> None:
    trial.person()
    trial.act(Username=trial.name)
    trial.no_more("AdminGetUser", "UserNotFound", Username=trial.name)
    trial.refused("UserNotFound", Username=trial.name)


@proves("AdminDisableUser")
def admin_disable_user(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    trial.act(Username=trial.name)
    assert trial.see("AdminGetUser", Username=trial.name)["Enabled"] is False
    trial.no_more("GetUser", "NotAuthorized", AccessToken=token)
    trial.refused("UserNotFound", Username=f"{trial.name}b")


@proves("AdminEnableUser")
def admin_enable_user(trial: Trial) -> None:
    trial.person()
    trial.see("AdminDisableUser", Username=trial.name)
    trial.act(Username=trial.name)
    assert trial.sign_in()["AuthenticationResult"]
    trial.refused("UserNotFound", Username=f"{trial.name}b")


@proves("AdminConfirmSignUp")
def admin_confirm_sign_up(trial: Trial) -> None:
    trial.see("SignUp", Username=trial.name, Password=PASSWORD)
    trial.act(Username=trial.name)
    assert status(trial) == "CONFIRMED"
    trial.refused("NotAuthorized", Username=trial.name)


@proves("AdminSetUserPassword")
def admin_set_user_password(trial: Trial) -> None:
    trial.person()
    trial.act(Username=trial.name, Password=OTHER, Permanent=True)
    assert trial.sign_in(OTHER)["AuthenticationResult"]
    trial.refused("InvalidPassword", Username=trial.name, Password="short", Permanent=True)


@proves("AdminResetUserPassword")
def admin_reset_user_password(trial: Trial) -> None:
    trial.person()
    trial.act(Username=trial.name)
    assert status(trial) == "RESET_REQUIRED"
    trial.see("ConfirmForgotPassword", Username=trial.name, ConfirmationCode=trial.code(), Password=OTHER)
    assert trial.sign_in(OTHER)["AuthenticationResult"]
    trial.refused("UserNotFound", Username=f"{trial.name}b")


@proves("AdminUpdateUserAttributes")
def admin_update_user_attributes(trial: Trial) -> None:
    trial.person()
    trial.act(Username=trial.name, UserAttributes=trial.attribute("nickname", "countess"))
    shown = trial.see("AdminGetUser", Username=trial.name)["UserAttributes"]
    assert trial.shown(shown)["nickname"] == "countess"
    trial.refused("NotAuthorized", Username=trial.name, UserAttributes=trial.attribute("sub", "mine"))


@proves("AdminDeleteUserAttributes")
def admin_delete_user_attributes(trial: Trial) -> None:
    trial.person(nickname="countess")
    trial.act(Username=trial.name, UserAttributeNames=["nickname"])
    shown = trial.see("AdminGetUser", Username=trial.name)["UserAttributes"]
    assert "nickname" not in trial.shown(shown)
    trial.refused("UserNotFound", Username=f"{trial.name}b", UserAttributeNames=["nickname"])


@proves("AdminSetUserMFAPreference")
def admin_set_user_mfa_preference(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    code = app_code(trial, trial.see("AssociateSoftwareToken", AccessToken=token))
    trial.see("VerifySoftwareToken", AccessToken=token, UserCode=code)
    wanted = {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}}
    trial.act(Username=trial.name, **wanted)
    shown = trial.see("AdminGetUser", Username=trial.name)
    assert shown["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"
    trial.refused("UserNotFound", Username=f"{trial.name}b", **wanted)


@proves("ListUsers")
def list_users(trial: Trial) -> None:
    for each in ("a", "b"):
        trial.see("AdminCreateUser", Username=trial.name + each, MessageAction="SUPPRESS")
    filtered = {"Filter": f'username ^= "{trial.name}"', "Limit": 1}
    first = trial.act(**filtered)
    second = trial.act(**filtered, PaginationToken=first["PaginationToken"])
    found = {one["Username"] for page in (first, second) for one in page["Users"]}
    assert found == {f"{trial.name}a", f"{trial.name}b"}
    trial.refused("InvalidParameter", Filter="shoe > 4")
