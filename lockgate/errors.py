"""Errors that end a command. Each carries the exit code that scripts rely on."""

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    USAGE = 2
    CONFIGURATION = 3
    AUTHORIZATION = 4
    RUNTIME = 5


class CommandError(Exception):
    """Ends a command.

    :param what: what went wrong, one sentence.
    :param instead: what to do about it, one sentence.
    """

    exit_code = ExitCode.RUNTIME

    def __init__(self, what: str, instead: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead


class UsageError(CommandError):
    exit_code = ExitCode.USAGE


class ConfigurationError(CommandError):
    exit_code = ExitCode.CONFIGURATION


class RuntimeFailure(CommandError):
    exit_code = ExitCode.RUNTIME
