"""Handlers that go to a limit of their environment."""


def eat(event, _context):
    """Take `event` MB and touch every page, so that they are used and not just reserved."""
    taken = [b"\xff" * (1 << 20) for _ in range(event)]
    return sum(map(len, taken))
