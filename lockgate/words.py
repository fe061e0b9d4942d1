"""How words become arguments: argparse with our exit code, and for some commands in any order."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from lockgate.errors import ExitCode


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"lockgate: {message}", file=sys.stderr)  # noqa: T201
        raise SystemExit(ExitCode.USAGE)


class FreeOrderParser(Parser):
    """Takes ``POOL --csv FILE``, too. argparse's own way gives all places to the words before the first option."""

    _is_within = False  # the slower way is made of the plain one

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # Any: argparse's overloads
        if self._is_within:
            return super().parse_known_args(args, namespace)
        self._is_within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_within = False
