"""Names and labels on the engine."""

from executor.drivers.docker.labels import common_labels, container_name, instance_label, read_found
from kit.names import Names

NAMES = Names(instance="0a1b2c3d", epoch=7)


def test_names_carry_instance_epoch_and_number() -> None:
    """C8: made of hex digits and numbers only, whatever a function is called."""
    assert container_name(NAMES, 12) == "lockgate-0a1b2c3d-7-12"
    assert instance_label(NAMES) == "lockgate.instance=0a1b2c3d"
    assert common_labels(NAMES) == {"lockgate.instance": "0a1b2c3d", "lockgate.epoch": "7"}


def test_listed_containers_are_read() -> None:
    listed = {
        "Id": "c1",
        "Names": ["/lockgate-0a1b2c3d-7-12"],
        "State": "running",
        "Labels": {"lockgate.epoch": "7", "lockgate.environment": "12"},
    }
    found = read_found(listed)
    assert (found.id, found.name, found.epoch, found.number, found.is_running) == (
        "c1", "lockgate-0a1b2c3d-7-12", 7, 12, True,
    )  # fmt: skip


def test_slots_have_numbers_too_and_probes_none() -> None:
    assert read_found({"Id": "c", "Labels": {"lockgate.slot": "3"}}).number == 3
    assert read_found({"Id": "c", "Labels": {"lockgate.probe": "1"}}).number is None


def test_labels_of_somebody_else_are_no_numbers() -> None:
    for text in ("", "-1", "x", "1.5", "\u0661"):
        found = read_found({"Id": "c", "Labels": {"lockgate.environment": text, "lockgate.epoch": text}})
        assert (found.number, found.epoch, found.is_running) == (None, 0, False)
    assert read_found({"Id": "c", "Labels": None}).number is None
