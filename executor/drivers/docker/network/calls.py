"""What of the engine's client is used here."""

from collections.abc import Mapping
from typing import Any, Protocol


class EngineCalls(Protocol):
    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,  # JSON
    ) -> Any:
        """:raises EngineFault:"""
        ...
