"""A fault: one small change of one file that a test must notice."""

from typing import NamedTuple


class Fault(NamedTuple):
    """:param file: below the root of the repository; :param old: occurs in it exactly once.

    :param tests: pytest's node paths; at least one of them fails when `old` has become `new`.
    :param requirement: the id that each of `tests` cites in its name or docstring; ``""`` for none.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    requirement: str = ""
