"""The address of an outgoing call, read strictly: what is not plain is refused, never repaired.

A URL that two parsers read differently is how a check of one host becomes a call to another.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

MAX_URL_CHARACTERS = 2048
_DEFAULT_PORTS = {"https": 443, "http": 80}
_UNSAFE = re.compile(r'[^!-~]|[\\"<>^`{|}]')  # RFC 3986 has none of these unencoded
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundUrl:
    """:param host: lower case; an IPv6 address without its brackets.
    :param target: path and query as they are sent.
    """

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> "OutboundUrl":
        """:raises ValueError: with a sentence that says what is wrong and never repeats a password or query."""
        if len(text) > MAX_URL_CHARACTERS:
            raise ValueError(f"the URL is longer than {MAX_URL_CHARACTERS} characters")
        if _UNSAFE.search(text):
            raise ValueError("the URL holds a space, a control or another character that must be encoded")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as exc:
            raise ValueError(f"the URL is malformed: {exc}") from exc
        if parts.scheme not in _DEFAULT_PORTS:
            raise ValueError("the URL must begin with https:// (or http:// where that is allowed)")
        if "@" in parts.netloc:
            raise ValueError("the URL holds a user name or password")
        if "#" in text:
            raise ValueError("the URL has a fragment (#…)")
        host = parts.hostname or ""
        if not _is_host(host) or port == 0:
            raise ValueError("the URL has no valid host and port")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], target=target)

    @property
    def authority(self) -> str:
        """What ``Host`` says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is *written* as this machine's own."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        """For logs: without the query, which may hold a secret."""
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def _is_host(host: str) -> bool:
    if _NAME.match(host):
        return True
    try:
        return ":" in host and "%" not in host and bool(ip_address(host))
    except ValueError:
        return False
