"""Sign-in, by people and by operators; tokens and their end."""

from typing import Any

from tests.support.cognito_proofs.registry import proves
from tests.support.cognito_trial import Trial
from tests.support.user_pool import PASSWORD

OTHER = "another horse, another battery"


def by_password(trial: Trial, password: str = PASSWORD) -> dict[str, Any]:
    return {"AuthParameters": {"USERNAME": trial.name, "PASSWORD": password}}


def challenged(trial: Trial, action: str, flow: str) -> dict[str, Any]:
    """Of somebody who must choose a password."""
    trial.person(is_permanent=False)
    asked = trial.see(action, AuthFlow=flow, **by_password(trial))
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    answers = {"USERNAME": trial.name, "NEW_PASSWORD": OTHER}
    return {
        "ChallengeName": asked["ChallengeName"],
        "Session": asked["Session"],
        "ChallengeResponses": answers,
    }


@proves("InitiateAuth")
def initiate_auth(trial: Trial) -> None:
    trial.person()
    said = trial.act(AuthFlow="USER_PASSWORD_AUTH", **by_password(trial))
    token = said["AuthenticationResult"]["AccessToken"]
    assert trial.see("GetUser", AccessToken=token)["Username"] == trial.name
    trial.refused("NotAuthorized", AuthFlow="USER_PASSWORD_AUTH", **by_password(trial, OTHER))
    trial.refused("InvalidParameter", AuthFlow="BY_MAGIC", **by_password(trial))


@proves("RespondToAuthChallenge")
def respond_to_auth_challenge(trial: Trial) -> None:
    answer = challenged(trial, "InitiateAuth", "USER_PASSWORD_AUTH")
    trial.refused("NotAuthorized", **answer | {"Session": "x" * 40})
    said = trial.act(**answer)
    trial.see("GetUser", AccessToken=said["AuthenticationResult"]["AccessToken"])


@proves("AdminInitiateAuth")
def admin_initiate_auth(trial: Trial) -> None:
    trial.person()
    said = trial.act(AuthFlow="ADMIN_USER_PASSWORD_AUTH", **by_password(trial))
    trial.see("GetUser", AccessToken=said["AuthenticationResult"]["AccessToken"])
    trial.refused("NotAuthorized", AuthFlow="ADMIN_USER_PASSWORD_AUTH", **by_password(trial, OTHER))


@proves("AdminRespondToAuthChallenge")
def admin_respond_to_auth_challenge(trial: Trial) -> None:
    answer = challenged(trial, "AdminInitiateAuth", "ADMIN_USER_PASSWORD_AUTH")
    trial.refused("NotAuthorized", **answer | {"Session": "x" * 40})
    said = trial.act(**answer)
    trial.see("GetUser", AccessToken=said["AuthenticationResult"]["AccessToken"])


@proves("GetTokensFromRefreshToken")
def get_tokens_from_refresh_token(trial: Trial) -> None:
    trial.person()
    tokens = trial.sign_in()["AuthenticationResult"]
    said = trial.act(RefreshToken=tokens["RefreshToken"])["AuthenticationResult"]
    assert trial.see("GetUser", AccessToken=said["AccessToken"])["Username"] == trial.name
    trial.refused("NotAuthorized", RefreshToken="not-one")


@proves("RevokeToken")
def revoke_token(trial: Trial) -> None:
    trial.person()
    tokens = trial.sign_in()["AuthenticationResult"]
    trial.refused("InvalidParameter", Token="")
    trial.act(Token=tokens["RefreshToken"])
    trial.no_more("GetUser", "NotAuthorized", AccessToken=tokens["AccessToken"])


@proves("GlobalSignOut")
def global_sign_out(trial: Trial) -> None:
    trial.person()
    tokens = trial.sign_in()["AuthenticationResult"]
    trial.act(AccessToken=tokens["AccessToken"])
    trial.no_more("GetUser", "NotAuthorized", AccessToken=tokens["AccessToken"])
    trial.no_more("GetTokensFromRefreshToken", "NotAuthorized", RefreshToken=tokens["RefreshToken"])
    trial.refused("NotAuthorized", AccessToken="e30.e30.e30")


@proves("AdminUserGlobalSignOut")
def admin_user_global_sign_out(trial: Trial) -> None:
    trial.person()
    tokens = trial.sign_in()["AuthenticationResult"]
    trial.act(Username=trial.name)
    trial.no_more("GetUser", "NotAuthorized", AccessToken=tokens["AccessToken"])
    trial.refused("UserNotFound", Username=f"{trial.name}b")
