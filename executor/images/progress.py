"""How far a pull or an import is: one value for all of its layers, from what the engine says of each.

Source: Docker Engine API, "Create an image", the JSON messages of its answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """:param done: of `total`, in `unit`; both 0 where nothing is known yet."""

    text: str
    done: int = 0
    total: int = 0
    unit: Literal["bytes", "steps"] = "bytes"


OnStep = Callable[[Step], None]


def ignore(_step: Step) -> None:
    """For who does not watch."""


class Layers:
    """Downloading is two thirds of a layer's way, extracting one: about what each takes."""

    def __init__(self, image: str) -> None:
        self._image = image
        self._sizes: dict[str, int] = {}
        self._shares: dict[str, float] = {}

    def read(self, message: Mapping[str, Any]) -> Step | None:
        """Take in one message; None when it says nothing of a layer."""
        layer, status = message.get("id"), message.get("status")
        if not isinstance(layer, str) or not isinstance(status, str):
            return None
        detail = message.get("progressDetail") or {}
        total, current = int(detail.get("total") or 0), int(detail.get("current") or 0)
        if total > 0:
            self._sizes[layer] = max(total, self._sizes.get(layer, 0))
        share = self._share(status, current, total)
        if share is None:
            return None
        self._shares[layer] = max(share, self._shares.get(layer, 0.0))
        total_bytes = sum(self._sizes.values())
        done = sum(size * self._shares.get(layer, 0.0) for layer, size in self._sizes.items())
        return Step(text=f"pulling {self._image}", done=int(done), total=total_bytes)

    @staticmethod
    def _share(status: str, current: int, total: int) -> float | None:
        if status in ("Pull complete", "Already exists"):
            return 1.0
        if status in ("Verifying Checksum", "Download complete"):
            return 2 / 3
        if total > 0 and status == "Downloading":
            return current / total * 2 / 3
        if total > 0 and status == "Extracting":
            return 2 / 3 + current / total / 3
        return 0.0 if status in ("Pulling fs layer", "Waiting") else None
