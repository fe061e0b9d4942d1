"""The identity of what runs."""

from dataclasses import replace

import pytest

from executor.revision import FunctionConfig, ImageConfig, NetworkConfig, Revision

CONFIG = FunctionConfig(
    name="notes", runtime="python3.13", handler="app.handler", environment={"A": "1", "B": "2"}
)
CHANGES = {
    "name": "other",
    "runtime": "python3.12",
    "handler": "app.other",
    "memory_mb": 512,
    "timeout_s": 11.0,
    "storage_mb": 1024,
    "idle_timeout_s": 1.0,
    "environment": {"A": "1", "B": "3"},
    "volumes": {"DATA": "/srv"},
    "reserved": 0,
    "cpu": "strict",
    "provisioned": 1,
    "isolation": "invocation",
    "network": NetworkConfig(egress="none"),
    "image": ImageConfig(command=("app.other",)),
    "sandbox": "runsc",
}


def test_same_parts_give_the_same_digest_whatever_their_order() -> None:
    swapped = replace(CONFIG, environment={"B": "2", "A": "1"})
    assert Revision.of(CONFIG, "p").digest == Revision.of(swapped, "p").digest


def test_digest_is_32_hex_digits_and_pinned() -> None:
    """A change of the digest drops every warm pool at an upgrade: it should be meant."""
    assert Revision.of(CONFIG, "p").digest == "d8563ccb16a05d33a1bc5ae18adeb7de"


def test_every_field_of_a_config_is_tried_below() -> None:
    assert set(CHANGES) == set(FunctionConfig.__dataclass_fields__)


@pytest.mark.parametrize("field", CHANGES)
def test_any_change_of_the_configuration_is_another_revision(field: str) -> None:
    changed = replace(CONFIG, **{field: CHANGES[field]})  # type: ignore[arg-type]  # one of each type
    assert Revision.of(changed, "p") != Revision.of(CONFIG, "p")


def test_another_package_is_another_revision() -> None:
    assert Revision.of(CONFIG, "p").digest != Revision.of(CONFIG, "q").digest


def test_another_image_is_another_revision() -> None:
    """C10: environments of an image that a tag meant before are not used any more."""
    images = (None, "sha256:" + "1" * 64, "sha256:" + "2" * 64)
    assert len({Revision.of(CONFIG, "p", image) for image in images}) == 3


def test_revisions_are_equal_by_digest() -> None:
    one, same, other = Revision.of(CONFIG, "p"), Revision.of(CONFIG, "p"), Revision.of(CONFIG, "q")
    assert (one == same, one == other, one == one.digest) == (True, False, False)
    assert {one: 1}[same] == 1
