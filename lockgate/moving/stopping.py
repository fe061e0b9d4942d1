"""Ctrl-C between two batches, never within one: what is told to be written is what was written."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Stopping:
    """Within it the first Ctrl-C waits for `check`; the second one, of somebody who will not wait, is as usual."""

    def __init__(self) -> None:
        self._is_asked = False

    def check(self) -> None:
        """:raises KeyboardInterrupt: somebody wants it to end."""
        if self._is_asked:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _asked(self, _: int, frame: FrameType | None) -> None:  # noqa: ARG002  # signal's
        self.check()
        self._is_asked = True
