"""Mail over SMTP: a connection a mail, encrypted unless the server is on this machine or the file says otherwise.

Encryption is decided by configuration, never by what the server offers: one that offers no STARTTLS gets no mail
(RFC 8314 §3.3; a man in the middle strips the offer).
"""

import contextlib
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, make_msgid
from typing import Final, Literal

from auth.mail.message import Message, is_address
from auth.mail.sender import NotNow, Refused

Encryption = Literal["starttls", "implicit", "none"]

CONNECT_AND_REPLY_S: Final = (
    15.0  # for each step; RFC 5321 §4.5.3.2 allows minutes, people waiting for a code do not
)
_SMTPS_PORT: Final = 465
_TEMPORARY: Final = range(400, 500)
_MAX_REPLY: Final = 200
_MAX_LINE: Final = 78  # RFC 5322 §2.1.1: the least that any program shows well
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TELLING: Final = re.compile(r"\S*@\S*|\d{6,}|[^\x20-\x7e]+")  # addresses, codes, what steers terminals


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """:param sender: ``hello@example.com`` or ``Notes <hello@example.com>``.

    :param encryption: None: none on this machine's own addresses, ``implicit`` on port 465, else ``starttls``.
    :raises ValueError: it cannot work, in words for whoever wrote the file.
    """

    host: str
    port: int = 587
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    encryption: Encryption | None = None
    timeout_s: float = CONNECT_AND_REPLY_S

    def __post_init__(self) -> None:
        sender_address(self.sender)
        if (self.username is None) != (self.password is None):
            raise ValueError("a mail server needs both a user name and a password, or neither")
        if self.password is not None and self.way == "none" and self.host not in _LOOPBACK:
            raise ValueError("a password is not sent without encryption: set tls")

    @property
    def way(self) -> Encryption:
        if self.encryption is not None:
            return self.encryption
        if self.port == _SMTPS_PORT:
            return "implicit"
        return "none" if self.host in _LOOPBACK else "starttls"


class SmtpSender:
    """:param tls: what the server's certificate is checked with; None: the system's authorities and the host name."""

    def __init__(self, server: SmtpServer, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._from = sender_address(server.sender)
        self._tls = tls or ssl.create_default_context()
        self._hello = socket.gethostname()  # smtplib's own way asks the DNS at each mail, without a deadline

    def send(self, message: Message) -> None:
        mail = self.mail(message)
        try:
            connection = self._connect()
            try:
                connection.send_message(mail, from_addr=self._from.addr_spec, to_addrs=[message.to])
            finally:
                _leave(connection)
        except smtplib.SMTPRecipientsRefused as error:
            status, text = error.recipients[message.to]
            raise _failure(status, text) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:  # STARTTLS, AUTH or SMTPUTF8 is not offered
            raise Refused(_harmless(str(error))) from error
        except ssl.SSLCertVerificationError as error:
            raise NotNow(f"the mail server's certificate: {error.verify_message}") from error
        except (smtplib.SMTPException, OSError) as error:  # TimeoutError and TLS errors are OSErrors
            raise NotNow(f"no mail server: {type(error).__name__}") from error

    def mail(self, message: Message) -> EmailMessage:
        """As it goes over the wire. Setting a header refuses line ends once more."""
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._from
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=self._from.domain)  # not this machine's name
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: holiday notices do not answer it
        is_plain = message.text.isascii() and all(len(line) <= _MAX_LINE for line in message.text.split("\n"))
        mail.set_content(message.text, cte="7bit" if is_plain else "quoted-printable")
        return mail

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        connection: smtplib.SMTP
        if server.way == "implicit":
            connection = smtplib.SMTP_SSL(
                server.host, server.port, self._hello, timeout=server.timeout_s, context=self._tls
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, self._hello, timeout=server.timeout_s)
        try:
            if server.way == "starttls":
                connection.starttls(context=self._tls)
            if server.username is not None and server.password is not None:
                connection.login(server.username, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


def sender_address(text: str) -> Address:
    """``Notes <hello@example.com>`` in its parts. :raises ValueError: it is not one mail address."""
    parts = getaddresses([text]) if text.isprintable() else []
    name, address = parts[0] if len(parts) == 1 else ("", "")
    if not is_address(address):
        raise ValueError(f"{text!r} is not a mail address")
    try:
        return Address(display_name=name, addr_spec=address)
    except HeaderParseError as error:
        raise ValueError(f"{text!r} is not a mail address") from error


def _leave(connection: smtplib.SMTP) -> None:
    """Whatever is answered to QUIT: the mail is the server's by then, and sending it again would make two of it."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        connection.quit()
    connection.close()


def _failure(status: int, text: bytes | str) -> NotNow | Refused:
    shown = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    reason = f"the mail server says {status} {_harmless(shown)}".rstrip()
    # A login that fails is the operator's mistake: mails wait while it is mended.
    is_temporary = status in _TEMPORARY or status in {530, 534, 535, -1}
    return NotNow(reason) if is_temporary else Refused(reason)


def _harmless(reply: str) -> str:
    """What a server says, without what it may repeat: the address, the code."""
    return " ".join(_TELLING.sub("…", reply).split())[:_MAX_REPLY]
