"""Certificates for tests: made on the spot, with the age, key and owner that a test wants."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kit.certificate import self_signed
from kit.tls import TlsContext

HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class TlsPair:
    """Two PEM files."""

    cert: Path
    key: Path

    def context(self) -> TlsContext:
        return TlsContext(self.cert, self.key)

    def replace_by(self, other: "TlsPair") -> None:
        self.cert.write_bytes(other.cert.read_bytes())
        self.key.write_bytes(other.key.read_bytes())

    def trusting(self) -> ssl.SSLContext:
        """A client that believes this certificate and no other, as it is now."""
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.load_verify_locations(self.cert)
        return client


def make_pair(
    folder: Path, name: str = "server", *, hosts: tuple[str, ...] = HOSTS, age_days: int = 0
) -> TlsPair:
    """:param age_days: how long ago it was made; over 365 it has expired."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = TlsPair(folder / f"{name}.pem", folder / f"{name}.key")
    cert, key = self_signed(hosts, datetime.now(UTC) - timedelta(days=age_days))
    pair.cert.write_bytes(cert)
    pair.key.touch(mode=0o600)
    pair.key.write_bytes(key)
    return pair
