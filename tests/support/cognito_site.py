"""A real server with user pools, as clients of Cognito's API see it: addresses, ids, credentials, mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from botocore import UNSIGNED
from botocore.config import Config
from botocore.session import Session

from tests.support.postbox import Postbox
from tests.support.routes_file import write_routes
from tests.support.server import RunningServer

if TYPE_CHECKING:
    from botocore.client import BaseClient

CALLBACK = "https://app.example.com/callback"
PASSWORD = "correct horse battery"
APP = {"flows": ["code", "srp", "password", "refresh"], "redirect_uris": [CALLBACK],
       "scopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"]}  # fmt: skip
POOLS: dict[str, Any] = {
    "main": {
        "sign_in_with": ["email"],
        "self_sign_up": True,
        "mfa": "optional",
        "groups": ["admins"],
        "attributes": {"shoe": {"type": "number"}},
        "clients": {
            "web": APP | {"rotate_refresh": False},
            "rotating": APP,
            "backend": {
                "flows": ["srp", "password", "refresh"],
                "secret": "generate",
                "rotate_refresh": False,
            },
        },
    },
    "named": {"sign_in_with": ["username"], "self_sign_up": True, "clients": {"web": APP}},
}


class CognitoSite:
    """:ivar url: of the public API. :ivar control: of the signed one."""

    def __init__(self, server: RunningServer, post: Postbox) -> None:
        self.server = server
        self.post = post
        endpoints = server.endpoints
        self.url: str = endpoints["endpoints"]["cognito_idp"]
        self.control: str = endpoints["endpoints"]["cognito_idp_admin"]
        self.region: str = endpoints["region"]
        self.key: tuple[str, str] = (endpoints["access_key_id"], endpoints["secret_access_key"])

    def pool_id(self, pool: str = "main") -> str:
        return str(self.server.endpoints["user_pools"][pool]["id"])

    def client_id(self, client: str = "web", *, pool: str = "main") -> str:
        return str(self.server.endpoints["user_pools"][pool]["clients"][client]["id"])

    def public(self) -> "BaseClient":
        """boto3's client underneath, unsigned, as an app has it."""
        return self._client(self.url, Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}))

    def admin(self) -> "BaseClient":
        return self._client(self.control, Config(retries={"total_max_attempts": 1}))

    def _client(self, url: str, config: Config) -> "BaseClient":
        key, secret = self.key
        return Session().create_client(
            "cognito-idp", region_name=self.region, endpoint_url=url, aws_access_key_id=key,
            aws_secret_access_key=secret, config=config,
        )  # fmt: skip

    def add(self, name: str, *, pool: str = "main", permanent: bool = True, **attributes: str) -> str:
        """Somebody with PASSWORD, by the admin actions. :returns: their sub."""
        client = self.admin()
        given = [{"Name": key, "Value": value} for key, value in attributes.items()]
        made = client.admin_create_user(
            UserPoolId=self.pool_id(pool), Username=name, UserAttributes=given, MessageAction="SUPPRESS",
            TemporaryPassword=PASSWORD,
        )  # fmt: skip
        if permanent:
            client.admin_set_user_password(
                UserPoolId=self.pool_id(pool), Username=name, Password=PASSWORD, Permanent=True
            )
        client.close()
        (sub,) = (one["Value"] for one in made["User"]["Attributes"] if one["Name"] == "sub")
        return str(sub)

    def opens(self, token: str) -> int:
        """The status of a route that takes tokens of ``main`` only."""
        headers = {"authorization": f"Bearer {token}"}
        return httpx.get(f"{self.server.gateway}/mine", headers=headers, trust_env=False).status_code


@contextmanager
def cognito_site(folder: Path, *extra: str, pools: dict[str, Any] | None = None) -> Iterator[CognitoSite]:
    with Postbox() as post:
        smtp = {"host": "127.0.0.1", "port": post.port, "from": "hello@example.com"}
        write_routes(
            folder,
            functions={},
            server={"smtp": smtp},
            user_pools=POOLS if pools is None else pools,
            authorizers={"users": {"type": "jwt", "user_pool": "main"}},
            routes={"GET /mine": {"auth": "users", "respond": {"body": "mine"}}},
        )
        with RunningServer(folder / "routes.yaml", folder / "state", extra=extra) as server:
            yield CognitoSite(server, post)
