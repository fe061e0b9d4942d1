"""Names of the file that refer to other names of it."""

from kit.positioned_yaml import KeyPath
from lockgate.config.declared import Declared
from lockgate.config.grammar.scalars import closest
from lockgate.config.report import Report


def check_function_name(function: str, declared: Declared, path: KeyPath, report: Report) -> None:
    """Report a function that the file does not have; *path* is where it is named."""
    functions = declared.names("functions")
    if declared.is_readable("functions") and function not in functions:
        reason = f'there is no function "{function}"'
        report.add("unknown-function", path, reason, closest(function, functions))


def check_authorizer_name(authorizer: str, declared: Declared, path: KeyPath, report: Report) -> None:
    """Report an authorizer that the file does not have; *path* is where it is named."""
    authorizers = declared.names("authorizers")
    if declared.is_readable("authorizers") and authorizer not in authorizers:
        reason = f'there is no authorizer "{authorizer}"'
        report.add("unknown-authorizer", path, reason, closest(authorizer, authorizers))
