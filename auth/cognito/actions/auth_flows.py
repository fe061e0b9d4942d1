"""Which ways to sign in a client may use, and what may be said about one that it may not. Pure."""

from typing import Final

from auth.client import Client
from auth.client import Flow as ClientFlow
from auth.errors import InvalidParameter

REFRESH: Final = ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN")
OPERATORS: Final = ("ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH")
ALL: Final = ("USER_SRP_AUTH", *REFRESH, "CUSTOM_AUTH", *OPERATORS, "USER_PASSWORD_AUTH", "USER_AUTH")

_ALLOWED_BY: Final[dict[str, ClientFlow]] = {
    "USER_PASSWORD_AUTH": "password",
    "ADMIN_USER_PASSWORD_AUTH": "admin_password",
    "ADMIN_NO_SRP_AUTH": "admin_password",
    "USER_SRP_AUTH": "srp",
    "CUSTOM_AUTH": "custom",
    "USER_AUTH": "user_auth",
    "REFRESH_TOKEN_AUTH": "refresh",
    "REFRESH_TOKEN": "refresh",
}


def require_flow(client: Client, auth_flow: str, *, by_operator: bool) -> None:
    """:raises InvalidParameter: it is the other audience's, or the client has not that flow."""
    if auth_flow in (("USER_PASSWORD_AUTH",) if by_operator else OPERATORS):
        raise InvalidParameter("Initiate Auth method not supported.")
    if not _is_allowed(client, auth_flow):
        raise InvalidParameter(
            "Auth flow not enabled for this client"
            if by_operator
            else f"{auth_flow} flow not enabled for this client"
        )


def _is_allowed(client: Client, auth_flow: str) -> bool:
    flow = _ALLOWED_BY[auth_flow]
    if flow in client.flows:
        return True
    # A file has one word for passwords, whoever sends them.
    return client.source == "file" and flow == "admin_password" and "password" in client.flows
