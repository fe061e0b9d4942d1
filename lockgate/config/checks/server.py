"""Checks of the ``server:`` section."""

from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from kit.networks import Network
from kit.outbound_url import OutboundUrl
from lockgate.config.grammar.addresses import NAME_THE_PROXIES
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.scalars import closest
from lockgate.config.grammar.server import Server
from lockgate.config.report import Report


def check_server(file: RoutesFile, report: Report) -> None:
    """Check what several keys of the section say together."""
    _check_gateway_url(file.server, report)
    _check_trust(file.server, report)
    claims = file.server.access_log.claims
    for index, name in enumerate(claims):
        if name in claims[:index]:
            here = ("server", "access_log", "claims", index)
            report.add("wrong-value", here, f"{name} is in the list already", "remove it")


def _check_gateway_url(server: Server, report: Report) -> None:
    if server.gateway_url is None or not server.domains:
        return
    host = OutboundUrl.parse(server.gateway_url).host
    names = {name.strip("[]") for name in server.domains}
    if host not in names:
        reason = f"{host} is not one of domains: the gateway would answer its own address with 403"
        hint = closest(host, server.domains) or f"add {host} to domains"
        report.add("url-outside-domains", ("server", "gateway_url"), reason, hint)


def _check_trust(server: Server, report: Report) -> None:
    """Two halves of all addresses are all of them, too."""
    v4 = [network for network in server.trusted_networks if isinstance(network, IPv4Network)]
    v6 = [network for network in server.trusted_networks if isinstance(network, IPv6Network)]
    merged: list[Network] = [*collapse_addresses(v4), *collapse_addresses(v6)]
    if any(not network.prefixlen for network in merged):  # H9
        reason = "together these are every address there is"
        report.add("trusts-everybody", ("server", "trusted_proxies"), reason, NAME_THE_PROXIES, at="key")
