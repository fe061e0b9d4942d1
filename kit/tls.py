"""A listener's certificate and key: read whole, checked, and exchanged without touching a connection.

Each handshake takes the context that is current then; connections keep theirs. A pair that cannot be used
never becomes current.
"""

import hashlib
import os
import ssl
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from kit.certificate import first_of, utc_now, validity_warning

# RFC 9325 section 4.2: forward secrecy and authenticated encryption. TLS 1.3 has only such suites.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_PEM_BYTES = 1024 * 1024  # a chain is some 10 KiB; a path to a disk image is a mistake


class TlsError(Exception):
    """A certificate or key cannot be used: what, why, and what to do instead."""

    def __init__(self, what: str, why: str, instead: str) -> None:
        super().__init__(f"{what}: {why}. {instead}")
        self.what = what
        self.why = why
        self.instead = instead


class _EncryptedKeyError(Exception):
    pass


class TlsContext:
    """:param cert: PEM file: the server's certificate, then those between it and the root.
    :param key: PEM file: its private key, not encrypted.

    :ivar current: what the next handshake uses.
    :ivar warnings: sentences without a full stop about the pair in use: expired, key readable by everybody.
    :raises TlsError: the pair cannot be used.
    """

    def __init__(self, cert: Path, key: Path, *, now: Callable[[], datetime] = utc_now) -> None:
        self.cert = cert
        self.key = key
        self._now = now
        self._digest = b""
        self.current, self.warnings = self._load()

    def __repr__(self) -> str:
        return f"<TlsContext {self.cert}>"

    def reload(self) -> bool:
        """Read both files again; new handshakes use them from now on.

        It reads files and checks a key: some milliseconds, and safe in a thread.

        :returns: whether they hold another pair than before.
        :raises TlsError: they cannot be used; the pair before goes on serving.
        """
        before = self._digest
        self.current, self.warnings = self._load()
        return self._digest != before

    def _load(self) -> tuple[ssl.SSLContext, tuple[str, ...]]:
        cert, key = _read(self.cert, "certificate"), _read(self.key, "key")
        certificate = first_of(cert)
        if certificate is None:
            raise TlsError(
                str(self.cert),
                "it holds no certificate in PEM form",
                "Give the file that begins with -----BEGIN CERTIFICATE-----.",
            )
        context = new_context()
        self._use(context, cert, key)
        self._digest = hashlib.sha256(cert + key).digest()
        found = (validity_warning(certificate, self._now()), _exposure(self.key))
        return context, tuple(warning for warning in found if warning is not None)

    def _use(self, context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
        # The very bytes that were read, in a folder of our own: a tool that replaces the files one after the
        # other cannot come between. OpenSSL reads files only.
        with tempfile.TemporaryDirectory(prefix="lockgate-tls-") as folder:
            cert_copy, key_copy = Path(folder) / "cert.pem", Path(folder) / "key.pem"
            cert_copy.write_bytes(cert)
            key_copy.touch(mode=0o600)
            key_copy.write_bytes(key)
            try:
                context.load_cert_chain(cert_copy, key_copy, password=_no_password)
            except _EncryptedKeyError:
                raise TlsError(
                    str(self.key),
                    "the key is encrypted, and nobody could type its password at a restart",
                    "Decrypt it with `openssl pkey -in KEY -out PLAIN` and protect the file (chmod 600).",
                ) from None
            except ssl.SSLError as error:
                raise self._explain(error) from error

    def _explain(self, error: ssl.SSLError) -> TlsError:
        reason = error.reason or str(error)
        if "MISMATCH" in reason:
            return TlsError(
                f"{self.cert} and {self.key}",
                "the key does not belong to the first certificate",
                "Give the pair that was issued together; in the file the server's own certificate comes first.",
            )
        if "TOO_SMALL" in reason or "TOO_WEAK" in reason:
            return TlsError(
                str(self.cert),
                f"OpenSSL finds it too weak ({reason})",
                "Issue one with RSA of 2048 bits or P-256, signed with SHA-256.",
            )
        return TlsError(
            str(self.key),
            f"it holds no private key in PEM form that OpenSSL can read ({reason})",
            "Give the file that begins with -----BEGIN PRIVATE KEY-----.",
        )


def new_context() -> ssl.SSLContext:
    """Return what every listener of ours speaks: TLS 1.2 and 1.3, HTTP/1.1 only, without a certificate yet."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    raise _EncryptedKeyError


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_PEM_BYTES + 1)
    except OSError as error:
        raise TlsError(
            str(path),
            f"the {what} cannot be read: {error.strerror}",
            "Give a PEM file that this user can read.",
        ) from error
    if len(content) > _PEM_BYTES:
        raise TlsError(str(path), f"the {what} is longer than 1 MiB", "Give a PEM file.")
    return content


def _exposure(key: Path) -> str | None:
    mode = os.stat(key).st_mode
    return f"every user of this machine can read the key {key}" if mode & 0o004 else None
