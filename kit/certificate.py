"""X.509 certificates: what a PEM file holds, and a self-signed one for one's own machine."""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS = 365  # below what browsers and Apple accept of a server's certificate (398)
REMADE_DAYS = 30  # before its end: nobody restarts a laptop's server on the day itself
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def first_of(pem: bytes) -> x509.Certificate | None:
    """Return the first certificate of *pem*, the server's own; None when it holds none that can be read."""
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError:
        return None


def validity_warning(certificate: x509.Certificate, now: datetime) -> str | None:
    """Say what clients will object to at *now* (aware UTC); None when the time is right."""
    end, begin = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    if now > end:
        return f"the certificate has expired on {end:%Y-%m-%d %H:%M} UTC: clients will refuse it"
    if now < begin:
        return f"the certificate is valid only from {begin:%Y-%m-%d %H:%M} UTC on: clients will refuse it"
    return None


def self_signed(hosts: Iterable[str], now: datetime) -> tuple[bytes, bytes]:
    """Make a certificate for *hosts* (names and addresses) that is valid for a year.

    :param now: aware UTC.
    :returns: certificate and private key, each as PEM. The key is P-256 and not encrypted.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    # The number in the name: clients look issuers up by name, and would take last year's for this one.
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Lockgate, for this machine only"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"{serial:x}"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(hours=1))  # clocks of a virtual machine and its host differ
        .not_valid_after(now + timedelta(days=VALID_DAYS) - timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def is_due(pem: bytes, hosts: Iterable[str], now: datetime) -> bool:
    """Say whether a certificate that `self_signed` has made is to be made anew."""
    certificate = first_of(pem)
    if certificate is None or now > certificate.not_valid_after_utc - timedelta(days=REMADE_DAYS):
        return True
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return True
    return not {_general_name(host) for host in hosts} <= set(names)


def utc_now() -> datetime:
    return datetime.now(UTC)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
