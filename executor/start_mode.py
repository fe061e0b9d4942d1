"""Which slots may become environments of a revision: the driver says, the fleet knows them by a key."""

import orjson

from executor.driver import Driver, EnvironmentShape, StartMode
from executor.revision import Revision


def slot_key(driver: Driver, revision: Revision) -> str | None:
    """Key of the slots that the revision's environments may be made from; None: each is made for it alone."""
    if driver.start_mode(revision) is StartMode.DIRECT:
        return None
    return shape_key(driver.shape(revision))


def shape_key(shape: EnvironmentShape) -> str:
    """The same text for shapes that are equal, and only for those."""
    return orjson.dumps(shape, option=orjson.OPT_SORT_KEYS).decode()


def read_shape(key: str) -> EnvironmentShape:
    """The shape that `shape_key` wrote."""
    document = orjson.loads(key)
    return EnvironmentShape(**(document | {"networks": tuple(document["networks"])}))
