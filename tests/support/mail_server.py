"""A mail server by others (aiosmtpd) on loopback: it keeps what arrives, or refuses and hangs as a test wants."""

import asyncio
import queue
import re
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ARRIVES_S = 10.0
_CODE = re.compile(r"^    (\d{6})$", re.MULTILINE)


@dataclass(frozen=True)
class Arrived:
    """One mail, with the envelope that it came in."""

    sender: str
    recipients: tuple[str, ...]
    mail: EmailMessage
    raw: bytes
    is_encrypted: bool
    username: str | None

    @property
    def text(self) -> str:
        return str(self.mail.get_content())

    @property
    def code(self) -> str:
        found = self._code()
        assert found, self.text
        return found[1]

    @property
    def has_code(self) -> bool:
        return self._code() is not None

    def _code(self) -> re.Match[str] | None:
        return _CODE.search(self.text.replace("\r\n", "\n"))


class MailServer:
    """`with MailServer() as server:`.

    :param tls: of STARTTLS, or with *implicit* of each connection. :param login: the only one that is accepted;
    without it mail is taken from anybody.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        smtputf8: bool = True,
    ) -> None:
        self.says: deque[str] = (
            deque()
        )  # what the next recipients are answered instead of 250; "hang": nothing
        self.connections = 0
        self._arrived: queue.Queue[Arrived] = queue.Queue()
        self._tls = tls
        self._implicit = implicit
        self._login = login
        self._smtputf8 = smtputf8
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self.hung = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail-server")
        self.port = 0

    def arrived(self, timeout_s: float = ARRIVES_S) -> Arrived:
        """The next mail, when it is there."""
        return self._arrived.get(timeout=timeout_s)

    def has_more(self) -> bool:
        return not self._arrived.empty()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            self._protocol, "127.0.0.1", self.port, ssl=self._tls if self._implicit else None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _leave(self) -> None:
        self._released.set()
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> SMTP:
        self.connections += 1
        options: dict[str, Any] = {}
        if self._login is not None:
            options = {
                "authenticator": self._judge,
                "auth_required": True,
                "auth_require_tls": self._tls is not None,
            }
            options |= {"auth_exclude_mechanism": ["CRAM-MD5"]}
        return SMTP(
            self,
            hostname="mail.test",
            ident="test",
            enable_SMTPUTF8=self._smtputf8,
            tls_context=None if self._implicit else self._tls,
            require_starttls=self._tls is not None and not self._implicit,
            loop=self._loop,
            **options,
        )

    def _judge(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        login = (data.login.decode(), data.password.decode())
        return AuthResult(success=login == self._login, handled=False, auth_data=login[0])

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = self.says.popleft() if self.says else "250 OK"
        if said == "hang":
            self.hung.set()
            await self._released.wait()
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        mail = message_from_bytes(raw, policy=default)
        assert isinstance(mail, EmailMessage)
        self._arrived.put(
            Arrived(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                mail=mail,
                raw=raw,
                is_encrypted=session.ssl is not None or self._implicit,
                username=str(session.auth_data) if session.authenticated else None,
            )
        )
        return "250 OK"
