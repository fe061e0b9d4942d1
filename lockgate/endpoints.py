"""What `lockgate env --json` prints: where everything is and what AWS clients sign with. Scripts rely on its shape."""

from typing import Any

from kit.names import Names
from kit.sigv4 import Credentials


def describe(
    *, gateway: str, control: str, admin: str, names: Names, credentials: Credentials
) -> dict[str, Any]:
    """:param gateway: URLs without a trailing slash; the gateway's is ``server.gateway_url`` where that is set,
    the others are as clients on this machine reach them.
    """
    return {
        "gateway": gateway,
        "auth": None,
        "control": control,
        "admin": admin,
        "region": names.region,
        "account_id": names.account,
        "access_key_id": credentials.access_key_id,
        "secret_access_key": credentials.secret_access_key,
        "endpoints": {"lambda": control, "cognito_idp": None, "cognito_idp_admin": None},
        "user_pools": {},
    }
