"""What an issuer says about itself. Source: OpenID Connect Discovery 1.0, section 4; RFC 8414, section 3.3."""

from kit.strict_json import StrictJsonError, parse_object

_WELL_KNOWN = "/.well-known/openid-configuration"
_SHOWN_CHARACTERS = 200


class DiscoveryError(ValueError):
    """The document is not this issuer's; the message says why."""


def discovery_url(issuer: str) -> str:
    """Where the document is: one slash that ends the issuer is not doubled (section 4.1)."""
    return issuer.removesuffix("/") + _WELL_KNOWN


def jwks_uri(document: bytes, issuer: str) -> str:
    """Read where the keys are.

    :param issuer: as configured; the document must say exactly the same, or whoever serves it could name any keys.
    :raises DiscoveryError: it says otherwise, or is no such document.
    """
    try:
        members = parse_object(document)
    except StrictJsonError as exc:
        raise DiscoveryError(f"the discovery document cannot be read: {exc}") from exc
    said = members.get("issuer")
    if said != issuer:  # J16
        raise DiscoveryError(
            f"the discovery document is of the issuer {_shown(said)}, not of {_shown(issuer)}"
        )
    uri = members.get("jwks_uri")
    if not isinstance(uri, str):
        raise DiscoveryError("the discovery document has no jwks_uri")
    return uri


def _shown(value: object) -> str:
    return f'"{value[:_SHOWN_CHARACTERS]}"' if isinstance(value, str) else "that it does not name"
