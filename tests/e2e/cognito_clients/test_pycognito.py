"""pycognito, unmodified, after one URL was changed: SRP with random numbers, tokens verified, renewed and ended."""

from time import time
from typing import Any
from uuid import uuid4

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from pycognito import Cognito  # type: ignore[import-untyped]  # it has no types
from pycognito.aws_srp import AWSSRP  # type: ignore[import-untyped]
from pycognito.exceptions import (  # type: ignore[import-untyped]
    SoftwareTokenMFAChallengeException,
)

from auth.core.totp import STEP_S, code_at, secret_of
from tests.support.cognito_site import PASSWORD, CognitoSite

pytestmark = [
    pytest.mark.timeout(60),
    # pycognito calls what later versions of Python and boto3 warn of.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
NEW = "another horse battery"


def somebody(site: CognitoSite, *, pool: str = "main", permanent: bool = True) -> str:
    name = f"{uuid4().hex[:12]}@example.com" if pool == "main" else uuid4().hex[:12].upper()
    site.add(name, pool=pool, permanent=permanent)
    return name


def srp(
    site: CognitoSite, name: str, password: str = PASSWORD, *, client: str = "web", **more: Any
) -> AWSSRP:
    pool = more.pop("pool", "main")
    return AWSSRP(
        username=name,
        password=password,
        pool_id=site.pool_id(pool),
        client_id=site.client_id(client, pool=pool),
        client=site.public(),
        **more,
    )


class OurCognito(Cognito):  # type: ignore[misc]  # it has no types
    """The one URL that has no parameter. :ivar issuer: where its keys are."""

    issuer = ""

    @property
    def user_pool_url(self) -> str:
        return self.issuer


@pytest.mark.parametrize("pool", ["main", "named"])
def test_sign_in_by_srp_with_numbers_of_all_lengths(site: CognitoSite, pool: str) -> None:
    """One in 256 of them begins with a zero, and half of them with a bit that padding has to hide."""
    name = somebody(site, pool=pool)
    for _ in range(8):
        result = srp(site, name, pool=pool).authenticate_user()["AuthenticationResult"]
        assert result["TokenType"] == "Bearer"
    with pytest.raises(ClientError, match="Incorrect username or password"):
        srp(site, name, "not the right one", pool=pool).authenticate_user()
    with pytest.raises(ClientError, match="Incorrect username or password"):
        srp(site, "nobody@example.com", pool=pool).authenticate_user()


def test_a_client_with_a_secret(site: CognitoSite) -> None:
    name = somebody(site)
    described = site.admin().describe_user_pool_client(
        UserPoolId=site.pool_id(), ClientId=site.client_id("backend")
    )
    secret = described["UserPoolClient"]["ClientSecret"]
    signer = srp(site, name, client="backend", client_secret=secret)
    assert signer.authenticate_user()["AuthenticationResult"]["IdToken"]
    with pytest.raises(ClientError, match="Unable to verify secret hash"):
        srp(site, name, client="backend", client_secret="x" * 52).authenticate_user()


def test_a_new_password_is_chosen_at_the_first_sign_in(site: CognitoSite) -> None:
    name = somebody(site, permanent=False)
    result = srp(site, name).set_new_password_challenge(NEW)
    assert result["AuthenticationResult"]["AccessToken"]
    assert srp(site, name, NEW).authenticate_user()["AuthenticationResult"]


def test_an_app_is_asked_for_after_the_proof(site: CognitoSite) -> None:
    name, client = somebody(site), site.public()
    token = srp(site, name).authenticate_user()["AuthenticationResult"]["AccessToken"]
    secret = client.associate_software_token(AccessToken=token)["SecretCode"]
    client.verify_software_token(
        AccessToken=token, UserCode=code_at(secret_of(secret), int(time()) // STEP_S)
    )
    client.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )
    with pytest.raises(SoftwareTokenMFAChallengeException) as asked:
        srp(site, name).authenticate_user()
    challenge = asked.value.get_tokens()
    assert challenge["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert len(challenge["Session"]) >= 20


def test_a_whole_life_of_a_sign_in(site: CognitoSite) -> None:
    name = somebody(site)
    user = OurCognito(
        site.pool_id(),
        site.client_id("web"),
        username=name,
        botocore_config=Config(signature_version=UNSIGNED),
        boto3_client_kwargs={"endpoint_url": site.url},
    )
    user.issuer = site.server.endpoints["user_pools"]["main"]["issuer"]
    user.authenticate(password=PASSWORD)
    assert user.id_claims["cognito:username"] == user.access_claims["username"]
    assert user.get_user().email == name
    first = user.access_token
    user.renew_access_token()
    assert user.access_token != first
    user.change_password(PASSWORD, NEW)
    user.authenticate(password=NEW)
    ended = user.refresh_token
    user.logout()
    user.refresh_token = ended
    with pytest.raises(ClientError, match="Refresh Token has been revoked"):
        user.renew_access_token()
