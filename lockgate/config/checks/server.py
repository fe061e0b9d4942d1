"""Checks of the ``server:`` section."""

from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from urllib.parse import urlsplit

from kit.networks import Network
from kit.outbound_url import OutboundUrl
from kit.positioned_yaml import KeyPath
from lockgate.config.checks.references import check_function_name
from lockgate.config.declared import Declared
from lockgate.config.grammar.addresses import NAME_THE_PROXIES
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.grammar.scalars import closest
from lockgate.config.grammar.server import Server
from lockgate.config.report import Report
from lockgate.mail import smtp_server


def check_server(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Check what several keys of the section say together."""
    _check_gateway_url(file.server, report)
    _check_auth_url(file.server, report)
    _check_secrets(file.server, report)
    _check_smtp(file.server, report)
    _check_mail(file.server, declared, report)
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


def _check_auth_url(server: Server, report: Report) -> None:
    if server.auth_url is None:
        return
    url = OutboundUrl.parse(server.auth_url)
    if url.scheme == "http" and not url.is_loopback:  # B2: cookies and codes would be read on the way
        reason = "over plain http anybody on the way reads passwords"
        hint = f"write https://{url.authority}; plain http is for localhost and 127.0.0.1"
        report.add("auth-url-not-https", ("server", "auth_url"), reason, hint)


def _check_secrets(server: Server, report: Report) -> None:
    """Passwords come by reference: the file is for everybody who works on it."""
    smtp = server.smtp
    if smtp is not None and smtp.password is not None:
        _refuse_plain(("server", "smtp", "password"), report)
    if urlsplit(server.database).password is not None:
        _refuse_plain(("server", "database"), report)


def _refuse_plain(path: KeyPath, report: Report) -> None:
    if not report.is_reference(path):
        report.add("plain-secret", path, "a password that stands in the file is none", 'write "${env:NAME}"')


def _check_smtp(server: Server, report: Report) -> None:
    if server.smtp is None:
        return
    try:
        smtp_server(server.smtp)
    except ValueError as error:
        report.add("bad-smtp", ("server", "smtp"), f"{error}", at="key")


def _check_mail(server: Server, declared: Declared, report: Report) -> None:
    if server.mail is None:
        return
    if server.smtp is not None:
        reason = "smtp delivers the mail already"
        report.add("mail-twice", ("server", "mail"), reason, "keep one of mail and smtp", at="key")
    check_function_name(server.mail.function, declared, ("server", "mail", "function"), report)


def _check_trust(server: Server, report: Report) -> None:
    """Two halves of all addresses are all of them, too."""
    v4 = [network for network in server.trusted_networks if isinstance(network, IPv4Network)]
    v6 = [network for network in server.trusted_networks if isinstance(network, IPv6Network)]
    merged: list[Network] = [*collapse_addresses(v4), *collapse_addresses(v6)]
    if any(not network.prefixlen for network in merged):  # H9
        reason = "together these are every address there is"
        report.add("trusts-everybody", ("server", "trusted_proxies"), reason, NAME_THE_PROXIES, at="key")
