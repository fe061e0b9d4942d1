"""Errors of the fleet. There is one: the fleet has contradicted itself."""


class BrokenInvariant(AssertionError):  # noqa: N818  # says what it is; the seam's name
    """The fleet's state breaks one of its own rules. A fault in this package, never in what it was told."""
