"""Sign-up, confirmation, forgotten passwords."""

from tests.support.cognito_proofs.registry import proves
from tests.support.cognito_trial import Trial
from tests.support.user_pool import PASSWORD

OTHER = "another horse, another battery"


def signed_up(trial: Trial) -> None:
    trial.see(
        "SignUp", Username=trial.name, Password=PASSWORD, UserAttributes=trial.attribute("email", trial.email)
    )


@proves("SignUp")
def sign_up(trial: Trial) -> None:
    given = {"Username": trial.name, "UserAttributes": trial.attribute("email", trial.email)}
    said = trial.act(Password=PASSWORD, **given)
    assert said["UserConfirmed"] is False
    assert said["CodeDeliveryDetails"]["AttributeName"] == "email"
    shown = trial.see("AdminGetUser", Username=trial.name)
    assert (shown["UserStatus"], trial.shown(shown["UserAttributes"])["sub"]) == (
        "UNCONFIRMED", said["UserSub"],
    )  # fmt: skip
    trial.refused("UsernameExists", Password=PASSWORD, **given)
    trial.refused("InvalidPassword", Username=f"{trial.name}b", Password="short")


@proves("ConfirmSignUp")
def confirm_sign_up(trial: Trial) -> None:
    signed_up(trial)
    trial.refused("CodeMismatch", Username=trial.name, ConfirmationCode=trial.stand.people.wrong_code())
    trial.act(Username=trial.name, ConfirmationCode=trial.code())
    assert trial.see("AdminGetUser", Username=trial.name)["UserStatus"] == "CONFIRMED"


@proves("ResendConfirmationCode")
def resend_confirmation_code(trial: Trial) -> None:
    signed_up(trial)
    assert trial.act(Username=trial.name)["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"
    trial.see("ConfirmSignUp", Username=trial.name, ConfirmationCode=trial.code())
    trial.refused("InvalidParameter", Username="")


@proves("ForgotPassword")
def forgot_password(trial: Trial) -> None:
    trial.person()
    assert trial.act(Username=trial.name)["CodeDeliveryDetails"]["AttributeName"] == "email"
    trial.see(
        "ConfirmForgotPassword", Username=trial.name, ConfirmationCode=trial.code(), Password=OTHER
    )  # fmt: skip
    assert trial.sign_in(OTHER)["AuthenticationResult"]
    trial.refused("ResourceNotFound", ClientId="nobodys", Username=trial.name)


@proves("ConfirmForgotPassword")
def confirm_forgot_password(trial: Trial) -> None:
    trial.person()
    trial.see("ForgotPassword", Username=trial.name)
    given = {"Username": trial.name, "Password": OTHER}
    trial.refused("CodeMismatch", ConfirmationCode=trial.stand.people.wrong_code(), **given)
    trial.act(ConfirmationCode=trial.code(), **given)
    assert trial.sign_in(OTHER)["AuthenticationResult"]


@proves("ChangePassword")
def change_password(trial: Trial) -> None:
    trial.person()
    token = trial.token()
    trial.refused("NotAuthorized", AccessToken=token, PreviousPassword=OTHER, ProposedPassword=OTHER)
    trial.act(AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword=OTHER)
    assert trial.sign_in(OTHER)["AuthenticationResult"]
