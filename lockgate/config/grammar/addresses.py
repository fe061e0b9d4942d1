"""Addresses in the file: host names, public URLs, networks of proxies."""

import re
from ipaddress import IPv6Network, ip_interface, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import PlainValidator

from kit.networks import Network
from kit.outbound_url import OutboundUrl
from lockgate.config.grammar.base import refuse
from lockgate.config.grammar.scalars import named, text_of, text_schema

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*|\[[0-9a-fA-F:.]+\]"
_host = named(_HOST, "a host name", "no scheme, port or path", code="wrong-value")
NAME_THE_PROXIES = "write the addresses of your proxies, such as 10.0.0.5 or 10.0.0.0/24"
_NETWORK = re.compile(r"[0-9a-fA-F.:]{2,45}(/[0-9]{1,3})?")


def _lower_host(value: object) -> str:
    if isinstance(value, str) and "://" in value:
        host = value.partition("://")[2].partition("/")[0].partition(":")[0]
        raise refuse("wrong-value", f'"{value[:80]}" is an address; a host name is needed', f"write {host}")
    return _host(value).lower()


def _public_url(value: object) -> str:
    """``scheme://host[:port]`` as clients see it: lower case, the port only where it is not the scheme's own."""
    text = text_of(value)
    if "://" not in text:
        raise refuse("bad-public-url", f'"{text[:80]}" is no URL', f"write https://{text[:80]}")
    try:
        url = OutboundUrl.parse(text)
    except ValueError as error:
        raise refuse("bad-public-url", str(error), "write https://HOST or https://HOST:PORT") from error
    plain = f"{url.scheme}://{url.authority}"
    if "/" in text.partition("://")[2] or "?" in text:
        raise refuse("bad-public-url", "a public address is scheme, host and port alone", f"write {plain}")
    return plain


def _trusted(value: object) -> Network:
    text = text_of(value)
    try:
        network = ip_network(text) if _NETWORK.fullmatch(text) else None
    except ValueError:
        network = None
    if network is None:
        raise refuse("bad-proxy", *_no_network(text))
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        network = ip_network(f"{network.network_address.ipv4_mapped}/{max(network.prefixlen - 96, 0)}")
        if network.prefixlen:
            reason = "an IPv4 address counts as one, however it is written"
            raise refuse("bad-proxy", reason, f"write {network}")
    if not network.prefixlen:  # H9: never everybody
        reason = f"{text} is every address there is: any client could then say that it comes from elsewhere"
        raise refuse("trusts-everybody", reason, NAME_THE_PROXIES)
    return network


def _no_network(text: str) -> tuple[str, str]:
    """Why *text* is none, and what to write instead."""
    try:
        host = ip_interface(text)
    except ValueError:
        reason = f'"{text[:80]}" is no address and no network; names are not looked up'
        return reason, "write 10.0.0.5 or 10.0.0.0/24"
    reason = f"{text} is an address within a network, not the network itself"
    return reason, f"write {host.network}, or {host.ip} for that one proxy"


def _database(value: object) -> str:
    text = text_of(value)
    if text == "sqlite":
        return text
    scheme, separator, rest = text.partition("://")
    if separator and scheme == "postgres":
        raise refuse("bad-database", "the scheme is written out", "write postgresql://…")
    if not separator or scheme != "postgresql":
        reason = "the database is sqlite, in the state folder, or a PostgreSQL URL"
        raise refuse("bad-database", reason, 'write sqlite or "postgresql://USER@HOST/DATABASE"')
    parts = urlsplit(text)
    if not parts.path.strip("/") or (not parts.hostname and "host=" not in parts.query):
        reason = "the URL names no host or no database" if rest else "the URL is empty"
        raise refuse("bad-database", reason, 'write "postgresql://USER@HOST/DATABASE"')
    return text


DatabaseUrl = Annotated[str, PlainValidator(_database), text_schema("sqlite|postgresql://.+")]
Host = Annotated[str, PlainValidator(_lower_host), text_schema(_HOST)]
PublicUrl = Annotated[str, PlainValidator(_public_url), text_schema(r"https?://[^/?#@\s]+")]
TrustedNetwork = Annotated[Network, PlainValidator(_trusted), text_schema(_NETWORK.pattern)]
