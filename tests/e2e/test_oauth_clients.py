"""Clients that nobody here wrote, against the endpoints on a real listener."""

import json
from collections.abc import Iterator

import httpx
import jwt
import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from jose import jwt as python_jose
from requests_oauthlib import OAuth2Session

from tests.support.node_peers import node_peers
from tests.support.oauth_world import (
    CALLBACK,
    GOODBYE,
    SECRET,
    SUB,
    Browser,
    OAuthWorld,
    public_request,
    running_oauth,
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OAuthWorld]:
    with running_oauth(tmp_path_factory.mktemp("clients")) as world:
        yield world


def log_in(world: OAuthWorld, url: str) -> str:
    """As a browser would. :returns: the address that the client is called at."""
    with Browser(world) as browser:
        return browser.authorize(dict(httpx.URL(url).params)).headers["location"]


def test_openid_client_jose_and_aws_jwt_verify(world: OAuthWorld) -> None:
    """Discovery, code + PKCE, userInfo, refresh, revoke, client credentials, log-out; A9: revoked is revoked."""
    names = {"confidential": "confidential", "secret": SECRET, "jobs": "jobs"}
    names |= {"callback": CALLBACK, "goodbye": GOODBYE}

    said = node_peers("oauth_clients.mjs", world.issuer, json.dumps(names))

    assert said == {
        "issuer": world.issuer,
        "sub": SUB,
        "email": "ada@example.com",
        "jose": "id",
        "joseRefusesAccessAsId": "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "aws": "id",
        "awsAccess": "confidential",
        "refreshed": True,
        "afterRevocation": "invalid_grant",
        "userInfoAfterRevocation": "OAUTH_WWW_AUTHENTICATE_CHALLENGE",
        "jobs": ["notes/read", None],
        "goodbye": f"{GOODBYE}?state=bye",
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib(world: OAuthWorld, method: str) -> None:
    with AuthlibSession(
        "confidential",
        SECRET,
        redirect_uri=CALLBACK,
        scope="openid",
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    ) as session:
        verifier = "v" * 64
        url, state = session.create_authorization_url(
            f"{world.url}/oauth2/authorize", code_verifier=verifier, nonce="n"
        )
        token = session.fetch_token(
            f"{world.url}/oauth2/token",
            authorization_response=log_in(world, url),
            code_verifier=verifier,
            state=state,
        )
        refreshed = session.refresh_token(f"{world.url}/oauth2/token", refresh_token=token["refresh_token"])
        info = session.get(f"{world.url}/oauth2/userInfo").json()
        revoked = session.revoke_token(f"{world.url}/oauth2/revoke", token=token["refresh_token"])
        after = session.get(f"{world.url}/oauth2/userInfo")

    assert refreshed["access_token"] != token["access_token"]
    assert info["sub"] == SUB
    assert (revoked.status_code, after.status_code) == (200, 401)


def test_requests_oauthlib(world: OAuthWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public client with PKCE; its refresh token rotates."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with OAuth2Session("public", redirect_uri=CALLBACK, scope=["openid"], pkce="S256") as session:
        url, _ = session.authorization_url(f"{world.url}/oauth2/authorize")
        token = session.fetch_token(
            f"{world.url}/oauth2/token",
            authorization_response=log_in(world, url),
            include_client_id=True,
        )
        refreshed = session.refresh_token(f"{world.url}/oauth2/token", client_id="public")
        info = session.get(f"{world.url}/oauth2/userInfo").json()

    assert refreshed["refresh_token"] != token["refresh_token"]
    assert info["sub"] == SUB


def test_pyjwt_and_python_jose_believe_our_tokens(world: OAuthWorld) -> None:
    """And PyJWT refuses them for another audience."""
    request, verifier = public_request(scope="openid notes/read")
    with Browser(world) as browser:
        code = browser.answer(request)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    form |= {"client_id": "public", "code_verifier": verifier}
    tokens = httpx.post(f"{world.url}/oauth2/token", data=form, trust_env=False).json()
    document = httpx.get(f"{world.issuer}/.well-known/jwks.json", trust_env=False).json()
    kid = jwt.get_unverified_header(tokens["id_token"])["kid"]
    key = jwt.PyJWKSet.from_dict(document)[kid]

    by_pyjwt = jwt.decode(tokens["id_token"], key, ["RS256"], audience="public", issuer=world.issuer)
    by_jose = python_jose.decode(tokens["access_token"], document, algorithms=["RS256"], issuer=world.issuer)

    assert (by_pyjwt["token_use"], by_jose["token_use"]) == ("id", "access")
    assert by_jose["scope"] == "openid notes/read"
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(tokens["id_token"], key, ["RS256"], audience="another", issuer=world.issuer)
