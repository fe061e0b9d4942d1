"""Whether an issuer can be one: an absolute https URL whose text is compared with the claim ``iss``.

Source: OpenID Connect Discovery 1.0, section 3 ("issuer"); RFC 8414, section 2.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from kit.positioned_yaml import KeyPath
from lockgate.config.report import Report

MAX_ISSUER_CHARS = 1024

_DISCOVERY = "/.well-known/openid-configuration"
_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9a-fA-F:.]+")
_URL_TEXT = re.compile(r"[\x21-\x7e]+")
# How well-known issuers write themselves; iss is compared exactly, so one slash decides over every token.
_WITH_SLASH = re.compile(r".*\.auth0\.com|sts\.windows\.net")
_WITHOUT_SLASH = re.compile(
    r"cognito-idp\.[a-z0-9-]+\.amazonaws\.com|accounts\.google\.com|login\.microsoftonline\.com"
    r"|.*\.okta\.com|securetoken\.google\.com|token\.actions\.githubusercontent\.com"
)


def check_issuer(issuer: str, path: KeyPath, report: Report, *, allow_http: bool) -> None:
    """Report an issuer that cannot be one. :param path: of the key ``issuer``."""
    found = _wrong(issuer)
    if found is not None:
        report.add("bad-issuer", path, *found)
        return
    url = urlsplit(issuer)
    host = url.hostname or ""
    if url.scheme == "http" and not (allow_http or is_loopback(host)):
        report.add(
            "issuer-not-https",
            path,
            "the keys of an http issuer can be replaced by anybody on the way",
            "write https://…; for a network that you trust whole, add allow_http: true",
        )
    elif _WITH_SLASH.fullmatch(host) and not url.path:
        report.add("issuer-slash", path, f"tokens of {host} end their iss with a slash", f"write {issuer}/")
    elif _WITHOUT_SLASH.fullmatch(host) and issuer.endswith("/"):
        reason = f"tokens of {host} end their iss without a slash"
        report.add("issuer-slash", path, reason, f"write {issuer.rstrip('/')}")


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine by its name or address; no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(issuer: str) -> tuple[str, str] | None:
    """Why *issuer* is no URL of an issuer, and what to write instead; None when it is one."""
    shown = f'"{issuer[:80]}"'
    if not _URL_TEXT.fullmatch(issuer) or len(issuer) > MAX_ISSUER_CHARS:
        return f"{shown} is not a URL: plain characters without spaces, {MAX_ISSUER_CHARS} at most", ""
    try:
        url = urlsplit(issuer)
        port_is_wrong = url.port == 0
    except ValueError as error:
        return f"{shown} is not a URL: {str(error).lower()}", ""
    if url.scheme not in ("https", "http") or not url.netloc:
        bare = "://" not in issuer and "." in issuer.partition("/")[0]
        return f"{shown} is not an absolute https URL", f"write https://{issuer}" if bare else ""
    if url.username is not None or url.password is not None:
        return "an issuer has no user name or password in its URL", "remove what stands before the @"
    if port_is_wrong or not _HOST.fullmatch(url.hostname or ""):
        return f"{shown} names no host", ""
    return _wrong_rest(issuer, url)


def _wrong_rest(issuer: str, url: SplitResult) -> tuple[str, str] | None:
    if "?" in issuer or "#" in issuer:
        return "an issuer has no query and no fragment", f"write {re.split('[?#]', issuer)[0]}"
    if url.path.rstrip("/").endswith(_DISCOVERY):
        short = issuer.rstrip("/").removesuffix(_DISCOVERY)
        return "this is where the issuer describes itself, not the issuer", f"write {short}, as in iss"
    return None
