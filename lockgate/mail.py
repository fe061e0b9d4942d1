"""From the file's words for mail to what delivers it. A mapping only."""

from typing import TYPE_CHECKING

from lockgate.config.grammar.server import Smtp

if TYPE_CHECKING:
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
