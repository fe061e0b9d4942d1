"""What the modules of the OpenID Foundation's plans do alike: sign in, exchange the code, believe no token unseen."""

from typing import Any

import httpx
import jwt

from tests.support.oauth_world import CALLBACK, SECRET, Browser, OAuthWorld, answer_of, basic, code_request


def exchange(world: OAuthWorld, code: str, **more: str) -> httpx.Response:
    """As client_secret_basic."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | more
    return httpx.post(
        f"{world.url}/oauth2/token", data=form, headers={"authorization": basic()}, trust_env=False
    )


def exchange_post(world: OAuthWorld, code: str) -> httpx.Response:
    """As client_secret_post."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    form |= {"client_id": "confidential", "client_secret": SECRET}
    return httpx.post(f"{world.url}/oauth2/token", data=form, trust_env=False)


def id_claims(world: OAuthWorld, id_token: str, *, audience: str = "confidential") -> dict[str, Any]:
    """Checked by PyJWT with the published keys."""
    document = httpx.get(f"{world.issuer}/.well-known/jwks.json", trust_env=False).json()
    keys = jwt.PyJWKSet.from_dict(document)
    key = keys[jwt.get_unverified_header(id_token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        id_token,
        key,
        algorithms=["RS256"],
        audience=audience,
        issuer=world.issuer,
        options={"require": ["exp", "iat", "sub", "auth_time"]},
        leeway=60 + world.clock.ahead.total_seconds(),
    )
    return claims


def signed_in(browser: Browser, **more: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The whole code flow. :returns: the token answer and the ID token's claims."""
    return completed(browser, browser.authorize(code_request(**more)), **more)


def completed(
    browser: Browser, response: httpx.Response, **more: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    assert response.headers["location"].startswith(CALLBACK)
    answer = answer_of(response)
    asked = code_request(**more)
    assert answer["state"] == asked["state"]
    assert answer["iss"] == browser.world.issuer
    response = exchange(browser.world, answer["code"])
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    claims = id_claims(browser.world, tokens["id_token"])
    assert claims.get("nonce") == (asked["nonce"] or None)
    return tokens, claims


def userinfo(world: OAuthWorld, access_token: str) -> httpx.Response:
    return httpx.get(
        f"{world.url}/oauth2/userInfo", headers={"authorization": f"Bearer {access_token}"}, trust_env=False
    )
