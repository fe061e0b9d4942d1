"""Finds who runs a function. Today there is one executor; with several nodes this is where one is picked."""

from typing import Protocol

from kit.invoke import Invoker


class Locator(Protocol):
    def locate(self, function: str, qualifier: str | None) -> Invoker:
        """Called once a request, on the loop's thread: it must only look up."""
        ...


class SingleLocator:
    """One invoker for everything."""

    __slots__ = ("_invoker",)

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    def locate(self, function: str, qualifier: str | None) -> Invoker:  # noqa: ARG002  # the seam's shape
        return self._invoker
