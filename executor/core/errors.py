"""Errors of the fleet. There is one: the fleet has contradicted itself."""


class BrokenInvariant(AssertionError):
    """The fleet's state breaks one of its own rules. A fault in this package, never in what it was told."""


def must(holds: bool, rule: str, about: object) -> None:
    """:raises BrokenInvariant: naming the rule, if it does not hold."""
    if not holds:
        raise BrokenInvariant(f"{rule}: {about!r}")
