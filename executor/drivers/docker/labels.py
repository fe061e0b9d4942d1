"""What everything on the engine is called and marked with, so that it can be found again, and only ours."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.names import Names

INSTANCE, EPOCH = "lockgate.instance", "lockgate.epoch"
ENVIRONMENT, SLOT, PROBE = "lockgate.environment", "lockgate.slot", "lockgate.probe"
FUNCTION, REVISION = "lockgate.function", "lockgate.revision"


def instance_label(names: Names) -> str:
    """The filter that finds everything of this instance, of whatever epoch."""
    return f"{INSTANCE}={names.instance}"


def container_name(names: Names, number: int) -> str:
    return f"lockgate-{names.instance}-{names.epoch}-{number}"


def common_labels(names: Names) -> dict[str, str]:
    return {INSTANCE: names.instance, EPOCH: str(names.epoch)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One container of this instance, as the engine lists it. `number` is None for a probe."""

    id: str
    name: str
    epoch: int
    number: int | None
    is_running: bool


def read_found(listed: Mapping[str, object]) -> Found:
    """From an entry of the engine's list of containers. Labels may be anything: another program can set them, too."""
    labels = listed.get("Labels")
    texts = labels if isinstance(labels, Mapping) else {}
    return Found(
        id=str(listed["Id"]),
        name=_name(listed.get("Names")),
        epoch=_number(texts.get(EPOCH)) or 0,
        number=_number(texts.get(ENVIRONMENT, texts.get(SLOT))),
        is_running=listed.get("State") in ("running", "paused"),
    )


def _name(found: object) -> str:
    return str(found[0]).lstrip("/") if isinstance(found, list) and found else ""


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else None
