"""The one module of the OpenID Foundation's config plan, re-written (https apart: the test's listener is loopback)."""

import httpx

from tests.support.oauth_world import OAuthWorld


def test_oidcc_discovery_endpoint_verification(world: OAuthWorld) -> None:
    response = httpx.get(f"{world.issuer}/.well-known/openid-configuration", trust_env=False)
    document = response.json()
    keys = httpx.get(document["jwks_uri"], trust_env=False).json()["keys"]

    assert response.headers["content-type"] == "application/json"
    assert document["issuer"] == world.issuer
    assert all(url.startswith(world.url) for name, url in document.items() if name.endswith("_endpoint"))
    assert {"openid", "email", "phone", "profile"} <= set(document["scopes_supported"])
    assert {"client_secret_basic", "client_secret_post"} <= set(
        document["token_endpoint_auth_methods_supported"]
    )
    assert document["response_types_supported"] == ["code", "token"]
    assert document["subject_types_supported"] == ["public"]
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["claims_supported"]
    assert len({key["kid"] for key in keys}) == len(keys) == 4
    assert {tuple(sorted(key)) for key in keys} == {("alg", "e", "kid", "kty", "n", "use")}
