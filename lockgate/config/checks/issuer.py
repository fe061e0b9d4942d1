"""Whether an issuer can be one: an absolute https URL whose text is compared with the claim ``iss``.

Source: OpenID Connect Discovery 1.0, section 3 ("issuer"); RFC 8414, section 2.
"""

import re
from ipaddress import ip_address

from kit.outbound_url import OutboundUrl
from kit.peer_address import refusal
from kit.positioned_yaml import KeyPath
from lockgate.config.report import Report

_DISCOVERY = "/.well-known/openid-configuration"
# How well-known issuers write themselves; iss is compared exactly, so one slash decides over every token.
_WITH_SLASH = re.compile(r".*\.auth0\.com|sts\.windows\.net")
_WITHOUT_SLASH = re.compile(
    r"cognito-idp\.[a-z0-9-]+\.amazonaws\.com|accounts\.google\.com|login\.microsoftonline\.com"
    r"|.*\.okta\.com|securetoken\.google\.com|token\.actions\.githubusercontent\.com"
)


def check_issuer(issuer: str, path: KeyPath, report: Report, *, allow_http: bool) -> None:
    """Report an issuer that cannot be one. :param path: of the key ``issuer``."""
    wrong = _slip(issuer)
    if wrong is not None:
        report.add("bad-issuer", path, *wrong)
        return
    try:
        url = OutboundUrl.parse(issuer)
    except ValueError as error:
        report.add("bad-issuer", path, str(error))
        return
    _check_host(url, path, report, allow_http=allow_http)
    if _WITH_SLASH.fullmatch(url.host) and issuer.count("/") == 2:  # those of the scheme
        reason = f"tokens of {url.host} end their iss with a slash"
        report.add("issuer-slash", path, reason, f"write {issuer}/")
    elif _WITHOUT_SLASH.fullmatch(url.host) and issuer.endswith("/"):
        reason = f"tokens of {url.host} end their iss without a slash"
        report.add("issuer-slash", path, reason, f"write {issuer.rstrip('/')}")


def _check_host(url: OutboundUrl, path: KeyPath, report: Report, *, allow_http: bool) -> None:
    refused = refusal(url.host, is_configured=True) if _is_address(url.host) else None
    if refused is not None:
        report.add("bad-issuer", path, f"{url.host} is {refused}")
    elif url.scheme == "http" and not (allow_http or url.is_loopback):  # J16
        reason = "the keys of an http issuer can be replaced by anybody on the way"
        hint = "write https://…; for a network that you trust whole, add allow_http: true"
        report.add("issuer-not-https", path, reason, hint)


def _slip(issuer: str) -> tuple[str, str] | None:
    """What is usually written instead of an issuer, and what to write; None: nothing of the kind."""
    shown = f'"{issuer[:80]}"'
    if not issuer.startswith(("https://", "http://")):
        looks_bare = "://" not in issuer and "." in issuer.partition("/")[0]
        return f"{shown} is not an absolute https URL", f"write https://{issuer}" if looks_bare else ""
    if "@" in issuer.partition("://")[2].partition("/")[0]:
        return "an issuer has no user name and no password in its URL", "remove what stands before the @"
    if "?" in issuer or "#" in issuer:
        return "an issuer has no query and no fragment", f"write {re.split('[?#]', issuer)[0]}"
    if issuer.rstrip("/").endswith(_DISCOVERY):
        short = issuer.rstrip("/").removesuffix(_DISCOVERY)
        return "this is where the issuer describes itself, not the issuer", f"write {short}, as in iss"
    return None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
