"""What the shell's task keepers need of the shell."""

from typing import Protocol

from executor.core.events import Event
from executor.environment_record import EnvironmentRecord


class Owner(Protocol):
    """Who has the records and the fleet."""

    def handle(self, event: Event) -> object: ...

    def now(self) -> float: ...

    def init_failed(self, record: EnvironmentRecord, status: str, error_type: str | None) -> None: ...

    def slot_removed(self, slot: int) -> None:
        """The slot, which was not used, and all that belonged to it is gone."""
        ...

    def removed(self, record: EnvironmentRecord) -> None:
        """The environment and all that belonged to it is gone."""
        ...
