"""What delivers one message. It may block, on a thread of the outbox, and only as long as its own deadlines allow."""

from typing import Protocol

from auth.mail.message import Message


class SendFailed(Exception):
    """:param reason: for the log: without an address, a code or a password."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotNow(SendFailed):
    """Trying again later may help: no connection, a 4xx reply, a function that failed."""


class Refused(SendFailed):
    """Trying again cannot help."""


class Sender(Protocol):
    def send(self, message: Message) -> None:
        """Return when somebody else is responsible for it. Called from several threads.

        :raises NotNow, Refused: nobody is.
        """
        ...
