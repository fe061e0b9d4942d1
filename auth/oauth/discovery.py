"""What the pool can do, for clients that read it (OIDC Discovery 1.0, RFC 8414): only what works, in URLs that come
from configuration (A13)."""

from collections.abc import Iterable

from auth.client import Client
from auth.pool import STANDARD_ATTRIBUTES, Pool

_CLAIMS = (
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "cognito:username",
    "cognito:groups",
)
_AUTHENTICATION = ["client_secret_basic", "client_secret_post", "none"]


def metadata(pool: Pool, clients: Iterable[Client], auth_url: str) -> dict[str, object]:
    """:param clients: of this pool; ``token`` is a response type only where one of them has the implicit flow."""
    issuer = f"{auth_url}/{pool.pool_id}"
    has_implicit = any("implicit" in client.flows for client in clients)
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{auth_url}/oauth2/authorize",
        "token_endpoint": f"{auth_url}/oauth2/token",
        "userinfo_endpoint": f"{auth_url}/oauth2/userInfo",
        "revocation_endpoint": f"{auth_url}/oauth2/revoke",
        "end_session_endpoint": f"{auth_url}/logout",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code", "token"] if has_implicit else ["code"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            *(["implicit"] if has_implicit else []),
        ],
        "scopes_supported": list(pool.scopes),
        "claims_supported": [*_CLAIMS, *sorted(STANDARD_ATTRIBUTES)],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": _AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": _AUTHENTICATION,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }
