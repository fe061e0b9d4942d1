"""What VOLUME lines of an image become."""

from executor.drivers.docker.image_volumes import mounts
from kit.names import Names


def test_what_an_image_declares_as_volumes_is_read_only() -> None:
    """C1: the engine would make them writable. What is mounted by us stays as it is."""
    names = Names(instance="0badcafe", epoch=3)
    found = mounts("lockgate-0badcafe-3-7", ("/data/", "/tmp", "/var//task"), ("/tmp", "/var/task"), names)
    assert found == [
        {
            "Type": "volume",
            "Source": "lockgate-0badcafe-3-7-0",
            "Target": "/data",
            "ReadOnly": True,
            "VolumeOptions": {"Labels": {"lockgate.instance": "0badcafe", "lockgate.epoch": "3"}},
        }
    ]
