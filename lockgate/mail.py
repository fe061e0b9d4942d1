"""From the file's words for mail to what delivers it. A mapping only."""

from typing import TYPE_CHECKING, NoReturn

from lockgate.config.grammar.server import Smtp

if TYPE_CHECKING:
    from auth.mail.sender import Sender
    from auth.mail.smtp import SmtpServer


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


def sender_of(smtp: Smtp | None, *, dev: bool) -> "Sender":
    """:param dev: without a mail server the mails are shown to whoever develops; `serve` has nobody to show them to."""
    from auth.mail.console import ConsoleSender
    from auth.mail.smtp import SmtpSender

    if smtp is not None:
        return SmtpSender(smtp_server(smtp))
    return ConsoleSender() if dev else _Nowhere()


class _Nowhere:
    """There is no mail server. A code must not lie in a log instead (L2)."""

    def send(self, message: object) -> NoReturn:  # noqa: ARG002  # Sender
        from auth.mail.sender import Refused

        raise Refused("server.smtp is not set")
