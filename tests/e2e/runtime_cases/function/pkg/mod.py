"""A handler in a package."""


def handler(event, _context):
    return {"from": __name__, "event": event}
