"""Clients in JavaScript that nobody here wrote, unmodified, after one URL was changed."""

import json
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.support.cognito_site import PASSWORD, CognitoSite
from tests.support.node_peers import node_peers

pytestmark = pytest.mark.timeout(90)


def an_address() -> str:
    return f"{uuid4().hex[:12]}@example.com"


def arguments(site: CognitoSite, client: str) -> dict[str, object]:
    invited = an_address()
    site.add(invited, permanent=False, email=invited, email_verified="true")
    return {
        "endpoint": site.url, "pool": site.pool_id(), "client": site.client_id(client), "mailbox": site.post.url,
        "ada": an_address(), "moved": an_address(), "invited": {"name": invited, "password": PASSWORD},
    }  # fmt: skip


@pytest.mark.parametrize("client", ["web", "rotating"])
def test_amazon_cognito_identity_js(site: CognitoSite, client: str) -> None:
    """From sign-up to deletion, with a client that rotates refresh tokens and with one that does not."""
    given = arguments(site, client)
    said = node_peers("cognito_identity_js.mjs", json.dumps(given))

    # Of which step a code is depends on when it comes: used, or no longer a code.
    assert said.pop("replayed") in ("ExpiredCodeException", "CodeMismatchException")
    assert said == {
        "signedUp": [False, "email"],
        "taken": "UsernameExistsException",
        "unconfirmed": "UserNotConfirmedException",
        "wrongCode": "CodeMismatchException",
        "confirmed": "SUCCESS",
        "wrongPassword": "NotAuthorizedException",
        "nobody": "NotAuthorizedException",
        "idToken": [given["ada"], True, "id"],
        "scope": "aws.cognito.signin.user.admin",
        "byPassword": "signed in",
        "updated": "SUCCESS",
        "attributes": ["countess", "true"],
        "deleted": "SUCCESS",
        "afterDeletion": None,
        "changed": "SUCCESS",
        "oldPassword": "NotAuthorizedException",
        "refreshed": True,
        "sameSignIn": True,
        "wrongApp": "EnableSoftwareTokenMFAException",
        "app": "SUCCESS",
        "preferred": "SUCCESS",
        "factors": ["SOFTWARE_TOKEN_MFA", ["SOFTWARE_TOKEN_MFA"]],
        "asked": "totp",
        "byApp": "signed in",
        "unset": "SUCCESS",
        "forgot": "EMAIL",
        "wrongReset": "CodeMismatchException",
        "reset": "SUCCESS",
        "afterSignOut": "NotAuthorizedException",
        "invited": "new password",
        "chosen": ["signed in", "Invited Example"],
        "temporary": "NotAuthorizedException",
        "gone": "SUCCESS",
        "afterwards": "NotAuthorizedException",
    }


@pytest.mark.parametrize("client", ["web", "rotating"])
def test_aws_amplify(site: CognitoSite, client: str) -> None:
    given = arguments(site, client)
    said = node_peers("cognito_amplify.mjs", json.dumps(given))

    token = said.pop("token")
    with pytest.raises(ClientError, match="Access Token has been revoked"):
        site.public().get_user(AccessToken=token)  # global sign-out
    assert said == {
        "signedUp": [False, "CONFIRM_SIGN_UP"],
        "taken": "UsernameExistsException",
        "unconfirmed": "CONFIRM_SIGN_UP",
        "resent": "EMAIL",
        "wrongCode": "CodeMismatchException",
        "confirmed": [True, "DONE"],
        "user": True,
        "wrongPassword": "NotAuthorizedException",
        "bySrp": "DONE",
        "byPassword": "DONE",
        "idToken": [given["ada"], "aws.cognito.signin.user.admin"],
        "refreshed": True,
        "updated": True,
        "nickname": "countess",
        "noNickname": None,
        "readOnly": "NotAuthorizedException",
        "moving": "CONFIRM_ATTRIBUTE_WITH_CODE",
        "moved": [True, "true"],
        "wrongApp": "EnableSoftwareTokenMFAException",
        "preference": {"preferred": "TOTP", "enabled": ["TOTP"]},
        "asked": "CONFIRM_SIGN_IN_WITH_TOTP_CODE",
        "wrongTotp": "CodeMismatchException",
        "byApp": True,
        "forgot": "CONFIRM_RESET_PASSWORD_WITH_CODE",
        "wrongReset": "CodeMismatchException",
        "signedOut": "UserUnAuthenticatedException",
        "invited": "CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED",
        "chosen": [True, "Invited Example"],
        "gone": "NotAuthorizedException",
    }


def test_aws_sdk_for_javascript(site: CognitoSite) -> None:
    """Public and admin actions in turn; P5: unsigned or wrongly signed, admin actions are refused."""
    key, secret = site.key
    given = arguments(site, "web") | {
        "control": site.control, "region": site.region, "key": key, "secret": secret,
    }  # fmt: skip
    assert node_peers("cognito_sdk.mjs", json.dumps(given)) == {
        "signedUp": False,
        "shown": ["CONFIRMED", True, True],
        "wrong": "NotAuthorizedException",
        "result": ["Bearer", 3600],
        "app": "SUCCESS",
        "asked": "SOFTWARE_TOKEN_MFA",
        "answered": "string",
        "refreshed": "string",
        "newRefresh": "string",
        "revoked": "NotAuthorizedException",
        "group": 3,
        "members": [True],
        "groups": ["sdk"],
        "found": 1,
        "pools": ["main", "named"],
        "noGroup": "ResourceNotFoundException",
        "disabled": [False, "NotAuthorizedException"],
        "gone": "UserNotFoundException",
        "forged": "InvalidSignatureException",
        "wrongDoor": "UnknownOperationException",
    }
