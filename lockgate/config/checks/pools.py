"""Checks of the ``user_pools:`` section."""

from lockgate.config.checks.references import check_function_name
from lockgate.config.declared import Declared
from lockgate.config.grammar.file import RoutesFile
from lockgate.config.report import Report


def check_triggers(file: RoutesFile, declared: Declared, report: Report) -> None:
    """Report triggers that name no function."""
    for name, pool in file.user_pools.items():
        for trigger, function in pool.triggers.items():
            path = ("user_pools", name, "triggers", trigger)
            check_function_name(function, declared, path, report)
