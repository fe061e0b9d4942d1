"""For one's own machine: the mail is shown instead of sent, codes and all. Never on a server that others use."""

import sys
from collections.abc import Callable

from auth.mail.message import Message


class ConsoleSender:
    """:param write: takes the whole mail as text in one call; standard error, unless it is somebody's stream."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or _on_stderr

    def send(self, message: Message) -> None:
        lines = [
            f"To: {message.to}",
            f"Subject: {message.subject}",
            "",
            *message.text.rstrip("\n").split("\n"),
        ]
        self._write("\n".join(["", "  ╭─ mail", *(f"  │ {line}".rstrip() for line in lines), "  ╰─", "\n"]))


def _on_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
