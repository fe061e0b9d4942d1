"""Passwords for the command line: from standard input, or asked for without an echo; never from its words.

``ps`` and the shell's history show what stands on a command line.
"""

import getpass
import sys

from lockgate.errors import UsageError

MAX_CHARS = 1024


def read_password(*, what: str = "Password") -> str:
    """:raises UsageError: there is none, or it was typed differently the second time."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline(MAX_CHARS + 2)
        password = line.rstrip("\r\n")
        if not password:
            raise UsageError(
                "There is no password: nothing was read.",
                "Pipe it in, or run this where it can be asked for.",
            )
        return password
    password = getpass.getpass(f"{what}: ")
    if password != getpass.getpass(f"{what} again: "):
        raise UsageError("The two are not the same.", "Try again.")
    if not password:
        raise UsageError("There is no password.", "Type one.")
    return password
