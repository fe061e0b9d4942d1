"""What `lockgate env --json` prints: where everything is and what AWS clients sign with. Scripts rely on its shape."""

from collections.abc import Mapping
from typing import Any

from kit.names import Names
from kit.sigv4 import Credentials


def describe(
    *,
    gateway: str,
    control: str,
    admin: str,
    names: Names,
    credentials: Credentials,
    auth: str | None = None,
    user_pools: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """:param gateway: URLs without a trailing slash; those of gateway and auth are ``server.gateway_url`` and
    ``server.auth_url`` where they are set, the others are as clients on this machine reach them.
    :param auth: None: there are no user pools. Their API without keys is there, and the whole of it at *control*.
    :param user_pools: name → ``{id, issuer, jwks_uri, clients: {NAME: {id}}}``; secrets are added by who prints them.
    """
    return {
        "gateway": gateway,
        "auth": auth,
        "control": control,
        "admin": admin,
        "region": names.region,
        "account_id": names.account,
        "access_key_id": credentials.access_key_id,
        "secret_access_key": credentials.secret_access_key,
        "endpoints": {
            "lambda": control,
            "cognito_idp": auth,
            "cognito_idp_admin": None if auth is None else control,
        },
        "user_pools": dict(user_pools or {}),
    }
