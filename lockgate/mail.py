"""From the file's words for mail to what delivers it, and its exchange by a reload."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from lockgate.config.grammar.server import Server, Smtp

if TYPE_CHECKING:
    from auth.mail.message import Message
    from auth.mail.sender import Sender
    from auth.mail.smtp import SmtpServer
    from kit.invoke import Invoker


def smtp_server(smtp: Smtp) -> "SmtpServer":
    """:raises ValueError: it cannot work, in words for whoever wrote the file."""
    from auth.mail.smtp import SmtpServer  # who sends no mail needs no library for it in memory

    return SmtpServer(
        host=smtp.host,
        port=smtp.port,
        sender=smtp.sender,
        username=smtp.username,
        password=smtp.password,
        encryption=smtp.tls,
    )


def is_mailed(server: Server) -> bool:
    """Whether mail leaves this machine's terminal."""
    return server.smtp is not None or server.mail is not None


class Mailer:
    """Delivers by what the file says now. Mails that wait when a reload changes it leave by the new way, those that
    are on their way end by the old one.

    :param invoker: of the generation that is served. :param dev: without a way the mails are shown to whoever develops;
        `serve` has nobody to show them to. :param loop: the invoker's.
    """

    def __init__(
        self, invoker: "Callable[[], Invoker]", *, dev: bool, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._invoker = invoker
        self._dev = dev
        self._loop = loop
        self._server: Server | None = None
        self._sender: Sender = _Nowhere()

    def follow(self, server: Server) -> None:
        before, self._server = self._server, server
        if before is None or (before.smtp, before.mail) != (server.smtp, server.mail):
            self._sender = self._sender_of(server)

    def send(self, message: "Message") -> None:
        self._sender.send(message)

    def _sender_of(self, server: Server) -> "Sender":
        from auth.mail.console import ConsoleSender
        from auth.mail.function import FunctionSender
        from auth.mail.smtp import SmtpSender

        if server.smtp is not None:
            return SmtpSender(smtp_server(server.smtp))
        if server.mail is not None:
            return FunctionSender(self._invoker, server.mail.function, self._loop)
        return ConsoleSender() if self._dev else _Nowhere()


class _Nowhere:
    """Nothing delivers mail. A code must not lie in a log instead (L2)."""

    def send(self, message: object) -> NoReturn:  # noqa: ARG002  # Sender
        from auth.mail.sender import Refused

        raise Refused("neither server.smtp nor server.mail is set")
