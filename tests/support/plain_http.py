"""Requests over connections of their own: nothing is pooled, retried, followed or decoded behind a test's back."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from kit.sigv4 import Credentials, sign

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """:param headers: names in lower case; of several with one name, the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def request_id(self) -> str:
        """The gateway's, as in the access log."""
        return self.headers["apigw-requestid"]


def call(
    address: Address,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 15.0,
) -> Reply:
    connection = http.client.HTTPConnection(*address, timeout=timeout_s)
    try:
        connection.request(method, path, body, {"connection": "close"} | dict(headers or {}))
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Reply(status=response.status, headers=fields, body=response.read())
    finally:
        connection.close()


def invoke(
    endpoints: Mapping[str, Any], function: str, payload: bytes = b"{}", *, timeout_s: float = 15.0
) -> Reply:
    """Lambda's Invoke, signed. :param endpoints: what `lockgate env --json` says."""
    path = f"/2015-03-31/functions/{function}/invocations"
    url = endpoints["endpoints"]["lambda"]
    credentials = Credentials(endpoints["access_key_id"], endpoints["secret_access_key"])
    signed = sign(
        "POST", url + path, {}, payload, credentials, endpoints["region"], "lambda", datetime.now(UTC)
    )
    return call(address_of(url), path, method="POST", body=payload, headers=signed, timeout_s=timeout_s)


def act(endpoints: Mapping[str, Any], action: str, body: bytes = b"{}", *, timeout_s: float = 60.0) -> Reply:
    """One signed action of the admin listener, such as ``reload``."""
    url = endpoints["admin"]
    credentials = Credentials(endpoints["access_key_id"], endpoints["secret_access_key"])
    signed = sign(
        "POST", f"{url}/{action}", {}, body, credentials, endpoints["region"], "lockgate", datetime.now(UTC)
    )
    return call(address_of(url), f"/{action}", method="POST", body=body, headers=signed, timeout_s=timeout_s)


def address_of(url: str) -> Address:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)
