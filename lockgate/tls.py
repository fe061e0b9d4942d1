"""The public listener's certificate: what the operator named, or one made for this machine in the state folder."""

import os
from pathlib import Path

from kit.certificate import LOCAL_HOSTS, is_due, self_signed, utc_now
from kit.tls import TlsContext, TlsError
from lockgate.errors import ConfigurationError, RuntimeFailure
from lockgate.settings import Settings


def open_tls(settings: Settings, state: Path) -> TlsContext | None:
    """None where plain HTTP is spoken.

    :param state: the state folder, opened.
    :raises RuntimeFailure: the certificate or its key cannot be used.
    """
    if settings.tls_cert is not None and settings.tls_key is not None:
        cert, key = settings.tls_cert, settings.tls_key
    elif settings.tls:
        cert, key = own_pair(state / "tls")
    else:
        return None
    try:
        return TlsContext(cert, key)
    except TlsError as error:
        raise RuntimeFailure(f"{error.what}: {error.why}.", error.instead) from error


def reread_tls(tls: TlsContext | None) -> tuple[str, ...]:
    """Use the pair that the files hold now.

    :returns: what has changed by it: ``certificate``, or nothing.
    :raises ConfigurationError: they cannot be used; nothing has changed.
    """
    if tls is None:
        return ()
    try:
        return ("certificate",) if tls.reload() else ()
    except TlsError as error:
        raise ConfigurationError(f"{error}") from error


def own_pair(folder: Path) -> tuple[Path, Path]:
    """The paths of a certificate for localhost and its key, made if there is none or it ends soon."""
    folder.mkdir(mode=0o700, exist_ok=True)
    cert, key = folder / "cert.pem", folder / "key.pem"
    now = utc_now()
    known = cert.read_bytes() if cert.exists() and key.exists() else b""
    if is_due(known, LOCAL_HOSTS, now):
        for path, pem in zip((cert, key), self_signed(LOCAL_HOSTS, now), strict=True):
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
    return cert, key
