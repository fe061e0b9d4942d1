"""Function logs that `lockgate dev` also shows as they come."""

from collections.abc import Callable
from pathlib import Path

from executor.logs.records import FUNCTION, INIT_REPORT, LOGS_DROPPED, Line
from executor.logs.store import FunctionLogs

_SHOWN = (FUNCTION, INIT_REPORT, LOGS_DROPPED)


class EchoedLogs(FunctionLogs):
    """:param echo: gets function name and text of each line that a person wants to see; it must not raise."""

    def __init__(self, root: Path, max_mb: int, *, echo: Callable[[str, str], None]) -> None:
        super().__init__(root, max_mb)
        self._echo = echo

    def line(self, item: Line) -> None:
        super().line(item)
        if item.type in _SHOWN:
            self._echo(item.function, item.text)
