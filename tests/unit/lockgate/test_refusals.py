"""Refusals in the log: each one counted, the first of a second said, a flood summed up."""

from typing import Any

from lockgate.refusals import LINES_A_SECOND, RefusalLog


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.said: list[dict[str, Any]] = []
        self.counted: list[tuple[object, ...]] = []
        self.log = RefusalLog(self._say, mono=lambda: self.now)
        self.refused = self.log.on_refused("gateway", lambda *refusal: self.counted.append(refusal))

    def _say(self, kind: str, **fields: Any) -> None:
        self.said.append({"event": kind} | fields)


def test_refusal_is_counted_and_said() -> None:
    world = World()

    world.refused("host", 400, ("192.0.2.1", 5))

    assert world.counted == [("host", 400, ("192.0.2.1", 5))]
    assert world.said == [
        {
            "event": "refused", "level": "warning", "listener": "gateway", "reason": "host", "status": 400,
            "ip": "192.0.2.1",
        }
    ]  # fmt: skip


def test_what_was_not_answered_is_only_counted() -> None:
    world = World()

    world.refused("header_with_underscore", 0, None)

    assert (len(world.counted), world.said) == (1, [])


def test_flood_is_summed_up_in_the_next_seconds_first_line() -> None:
    world = World()
    for _ in range(LINES_A_SECOND + 30):
        world.refused("malformed", 400, None)
    assert len(world.said) == LINES_A_SECOND

    world.now += 1
    world.refused("framing", 400, None)
    world.refused("framing", 400, None)

    assert [line.get("unsaid") for line in world.said[-3:]] == [None, 30, None]
    assert len(world.counted) == LINES_A_SECOND + 32
