"""The ``otpauth:`` address that authenticator apps read. Pure. Source: Google Authenticator wiki, "Key Uri Format"."""

from urllib.parse import quote, urlencode


def authenticator_link(issuer: str, account: str, seed: str) -> str:
    """:param seed: base32 without padding. SHA-1, 6 digits and 30 s are what apps take without being told."""
    label = quote(f"{issuer}:{account}", safe="")
    parameters = urlencode({"secret": seed, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{parameters}"
